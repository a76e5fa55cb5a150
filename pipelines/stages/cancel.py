"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState
from pipelines.engine.stage import Decision, Facts, Need, Stage
from pipelines.orders.action import Case
from pipelines.orders.actions.cancel import ACTION
from pipelines.shops import Shop
from pipelines.stages.cancelling import cancel_order
from pipelines.stages.requests import refuse


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Grant or refuse what was asked; the first request that can be granted ends the order."""
    decision = Decision(facts)
    for event in facts.events:
        by_operator = bool(event.body.get("operator"))
        if decision.state == OrderState.CANCELLED:
            decision.events.append((event.id, "ignored", "the order is cancelled already"))
            continue
        if refused := ACTION.stands(Case(facts, shop, now, by_operator)):
            refuse(decision, event, refused)
            continue
        reason = "shop_decision" if by_operator else "customer_request"
        who = "operator" if by_operator else "customer"
        decision.hold = []
        cancel_order(decision, facts, shop, now, reason=reason, cause=f"cancelled by the {who}")
        decision.events.append((event.id, "applied", None))
    return decision


STAGE = Stage(
    "cancel",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOTS | Need.EFFECTS | Need.EVENTS | Need.COUPONS,
    (ACTION.wakes,),
)
