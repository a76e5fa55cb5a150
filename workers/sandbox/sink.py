"""An SMTP sink: ``python -m workers.sandbox.sink --journal FILE``.

Takes every mail and writes one journal record each, durable before its 250:
``{"kind": "mail", "message_id", "to", "template", "order", "shipment", "subject", "bytes"}``; ``to`` is the list of
RCPT addresses as they stood on the wire, quotes kept.  A client that goes without QUIT after a final dot cannot tell
whether that mail was taken; ``{"kind": "cut", "message_id", "also"}`` keeps which one it was, and which others came over that connection
within the second before, since their sender may have died before it wrote down that they had gone.  A protocol of its own and not a
library's, because mail is the pipeline's bottleneck and the sink must not be.  ``--http-port`` serves ``GET /counters`` and ``POST /_faults``.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
import zlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any, cast

from workers.sandbox import process
from workers.sandbox.faults import Faults
from workers.sandbox.http_server import Reply, Request, serving
from workers.sandbox.journal import Journal

FAULTS = {
    "refuse_rate": 0.0,  # 451 to RCPT
    "defer_rate": 0.0,  # 451 to RCPT, always to the same recipients
    "greylist": 0.0,  # 451 to RCPT until so many seconds after the recipient was first seen
    "cut_before_rate": 0.0,  # connection cut after the final dot, the mail is lost
    "cut_after_rate": 0.0,  # connection cut after the final dot, the mail was taken
    "latency": 0.0,  # seconds between the final dot and its answer
}

#: Real seconds within which whoever heard that a mail was taken has written it down.
RECORDING = 1.0
MAX_MAIL = 10 * 1024 * 1024
_MAX_LINE = 4096
_ADDRESS = re.compile(rb"(?i)(?:FROM|TO):\s*<([^<>]*)>(?: .*)?")
_EXTENSIONS = (b"shukka-sink", b"PIPELINING", b"8BITMIME", b"SMTPUTF8", b"SIZE %d" % MAX_MAIL)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A mail as it arrived; ``raw`` has its leading dots put back to what the sender meant."""

    sender: str
    recipients: Sequence[str]
    raw: bytes


Take = Callable[[Envelope], Awaitable[bytes | None]]
"""Stores a mail and gives the reply to the final dot; None cuts the connection."""

Cut = Callable[[Envelope, Sequence[Envelope]], Awaitable[None]]
"""Told the last mail of a client that went without QUIT, and those that it had handed over a moment before."""

Screen = Callable[[str], bytes]
"""The reply to a RCPT address."""


def describe(envelope: Envelope) -> dict[str, Any]:
    """The journal record of a mail, read from its envelope and headers."""
    headers = _headers(envelope.raw)
    return {
        "kind": "mail",
        "message_id": headers.get("message-id"),
        "to": list(envelope.recipients),
        "template": headers.get("x-shukka-template"),
        "order": headers.get("x-shukka-order"),
        "shipment": headers.get("x-shukka-shipment"),
        "subject": _decoded(headers.get("subject")),
        "bytes": len(envelope.raw),
    }


