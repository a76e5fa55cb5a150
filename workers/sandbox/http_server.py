"""A small HTTP/1.1 server for the simulated world.

Unlike a web framework it can do what a broken peer does, cut the connection instead of answering, and it is so light
that a benchmark measures the pipeline and not its surroundings.  It binds to 127.0.0.1 only.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

import httptools
import orjson

log = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
_GRACE = 3.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request: ``path`` percent-decoded and without the query, header names in lower case.

    ``query`` is what stands after the question mark, as it travelled."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ValueError for anything else."""
        value = orjson.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("the body must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: a JSON object, or bytes as they are, whose ``content-type`` is then among ``headers``."""

    status: int
    body: Mapping[str, Any] | bytes = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def wire(self, *, keep_alive: bool) -> bytes:
        """The bytes that go back."""
        is_raw = isinstance(self.body, bytes)
        body = self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            *(() if is_raw else ("content-type: application/json",)),
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            *(() if keep_alive else ("connection: close",)),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CUT = None
"""What a handler returns to cut the connection without a word."""

Handler = Callable[[Request], Awaitable[Reply | None]]


@asynccontextmanager
async def serving(handler: Handler, port: int = 0) -> AsyncIterator[int]:
    """Serve ``handler`` on 127.0.0.1; gives the port bound. On leaving, running requests have 3 s to end."""
    connections: set[_Connection] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(handler, connections), "127.0.0.1", port, backlog=1024
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        running = [task for connection in connections if (task := connection.task) is not None]
        if running:
            await asyncio.wait(running, timeout=_GRACE)
        for connection in list(connections):
            connection.transport.abort()


class _Connection(asyncio.Protocol):
    """One client: parses requests and answers them in order."""

    transport: asyncio.Transport

    def __init__(self, handler: Handler, connections: set[_Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self.task: asyncio.Task[None] | None = None
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        # A request under way is finished all the same: a peer that hangs up does not undo what it asked for.
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400)

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size <= MAX_BODY:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._size > MAX_BODY:
            self._refuse(413)
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        request = Request(self._parser.get_method().decode(), unquote(path), self._headers, b"".join(self._body), query)
        self._waiting.append((request, self._parser.should_keep_alive()))
        if self.task is None:
            self.task = asyncio.create_task(self._answer())

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    def _refuse(self, status: int) -> None:
        self.transport.write(Reply(status).wire(keep_alive=False))
        self.transport.close()

    async def _answer(self) -> None:
        while self._waiting:
            request, keep_alive = self._waiting.popleft()
            reply = await self._handle(request)
            if reply is CUT:
                self.transport.abort()
                break
            self.transport.write(reply.wire(keep_alive=keep_alive))
            if not keep_alive:
                self.transport.close()
                break
        self.task = None

    async def _handle(self, request: Request) -> Reply | None:
        try:
            return await self._handler(request)
        except Exception:  # the boundary of a request: recorded, and the next one is served
            log.exception("could not answer %s", request.method)
            return Reply(500, {"error": {"code": "internal", "message": "see the log of this process"}})
