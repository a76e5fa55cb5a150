"""May a customer still cancel (キャンセル)? CAN-01, CAN-03, CAN-06."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from models.states import OrderState, PaymentState
from pipelines.rules.explain import says

if TYPE_CHECKING:
    from pipelines.shops import Shop

_OVER: Final = frozenset({OrderState.CANCELLED, OrderState.DELIVERED})
_RELEASED: Final = frozenset({OrderState.RELEASED, OrderState.PARTLY_SHIPPED, OrderState.SHIPPED})
_MONEY_OUT: Final = frozenset({PaymentState.PENDING, PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.VOIDED})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: ``rule`` is the rule's id, ``says`` a sentence for the customer."""

    rule: str
    says: str


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
    locale: str = "ja",
) -> Refusal | None:
    """Why the customer cannot cancel now, or None if they can.

    ``any_instructed``: a supplier was told to ship, i.e. "preparing shipment" has begun. ``store_pull_in``: the goods
    were called to a store (STO-01), which has its own window.
    """
    if state in _OVER:
        return Refusal("CAN-02", says("cancel.over", locale))
    policy = shop.cancel.policy
    if policy == "never":
        return Refusal("CAN-01", says("cancel.never", locale))
    if any_instructed or state in _RELEASED:
        return Refusal("CAN-03" if policy == "windows" else "CAN-06", says("cancel.released", locale))
    if policy == "until_released":
        return None
    if store_pull_in:
        window = timedelta(minutes=shop.cancel.pull_in_minutes)
        if now - placed_at <= window:
            return None
        return Refusal("CAN-03", says("cancel.pull_in", locale, minutes=shop.cancel.pull_in_minutes))
    if method not in shop.cancel.until_paid:
        return Refusal("CAN-03", says("cancel.enquiry", locale))
    if payment_state in _MONEY_OUT:
        return None
    return Refusal("CAN-03", says("cancel.paid", locale))
