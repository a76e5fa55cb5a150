"""How long requests take, by part of the interface and class of status."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.metrics import REQUEST_SECONDS, area_of


class Timed:
    """ASGI middleware that observes the seconds to the head of each answer; what streams afterwards is not counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                area, status = area_of(scope["path"]), f"{message['status'] // 100}xx"
                REQUEST_SECONDS.labels(area, status).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, sent)
