"""What an SMTP server says to one client: RFC 5321 with PIPELINING (RFC 2920) and CHUNKING (RFC 3030)."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

#: Real seconds within which whoever heard that a mail was taken has written it down.
RECORDING = 1.0
MAX_MAIL = 10 * 1024 * 1024
_MAX_LINE = 4096
_ADDRESS = re.compile(rb"(?i)(?:FROM|TO):\s*<([^<>]*)>(?: .*)?")
_EXTENSIONS = (b"8BITMIME", b"SMTPUTF8", b"SIZE %d" % MAX_MAIL)
#: What a sink may offer beside those, and what it offers unless it is told otherwise.
PIPELINING, CHUNKING = "PIPELINING", "CHUNKING"
USUAL = (PIPELINING,)


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


@dataclass(slots=True)
class _Chunk:
    """A part of a mail that is on its way: bytes that are still to come, and the answer once it is there if it is not wanted."""

    left: int
    is_last: bool
    refusal: bytes | None = None


class SmtpConnection(asyncio.Protocol):
    """One client, speaking RFC 5321: commands are answered in order, however they arrive (RFC 2920), and a mail may come in chunks
    (RFC 3030). ``offers`` is what EHLO says of that."""

    def __init__(
        self, take: Take, screen: Screen, cut: Cut, connections: set[SmtpConnection], offers: Sequence[str] = USUAL
    ) -> None:
        self._offers = tuple(offer.encode() for offer in offers)
        self._take = take
        self._screen = screen
        self._cut = cut
        self._connections = connections
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._buffer = bytearray()
        self._searched = 0
        self._in_data = False
        self._chunk: _Chunk | None = None
        self._chunks = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._last: Envelope | None = None
        self._answered: deque[tuple[float, Envelope]] = deque()
        self._commands: dict[bytes, Callable[[bytes], None]] = {
            b"EHLO": self._ehlo,
            b"HELO": lambda _: self._hello(b"250 shukka-sink"),
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"BDAT": self._bdat,
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
            step = self._end_of_mail if self._in_data else self._end_of_chunk if self._chunk else self._one_command
            if not step():
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
        self._in_data = False
        self._arrived(raw)
        return True

    def _end_of_chunk(self) -> bool:
        """Take what came of a chunk; a refused one is read to its end all the same."""
        assert self._chunk is not None
        part = self._buffer[: self._chunk.left]
        del self._buffer[: self._chunk.left]
        self._chunk.left -= len(part)
        if self._chunk.refusal is None and len(self._chunks) <= MAX_MAIL:
            self._chunks += part
        if self._chunk.left:
            return False
        chunk, self._chunk = self._chunk, None
        if chunk.refusal is not None:
            self._reset()
            self._reply(chunk.refusal)
        elif chunk.is_last:
            self._arrived(bytes(self._chunks))
        else:
            self._reply(b"250 2.0.0 go on")
        return True

    def _arrived(self, raw: bytes) -> None:
        envelope = Envelope(self._sender or "", self._recipients, raw)
        self._reset()
        if len(raw) > MAX_MAIL:
            self._reply(b"552 5.3.4 the mail is too large")
        else:
            self._task = asyncio.create_task(self._store(envelope))

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
        lines = [b"250-" + word for word in (b"shukka-sink", *self._offers, *_EXTENSIONS[:-1])]
        self._reply(b"\r\n".join([*lines, b"250 " + _EXTENSIONS[-1]]))

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
        if not self._recipients or self._chunks:
            self._reply(b"503 5.5.1 RCPT first, and no DATA after BDAT")
            return
        self._in_data = True
        self._searched = 0
        self._buffer[:0] = b"\r\n"
        self._reply(b"354 end with a line that holds one dot")

    def _bdat(self, rest: bytes) -> None:
        size, _, last = rest.partition(b" ")
        if not size.isdigit() or last.upper() not in (b"", b"LAST"):
            self._reply(b"501 5.5.4 write BDAT size, or BDAT size LAST")
            self.transport.close()  # whatever follows may be a chunk or a command
        elif not self._recipients:
            self._chunk = _Chunk(int(size), bool(last), b"503 5.5.1 RCPT first")
        else:
            self._chunk = _Chunk(int(size), bool(last))

    def _quit(self, _: bytes) -> None:
        self._last = None
        self._reply(b"221 2.0.0 bye")
        self.transport.close()

    def _reply(self, line: bytes) -> None:
        self.transport.write(line + b"\r\n")

    def _reset(self) -> None:
        self._sender = None
        self._recipients = []
        self._chunks.clear()
