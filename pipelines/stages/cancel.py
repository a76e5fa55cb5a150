"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import HoldReason, OrderState
from pipelines.changes.ending import AT_WISH, cancel_order
from pipelines.changes.money import LETS_GO
from pipelines.changes.requests import heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.cancel import ACTION, is_wished
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Grant or refuse what was asked; the first request that can be granted ends the order."""
    for event in draft.waiting:
        if draft.state == OrderState.CANCELLED:
            draft.ignored(event, "the order is cancelled already")
        elif (asked := heard(ACTION, draft, shop, now, event)) is not None:
            by_operator = bool(event.body.get("operator"))
            wished = is_wished(asked, by_operator=by_operator)
            who = ("operator at the customer's wish" if wished else "operator") if by_operator else "customer"
            reason = AT_WISH if wished else _shops_reason(draft)
            cancel_order(draft, shop, now, reason=reason, cause=f"cancelled by the {who}")
            draft.applied(event)


def _shops_reason(draft: OrderDraft) -> str:
    """The reason code of a cancel that is the shop's decision (CAN-05): of a customer whose orders go before a person it has its own."""
    is_blocked = any(hold.reason == HoldReason.BLOCKED_CUSTOMER for hold in draft.holds)
    return "blocked_customer" if is_blocked else "shop_decision"


STAGE = Stage(
    "cancel",
    decide,
    Need.RETURNS
    | Need.PAYMENT
    | Need.SHIPMENTS
    | Need.LOTS
    | Need.EFFECTS
    | Need.EVENTS
    | Need.COUPONS
    | Need.SUPPLIERS
    | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes,),
    leads_to=("settle",),
    asks=LETS_GO,
    early=True,
)
