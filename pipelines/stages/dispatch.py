"""Dispatch (出荷指示): at the planned time the supplier is told, through the channel that its profile names."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import HoldReason, OrderState, ShipmentState
from pipelines.changes.suppliers import address, answer_of
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, Need
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.orders.mails import supplier_mail
from pipelines.rules.dates.cutoff import closes_at
from pipelines.rules.holds import Hold
from pipelines.shops import Shop
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.instructions import INSTRUCT, MAIL, WEBHOOK, instruct_key, instruction_of


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Instruct what is due, follow what was instructed, and wake up for what comes next."""
    if draft.state == OrderState.CANCELLED or draft.held:
        return
    for shipment in draft.shipments:
        told, due_at = draft.effects.get(instruct_key(shipment.id)), _due_at(draft, shop, shipment)
        if shipment.is_untold and told is not None:
            _after_instruction(draft, shop, shipment, told, now)
        elif shipment.is_untold and due_at > now:
            draft.again(due_at)
        elif shipment.is_untold:
            _instruct(draft, shop, shipment, due_at)
            _await_answer(draft, shop, shipment, now)
        elif shipment.state == ShipmentState.INSTRUCTED:
            _chase(draft, shop, shipment, now)


def _channel(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> str:
    """The channel that the supplier's profile names; ``auto``: by webhook if it registered a URL, else by mail.

    Raises Misconfigured where neither reaches anybody.
    """
    named = shop.supplier(shipment.supplier).channel
    if named != AUTO:
        return named
    if draft.facts.supplier_urls.get(shipment.supplier):
        return WEBHOOK
    address(draft, shop, shipment)
    return MAIL


def _due_at(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> datetime:
    """When the supplier is told; where all of a day's instructions go together, at its cutoff."""
    planned = shipment.instruct_at or draft.facts.accepted_at
    if shop.batches(shop.supplier(shipment.supplier).channel):
        return closes_at(shop, shipment.supplier, planned)
    return planned


def _instruct(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, due_at: datetime) -> None:
    """Ask for the instruction; the shipment counts as instructed once its channel has it durably."""
    if draft.state == OrderState.AUTHORIZED:  # a later shipment goes out when an earlier one has already left
        draft.move_order(OrderState.RELEASED, f"instructed {shipment.supplier}")
    channel = _channel(draft, shop, shipment)
    draft.ask(
        EffectIntent(
            INSTRUCT,
            instruct_key(shipment.id),
            wakes="dispatch",
            shipment=shipment.id,
            payload={"channel": channel},
            batch=f"{channel}:{shipment.supplier}:{due_at.isoformat()}" if shop.batches(channel) else None,
        )
    )


def _after_instruction(
    draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, told: EffectFacts, now: datetime
) -> None:
    if told.state == "done":
        shipment.move(ShipmentState.INSTRUCTED, (told.outcome or {}).get("says") or "supplier has the instruction")
        _await_answer(draft, shop, shipment, now)
    elif told.state in ("declined", "needs_review"):
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
    told_at = max(_due_at(draft, shop, shipment), draft.facts.accepted_at)
    overdue_at = told_at + timedelta(hours=hours)
    if now < overdue_at:
        _await_answer(draft, shop, shipment, told_at)
        return
    to = address(draft, shop, shipment)
    due_on = shipment.dispatch_on or overdue_at.date()
    told = instruction_of(draft.facts, shipment)
    draft.tell(supplier_mail("supplier_overdue", shop, told, to, now, due_on=due_on))


STAGE = Stage("dispatch", decide, Need.SHIPMENTS | Need.EFFECTS | Need.SUPPLIERS, asks=(INSTRUCT,))
