"""What an order's remarks ask for, as those who act on it are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from pipelines.rules.explain import says
from pipelines.rules.order import Order
from pipelines.rules.remarks import read
from pipelines.rules.wish import Wish, wish
from pipelines.shops import Shop


def instructions_json(order: Order, shop: Shop) -> list[dict[str, Any]]:
    """The contract's ``instructions``: everything that was read in the remarks, and what nobody read."""
    return [one.to_json() for one in read(order, shop).instructions]


def supplier_instructions(order: Order, shop: Shop, carried: Wish) -> dict[str, Any]:
    """What a supplier of the order is told beyond the goods: ``delivery`` as far as it is wished of that supplier (``carried``; ``date``
    YYYY-MM-DD, for one day only; ``slot``), and the ``instructions`` that are for it."""
    day = carried.window.day if carried.window is not None else None
    told = [one for one in read(order, shop).instructions if one.for_ == "supplier"]
    if carried.window is None and wish(order, shop).window is not None:
        # The day is not asked of it; a time of day is quoted with the words around it, and the day may be among them.
        told = [
            replace(one, says=str(one.value)) if one.kind == "desired_slot" else one
            for one in told
            if one.kind != "desired_date"
        ]
    return {
        "delivery": {"date": day.isoformat() if day is not None else None, "slot": carried.slot},
        "instructions": [one.to_json() for one in told],
    }


def keep_instruction(visit_on: str, locale: str) -> dict[str, Any]:
    """What a store is told of goods that lie there and are called to it: to set them aside for the visit on ``visit_on`` (YYYY-MM-DD)."""
    told = says("instruction.keep", locale, visit=date.fromisoformat(visit_on))
    return {"kind": "keep_for_visit", "says": told, "for": "supplier", "value": visit_on}


def not_offered(order: Order, shop: Shop) -> list[dict[str, str]]:
    """The wishes that the shop answers with no at once (DLV-05): the customer's words (``says``) and the answer
    (``because``)."""
    return [
        {"says": one.says, "because": says(f"not_offered.{one.value or 'request'}", order.locale)}
        for one in read(order, shop).of("not_offered")
    ]
