"""HTTP with limits: how long a request's head may be, how long it may take to come, and how much may stand around a body.

httptools knows neither, and grows one endless header line by copying it: a single connection could hold up all others. What is refused
here, before any handler sees it, is told as anything else is: by a problem document.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from workers.web.problem import problem

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
                self._refuse(431, f"The head of the request is too long: {MOST_HEAD} bytes are taken.")
                return
            super().data_received(data)
            return
        self._came += len(data)
        super().data_received(data)
        # What is sent around a body in pieces is nobody's to count but ours, and grows by copying like a head.
        if self._head < 0 and self._came - self._body > MOST_HEAD + MOST_FRAMING * self._body:
            self._refuse(431, "More is sent around the body than in it.")

    def on_headers_complete(self) -> None:
        """The head is complete; the body's own limits are the handlers'."""
        self._head = -1
        self._came = self._body = 0
        self._wait_no_more()
        most = self.limit_concurrency
        if most is not None and max(len(self.connections), len(self.tasks)) >= most:
            # uvicorn's own answer does not say when to come again; this one ends the connection too.
            self.app, self.limit_concurrency = one_too_many, None
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
            self._refuse(408, "The head of the request did not come in time; send it again.")

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP: uvicorn's ``msg`` says no more than that."""
        self._refuse(
            400, "This is no HTTP request that can be read; write what is not ASCII in an address percent-encoded."
        )

    def _refuse(self, status: int, says: str) -> None:
        self._wait_no_more()
        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()  # another answer is on its way
            return
        phrase = HTTPStatus(status).phrase
        told = problem(status, phrase, says, headers={"connection": "close"})
        lines = (name + b": " + value for name, value in (*self.server_state.default_headers, *told.raw_headers))
        self.transport.write(b"\r\n".join((f"HTTP/1.1 {status} {phrase}".encode(), *lines, b"", bytes(told.body))))
        self.transport.close()


async def one_too_many(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers a connection beyond those that a process holds."""
    says = "As many connections as can be served are open; nothing was stored: send the same request again."
    told = problem(503, "Busy", says, headers={"Retry-After": "1", "connection": "close"})
    await told(scope, receive, send)
