"""The desk: where concurrent requests share a commit, and bells are rung after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import structlog

from models.store.orders import OrderKey
from pipelines.engine.inbox import Received, receive
from pipelines.orders.intake import Answer, Ending, Submission, take_in
from pipelines.route import WOKEN_BY
from workers.grouping import Group
from workers.metrics import INTAKE
from workers.pacing import PacedBell
from workers.patience import patiently
from workers.wiring import House

log = structlog.get_logger(__name__)


class Desk:
    """Takes orders and events in. An answer means durable; nothing is acknowledged before its commit."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._bell = PacedBell(house.bell)
        self._orders: Group[Submission, Answer] = Group(self._take_orders)
        self._events: Group[Received, bool] = Group(self._take_events)
        self._in_flight: set[tuple[object, ...]] = set()
        for ending in Ending:
            INTAKE.labels(ending)  # from zero on: a counter that is not there is no order that did not come

    async def order(self, submission: Submission) -> Answer | None:
        """Accept or refuse one order; None if the same order or key is being decided this very moment."""
        order = submission.order
        marks: list[tuple[object, ...]] = [("order", order.shop, order.number)]
        if submission.key:
            marks.append(("key", submission.client, submission.key))
        if any(mark in self._in_flight for mark in marks):
            return None
        self._in_flight.update(marks)
        try:
            return await self._orders.submit(submission)
        finally:
            self._in_flight.difference_update(marks)

    async def orders(self, submissions: Sequence[Submission]) -> list[Answer]:
        """Accept or refuse many orders in one transaction, each with its own answer."""
        return await asyncio.to_thread(self._take_orders, submissions)

    async def event(self, event: Received) -> bool:
        """Store one event; False if it was known already."""
        return await self._events.submit(event)

    def _take_orders(self, submissions: Sequence[Submission]) -> list[Answer]:
        house = self._house

        def attempt(again: bool) -> list[Answer]:
            taken = take_in(house.engine, house.shops, house.clock, submissions)
            # A commit whose answer was lost may have happened; what is found now under the same content is ours.
            return [_as_first(answer) for answer in taken] if again else taken

        began = time.perf_counter()
        answers = patiently(attempt)
        if house.traces is not None:
            taken = [OrderKey(one.shop, one.number) for one in answers if one.ending == Ending.ACCEPTED]
            house.traces.intake(house.engine, taken, time.perf_counter() - began)
        for answer in answers:
            INTAKE.labels(answer.ending).inc()
        if any(answer.ending == Ending.ACCEPTED for answer in answers):
            self._bell.ring(["accept"])
        return answers

    def _take_events(self, events: Sequence[Received]) -> list[bool]:
        house = self._house
        answers = patiently(lambda again: [new or again for new in receive(house.engine, house.clock, events)])
        self._bell.ring(
            {WOKEN_BY[e.type] for e, new in zip(events, answers, strict=True) if new and e.type in WOKEN_BY}
        )
        return answers

    def close(self) -> None:
        """Let the last bells ring."""
        self._bell.close()


def _as_first(answer: Answer) -> Answer:
    if answer.ending != Ending.REPEATED:
        return answer
    return Answer(Ending.ACCEPTED, answer.shop, answer.number, answer.state)
