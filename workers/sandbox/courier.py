"""Delivers signed events of the simulated world until the receiver has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from pipelines.errors import Unreachable
from workers.http.signing import signed_headers
from workers.sandbox.http_client import HttpClient
from workers.sandbox.journal import Journal


@dataclass(frozen=True, slots=True)
class Event:
    """One event: ``id`` is the webhook-id, the same for every attempt; ``timestamp`` is ISO in the clock's time."""

    id: str
    type: str
    timestamp: str
    data: Mapping[str, Any]

    def body(self) -> bytes:
        """The JSON that is signed."""
        return orjson.dumps({"type": self.type, "timestamp": self.timestamp, "data": self.data})


class Courier:
    """Posts events by Standard Webhooks, repeating with back-off under the same webhook-id until a 2xx answer."""

    def __init__(self, journal: Journal, client: HttpClient, *, first_wait: float = 0.2, longest: float = 5.0) -> None:
        """``first_wait`` and ``longest`` bound the back-off, in real seconds."""
        self._journal = journal
        self._client = client
        self._first_wait = first_wait
        self._longest = longest

    async def deliver(self, event: Event, *, url: str, secret: str) -> None:
        """Returns once the receiver answered 2xx and the journal says so (``kind`` ``delivered``)."""
        await self.until_heard(event, partial(self.post, event.id, event.body(), url=url, secret=secret))

    async def until_heard(
        self,
        event: Event,
        attempt: Callable[[], Awaitable[int]],
        *,
        via: str = "webhook",
        over: Callable[[int], bool] = lambda status: False,
    ) -> None:
        """``attempt`` (its status, 0 where no answer came) again and again until it is 2xx, or ``over`` for good (``kind``
        ``turned_away``); the journal says which, and ``via`` what."""
        wait, tries = self._first_wait, 1
        while not (heard := 200 <= (status := await attempt()) < 300) and not over(status):
            await asyncio.sleep(wait)
            wait, tries = min(wait * 2, self._longest), tries + 1
        kind = "delivered" if heard else "turned_away"
        await self._journal.write(
            {"kind": kind, "id": event.id, "type": event.type, "status": status, "tries": tries, "via": via}
        )

    async def post(self, webhook_id: str, body: bytes, *, url: str, secret: str) -> int:
        """One attempt; the status, or 0 where no answer came. It is signed with the real time."""
        headers = {"content-type": "application/json", **signed_headers([secret], webhook_id, int(time.time()), body)}
        try:
            return (await self._client.request("POST", url, headers, body)).status
        except Unreachable:
            return 0
