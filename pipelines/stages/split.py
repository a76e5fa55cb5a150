"""Split (別送): one shipment a source, back-orders apart where the profile allows, each with its promised date."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from models.states import HoldReason, OrderState, ShipmentState
from pipelines.engine.decision import NewShipment
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, Need
from pipelines.engine.stage import Stage
from pipelines.methods import agreed
from pipelines.orders.mails import customer_mail, planned
from pipelines.rules.dates.cutoff import DispatchPlan, plan_dispatch
from pipelines.rules.holds import Hold
from pipelines.rules.split import Part, split
from pipelines.rules.wish import wish
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Plan the shipments of an authorized order that no human holds (SPL-01, SPL-03, INT-16)."""
    facts = draft.facts
    if draft.state != OrderState.AUTHORIZED or draft.held:
        return
    if draft.shipments:
        draft.next("dispatch", now)  # planned before it was held
        return
    plans = [(part, plan_for(facts, shop, part, now)) for part in split(facts.order.lines, shop)]
    waits_for_human = _wish_missed(draft, shop, plans, now)
    shipments = [_shipment(facts, index, part, plan, now) for index, (part, plan) in enumerate(plans, start=1)]
    for shipment in shipments:
        draft.plan(shipment, "split")
    if waits_for_human:
        return  # planned as far as it can be; an operator who releases the order wakes dispatch
    draft.tell(customer_mail("dispatch_planned", facts, shop, now, shipments=planned(facts, shipments)))
    draft.next("dispatch", min(shipment.instruct_at or now for shipment in shipments))


def _shipment(facts: Facts, index: int, part: Part, plan: DispatchPlan, now: datetime) -> NewShipment:
    return NewShipment(
        id=shipment_id(facts, index),
        supplier=part.supplier,
        state=ShipmentState.BACKORDERED if part.backorder else ShipmentState.PLANNED,
        backorder=part.backorder,
        lines=part.lines,
        dispatch_on=plan.dispatch_on,
        # A supplier that nobody can give a date learns of the goods at once: only then can it ever name one.
        instruct_at=plan.instruct_at or now,
        arrive_on=plan.arrive_on,
        because=[{"rule": b.rule, "says": b.says} for b in plan.because],
    )


def _wish_missed(draft: OrderDraft, shop: Shop, plans: list[tuple[Part, DispatchPlan]], now: datetime) -> bool:
    """Say so when the desired date cannot be met (DLV-04); True if the shop is strict and a human must decide."""
    if not any(plan.request_met is False for _, plan in plans):
        return False
    facts = draft.facts
    hold = Hold(HoldReason.REQUEST_NOT_MET)
    wished = wish(facts.order, shop)
    asked = {"date": wished.window.last if wished.window is not None else None, "slot": wished.slot}
    draft.tell(customer_mail("request_not_met", facts, shop, now, request=asked, reason=hold.says(facts.locale)))
    if shop.delivery.requests != "strict":
        return False
    draft.hold(hold, "split: request not met")
    return True


def plan_for(facts: Facts, shop: Shop, part: Part, now: datetime) -> DispatchPlan:
    """The dispatch plan of a part: from the order's completion or the money's arrival (CUT-01), never in the past."""
    prepaid = agreed(facts.method, facts.grand_total).secured_by.is_awaited
    return plan_dispatch(part, facts.order, shop, counts_at=now if prepaid else facts.placed_at, not_before=now)


def shipment_id(facts: Facts, index: int) -> str:
    """The public id of an order's ``index``-th shipment: the same on every run, and not to be guessed from another."""
    digest = hashlib.sha256(f"{facts.id}\x00{facts.shop}\x00{facts.number}\x00{index}".encode()).digest()
    return "SH-" + base64.b32encode(digest)[:13].decode()


STAGE = Stage("split", decide, Need.SHIPMENTS, leads_to=("dispatch",))
