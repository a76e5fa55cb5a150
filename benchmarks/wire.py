"""A wire that can be hurt: a TCP proxy between a client and what it talks to, which delays, drips, falls silent, cuts, refuses,
and strikes at a named place of the conversation.

It runs in a thread with a loop of its own, so that what is tested may block::

    with Wire("127.0.0.1", 5432) as wire:
        committed = wire.strike("COMMIT answered", ANSWERS, POSTGRES_COMMITTED, BEFORE)
        ...                     # a client of 127.0.0.1:{wire.port}
        assert committed.struck

The machine's own network acknowledges what a frozen wire keeps: it is the silence of a peer whose host still lives.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

from sqlalchemy import URL, make_url

Result = TypeVar("Result")


class Way(StrEnum):
    """Which way bytes go: ``ASKS`` from the client to the target, ``ANSWERS`` back."""

    ASKS = "asks"
    ANSWERS = "answers"


ASKS: Final = Way.ASKS
ANSWERS: Final = Way.ANSWERS


class Injury(StrEnum):
    """What a strike does at its place.

    ``BEFORE``: what matches is not forwarded, nor anything after it, and the connection is cut. ``AFTER``: it is forwarded, what
    the other side says to it is swallowed, and the connection is cut then. ``SILENCE``: it is not forwarded and nothing else
    is, either way, while the connection stays open. ``NOTHING``: it is forwarded and counted.
    """

    BEFORE = "before"
    AFTER = "after"
    SILENCE = "silence"
    NOTHING = "nothing"


BEFORE: Final = Injury.BEFORE
AFTER: Final = Injury.AFTER
SILENCE: Final = Injury.SILENCE
NOTHING: Final = Injury.NOTHING

#: What libpq sends to commit, and what PostgreSQL answers once it has: whole messages, so that no text of a row is one.
POSTGRES_COMMIT: Final = b"Q\x00\x00\x00\x0bCOMMIT\x00"
POSTGRES_COMMITTED: Final = b"C\x00\x00\x00\x0bCOMMIT\x00"
#: The end of an HTTP head, which is the end of a request without a body.
HTTP_HEAD_ENDS: Final = b"\r\n\r\n"

Span = tuple[int, int]
Finder = Callable[[bytes], Iterator[Span]]
"""Where a place is in a stretch of bytes: from and to, in their order."""
Place = bytes | re.Pattern[bytes] | Finder
"""A place of the conversation: these bytes, what matches a pattern, or what a function finds."""

_CHUNK: Final = 65_536
#: Bytes before a chunk that are looked at with it: the longest place that may come in two parts.
_MEMORY: Final = 1_024
#: Seconds an ``AFTER`` waits for the answer that it swallows.
_ANSWER_WITHIN: Final = 5.0
_RESET: Final = struct.pack("ii", 1, 0)


def smtp_verb(verb: str) -> re.Pattern[bytes]:
    """The command line ``verb`` of an SMTP client, as ``DATA``; ``.`` is the end of a message."""
    return re.compile(rb"(?:^|\r\n)" + re.escape(verb.encode()) + rb"(?: [^\r\n]*)?\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Strike:
    """An injury at a place of one way: done each ``every``-th time the place comes by, ``most`` times in all (None: always), on
    connections whose client begins with words that hold ``of`` (b"" is in all).

    ``seen`` and ``struck`` count over all connections.
    """

    name: str
    way: Way
    find: Finder
    injury: Injury
    every: int = 1
    most: int | None = None
    of: bytes = b""
    seen: int = 0
    struck: int = 0

    def falls(self) -> bool:
        """Count one more coming by; true if this is one to strike."""
        self.seen += 1
        if self.seen % self.every or (self.most is not None and self.struck >= self.most):
            return False
        self.struck += 1
        return True


@dataclass(slots=True)
class Course:
    """How bytes go one way: after ``delay`` seconds, at most ``drip`` bytes per second (None: at once), or, frozen, not at all."""

    delay: float = 0.0
    drip: float | None = None
    thawed: asyncio.Event = field(default_factory=asyncio.Event)


class Wire:
    """Listens on ``127.0.0.1:port`` and talks to the target; a target host that begins with ``/`` is the path of a socket.

    Every switch holds for open connections as well, from the call's return.
    """

    def __init__(self, target_host: str, target_port: int = 0) -> None:
        self.port = 0
        self.connections = 0
        """How many connections were accepted so far, and reached the target."""
        self.hurt = 0
        """How often anything was held up, cut, refused or led elsewhere so far; what strikes do, they count themselves."""
        self._target = (target_host, target_port)
        self._loop = asyncio.new_event_loop()
        self.courses = {way: Course() for way in Way}
        self.strikes: list[Strike] = []
        self._refuses = False
        self._elsewhere: int | None = None
        self._open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)

    @classmethod
    def before(cls, database_url: str) -> Self:
        """A wire before the PostgreSQL that a URL names; ``through`` gives the URL that leads over it."""
        host, port = _postgres(make_url(database_url))
        return cls(f"{host}/.s.PGSQL.{port}", 0) if host.startswith("/") else cls(host, port)

    def through(self, url: str) -> str:
        """``url`` with this wire in the place of its host and port; a socket's folder in its query is left out."""
        given = make_url(url).difference_update_query(["host", "port"])
        return given.set(host="127.0.0.1", port=self.port).render_as_string(hide_password=False)

    def __enter__(self) -> Self:
        """Begin to listen. Raises OSError where no port is free."""
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Cut what is open and listen no more."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # --- switches ----------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Let everything pass again, both ways; strikes stay, and so does what was cut."""

        def do() -> None:
            self._refuses, self._elsewhere = False, None
            for course in self.courses.values():
                course.delay, course.drip = 0.0, None
                course.thawed.set()

        self._do(do)

    def delay(self, seconds: float, *ways: Way) -> None:
        """Let bytes come ``seconds`` later, both ways or ``ways``."""

        def do() -> None:
            for course in self._chosen(ways):
                course.delay = seconds

        self._do(do)

    def drip(self, bytes_per_second: float, *ways: Way) -> None:
        """Let bytes come slowly, both ways or ``ways``."""

        def do() -> None:
            for course in self._chosen(ways):
                course.drip = bytes_per_second

        self._do(do)

    def freeze(self, *ways: Way) -> None:
        """Accept and keep, and forward nothing, both ways or ``ways``, until ``heal``."""

        def do() -> None:
            for course in self._chosen(ways):
                course.thawed.clear()

        self._do(do)

    def refuse(self) -> None:
        """Close each new connection at once, with a reset, until ``heal``; open ones stay."""

        def do() -> None:
            self._refuses = True

        self._do(do)

    def divert(self, port: int) -> None:
        """Lead each new connection to ``127.0.0.1:port`` instead, until ``heal``; open ones stay."""

        def do() -> None:
            self._elsewhere = port

        self._do(do)

    def cut(self) -> int:
        """Reset every open connection, both ends; answers how many there were."""

        def do() -> int:
            cut = list(self._open)
            self.hurt += len(cut)
            for one in cut:
                one.cut()
            return len(cut)

        return self._do(do)

    def strike(
        self,
        name: str,
        way: Way,
        place: Place,
        injury: Injury,
        *,
        every: int = 1,
        most: int | None = 1,
        of: bytes = b"",
    ) -> Strike:
        """Do ``injury`` where ``place`` comes by that ``way``; answers what counts it. ``withdraw`` ends it."""
        strike = Strike(name, way, _finder(place), injury, every, most, of)
        self._do(lambda: self.strikes.append(strike))
        return strike

    def withdraw(self, strike: Strike) -> None:
        """Strike there no more."""
        self._do(lambda: self.strikes.remove(strike))

    @property
    def open_connections(self) -> int:
        """Connections that are open now."""
        return self._do(lambda: len(self._open))

    # --- the loop's side ---------------------------------------------------------------------------------------------

    def _chosen(self, ways: tuple[Way, ...]) -> list[Course]:
        return [self.courses[way] for way in ways or tuple(Way)]

    def _do(self, change: Callable[[], Result]) -> Result:
        async def doing() -> Result:
            return change()

        return self._call(doing())

    def _call(self, doing: Awaitable[Result]) -> Result:
        async def awaited() -> Result:
            return await doing

        done: Future[Result] = asyncio.run_coroutine_threadsafe(awaited(), self._loop)
        return done.result(30)

    async def _listen(self) -> None:
        for course in self.courses.values():
            course.thawed.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        (listener,) = self._server.sockets
        _, self.port = listener.getsockname()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        while self._open:
            for one in list(self._open):
                one.cut()
            await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            self.hurt += 1
            _reset(writer)
            return
        host, port = self._target
        if self._elsewhere is not None:
            self.hurt += 1
            host, port = "127.0.0.1", self._elsewhere
        try:
            there = await (asyncio.open_unix_connection(host) if not port else asyncio.open_connection(host, port))
        except OSError:
            _reset(writer)
            return
        self.connections += 1
        conversation = _Conversation(self, _End(reader, writer), _End(*there))
        self._open.add(conversation)
        try:
            await conversation.run()
        finally:
            self._open.discard(conversation)


