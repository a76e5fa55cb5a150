"""When the customer wants the goods (配達希望): as the order's own field says, else as its remarks do (DLV-01, DLV-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.rules.order import Order
from pipelines.rules.remarks import DeliveryWindow, read

if TYPE_CHECKING:
    from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Wish:
    """``window``: the days wished for, None without a wish. ``slot``: the time of day, as the shop names it or, where its
    slots are free text, in the customer's words."""

    window: DeliveryWindow | None = None
    slot: str | None = None


def as_written(delivery: Mapping[str, Any] | None) -> Wish:
    """What an order's own field ``delivery`` says, as its document has it; None: the document is older than the field."""
    told = delivery or {}
    day = date.fromisoformat(told["date"]) if told.get("date") else None
    return Wish(None if day is None else DeliveryWindow(day, day), told.get("slot"))


def wish(order: Order, shop: Shop) -> Wish:
    """What the customer wishes for; remarks that say something else than the order's fields are read by a person."""
    window = None if order.delivery_date is None else DeliveryWindow(order.delivery_date, order.delivery_date)
    if not order.remarks:
        return Wish(window, order.delivery_slot)
    reading = read(order, shop)
    return Wish(window or reading.window, order.delivery_slot or reading.slot)
