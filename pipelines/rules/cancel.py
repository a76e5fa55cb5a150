"""May a customer still cancel (キャンセル)? CAN-01, CAN-03, CAN-06."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from models.states import OrderState, PaymentState
from pipelines.rules.explain import Refusal, sentence

if TYPE_CHECKING:
    from pipelines.shops import Shop

_OVER: Final = frozenset({OrderState.CANCELLED, OrderState.DELIVERED})
_RELEASED: Final = frozenset(
    {OrderState.RELEASED, OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.UNDELIVERED}
)
_MONEY_OUT: Final = frozenset({PaymentState.PENDING, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.VOIDED})


def refusal(
    *,
    shop: Shop,
    state: OrderState,
    method: str,
    payment_state: PaymentState,
    placed_at: datetime,
    now: datetime,
    any_instructed: bool,
    store_pull_in: bool = False,
) -> Refusal | None:
    """Why the customer cannot cancel now, or None if they can.

    ``any_instructed``: a supplier was told to ship, i.e. "preparing shipment" has begun. ``store_pull_in``: the goods
    were called to a store (STO-01), which has its own window.
    """
    if state in _OVER:
        return Refusal(sentence("cancel.over"), rule="CAN-02")
    policy = shop.cancel.policy
    if policy == "never":
        return Refusal(sentence("cancel.never"), rule="CAN-01")
    if any_instructed or state in _RELEASED:
        return Refusal(sentence("cancel.released"), rule="CAN-03" if policy == "windows" else "CAN-06")
    if policy == "until_released":
        return None
    if store_pull_in:
        if now - placed_at <= timedelta(minutes=shop.cancel.pull_in_minutes):
            return None
        return Refusal(sentence("cancel.pull_in"), {"minutes": shop.cancel.pull_in_minutes}, rule="CAN-03")
    if method not in shop.cancel.until_paid:
        return Refusal(sentence("cancel.enquiry"), rule="CAN-03")
    if payment_state in _MONEY_OUT:
        return None
    return Refusal(sentence("cancel.paid"), rule="CAN-03")


def pull_in_settles_at(placed_at: datetime, shop: Shop) -> datetime | None:
    """From when (aware) goods called to a store may be prepared: once the customer cannot cancel any more by oneself, since then
    it would be too late (CAN-03); None where the shop has no such window."""
    if shop.cancel.policy != "windows":
        return None
    return placed_at + timedelta(minutes=shop.cancel.pull_in_minutes, seconds=1)
