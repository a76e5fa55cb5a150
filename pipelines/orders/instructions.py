"""What an order's remarks ask for, as those who act on it are told."""

from __future__ import annotations

from typing import Any

from pipelines.rules.order import Order
from pipelines.rules.remarks import read
from pipelines.rules.wish import wish
from pipelines.shops import Shop


def instructions_json(order: Order, shop: Shop) -> list[dict[str, Any]]:
    """The contract's ``instructions``: everything that was read in the remarks, and what nobody read."""
    return [one.to_json() for one in read(order, shop).instructions]


def supplier_instructions(order: Order, shop: Shop) -> dict[str, Any]:
    """What the supplier of an order is told beyond the goods: ``delivery`` as wished, in the order's field or its remarks (a
    date only for one day), and the ``instructions`` that are for it."""
    wished = wish(order, shop)
    day = wished.window.day if wished.window is not None else None
    return {
        "delivery": {"date": day.isoformat() if day is not None else None, "slot": wished.slot},
        "instructions": [one.to_json() for one in read(order, shop).instructions if one.for_ == "supplier"],
    }
