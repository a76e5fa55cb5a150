"""An outside world without a network, so that a benchmark measures the engine: it answers at once and honestly."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from models.states import PaymentState
from pipelines.engine.inbox import Received, receive
from pipelines.gateway import Answer, Snapshot
from pipelines.ports import Clock, Outcome, Verdict
from pipelines.suppliers.news import supplier_event
from workers.broker import Bell
from workers.http.poster import Message


class InstantGateway:
    """A card gateway that agrees at once and remembers every key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._done: dict[str, Answer] = {}

    def _do(self, key: str, order: str, state: PaymentState, authorized: int, captured: int = 0) -> Answer:
        if key not in self._done:
            stands = Snapshot(f"at-{order}", state, authorized, captured, 0, self._clock.now())
            self._done[key] = Answer(Verdict.OK, stands)
        return self._done[key]

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        return self._do(key, order, PaymentState.AUTHORIZED, amount)

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        return self._do(key, order, PaymentState.CAPTURED, amount, amount)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        return self._do(key, order, PaymentState.VOIDED, 0)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        return self._done.get(key or "")

    async def aclose(self) -> None:
        return None


class InstantSuppliers:
    """Suppliers that ship what they are told the moment they are told, all of it, and say so in batches."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._news: list[Received] = []

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        now = self._clock.now()
        event = _shipped(message, now)
        self._news.append(supplier_event(event, supplier=message.to, shops=(), event_id=message.key, now=now))
        return Outcome(Verdict.OK)

    async def tell(self) -> int:
        """Hand the news in, as webhooks that arrive together share a commit; how many there were."""
        news, self._news = self._news, []
        if news:
            await asyncio.to_thread(receive, self._engine, self._clock, news)
        return len(news)

    async def aclose(self) -> None:
        return None


def tracking_number(key: str) -> str:
    """A number of yamato's for what ``key`` asked for, the same each time, and none that `benchmarks.lists` gives. One that two parcels have is
    refused as a mistake: of six characters of the key two in twenty thousand would meet once in six runs."""
    base = 10**10 + int.from_bytes(hashlib.sha256(key.encode()).digest()) % (9 * 10**10)
    return f"{base:011d}{base % 7}"


def _shipped(message: Message, now: datetime) -> dict[str, Any]:
    return {
        "type": "shipment.shipped",
        "timestamp": now.isoformat(),
        "data": {
            "shipment": message.data["shipment"],
            "carrier": "yamato",
            "tracking_number": tracking_number(message.key),
            "shipped_at": now.isoformat(),
        },
    }


class LocalBell(Bell):
    """Rings within one process: what a broker's bell does there, without a broker."""

    def __init__(self) -> None:
        self._rung: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def listen(self, kind: str) -> asyncio.Event:
        """The event that is set when ``kind`` is rung for; called within the loop that performs."""
        self._loop = asyncio.get_running_loop()
        return self._rung.setdefault(kind, asyncio.Event())

    def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = (), *, about: int = 0) -> None:
        for kind in effects:
            if self._loop is not None and kind in self._rung:
                self._loop.call_soon_threadsafe(self._rung[kind].set)
