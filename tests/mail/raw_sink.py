"""An SMTP server that keeps every byte as it came over the wire and answers by a script.

aiosmtpd parses addresses, so it cannot show whether quotes went over the wire (B.7.2); and no real server cuts a
connection exactly before or after the final dot when a test asks for it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

CUT = "cut"
"""Instead of a reply: close the connection."""

HANG = "hang"
"""Instead of a reply: say nothing, read nothing, keep the connection open."""

CERTIFICATE = Path(__file__).with_name("localhost.pem")

_DEFAULTS = {
    "CONNECT": "220 sink",
    "EHLO": "250-sink\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n{offers}250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "STARTTLS": "220 go on",
    "DATA": "354 go on",
    "BODY": "",  # what happens when the message begins to come, before it is read
    ".": "250 2.0.0 Ok: queued as {count}",
    "QUIT": "221 bye",
}
_NOBODY = "554 5.5.1 no valid recipients"


@dataclass
class Sink:
    """``script`` says, a step, what to answer the first time, the second time ...; then the default again.

    A step is a command's verb, ``CONNECT`` (the greeting), ``BODY`` or ``.`` (the end of a message, also of one in a chunk); an answer is a
    reply, `CUT` or `HANG`. ``offers`` are the extensions beside SIZE and 8BITMIME.
    """

    script: Mapping[str, Sequence[str]] = field(default_factory=dict)
    offers: Sequence[str] = ()
    seconds_a_mail: float = 0.0
    tls: bool = False
    commands: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    messages_for_nobody: list[bytes] = field(default_factory=list)
    connections: int = 0
    most_at_once: int = 0
    _at_once: int = 0

    async def __aenter__(self) -> Sink:
        self._left = {step: list(answers) for step, answers in self.script.items()}
        self._released = asyncio.Event()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(CERTIFICATE)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context if self.tls else None, limit=2**16
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self.hang_up()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def said(self, verb: bytes) -> list[bytes]:
        """Every command line that began with ``verb``, without its line end."""
        return [command for command in self.commands if command.startswith(verb)]

    def hang_up(self) -> None:
        """Close every connection from this side, as a server does that has waited long enough."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client left, or was cut off
        finally:
            self._at_once -= 1
            self._writers.discard(writer)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("CONNECT", writer)
        is_for_somebody = False
        while True:
            line = (await reader.readuntil(b"\r\n")).removesuffix(b"\r\n")
            self.commands.append(line)
            verb = line.split(b" ", 1)[0].decode("ascii", "replace").upper()
            if verb == "BDAT":
                await self._chunk(int(line.split(b" ")[1]), reader, writer)
                continue
            nobody = _NOBODY if verb == "DATA" and not is_for_somebody else None
            replied = await self._answer(verb, writer, otherwise=nobody)
            if verb == "STARTTLS":
                await writer.start_tls(self._context)
            elif verb in ("MAIL", "RCPT", "RSET"):
                is_for_somebody = verb == "RCPT" and not replied.startswith(("3", "4", "5"))
            elif verb == "DATA" and replied.startswith("3"):
                await self._data(is_for_somebody, reader, writer)
            elif verb == "QUIT":
                return

    async def _data(self, is_for_somebody: bool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_for_somebody:
            self.messages_for_nobody.append(await self._message(reader))
            writer.write(_NOBODY.encode() + b"\r\n")
            return
        await reader.read(1)  # as every message here begins with a header, this is no dot
        await self._answer("BODY", writer)
        self.messages.append(await self._message(reader))
        await self._taken(writer)

    async def _chunk(self, size: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        await self._answer("BODY", writer)
        self.messages.append(await reader.readexactly(size - 1))
        await self._taken(writer)

    async def _taken(self, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self.seconds_a_mail)
        await self._answer(".", writer)

    async def _message(self, reader: asyncio.StreamReader) -> bytes:
        """The bytes after the first one, up to and without the final dot's line."""
        lines = []
        while (line := await reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    async def _answer(self, step: str, writer: asyncio.StreamWriter, *, otherwise: str | None = None) -> str:
        left = self._left.get(step)
        answer = left.pop(0) if left else otherwise or _DEFAULTS.get(step, "250 ok")
        if answer == CUT:
            raise ConnectionAbortedError
        if answer == HANG:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await self._released.wait()
            raise ConnectionAbortedError
        if answer:
            offers = "".join(f"250-{extension}\r\n" for extension in self.offers)
            writer.write(answer.format(count=len(self.messages), offers=offers).encode() + b"\r\n")
            await writer.drain()
        return answer
