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
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

from workers.sandbox import process
from workers.sandbox.faults import Faults
from workers.sandbox.http_server import Reply, Request, serving
from workers.sandbox.journal import Journal
from workers.sandbox.smtp_server import CHUNKING, PIPELINING, USUAL, Envelope, SmtpConnection

FAULTS = {
    "refuse_rate": 0.0,  # 451 to RCPT
    "defer_rate": 0.0,  # 451 to RCPT, always to the same recipients
    "greylist": 0.0,  # 451 to RCPT until so many seconds after the recipient was first seen
    "cut_before_rate": 0.0,  # connection cut after the final dot, the mail is lost
    "cut_after_rate": 0.0,  # connection cut after the final dot, the mail was taken
    "latency": 0.0,  # seconds between the final dot and its answer
}


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
        offers: Sequence[str] = USUAL,
    ) -> None:
        """``rejected``: addresses that get a 550; ``keep``: a directory for .eml files, of the mails to ``kept`` (none: of all), after those that lie there;
        ``offers``: PIPELINING, CHUNKING."""
        self._offers = offers
        self._journal = journal
        self._faults = faults
        self._rejected = rejected
        self._keep = keep
        self._kept = kept
        self._kept_before = _last_in(keep) if keep is not None else 0
        self.closing = False
        self._first_seen: dict[str, float] = {}
        self.counters: Counter[str] = Counter()
        self.connections: set[SmtpConnection] = set()

    def connection(self) -> SmtpConnection:
        """The protocol of one more client."""
        return SmtpConnection(self.take, self.screen, self.note_cut, self.connections, self._offers)

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
            await asyncio.to_thread(_write, self._keep, self._kept_before + number, envelope.raw)
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


def _last_in(directory: Path) -> int:
    """The number of the last mail that an earlier sink wrote into ``directory``."""
    return max((int(file.stem) for file in directory.glob("*.eml") if file.stem.isdecimal()), default=0)


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
    options.add_argument(
        "--offer",
        action="append",
        choices=(PIPELINING, CHUNKING, ""),
        metavar="EXTENSION",
        help="offer this extension (PIPELINING, CHUNKING; empty: none); PIPELINING if left out",
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
        offers = USUAL if arguments.offer is None else tuple(filter(None, arguments.offer))
        sink = Sink(journal, faults, rejected=rejected, keep=arguments.keep, kept=kept, offers=offers)
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
