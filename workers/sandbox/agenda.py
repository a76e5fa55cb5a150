"""What a demo process means to do, each at its time by the business clock."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count

from workers.clock import AnyClock

log = logging.getLogger(__name__)

Deed = Callable[[], Awaitable[None]]

_LONGEST_SLEEP = 1.0


class Agenda:
    """Runs deeds when the clock reaches their time; deeds of one time start in the order they were planned."""

    def __init__(self, clock: AnyClock) -> None:
        self._clock = clock
        self._planned: list[tuple[datetime, int, Deed]] = []
        self._order = count()
        self._news = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def plan(self, at: datetime, deed: Deed) -> None:
        """Have ``deed`` done at ``at`` (aware); at once if that is past."""
        heapq.heappush(self._planned, (at, next(self._order), deed))
        self._news.set()

    @property
    def open(self) -> int:
        """How many deeds are planned or under way."""
        return len(self._planned) + len(self._running)

    def drop(self) -> None:
        """Do nothing of what is planned; what is under way goes on."""
        self._planned.clear()

    async def run(self) -> None:
        """Serve the agenda until cancelled; deeds under way are then cancelled too."""
        try:
            while True:
                self._start_due()
                self._news.clear()
                await self._sleep()
        finally:
            for task in self._running:
                task.cancel()

    def _start_due(self) -> None:
        now = self._clock.now()
        while self._planned and self._planned[0][0] <= now:
            task = asyncio.create_task(_done(heapq.heappop(self._planned)[2]))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _sleep(self) -> None:
        if self._planned:
            wait = min(self._clock.real_seconds_until(self._planned[0][0]), _LONGEST_SLEEP)
        else:
            wait = _LONGEST_SLEEP
        try:
            async with asyncio.timeout(wait):
                await self._news.wait()
        except TimeoutError:
            pass


async def _done(deed: Deed) -> None:
    try:
        await deed()
    except Exception:  # one deed must not end the others; what went wrong is recorded
        log.exception("a planned deed failed")
