"""A small pooled HTTP/1.1 client for the simulated world, as light as its server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

import httptools
import orjson

from pipelines.errors import Unreachable

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: header names in lower case, the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """True for 2xx."""
        return 200 <= self.status < 300

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty one if it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}


class HttpClient:
    """Keeps connections open and hands them out; at most ``connections`` requests are under way at a time."""

    def __init__(self, *, connections: int = 32, timeout: float = 10.0) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._timeout = timeout
        self._idle: dict[tuple[str, str], list[_Wire]] = defaultdict(list)

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send one request. Raises Unreachable where no whole answer came within the time-out.

        A kept connection that the peer has closed meanwhile is replaced and the request sent once more, so use it only
        for requests that may arrive twice.
        """
        where = urlsplit(url)
        head = _head(method, where, headers, body)
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._exchange(where, head + body)
            except (OSError, TimeoutError, EOFError, httptools.HttpParserError) as error:
                raise Unreachable(f"{where.netloc}: {type(error).__name__}") from error

    async def aclose(self) -> None:
        """Close every idle connection."""
        for wires in self._idle.values():
            for wire in wires:
                wire.close()
        self._idle.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _exchange(self, where: SplitResult, message: bytes) -> Answer:
        idle = self._idle[where.scheme, where.netloc]
        if idle:
            try:
                return await self._over(idle.pop(), idle, message)
            except (OSError, EOFError):
                pass  # it had gone stale
        return await self._over(await _Wire.open(where), idle, message)

    async def _over(self, wire: _Wire, idle: list[_Wire], message: bytes) -> Answer:
        try:
            answer, reusable = await wire.exchange(message)
        except BaseException:
            wire.close()
            raise
        if reusable:
            idle.append(wire)
        else:
            wire.close()
        return answer


@dataclass
class _Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, where: SplitResult) -> _Wire:
        secure = where.scheme == "https"
        port = where.port or (443 if secure else 80)
        return cls(*await asyncio.open_connection(where.hostname, port, ssl=secure or None))

    async def exchange(self, message: bytes) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be used again. Raises OSError, EOFError, HttpParserError."""
        self.writer.write(message)
        collected = _Collected()
        parser = httptools.HttpResponseParser(collected)
        while not collected.complete:
            data = await self.reader.read(_BLOCK)
            if not data:
                raise EOFError
            parser.feed_data(data)
        answer = Answer(parser.get_status_code(), collected.headers, b"".join(collected.body))
        return answer, parser.should_keep_alive()

    def close(self) -> None:
        self.writer.close()


@dataclass
class _Collected:
    """What the parser has seen of one answer."""

    headers: dict[str, str] = field(default_factory=dict)
    body: list[bytes] = field(default_factory=list)
    complete: bool = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = True


def _head(method: str, where: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    lines = [
        f"{method} {target} HTTP/1.1",
        f"host: {where.netloc}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