class _End(NamedTuple):
    """Where one way begins and where it ends."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class _Conversation:
    """One connection: a pump each way."""

    def __init__(self, wire: Wire, client: _End, target: _End) -> None:
        self._wire = wire
        self._opening = b""  # what the client says first
        self._ends = {ASKS: _End(client.reader, target.writer), ANSWERS: _End(target.reader, client.writer)}
        self._remembered = dict.fromkeys(Way, b"")
        self._swallowed: Way | None = None  # the way whose next bytes are swallowed before the cut
        self._silent = False
        self._pumps: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Pump until either side ends, or it is cut."""
        self._pumps = [asyncio.create_task(self._pump(way)) for way in Way]
        try:
            await asyncio.wait(self._pumps)
        finally:
            for pump in self._pumps:
                pump.cancel()
            for _, writer in self._ends.values():
                writer.close()

    def cut(self) -> None:
        """Reset both ends; what is frozen or dripping on its way is dropped."""
        for _, writer in self._ends.values():
            _reset(writer)
        for pump in self._pumps:
            pump.cancel()

    async def _pump(self, way: Way) -> None:
        reader, writer = self._ends[way]
        course = self._wire.courses[way]
        try:
            while chunk := await reader.read(_CHUNK):
                if course.delay or course.drip is not None or not course.thawed.is_set():
                    self._wire.hurt += 1
                if course.delay:
                    await asyncio.sleep(course.delay)
                await course.thawed.wait()
                if self._silent:
                    continue
                if self._swallowed is way:
                    self.cut()
                    return
                if not await self._forward(way, chunk, writer):
                    return
            await course.thawed.wait()
            if not self._silent and writer.can_write_eof():
                writer.write_eof()
        except OSError:  # one end is gone: the other has to learn it
            self.cut()

    async def _forward(self, way: Way, chunk: bytes, writer: asyncio.StreamWriter) -> bool:
        """Send ``chunk`` on, as far as no strike is in the way; answers whether the connection still stands."""
        struck = self._struck(way, chunk)
        if struck is None:
            await self._send(way, chunk, writer)
            return True
        strike, begins = struck
        if strike.injury is NOTHING:
            await self._send(way, chunk, writer)
            return True
        if strike.injury is AFTER:
            await self._send(way, chunk, writer)
            self._swallowed = ANSWERS if way is ASKS else ASKS
            asyncio.get_running_loop().call_later(_ANSWER_WITHIN, self.cut)
            return True
        await self._send(way, chunk[:begins], writer)
        if strike.injury is SILENCE:
            self._silent = True
            return True
        self.cut()
        return False

    def _struck(self, way: Way, chunk: bytes) -> tuple[Strike, int] | None:
        """The first strike that falls into ``chunk``, and where in it its place begins."""
        before = self._remembered[way]
        window = before + chunk
        self._remembered[way] = window[-_MEMORY:]
        if way is ASKS and len(self._opening) < _MEMORY:
            self._opening += chunk[:_MEMORY]
        for strike in [one for one in self._wire.strikes if one.way is way and one.of in self._opening]:
            for begins, ends in strike.find(window):
                if ends > len(before) and strike.falls():
                    return strike, max(0, begins - len(before))
        return None

    async def _send(self, way: Way, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        course, sent = self._wire.courses[way], 0
        while (drip := course.drip) is not None and sent < len(chunk):
            writer.write(chunk[sent : sent + 1])
            await writer.drain()
            sent += 1
            await asyncio.sleep(1 / drip)
        writer.write(chunk[sent:])
        await writer.drain()


def _finder(place: Place) -> Finder:
    if isinstance(place, bytes):
        return _spans(re.compile(re.escape(place)))
    if isinstance(place, re.Pattern):
        return _spans(place)
    return place


def _spans(pattern: re.Pattern[bytes]) -> Finder:
    return lambda window: (found.span() for found in pattern.finditer(window))


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once with a reset, where the socket knows of one."""
    line: Any = writer.get_extra_info("socket")
    if line is not None and line.family in (socket.AF_INET, socket.AF_INET6) and line.fileno() >= 0:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def _postgres(url: URL) -> tuple[str, int]:
    """Host and port of a PostgreSQL URL, also of one that names a socket's folder in its query."""
    host = url.query.get("host") or url.host or "127.0.0.1"
    port = url.query.get("port") or url.port or 5432
    return str(host), int(str(port))
