"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState, PaymentState, ShipmentState
from pipelines.engine.stage import Decision, Facts, Need, Stage
from pipelines.rules.cancel import Refusal, refusal
from pipelines.shops import Shop
from pipelines.stages.cancelling import cancel_order

REQUESTED = "order.cancel"


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Grant or refuse what was asked; the first request that can be granted ends the order."""
    decision = Decision(facts)
    for event in facts.events:
        by_operator = bool(event.body.get("operator"))
        if decision.state == OrderState.CANCELLED:
            decision.events.append((event.id, "ignored", "the order is cancelled already"))
            continue
        refused = refusal_of(facts, shop, now, by_operator=by_operator)
        if refused is not None:
            decision.events.append((event.id, "refused", f"{refused.rule}: {refused.says}"))
            continue
        reason = "shop_decision" if by_operator else "customer_request"
        who = "operator" if by_operator else "customer"
        decision.hold = []
        cancel_order(decision, facts, shop, now, reason=reason, cause=f"cancelled by the {who}")
        decision.events.append((event.id, "applied", None))
    return decision


def refusal_of(facts: Facts, shop: Shop, now: datetime, *, by_operator: bool) -> Refusal | None:
    """Why the order cannot be cancelled now; an operator is bound only by what has already left (CAN-01)."""
    told = any(s.state not in (ShipmentState.PLANNED, ShipmentState.BACKORDERED) for s in facts.shipments)
    if by_operator:
        gone = facts.state in (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.DELIVERED)
        says = "The goods were handed over already: ask the supplier to stop them, then take a return."
        return Refusal("CAN-06", says) if gone or facts.state == OrderState.RELEASED or told else None
    return refusal(
        shop=shop,
        state=OrderState(facts.state),
        method=facts.method,
        payment_state=PaymentState(facts.money.state),
        placed_at=facts.placed_at,
        now=now,
        any_instructed=told or facts.state == OrderState.RELEASED,
    )


STAGE = Stage(
    "cancel",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOTS | Need.EFFECTS | Need.EVENTS | Need.COUPONS,
    (REQUESTED,),
)
