"""Dispatch (出荷指示): at the planned time the supplier is told, by signed webhook or by mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import HoldReason, OrderState, ShipmentState
from pipelines.changes.suppliers import address, answer_of
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.orders.mails import supplier_mail
from pipelines.rules.holds import Hold
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Instruct what is due, follow what was instructed, and wake up for what comes next."""
    if draft.state == OrderState.CANCELLED or draft.held:
        return
    for shipment in draft.shipments:
        told = draft.effects.get(instruct_key(shipment))
        if shipment.is_untold and told is not None:
            _after_instruction(draft, shop, shipment, told.state, now)
        elif shipment.is_untold and shipment.instruct_at is not None and shipment.instruct_at > now:
            draft.again(shipment.instruct_at)
        elif shipment.is_untold:
            _instruct(draft, shop, shipment, now)
            _await_answer(draft, shop, shipment, now)
        elif shipment.state == ShipmentState.INSTRUCTED:
            _chase(draft, shop, shipment, now)


def instruct_key(shipment: ShipmentDraft) -> str:
    """The one instruction of a shipment; it is the webhook-id the supplier sees."""
    return f"{shipment.id}:requested"


def _instruct(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> None:
    if draft.state == OrderState.AUTHORIZED:  # a later shipment goes out when an earlier one has already left
        draft.move_order(OrderState.RELEASED, f"instructed {shipment.supplier}")
    profile, registered = shop.supplier(shipment.supplier), draft.facts.supplier_urls.get(shipment.supplier)
    if profile.channel == "webhook" or (profile.channel == "auto" and registered):
        key = instruct_key(shipment)
        draft.ask(EffectIntent("supplier.instruct", key, wakes="dispatch", shipment=shipment.id))
        return
    to = address(draft, shop, shipment)
    draft.tell(supplier_mail("supplier_instruction", draft.facts, shop, now, shipment, to))
    shipment.move(ShipmentState.INSTRUCTED, "instructed by mail")


def _after_instruction(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, outcome: str, now: datetime) -> None:
    if outcome == "done":
        shipment.move(ShipmentState.INSTRUCTED, "supplier has the instruction")
        _await_answer(draft, shop, shipment, now)
    elif outcome in ("declined", "needs_review"):
        named = {"supplier": shipment.supplier}
        draft.hold(Hold(HoldReason.SUPPLIER_UNREACHABLE, shipment.id, facts=named), "instruction failed")


def _await_answer(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, since: datetime) -> None:
    """Wait for the supplier's word since it was told, where the profile expects one."""
    if hours := shop.supplier(shipment.supplier).acknowledge_within_hours:
        until = since + timedelta(hours=hours)
        draft.await_for("supplier.acknowledgement", shipment.supplier, until, "remind", answer_of(shipment))


def _chase(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> None:
    """An instruction that nobody answered is asked after once; a mail is told apart by its shipment alone."""
    hours = shop.supplier(shipment.supplier).acknowledge_within_hours
    if not hours or shipment.instruct_at is None:
        return
    told_at = max(shipment.instruct_at, draft.facts.accepted_at)
    overdue_at = told_at + timedelta(hours=hours)
    if now < overdue_at:
        _await_answer(draft, shop, shipment, told_at)
        return
    to = address(draft, shop, shipment)
    due_on = shipment.dispatch_on or overdue_at.date()
    draft.tell(supplier_mail("supplier_overdue", draft.facts, shop, now, shipment, to, due_on=due_on))


STAGE = Stage("dispatch", decide, Need.SHIPMENTS | Need.EFFECTS | Need.SUPPLIERS)
