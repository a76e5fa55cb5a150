"""What would become of departures (発送報告) that a supplier is about to tell: the same refusals as when they are read, at once and
for many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from models.store import orders
from pipelines.changes.parcels import News, departure_fault, read
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts
from pipelines.engine.gather import facts_of
from pipelines.engine.inbox import Received
from pipelines.errors import Problem
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.stages.notify import STAGE


class Departure(NamedTuple):
    """A departure that is to be told of a shipment of the order ``order_id``."""

    order_id: int
    event: Received


def faults(
    connection: Connection, shops: Mapping[str, Shop], told: Sequence[Departure], clock: Clock
) -> list[Problem | None]:
    """Why each of ``told`` cannot be right, by the field of it that is wrong; None: it can. Each is judged as if those before it
    had been told. A fixed number of statements, however many; nothing is locked."""
    now = clock.now()
    waiting = [_waiting(one.event, -len(told) + n) for n, one in enumerate(told)]
    rows = orders.by_ids(connection, sorted({one.order_id for one in told}))
    drafts: dict[int, OrderDraft] = {}
    for facts in facts_of(connection, STAGE, rows, now, lock=False, coming=waiting):
        # Their numbers were looked up; they are read one by one below, behind what waits already.
        facts.events = [event for event in facts.events if event.id > 0]
        draft = drafts[facts.id] = STAGE.draft(facts)
        if facts.events:
            STAGE.decide(draft, shops[facts.shop], now)
    return [
        _fault(News(drafts[one.order_id], shops[drafts[one.order_id].facts.shop], now), event)
        for one, event in zip(told, waiting, strict=True)
    ]


def _fault(news: News, event: EventFacts) -> Problem | None:
    shipment = news.draft.shipment(event.shipment or "")
    fault = departure_fault(news, shipment, event, known=True)
    if fault is None:
        read(news, shipment, event)
    return fault


def _waiting(event: Received, number: int) -> EventFacts:
    return EventFacts(number, event.source, event.event_id, event.type, event.shipment, event.body, event.at)