def _headers(raw: bytes) -> dict[str, str]:
    head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head)
    lines = (line.partition(":") for line in unfolded.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _decoded(subject: str | None) -> str | None:
    if subject is None or "=?" not in subject:
        return subject
    try:
        return str(make_header(decode_header(subject)))
    except (LookupError, ValueError):
        return subject


class SmtpConnection(asyncio.Protocol):
    """One client, speaking RFC 5321 with PIPELINING: commands are answered in order, however they arrive."""

    def __init__(self, take: Take, screen: Screen, cut: Cut, connections: set[SmtpConnection]) -> None:
        self._take = take
        self._screen = screen
        self._cut = cut
        self._connections = connections
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._buffer = bytearray()
        self._searched = 0
        self._in_data = False
        self._task: asyncio.Task[None] | None = None
        self._last: Envelope | None = None
        self._answered: deque[tuple[float, Envelope]] = deque()
        self._commands: dict[bytes, Callable[[bytes], None]] = {
            b"EHLO": self._ehlo,
            b"HELO": lambda _: self._hello(b"250 shukka-sink"),
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": lambda _: self._hello(b"250 2.0.0 reset"),
            b"NOOP": lambda _: self._reply(b"250 2.0.0 fine"),
            b"QUIT": self._quit,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._connections.add(self)
        self._reply(b"220 shukka-sink ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._last is not None:
            before = [
                mail for at, mail in self._answered if at > time.monotonic() - RECORDING and mail is not self._last
            ]
            self._farewell = asyncio.create_task(self._note_cut(self._task, self._last, before))

    async def _note_cut(self, storing: asyncio.Task[None] | None, last: Envelope, before: Sequence[Envelope]) -> None:
        if storing is not None:  # the mail first, then that nobody heard of it
            await asyncio.wait({storing})
        await self._cut(last, before)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        """Serve what the buffer holds, until it runs out or a mail is being stored."""
        while self._task is None and not self.transport.is_closing():
            if not (self._end_of_mail() if self._in_data else self._one_command()):
                return

    def _one_command(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > _MAX_LINE:
                self._reply(b"500 5.5.2 line too long")
                self.transport.close()
            return False
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        verb, _, rest = line.partition(b" ")
        command = self._commands.get(verb.upper())
        if command is None:
            self._reply(b"500 5.5.1 unknown command")
        else:
            command(rest.strip())
        return True

    def _end_of_mail(self) -> bool:
        end = self._buffer.find(b"\r\n.\r\n", self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - 4)
            if len(self._buffer) > 2 * MAX_MAIL:
                self.transport.abort()
            return False
        # The CRLF in front was put there by DATA, so that a dot on the first line is like any other.
        raw = bytes(self._buffer[2 : end + 2]).replace(b"\r\n..", b"\r\n.")
        if raw.startswith(b".."):
            raw = raw[1:]
        del self._buffer[: end + 5]
        envelope = Envelope(self._sender or "", self._recipients, raw)
        self._in_data = False
        self._reset()
        if len(raw) > MAX_MAIL:
            self._reply(b"552 5.3.4 the mail is too large")
        else:
            self._task = asyncio.create_task(self._store(envelope))
        return True

    async def _store(self, envelope: Envelope) -> None:
        self._last = envelope
        try:
            reply = await self._take(envelope)
        except OSError:
            reply = b"451 4.3.0 the disk refused the mail"
        self._task = None
        if reply is None:
            self.transport.abort()
            return
        self._reply(reply)
        now = time.monotonic()
        self._answered.append((now, envelope))
        while self._answered[0][0] < now - RECORDING:
            self._answered.popleft()
        self._go_on()

    def _ehlo(self, _: bytes) -> None:
        self._reset()
        lines = [b"250-" + word for word in _EXTENSIONS[:-1]] + [b"250 " + _EXTENSIONS[-1]]
        self._reply(b"\r\n".join(lines))

    def _hello(self, reply: bytes) -> None:
        self._reset()
        self._reply(reply)

    def _mail(self, rest: bytes) -> None:
        address = _ADDRESS.fullmatch(rest)
        if address is None:
            self._reply(b"501 5.5.4 write MAIL FROM:<address>")
        elif self._sender is not None:
            self._reply(b"503 5.5.1 one sender is enough")
        else:
            self._sender = address[1].decode("utf-8", "replace")
            self._reply(b"250 2.1.0 ok")

    def _rcpt(self, rest: bytes) -> None:
        address = _ADDRESS.fullmatch(rest)
        if self._sender is None:
            self._reply(b"503 5.5.1 MAIL first")
        elif address is None or not address[1]:
            self._reply(b"501 5.5.4 write RCPT TO:<address>")
        else:
            recipient = address[1].decode("utf-8", "replace")
            reply = self._screen(recipient)
            if reply.startswith(b"2"):
                self._recipients.append(recipient)
            self._reply(reply)

    def _data(self, _: bytes) -> None:
        if not self._recipients:
            self._reply(b"503 5.5.1 RCPT first")
            return
        self._in_data = True
        self._searched = 0
        self._buffer[:0] = b"\r\n"
        self._reply(b"354 end with a line that holds one dot")

    def _quit(self, _: bytes) -> None:
        self._last = None
        self._reply(b"221 2.0.0 bye")
        self.transport.close()

    def _reply(self, line: bytes) -> None:
        self.transport.write(line + b"\r\n")

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []


class Sink:
    """Stores mails, and goes wrong as its switches say."""

    def __init__(
        self,
        journal: Journal,
        faults: Faults,
        *,
        rejected: frozenset[str] = frozenset(),
        keep: Path | None = None,
        kept: frozenset[str] = frozenset(),
    ) -> None:
        """``rejected``: addresses that get a 550; ``keep``: a directory for .eml files, of the mails to ``kept`` (none: of all)."""
        self._journal = journal
        self._faults = faults
        self._rejected = rejected
        self._keep = keep
        self._kept = kept
        self.closing = False
        self._first_seen: dict[str, float] = {}
        self.counters: Counter[str] = Counter()
        self.connections: set[SmtpConnection] = set()

    def connection(self) -> SmtpConnection:
        """The protocol of one more client."""
        return SmtpConnection(self.take, self.screen, self.note_cut, self.connections)

    def screen(self, recipient: str) -> bytes:
        """The reply to ``RCPT TO:<recipient>``."""
        if recipient in self._rejected:
            self.counters["rejected"] += 1
            return b"550 5.1.1 no such mailbox"
        if name := self._deferral(recipient):
            self.counters[name] += 1
            return b"451 4.7.1 try again later"
        return b"250 2.1.5 ok"

    def _deferral(self, recipient: str) -> str | None:
        """Why a recipient is to be tried later, as the counters call it."""
        if self._faults.strikes("refuse_rate"):
            return "refused"
        if zlib.crc32(recipient.encode()) < self._faults["defer_rate"] * 2**32:
            return "deferred"
        now, greylist = time.monotonic(), self._faults["greylist"]
        is_early = greylist > 0 and now < self._first_seen.setdefault(recipient, now) + greylist
        return "greylisted" if is_early else None

    async def take(self, envelope: Envelope) -> bytes | None:
        """Make the mail durable and give the reply to its final dot; None cuts the connection."""
        if self._faults["latency"]:
            await asyncio.sleep(self._faults["latency"])
        if self._faults.strikes("cut_before_rate"):
            self.counters["cut_before"] += 1
            return None
        await self._journal.write(describe(envelope))
        self.counters["mails"] += 1
        number = self.counters["mails"]
        if self._keep is not None and (not self._kept or not self._kept.isdisjoint(envelope.recipients)):
            await asyncio.to_thread(_write, self._keep, number, envelope.raw)
        if self._faults.strikes("cut_after_rate"):
            self.counters["cut_after"] += 1
            return None
        return b"250 2.0.0 taken as %d" % number

    async def note_cut(self, envelope: Envelope, before: Sequence[Envelope]) -> None:
        """Keep in mind that the sender of this mail may never have heard what became of it, nor written it down of those
        ``before``."""
        if not self.closing:  # else it is we who hang up
            also = [describe(one)["message_id"] for one in before]
            await self._journal.write(
                {"kind": "cut", "message_id": describe(envelope)["message_id"], **({"also": also} if also else {})}
            )

    async def handle(self, request: Request) -> Reply:
        """Answer ``GET /counters`` and ``POST /_faults``."""
        if request.path == "/counters" and request.method == "GET":
            return Reply(200, dict(self.counters))
        if request.path == "/_faults" and request.method == "POST":
            return process.change_faults(self._faults, request)
        return Reply(404)


def _write(directory: Path, number: int, raw: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    part = directory / f".{number:06d}.part"
    part.write_bytes(raw)
    part.replace(directory / f"{number:06d}.eml")  # whole at once: somebody may be reading


def _options() -> argparse.ArgumentParser:
    options = process.parser("workers.sandbox.sink", "An SMTP sink.")
    options.add_argument("--reject", action="append", default=[], metavar="ADDRESS", help="answer 550 to this address")
    options.add_argument("--keep", type=Path, metavar="DIR", help="write every mail as an .eml file")
    options.add_argument(
        "--keep-only", action="append", default=[], metavar="ADDRESS", help="write those to this address"
    )
    options.add_argument("--http-port", type=int, help="serve counters and fault switches here; 0 takes a free port")
    return options


async def main() -> None:
    """Serve until SIGTERM."""
    arguments = _options().parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, AsyncExitStack() as stack:
        rejected, kept = frozenset(arguments.reject), frozenset(arguments.keep_only)
        sink = Sink(journal, faults, rejected=rejected, keep=arguments.keep, kept=kept)
        more: dict[str, int] = {}
        if arguments.http_port is not None:
            more["http_port"] = await stack.enter_async_context(serving(sink.handle, arguments.http_port))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(sink.connection, "127.0.0.1", arguments.port, backlog=1024)
        process.announce(server.sockets[0].getsockname()[1], **more)
        await stop.wait()
        sink.closing = True
        server.close()
        for connection in list(sink.connections):
            connection.transport.abort()


if __name__ == "__main__":
    process.run(main)
