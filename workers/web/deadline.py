"""The longest a request is waited on: whatever it waits for inside, its client hears within this time."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.web.answers import database_away
from workers.web.asked import asked

log = structlog.get_logger(__name__)

ANSWER_WITHIN: Final = 25.0
"""Seconds, not counting those in which the client sends; more than `workers.patience.PATIENCE`, less than clients wait."""


class Deadline:
    """ASGI middleware that answers 503 for what did not end in time. What a thread is at meanwhile ends there, unheard."""

    def __init__(self, app: ASGIApp, seconds: float = ANSWER_WITHIN) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on within the time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        begun = False

        async def received() -> Message:
            left = (limit.when() or loop.time()) - loop.time()
            limit.reschedule(None)
            try:
                return await receive()
            finally:
                limit.reschedule(None if begun else loop.time() + left)

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True  # it has its answer: how long the client takes to read it is another matter
            limit.reschedule(None)
            await send(message)

        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, received, sent)
        except TimeoutError:
            if not limit.expired():
                raise
            log.error("web.too_slow", **asked(scope))
            await database_away()(scope, receive, send)
