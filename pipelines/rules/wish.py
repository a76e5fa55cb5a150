"""When the customer wants the goods (配達希望): as the order's own field says, else as its remarks do (DLV-01, DLV-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

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


class Sent(Protocol):
    """A shipment, as far as a wish is concerned: who sends it, whether it waits for goods, and when it should arrive, None where nobody
    knows."""

    @property
    def supplier(self) -> str: ...
    @property
    def backorder(self) -> bool: ...
    @property
    def arrive_on(self) -> date | None: ...


def is_ignored(shop: Shop, supplier: str, *, backorder: bool) -> bool:
    """Whether no wish for a day counts: where it is best effort it does for goods in stock that the shop sends itself, and for neither
    a back-order nor what ``supplier`` sends in its stead (DLV-01)."""
    return shop.delivery.requests == "best_effort" and (backorder or supplier != shop.split.home)


def is_missed(window: DeliveryWindow, arrive_on: date | None) -> bool:
    """Whether goods that should arrive on ``arrive_on`` come after all days wished for (DLV-04); None: nobody knows yet."""
    return arrive_on is not None and window.last is not None and arrive_on > window.last


def carried(wished: Wish, shop: Shop, sent: Sent) -> Wish:
    """What of a wish goes with a shipment: no day that does not count or cannot be met, since no carrier can keep it; the time of day
    stays (DLV-01, DLV-04)."""
    window = wished.window
    if window is None or window == DeliveryWindow():  # as early as possible is what every order gets
        return wished
    refused = is_ignored(shop, sent.supplier, backorder=sent.backorder) or is_missed(window, sent.arrive_on)
    return Wish(None, wished.slot) if refused else wished


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
