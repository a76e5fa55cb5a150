"""A simulated supplier whose program fetches its work and posts its news (contract: ``GET work``, ``POST events``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from pipelines.errors import Unreachable
from workers.sandbox.channels.channel import CANCEL, REQUESTED, Told
from workers.sandbox.courier import Courier, Event
from workers.sandbox.http_client import HttpClient

_EVERYTHING: Final = frozenset(
    f"shipment.{kind}"
    for kind in ("acknowledged", "refused", "delayed", "short", "shipped", "tracking_updated", "delivered", "returned", "lost", "cancel_accepted")
)  # fmt: skip


class Poll:
    """Asks ``url`` (Shukka's) with its supplier's ``key``."""

    name = "poll"
    says = _EVERYTHING

    def __init__(self, name: str, *, url: str, key: str, client: HttpClient, courier: Courier) -> None:
        self._place = f"{url.rstrip('/')}/v1/suppliers/{quote(name, safe='')}"
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._client = client
        self._courier = courier

    async def look(self) -> Sequence[Told]:
        """Both lists, whole."""
        asked = [Told(one["id"], REQUESTED, one) async for one in self._work("requested")]
        off = [Told(f"{one['id']}:cancel", CANCEL, one) async for one in self._work("cancellation_requested")]
        return [*asked, *off]

    def took(self) -> None:
        """What was taken in stays listed until it is answered; its id tells that it is known."""

    async def say(self, event: Event) -> None:
        """Post it with an id of its own."""
        await self._courier.until_heard(event, partial(self._post, event), via="poll")

    async def _post(self, event: Event) -> int:
        body = orjson.dumps({"id": event.id, "type": event.type, "timestamp": event.timestamp, "data": event.data})
        try:
            return (await self._client.request("POST", f"{self._place}/events", self._headers, body)).status
        except Unreachable:
            return 0

    async def _work(self, state: str) -> AsyncIterator[Mapping[str, Any]]:
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"state": state, "cursor": cursor})
            answer = await self._client.request("GET", f"{self._place}/work?{query}", self._headers)
            if not answer.ok:
                raise Unreachable(f"{self._place}/work answers {answer.status}")
            page = answer.json()
            for one in page["work"]:
                yield one
            cursor = page["next"]
