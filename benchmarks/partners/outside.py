"""The partners: each trouble as a server has it, and a mail server that has it for some recipients' domains."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from workers.process.service import free_port

DEAD, DRIPPING, HANGING = TROUBLES = ("dead", "dripping", "hanging")
"""Nobody listens; an answer of one byte a second; no answer at all."""
SOUND: Final = "sound"
#: Seconds between two bytes of what drips.
DRIP: Final = 1.0
_ANSWER: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length:\s*(\d+)")
_ORDER: Final = re.compile(rb"(?im)^X-Shukka-Order:\s*(\S+)\r?$")
_MESSAGE_ID: Final = re.compile(rb"(?im)^Message-ID:\s*(\S+)\r?$")
_RECIPIENT: Final = re.compile(rb"(?i)^RCPT TO:<[^@>]+@([^>]+)>")

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Outside:
    """HTTP servers and a mail server in a thread of their own.

    ``mails`` and ``last_mails`` say when the first and the last mail about each order arrived (``shop/number``, in real seconds since the epoch),
    ``message_ids`` what each mail was called that was taken; ``slow``: seconds that taking one lasts.
    """

    def __init__(self) -> None:
        self.ports = {name: free_port() for name in (SOUND, *TROUBLES, "smtp")}
        self.mails: dict[str, float] = {}
        self.last_mails: dict[str, float] = {}
        self.message_ids: list[str] = []
        self.slow = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Outside:
        self._thread.start()
        for name, serve in self._servers().items():
            start = asyncio.start_server(_quietly(serve), "127.0.0.1", self.ports[name], backlog=1000)
            asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(_hang_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def url(self, name: str) -> str:
        """Where a supplier or a gateway with this trouble, or with none, is said to be."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def _servers(self) -> dict[str, Callable[[Stream], Awaitable[None]]]:
        return {SOUND: _answering, DRIPPING: _dripping, HANGING: _hanging, "smtp": self._smtp}

    def _keep(self, mail: bytes) -> None:
        if order := _ORDER.search(mail):
            self.last_mails[order[1].decode()] = time.time()
            self.mails.setdefault(order[1].decode(), time.time())
        if named := _MESSAGE_ID.search(mail):
            self.message_ids.append(named[1].decode())

    async def _smtp(self, stream: Stream) -> None:
        """Takes every mail; to a recipient's domain that is in trouble it answers as that one would."""
        reader, writer = stream
        writer.write(b"220 outside\r\n")
        trouble = ""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                mail = await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.slow)
                self._keep(mail)
            elif verb == b"RCPT":
                named = _RECIPIENT.match(line)
                trouble = next((one for one in TROUBLES if named and named[1].decode().startswith(one)), "")
            if trouble == HANGING:
                await asyncio.sleep(3600)
            if trouble == DRIPPING:
                await _drip(writer, b"250 ok\r\n")
            elif trouble == DEAD:
                writer.write(b"451 4.3.0 try again later\r\n")
                trouble = ""
            else:
                writer.write(b"250-outside\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 ok\r\n")
            await writer.drain()


async def _hang_up() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _quietly(serve: Callable[[Stream], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve((reader, writer))
        writer.close()

    return served


async def _asked(reader: asyncio.StreamReader) -> bool:
    """Read one request; whether there was one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    found = _LENGTH.search(head)
    await reader.readexactly(int(found[1]) if found else 0)
    return True


async def _answering(stream: Stream) -> None:
    reader, writer = stream
    while await _asked(reader):
        writer.write(_ANSWER)
        await writer.drain()


async def _dripping(stream: Stream) -> None:
    reader, writer = stream
    if await _asked(reader):
        await _drip(writer, _ANSWER)


async def _hanging(stream: Stream) -> None:
    await _asked(stream[0])
    await asyncio.sleep(3600)


async def _drip(writer: asyncio.StreamWriter, answer: bytes) -> None:
    for byte in answer:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(DRIP)
