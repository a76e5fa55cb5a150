"""Attend (担当者対応): an operator looked at a held order and lets it go on."""

from __future__ import annotations

from datetime import datetime

from models.states import Condition, HoldReason, OrderState
from pipelines.changes.money import TAKES, capture_early
from pipelines.changes.points import stand_again
from pipelines.changes.requests import heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.release import ACTION, stuck_shipments
from pipelines.orders.mails import customer_mail
from pipelines.ports import MailIntent
from pipelines.shops import Shop

#: Holds whose release means to wait on.
_WAIT_ON = frozenset({HoldReason.SUPPLIER_SILENT, HoldReason.DISPATCH_LATE})


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Lift the hold, which wakes the stage at which the order stands; a cancelled order only comes to rest."""
    granted = [event for event in draft.waiting if heard(ACTION, draft, shop, now, event) is not None]
    for event in granted:
        draft.applied(event)
    if not granted:
        return
    if draft.state == OrderState.CANCELLED:
        if any(hold.reason == HoldReason.COD_AFTER_CANCEL for hold in draft.holds):
            draft.move_order(OrderState.DELIVERED, "received and paid for after all")
            stand_again(draft, shop, now)
        draft.drop_holds("operator")
        draft.settle(Condition.DONE, "operator")
        return
    stuck = stuck_shipments(draft)
    if any(hold.reason == HoldReason.QUOTE_NEEDED for hold in draft.holds):
        draft.tell(_no_fee(draft, shop, now))
    if any(hold.reason == HoldReason.AUTHORIZATION_ENDS for hold in draft.holds):
        capture_early(draft)
    for hold in draft.holds:
        if hold.reason in _WAIT_ON and hold.shipment is not None:
            draft.shipment(hold.shipment).tell(now)  # waited for anew, from now
    draft.lift(lambda hold: hold.answered_by(ACTION.name) or hold.shipment not in stuck, "operator")


def _no_fee(draft: OrderDraft, shop: Shop, now: datetime) -> MailIntent:
    """The customer was promised to hear of the fee for an individual; none is added (INT-04)."""
    facts = draft.facts
    return customer_mail("order_accepted", facts, shop, now, about="fee:none", shipments=[], repriced="no_fee")


STAGE = Stage(
    "attend",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOTS | Need.PURSE | Need.EVENTS | Need.EFFECTS | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes,),
    leads_to=("settle", "reward"),
    asks=TAKES,
)
