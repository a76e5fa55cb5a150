"""What replaces goods that came back (代替品): an order of its own that costs nothing, linked to the one whose goods it replaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ReturnFacts
from pipelines.rules.order import Order
from pipelines.values.calendar import in_japan


def replacement(draft: OrderDraft, one: ReturnFacts, now: datetime) -> Order:
    """The order that replaces the goods of a return, placed at ``now``: no price, no points, nothing to pay; its number is the first
    order's with ``-R`` and which of its replacements it is."""
    sold, pieces = draft.facts.order, one.pieces
    times = sum(other.replacement is not None for other in draft.returns)
    return replace(
        sold,
        number=f"{sold.number}-R{times + 1}",
        placed_at=in_japan(now),
        lines=tuple(
            replace(
                line,
                quantity=pieces[line.line],
                unit_price=0,
                availability="made_to_order" if line.availability == "made_to_order" else "in_stock",
                expected_on=None,
            )
            for line in sold.lines
            if pieces[line.line]
        ),
        coupons=(),
        points_use=0,
        method="none",
        token=None,
        delivery_date=None,
        delivery_slot=None,
        remarks="",
        shown_total=None,
        replaces=sold.number,
    )
