"""A connection pool for httpx that stays quick with many connections.

httpx's own pool looks at every connection it holds, sockets included, on every request: 64 connections cost more than the
request itself.  Several small pools side by side keep that look short; a request goes to the one with the least to do.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpx

_CONNECTIONS_A_POOL = 4


class SpreadTransport(httpx.AsyncBaseTransport):
    """Up to ``connections`` connections, spread over small pools."""

    def __init__(self, connections: int = 64) -> None:
        pools = max(1, connections // _CONNECTIONS_A_POOL)
        trusted = httpx.create_ssl_context(trust_env=False)  # loading the authorities takes long: once for all
        self._pools = [_pool(trusted) for _ in range(pools)]
        self._busy = [0] * pools

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` over the pool with the least to do. Raises httpx.TransportError."""
        chosen = min(range(len(self._pools)), key=self._busy.__getitem__)
        self._busy[chosen] += 1
        try:
            response = await self._pools[chosen].handle_async_request(request)
        except BaseException:
            self._busy[chosen] -= 1
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Counted(response.stream, self._busy, chosen)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()


def _pool(trusted: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(
        max_connections=_CONNECTIONS_A_POOL, max_keepalive_connections=_CONNECTIONS_A_POOL, keepalive_expiry=30
    )
    return httpx.AsyncHTTPTransport(verify=trusted, trust_env=False, limits=limits)


class _Counted(httpx.AsyncByteStream):
    """The body of an answer; its connection is busy until it is closed."""

    def __init__(self, body: httpx.AsyncByteStream, busy: list[int], pool: int) -> None:
        self._body = body
        self._busy = busy
        self._pool: int | None = pool

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        if self._pool is not None:
            self._busy[self._pool] -= 1
            self._pool = None
        await self._body.aclose()
