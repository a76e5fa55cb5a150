"""HTTP with limits: how long a request's head may be, how long it may take to come, and how much may stand around a body.

httptools knows neither, and grows one endless header line by copying it: a single connection could hold up all others.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD: Final = 32_768
"""Bytes of a request line with all of its headers; more is answered 431."""
HEAD_SECONDS: Final = 10.0
"""Seconds from a request's first byte, or from the connection, until its head is complete; later is answered 408."""
MOST_FRAMING: Final = 8
"""Bytes of chunk sizes, extensions and trailers a byte of body, beyond those that a head may have; more is answered 431."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on a head that is too long or too slow, and on that connection alone."""

    head_seconds = HEAD_SECONDS
    _head = 0  # bytes of the head that have come; -1 once it is complete
    _came = _body = 0  # bytes since the head was complete, and those of them that are the body
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection: its first head is waited for."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone: nothing is waited for any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head are counted before anything is done with them."""
        if self._head >= 0:
            if self._head == 0 and self._patience is None:
                self._wait()
            self._head += len(data)
            if self._head > MOST_HEAD and b"\r\n\r\n" not in data[: max(0, MOST_HEAD - self._head + len(data)) + 4]:
                self._refuse(b"431 Request Header Fields Too Large", b"The head of the request is too long.")
                return
            super().data_received(data)
            return
        self._came += len(data)
        super().data_received(data)
        # What is sent around a body in pieces is nobody's to count but ours, and grows by copying like a head.
        if self._head < 0 and self._came - self._body > MOST_HEAD + MOST_FRAMING * self._body:
            self._refuse(b"431 Request Header Fields Too Large", b"More is sent around the body than in it.")

    def on_headers_complete(self) -> None:
        """The head is complete; the body's own limits are the handlers'."""
        self._head = -1
        self._came = self._body = 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, without what is sent around it."""
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """What comes now is the head of another request."""
        super().on_message_complete()
        self._head = 0

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if self._head >= 0 and not self.transport.is_closing():
            self._refuse(b"408 Request Timeout", b"The head of the request did not come in time.")

    def _refuse(self, status: bytes, says: bytes) -> None:
        self._wait_no_more()
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()  # another answer is on its way
            return
        length = str(len(says)).encode()
        head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: " + length
        self.transport.write(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n\r\n" + says)
        self.transport.close()
