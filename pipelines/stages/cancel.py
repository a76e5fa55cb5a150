"""Cancel (キャンセル): decided again under the order's lock, since a deposit or a dispatch may have come first (CAN-03)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState
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
            reason = AT_WISH if wished else "shop_decision"
            cancel_order(draft, shop, now, reason=reason, cause=f"cancelled by the {who}")
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
