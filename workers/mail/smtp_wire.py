"""The bytes of an SMTP connection that stands: commands out, replies in, in their order, however many are under way (RFC 2920).

aiosmtplib connects, upgrades to TLS and logs in; its protocol hears one reply at a time and loses those of commands that were sent
together, so from then on this one has the transport.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import Final, NamedTuple, cast

#: Bytes that are read at a time.
_AT_ONCE: Final = 4096
#: Bytes that one reply may have.
_LONGEST: Final = 32_768
_FLUSH_POLL_SECONDS: Final = 0.002


class Reply(NamedTuple):
    """A server's answer to one command; the lines of ``text`` are joined by newlines."""

    code: int
    text: str


class Silence(Exception):
    """No reply: the connection was "lost", the reply came too late ("timeout") or was no SMTP ("protocol")."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class SmtpWire(asyncio.BufferedProtocol):
    """One connection. ``timeout`` bounds each reply, and the time in which what was written leaves, in seconds.

    ``room`` is how many bytes leave this process at once while nothing else is on the way.
    A reply that nobody waits for comes from a server that takes leave or answers something else than it was told: the connection counts
    as lost.
    """

    def __init__(self, transport: asyncio.BaseTransport, timeout: float) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._room_to_read = memoryview(bytearray(_AT_ONCE))
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._replies: deque[Reply] = deque()
        self._awaited = 0
        self._ended: str | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._due = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self.room = _room(self._transport)
        self._transport.set_protocol(self)

    @property
    def lost(self) -> bool:
        """True once either side has closed it."""
        return self._ended is not None or self._transport.is_closing()

    def ask(self, *commands: bytes) -> None:
        """Send commands, without their line ends, together; each is owed one reply. Raises Silence if the connection is gone."""
        self._awaited += len(commands)
        self.write(b"\r\n".join((*commands, b"")))

    def write(self, data: bytes) -> None:
        """Send bytes as they are. Raises Silence if they surely stayed here."""
        if self.lost:
            raise Silence(self._ended or "lost")
        self._transport.write(data)

    def expect(self) -> None:
        """One reply more is owed: to the message that is sent now."""
        self._awaited += 1

    @property
    def answered(self) -> bool:
        """True once a reply is there that nobody took yet."""
        return bool(self._replies)

    async def flushed(self) -> None:
        """Wait until the last byte that was written has left this process, or an answer came before. Raises Silence."""
        pause, until = 0.0, 0.0
        while not self.lost and not self.answered and self._transport.get_write_buffer_size():
            until = until or self._loop.time() + self._timeout
            if self._loop.time() > until:
                raise Silence("timeout")
            await asyncio.sleep(pause)
            pause = _FLUSH_POLL_SECONDS

    async def left_at_once(self) -> bool:
        """True if what was written just now has left this process; what has not may never, once the connection is dropped."""
        if self._transport.get_write_buffer_size():
            await asyncio.sleep(0)  # uvloop writes at the end of its turn
        return not self._transport.get_write_buffer_size()

    async def reply(self, patience: float | None = None) -> Reply:
        """The next reply, waited for as long as any, or for ``patience`` seconds. Raises Silence."""
        if not self._replies:
            await self._heard(self._timeout if patience is None else patience)
        self._awaited -= 1
        return self._replies.popleft()

    def drop(self) -> None:
        """Close at once, discarding what is not sent yet."""
        self._transport.abort()
        self._end("lost")

    async def _heard(self, patience: float) -> None:
        if self._ended is not None:
            raise Silence(self._ended)
        self._waiter = self._loop.create_future()
        self._due = self._loop.time() + patience
        if self._watch is not None and self._watch.when() > self._due:  # it is of a longer wait, which is over
            self._watch.cancel()
            self._watch = None
        if (
            self._watch is None
        ):  # one for all replies of the connection: setting and ending one for each cost more than they do
            self._watch = self._loop.call_at(self._due, self._look)
        try:
            await self._waiter
        finally:
            self._waiter = None
        if not self._replies:
            raise Silence(self._ended or "timeout")

    def _look(self) -> None:
        """End a wait that is overdue; come back when the one that there is would be."""
        self._watch = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._due:
            self._wake()
        else:
            self._watch = self._loop.call_at(self._due, self._look)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, code: str) -> None:
        if self._ended is None:
            self._ended = code
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._wake()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: replies are short, and asyncio would make room for 256 KiB each time."""
        return self._room_to_read

    def buffer_updated(self, nbytes: int) -> None:
        """Take whole replies out of what came."""
        self._buffer += self._room_to_read[:nbytes]
        start = 0
        while (end := self._buffer.find(b"\n", start)) >= 0:
            if not self._line(bytes(self._buffer[start:end])):
                return
            start = end + 1
        del self._buffer[:start]
        if len(self._buffer) + sum(map(len, self._lines)) > _LONGEST:
            self._end("protocol")
        elif self._replies:
            self._wake()

    def _line(self, line: bytes) -> bool:
        """One line of a reply; False where what comes is none."""
        if not line[:3].isdigit() or len(line) < 3:
            self._end("protocol")
            return False
        self._lines.append(line[4:].strip())
        if line[3:4] == b"-":
            return True
        self._replies.append(Reply(int(line[:3]), b"\n".join(self._lines).decode("utf-8", "replace")))
        self._lines.clear()
        if len(self._replies) > self._awaited:
            self.drop()
            return False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing comes any more; what came is still told."""
        self._end("lost")


def _room(transport: asyncio.Transport) -> int:
    """The kernel counts its own books against a socket's buffer: a third of it is surely free for what is sent."""
    line = transport.get_extra_info("socket")
    return int(line.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)) // 3 if line is not None else 0
