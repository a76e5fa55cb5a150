"""Ship (手動発送登録): goods left, and their supplier said so to a human: by telephone, on paper, in its own screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from pipelines.changes.parcels import News, departure_fault
from pipelines.engine.facts import EventFacts
from pipelines.errors import Problem
from pipelines.orders import pieces
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.actions.reroute import SHIPMENT
from pipelines.orders.pieces import Lines
from pipelines.orders.schema import ONE_LINE, Time
from pipelines.orders.unsent import about, not_waiting
from pipelines.rules.explain import Refusal, Sentence
from pipelines.values.moment import too_far_ahead

#: What its supplier would have said.
SHIPPED: Final = "shipment.shipped"
_WORD: Final = Field(default=None, min_length=1, max_length=64, pattern=ONE_LINE)


class ShipmentShipped(Request):
    """A parcel of a shipment, as its supplier would report it (``shipment.shipped``)."""

    shipment: Annotated[str, SHIPMENT]
    carrier: Annotated[str | None, _WORD, Field(description="In any spelling; left out: the supplier's own carrier")]
    tracking_number: Annotated[
        str | None, _WORD, Field(description="Left out where the supplier may have none (TRK-01)")
    ]
    shipped_at: Annotated[Time | None, Field(default=None, description="When it left; left out: now")]
    lines: Annotated[Lines | None, Field(default=None, description="What is in it; left out: all that is open")]


def stands(case: Case) -> Sequence[Refusal]:
    """Something of the shipment waits to be sent."""
    return not_waiting(case)


def faults(case: Case, asked: ShipmentShipped) -> Sequence[Problem]:
    """What would be quarantined if a supplier said it."""
    if asked.shipped_at is not None and (why := too_far_ahead(asked.shipped_at, case.now, timedelta())):
        return [Problem("shipped_at", why)]
    shipment = about(case)
    live = {line: counted.live for line, counted in shipment.lines.items()}
    if wrong := pieces.faults(case.order.facts, asked.lines or (), live, f"are in {shipment.id}"):
        return wrong
    fault = departure_fault(News(case.order, case.shop, case.now), shipment, as_news(asked, case.now), known=True)
    return [fault] if fault is not None else []


def as_news(asked: ShipmentShipped, now: datetime, number: int = 0, source: str = "operator") -> EventFacts:
    """The supplier's news that stands for ``asked``: the event ``number`` of ``source``."""
    body = asked.model_dump(mode="json", exclude={"shipment"})
    return EventFacts(number, source, f"{asked.shipment}:by hand", SHIPPED, asked.shipment, body, now)


ACTION = Action(
    name="shipments:ship",
    label=Sentence("発送済みにする", "Mark as shipped"),
    says=Sentence(
        "出荷元から連絡のあった発送を登録します。売上の確定、ポイント、お客様への発送のお知らせは、出荷元の報告と同じです。",
        "The supplier says that goods have left: money, points and the customer's mail follow as from its own report.",
    ),
    about=About.SHIPMENT,
    model=ShipmentShipped,
    wakes="order.ship",
    stands=stands,
    faults=faults,
)
