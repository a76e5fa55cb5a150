"""Fake gateways for tests: each served from a thread of its own, so that scenarios on other event loops can speak to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from workers.clock import AnyClock, SystemClock
from workers.sandbox.faults import Faults
from workers.sandbox.gateways.ledger import Kind, Move
from workers.sandbox.gateways.provider import FAULTS, Provider, Served
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import Request, serving
from workers.sandbox.journal import Journal


@dataclass
class Fake:
    """A fake gateway that is being served at ``url``."""

    url: str
    served: Served

    @property
    def provider(self) -> Provider:
        return self.served.provider

    @property
    def requests(self) -> Sequence[Request]:
        return self.served.requests

    def moves(self, order: str, kind: Kind | None = None) -> list[Move]:
        """What the ledger did with an order's money."""
        return [move for move in self.provider.ledger.of_order(order) if kind in (None, move.kind)]

    def strike(self, operation: str, point: str, how: str, times: int = 1) -> None:
        """Let the next such operations fail: ``point`` before, after or slow; ``how`` cut, 500, 502, 429, empty, garbage.
        A strike is used up by the operation it hits, whatever the gateway makes of that."""
        told = {"operation": operation, "point": point, "how": how, "times": times}
        httpx.post(f"{self.url}/_strike", json=told).raise_for_status()

    def faults(self, **switches: float) -> None:
        httpx.post(f"{self.url}/_faults", json=switches).raise_for_status()

    def buyer(self, act: str, **more: object) -> dict[str, Any]:
        """What the buyer does; what the provider shows for it."""
        answer = httpx.post(f"{self.url}/_buyer", json={"act": act, **more})
        answer.raise_for_status()
        shown: dict[str, Any] = answer.json()
        return shown

    def clock(self, at: datetime) -> None:
        """Set the provider's clock ahead."""
        httpx.post(f"{self.url}/_clock", json={"at": at.isoformat()}).raise_for_status()

    def notices(self, epoch: int) -> list[tuple[Mapping[str, str], bytes]]:
        """Headers and body of every notice there was so far, the oldest first, as if they were signed at ``epoch``."""
        return [self.provider.signed(posting, epoch) for posting in self.served.told]


@contextmanager
def served(
    provider: Provider,
    journal: Path,
    *,
    clock: AnyClock | None = None,
    faults: Mapping[str, float] | None = None,
    notices: str | None = None,
) -> Iterator[Fake]:
    """``provider`` on the wire at 127.0.0.1 until the block ends."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    made: list[Fake] = []

    async def serve() -> None:
        async with Journal(journal) as kept, HttpClient() as client:
            switches = Faults({**FAULTS, **(faults or {})})
            one = Served(provider, kept, clock or SystemClock(), switches, client, notices=notices)
            async with serving(one.handle) as port:
                made.append(Fake(f"http://127.0.0.1:{port}", one))
                ready.set()
                await stop.wait()
            await one.aclose()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name=f"fake-{provider.name}")
    thread.start()
    try:
        assert ready.wait(10), "the fake did not start"
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
    if (broken := made[0].served.broken) is not None:
        raise broken
