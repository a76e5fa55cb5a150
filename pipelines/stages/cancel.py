"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState
from pipelines.changes.ending import cancel_order
from pipelines.changes.money import LETS_GO
from pipelines.changes.requests import heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.cancel import ACTION
from pipelines.rules.marks import CANCELLED
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Grant or refuse what was asked; the first request that can be granted ends the order."""
    for event in draft.waiting:
        if draft.state == OrderState.CANCELLED:
            draft.ignored(event, "the order is cancelled already")
        elif heard(ACTION, draft, shop, now, event) is not None:
            by_operator = bool(event.body.get("operator"))
            reason = "shop_decision" if by_operator else "customer_request"
            who = "operator" if by_operator else "customer"
            cancel_order(draft, shop, now, reason=reason, cause=f"cancelled by the {who}")
            if not by_operator and draft.facts.customer_id:
                draft.mark(CANCELLED, f"{draft.facts.shop}/{draft.facts.number}:cancelled")  # INT-15
            draft.applied(event)


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
