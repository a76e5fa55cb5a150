"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState, PaymentState
from pipelines.changes.ending import cancel_order
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.rules.cancel import Refusal, refusal
from pipelines.shops import Shop

REQUESTED = "order.cancel"


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Grant or refuse what was asked; the first request that can be granted ends the order."""
    for event in draft.waiting:
        by_operator = bool(event.body.get("operator"))
        if draft.state == OrderState.CANCELLED:
            draft.ignored(event, "the order is cancelled already")
        elif refused := refusal_of(draft, shop, now, by_operator=by_operator):
            draft.refused(event, f"{refused.rule}: {refused.says}")
        else:
            reason = "shop_decision" if by_operator else "customer_request"
            who = "operator" if by_operator else "customer"
            cancel_order(draft, shop, now, reason=reason, cause=f"cancelled by the {who}")
            draft.applied(event)


def refusal_of(draft: OrderDraft, shop: Shop, now: datetime, *, by_operator: bool) -> Refusal | None:
    """Why the order cannot be cancelled now; an operator is bound only by what has already left (CAN-01)."""
    told = draft.state == OrderState.RELEASED or any(not shipment.is_untold for shipment in draft.shipments)
    if by_operator:
        gone = draft.state in (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.DELIVERED)
        says = "The goods were handed over already: ask the supplier to stop them, then take a return."
        return Refusal("CAN-06", says) if gone or told else None
    return refusal(
        shop=shop,
        state=OrderState(draft.state),
        method=draft.facts.method,
        payment_state=PaymentState(draft.money.state),
        placed_at=draft.facts.placed_at,
        now=now,
        any_instructed=told,
    )


STAGE = Stage(
    "cancel",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOTS | Need.EFFECTS | Need.EVENTS | Need.COUPONS,
    consumes=(REQUESTED,),
    leads_to=("settle",),
)
