"""Connections to gateways: httpx's client over aiohttp's pool, which carries a request for a third of the processor time.

What the network does has httpx's names again, and of these it must be told for certain which mean that not a byte was sent: a charge that
may have been made counts as unknown, and only what surely was not is simply made again.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
import httpx

#: Seconds for which a connection is kept that nobody uses.
_KEPT = 30
#: Bytes that an answer may have, as it comes and unpacked: the longest list that a gateway gives at a time has a hundredth of it.
MOST_BYTES: Final = 32 * 1024 * 1024
_OF_THE_PACKING: Final = (b"content-encoding", b"content-length")
#: Bytes that are unpacked at a time, to no more than a thousand times as many.
_PIECE: Final = 4096


class PooledTransport(httpx.AsyncBaseTransport):
    """Up to ``connections`` connections of the event loop that asks first. Redirects are not followed, answers are read whole, up to ``MOST_BYTES``."""

    def __init__(self, connections: int = 64) -> None:
        self._connections = connections
        self._trusted = httpx.create_ssl_context(trust_env=False)  # loading the authorities takes long: once for all
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``. Raises httpx.ConnectError and ConnectTimeout where nothing was sent, ReadTimeout and ReadError where
        something may have been, and DecodingError for an answer that is too long or not packed as it says."""
        content = await request.aread()
        with _named(request):
            async with self._opened().request(
                request.method,
                str(request.url),
                headers=[(name, value) for name, value in request.headers.multi_items() if name != "content-length"],
                data=content or None,
                skip_auto_headers=(
                    "content-type",
                ),  # it names one even where nothing is sent, which a signature does not cover
                timeout=_patience(request),
                allow_redirects=False,
            ) as response:
                answer = bytearray()
                async for part in response.content.iter_any():
                    answer += part
                    _need_room(len(answer), request)
                return _unpacked(response, bytes(answer), request)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=_KEPT, ssl=self._trusted)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
            # It would send some requests again by itself where a connection ends; when, and under which signature, is ours to say.
            self._session._retry_connection = False
        return self._session

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


def _unpacked(response: aiohttp.ClientResponse, answer: bytes, request: httpx.Request) -> httpx.Response:
    """The answer as it was before it was packed."""
    if "content-encoding" not in response.headers:
        return httpx.Response(response.status, headers=response.raw_headers, content=answer, request=request)
    pieces = (answer[start : start + _PIECE] for start in range(0, len(answer), _PIECE))
    packed = httpx.Response(response.status, headers=response.raw_headers, content=pieces, request=request)
    plain = bytearray()
    for part in packed.iter_bytes():
        plain += part
        _need_room(len(plain), request)
    told = [(name, value) for name, value in response.raw_headers if name.lower() not in _OF_THE_PACKING]
    return httpx.Response(response.status, headers=told, content=bytes(plain), request=request)


def _need_room(size: int, request: httpx.Request) -> None:
    if size > MOST_BYTES:
        raise httpx.DecodingError(f"the answer has more than {MOST_BYTES} bytes", request=request)


def _patience(request: httpx.Request) -> aiohttp.ClientTimeout:
    """The client's time-outs in aiohttp's terms; the wait for a free connection and for a new one is one here."""
    told = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None, connect=told.get("connect"), sock_connect=told.get("connect"), sock_read=told.get("read")
    )


@contextmanager
def _named(request: httpx.Request) -> Iterator[None]:
    """aiohttp's errors as httpx's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise httpx.UnsupportedProtocol(str(error), request=request) from error
    except aiohttp.ServerDisconnectedError as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
        raise httpx.ReadError(str(error), request=request) from error
