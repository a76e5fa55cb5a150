"""What is left of a body once its request has its answer: taken off the connection, so that the answer arrives.

A connection that is closed while something that came on it is unread is reset, and a client that sends all before it reads
never sees why it was refused.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_UNREAD: Final = 32 * 1024 * 1024
"""Bytes that are taken and forgotten; who sends more is cut off."""
UNREAD_SECONDS: Final = 5.0
"""Seconds that the rest of a body may take."""


class Unread:
    """ASGI middleware that sends an answer at once, and ends it when the rest of the request's body has come."""

    def __init__(self, app: ASGIApp, most: int = MOST_UNREAD, seconds: float = UNREAD_SECONDS) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; of one that has a body see to what its handler left of it."""
        if scope["type"] != "http" or not _sends_a_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        over = False

        async def received() -> Message:
            nonlocal over
            message = await receive()
            over = not message.get("more_body", False)
            return message

        async def sent(message: Message) -> None:
            if over or message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            await send({**message, "more_body": True})
            await self._take(received)
            await send({"type": "http.response.body", "body": b""})

        await self._app(scope, received, sent)

    async def _take(self, receive: Receive) -> None:
        """Take the rest, up to a size and for a time."""
        left = self._most
        try:
            async with asyncio.timeout(self._seconds):
                while left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return


def _sends_a_body(headers: Headers) -> bool:
    """Whether a body is on its way: who waits for a 100 has his answer instead of it, and sends none."""
    if "expect" in headers:
        return False
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
