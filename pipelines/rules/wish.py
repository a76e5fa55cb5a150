"""When the customer wants the goods (配達希望): as the order's own field says, else as its remarks do (DLV-01, DLV-02)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def wish(order: Order, shop: Shop) -> Wish:
    """What the customer wishes for; remarks that say something else than the order's fields are read by a person."""
    window = None if order.delivery_date is None else DeliveryWindow(order.delivery_date, order.delivery_date)
    if not order.remarks:
        return Wish(window, order.delivery_slot)
    reading = read(order, shop)
    return Wish(window or reading.window, order.delivery_slot or reading.slot)
