"""Split (別送): one shipment a source, back-orders apart where the profile allows, each with its promised date."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from models.states import HoldReason, OrderState
from pipelines.changes.authorizations import held_until, watched_from
from pipelines.changes.plans import Plans, is_as_foretold, is_missed, plans, shipments
from pipelines.changes.sending import plan_after_hold
from pipelines.changes.wishes import tell_not_met
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.mails import customer_mail, planned
from pipelines.rules.holds import Hold
from pipelines.shops import Shop

#: Where something of an order may still be to leave.
_TO_LEAVE: Final = frozenset({OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED})


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Plan the shipments of an authorized order that no human holds (SPL-01, SPL-03, INT-16)."""
    facts = draft.facts
    if draft.state not in _TO_LEAVE:
        return
    if draft.held:  # not planned, but the money that is held for it does not wait for the person who has it
        if held_until(draft, shop) is not None:
            draft.next("dispatch", now)
        return
    if draft.shipments:  # planned before it was held; some of it may have left untold meanwhile
        plan_after_hold(draft, shop, now)
        draft.next("dispatch", now)
        return
    made = plans(facts, shop, now, paid_at=draft.money.as_of)
    waits_for_human = _wish_missed(draft, shop, made, now)
    new = shipments(facts, made, now)
    for shipment in new:
        draft.plan(shipment, "split")
    if waits_for_human:  # planned as far as it can be; an operator who releases the order wakes dispatch
        if held_until(draft, shop) is not None:
            draft.next("dispatch", now)
        return
    if not is_as_foretold(facts, shop, made, now):
        draft.tell(customer_mail("dispatch_planned", facts, shop, now, shipments=planned(facts, new)))
    instruct_at = min(shipment.instruct_at or now for shipment in new)
    draft.next("dispatch", watched_from(draft, shop, instruct_at, now))


def _wish_missed(draft: OrderDraft, shop: Shop, made: Plans, now: datetime) -> bool:
    """Say so when the desired date cannot be met (DLV-04); True if the shop is strict and a human must decide."""
    if not is_missed(made):
        return False
    asks = shop.delivery.requests == "strict"
    missed = next(plan for _, plan in made if plan.request_met is False)
    reason = next(one.says for one in missed.because if one.rule in ("desired_date", "visit"))
    tell_not_met(draft, shop, now, reason, asks=asks)
    if asks:
        draft.hold(Hold(HoldReason.REQUEST_NOT_MET), "split: request not met")
    return asks


STAGE = Stage(
    "split",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.MARKS | Need.LOAD | Need.RELEASES,
    leads_to=("dispatch",),
    at_once=("dispatch",),
)
