"""News of suppliers, and orders that it finds, for the tests of notify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts, LineFacts
from pipelines.engine.run import enforce
from pipelines.shops import Shop
from pipelines.stages.notify import STAGE
from tests.rules.build import an_order
from tests.stages.build import (
    NOW,
    but,
    event,
    facts,
    parcel,
    payment,
    shipment,
)
from tests.world import tracking_number

NUMBER, OTHER, THIRD = (tracking_number(base) for base in (44_441_375_870, 44_441_375_871, 44_441_375_872))
HOUR = timedelta(hours=1)


def news(type_: str, number: int = 1, when: datetime = NOW, **body: Any) -> EventFacts:
    """News of the only shipment."""
    return event(f"shipment.{type_}", number, when, **{"shipment": "SH-1", **body})


def shipped(number: int = 1, when: datetime = NOW, tracking: str | None = NUMBER, **body: Any) -> EventFacts:
    return news("shipped", number, when, **{"carrier": "yamato", "tracking_number": tracking, **body})


def instructed(*events: EventFacts, shop: str = "salon", **changes: Any) -> Facts:
    """A released card order whose one shipment was instructed."""
    known = {"state": "released", "shipments": (shipment(state="instructed"),), "payment": payment("authorized", 1_760)}
    return facts(an_order(shop), events=events, **{**known, **changes})


def on_its_way(*events: EventFacts, **changes: Any) -> Facts:
    """An order whose one parcel left."""
    lines = {"1": LineFacts(1, 0, 1)}
    known = {
        "state": "shipped",
        "shipments": (shipment(state="shipped", lines=lines),),
        "parcels": (parcel(key=NUMBER, tracking_number=NUMBER),),
    }
    return instructed(*events, **{**known, **changes})


def parts(*events: EventFacts, **changes: Any) -> Facts:
    """Three pieces of one line in one shipment."""
    return instructed(*events, shipments=(shipment(state="instructed", pieces=3),), **changes)


def some(pieces: int) -> dict[str, Any]:
    return {"lines": [{"line": "1", "quantity": pieces}]}


def told_nothing(known: Facts) -> OrderDraft:
    """A draft that is told news portion by portion: each is read on what those before it left."""
    return STAGE.draft(but(known, needs=STAGE.needs, events=()))


def hear(draft: OrderDraft, news: Sequence[EventFacts], shop: Shop) -> None:
    """Tell ``news`` together; what cannot be applied yet waits."""
    draft.facts.events.extend(news)
    STAGE.decide(draft, shop, NOW)
    enforce(draft.decision())


def standing(draft: OrderDraft) -> dict[str, Any]:
    """Where everything stands."""
    return {
        "order": (draft.state, draft.condition),
        "holds": sorted((hold.reason, hold.shipment) for hold in draft.holds),
        "shipments": [
            (s.id, s.state, s.dispatch_on, [b["rule"] for b in s.because], {line: s.shipped(line) for line in s.lines})
            for s in draft.shipments
        ],
        "parcels": sorted(
            (p.shipment, p.key, str(p.tracking_number), str(p.tracking_status), sorted(p.lines.items()))
            for p in draft.parcels.values()
        ),
        "waiting": sorted({(e.type, e.at) for e in draft.waiting}),
    }
