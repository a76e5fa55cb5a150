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
    "EHLO": "250-sink\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "STARTTLS": "220 go on",
    "DATA": "354 go on",
    "BODY": "",  # what happens when the message begins to come, before it is read
    ".": "250 2.0.0 Ok: queued as {count}",
    "QUIT": "221 bye",
}


@dataclass
class Sink:
    """``script`` says, a step, what to answer the first time, the second time ...; then the default again.

    A step is a command's verb, ``CONNECT`` (the greeting), ``BODY`` or ``.``; an answer is a reply, `CUT` or `HANG`.
    """

    script: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds_a_mail: float = 0.0
    tls: bool = False
    commands: list[bytes] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
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
        while True:
            line = (await reader.readuntil(b"\r\n")).removesuffix(b"\r\n")
            self.commands.append(line)
            verb = line.split(b" ", 1)[0].decode("ascii", "replace").upper()
            replied = await self._answer(verb, writer)
            if verb == "STARTTLS":
                await writer.start_tls(self._context)
            elif verb == "DATA" and replied.startswith("3"):
                await reader.read(1)  # as every message here begins with a header, this is no dot
                await self._answer("BODY", writer)
                self.messages.append(await self._message(reader))
                await asyncio.sleep(self.seconds_a_mail)
                await self._answer(".", writer)
            elif verb == "QUIT":
                return

    async def _message(self, reader: asyncio.StreamReader) -> bytes:
        """The bytes after the first one, up to and without the final dot's line."""
        lines = [await reader.readuntil(b"\n")]
        while (line := await reader.readuntil(b"\n")) != b".\r\n":
            lines.append(line)
        return b"".join(lines)

    async def _answer(self, step: str, writer: asyncio.StreamWriter) -> str:
        left = self._left.get(step)
        answer = left.pop(0) if left else _DEFAULTS.get(step, "250 ok")
        if answer == CUT:
            raise ConnectionAbortedError
        if answer == HANG:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await self._released.wait()
            raise ConnectionAbortedError
        if answer:
            writer.write(answer.format(count=len(self.messages)).encode() + b"\r\n")
            await writer.drain()
        return answer
