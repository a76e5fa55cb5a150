"""Dispatch (出荷指示): at the planned time the supplier is told, through the channel that its profile names."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import Condition, OrderState, ShipmentState
from pipelines.engine.stage import Decision, EffectFacts, EffectIntent, Facts, Need, ShipmentFacts, Stage
from pipelines.errors import Misconfigured
from pipelines.orders.mails import supplier_mail
from pipelines.rules.dates.cutoff import closes_at
from pipelines.shops import Shop
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.channel import MAIL, WEBHOOK
from pipelines.suppliers.instructions import instruct_key, instruction_of

_UNTOLD = (ShipmentState.PLANNED, ShipmentState.BACKORDERED)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Instruct what is due, follow what was instructed, and wake up for what comes next."""
    decision = Decision(facts)
    if facts.state == OrderState.CANCELLED or facts.condition == Condition.HELD:
        return decision
    wake_ups: list[datetime] = []
    for shipment in facts.shipments:
        told = facts.effects.get(instruct_key(shipment.id))
        if shipment.state in _UNTOLD and told is None:
            due_at = _due_at(facts, shop, shipment)
            if due_at <= now:
                _instruct(decision, facts, shop, shipment, due_at)
                wake_ups.append(_overdue_at(shop, shipment, now))
            else:
                wake_ups.append(due_at)
        elif shipment.state in _UNTOLD and told is not None:
            _after_instruction(decision, shipment, told)
            if told.state == "done":
                wake_ups.append(_overdue_at(shop, shipment, now))
        elif shipment.state == ShipmentState.INSTRUCTED:
            _chase(decision, facts, shop, shipment, now, wake_ups)
    if wake_ups:
        decision.next("dispatch", min(wake_ups))
    return decision


def _channel(facts: Facts, shop: Shop, supplier: str) -> str:
    """The channel that the supplier's profile names; ``auto``: by webhook if it registered a URL, else by mail."""
    named = shop.supplier(supplier).channel
    if named != AUTO:
        return named
    return WEBHOOK if facts.supplier_urls.get(supplier) else MAIL


def _due_at(facts: Facts, shop: Shop, shipment: ShipmentFacts) -> datetime:
    """When the supplier is told; where all of a day's instructions go together, at its cutoff."""
    planned = shipment.instruct_at or facts.accepted_at
    if shop.batches(_channel(facts, shop, shipment.supplier)):
        return closes_at(shop, shipment.supplier, planned)
    return planned


def _instruct(decision: Decision, facts: Facts, shop: Shop, shipment: ShipmentFacts, due_at: datetime) -> None:
    """Ask for the instruction; the shipment counts as instructed once its channel has it durably."""
    if decision.state == OrderState.AUTHORIZED:  # a later shipment goes out when an earlier one has already left
        decision.move_order(OrderState.RELEASED, f"instructed {shipment.supplier}")
    channel = _channel(facts, shop, shipment.supplier)
    together = f"{channel}:{shipment.supplier}:{due_at.isoformat()}" if shop.batches(channel) else None
    decision.effects.append(
        EffectIntent(
            "supplier.instruct",
            instruct_key(shipment.id),
            wakes="dispatch",
            shipment=shipment.id,
            payload={"channel": channel},
            batch=together,
        )
    )


def address(facts: Facts, shop: Shop, shipment: ShipmentFacts) -> str:
    """Where mails about a supplier go: its own address, or the shop's operators, who pass them on.

    Raises Misconfigured if the shop names neither; the order is then set aside until it does.
    """
    to = shop.supplier(shipment.supplier).mail or facts.supplier_mails.get(shipment.supplier) or shop.operator_mail
    if not to:
        raise Misconfigured(
            f"shops/{shop.key}.toml", f"supplier {shipment.supplier} has no mail and the shop no operator_mail; set one"
        )
    return to


def _after_instruction(decision: Decision, shipment: ShipmentFacts, told: EffectFacts) -> None:
    if told.state == "done":
        cause = (told.outcome or {}).get("says") or "supplier has the instruction"
        decision.move_shipment(shipment, ShipmentState.INSTRUCTED, cause)
    elif told.state in ("declined", "needs_review"):
        says = f"{shipment.supplier} did not take the instruction for {shipment.id}."
        decision.hold_for(
            [{"reason": "supplier_unreachable", "says": says, "blocks": "release", "shipment": shipment.id}],
            "instruction failed",
        )


def _overdue_at(shop: Shop, shipment: ShipmentFacts, now: datetime) -> datetime:
    return now + timedelta(hours=shop.supplier(shipment.supplier).acknowledge_within_hours or 24)


def _chase(
    decision: Decision, facts: Facts, shop: Shop, shipment: ShipmentFacts, now: datetime, wake_ups: list[datetime]
) -> None:
    """An instruction that nobody answered is asked after once; a mail is told apart by its shipment alone."""
    hours = shop.supplier(shipment.supplier).acknowledge_within_hours
    if not hours or shipment.instruct_at is None:
        return
    overdue_at = max(_due_at(facts, shop, shipment), facts.accepted_at) + timedelta(hours=hours)
    if now < overdue_at:
        wake_ups.append(overdue_at)
        return
    to = address(facts, shop, shipment)
    due_on = shipment.dispatch_on or overdue_at.date()
    told = instruction_of(facts, shipment)
    decision.mails.append(supplier_mail("supplier_overdue", shop, told, to, now, due_on=due_on))


STAGE = Stage("dispatch", decide, Need.SHIPMENTS | Need.EFFECTS | Need.SUPPLIERS)
