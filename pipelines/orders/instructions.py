"""What an order's remarks ask for, as those who act on it are told."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.rules.explain import says
from pipelines.rules.order import Order
from pipelines.rules.remarks import read
from pipelines.rules.wish import wish
from pipelines.shops import Shop


def instructions_json(order: Order, shop: Shop) -> list[dict[str, Any]]:
    """The contract's ``instructions``: everything that was read in the remarks, and what nobody read."""
    return [one.to_json() for one in read(order, shop).instructions]


def supplier_instructions(order: Order, shop: Shop) -> dict[str, Any]:
    """What a supplier of the order is told beyond the goods: ``delivery`` as wished, by the order's field or its remarks
    (``date`` YYYY-MM-DD, for one day only; ``slot``), and the ``instructions`` that are for it."""
    wished = wish(order, shop)
    day = wished.window.day if wished.window is not None else None
    return {
        "delivery": {"date": day.isoformat() if day is not None else None, "slot": wished.slot},
        "instructions": [one.to_json() for one in read(order, shop).instructions if one.for_ == "supplier"],
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
