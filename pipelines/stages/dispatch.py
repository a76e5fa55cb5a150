"""Dispatch (出荷指示): at the planned time the supplier is told, by signed webhook or by mail."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import Condition, OrderState, ShipmentState
from pipelines.engine.stage import Decision, EffectIntent, Facts, Need, ShipmentFacts, Stage
from pipelines.errors import Misconfigured
from pipelines.orders.instructions import supplier_instructions
from pipelines.orders.mails import supplier_mail
from pipelines.shops import Shop

_UNTOLD = (ShipmentState.PLANNED, ShipmentState.BACKORDERED)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Instruct what is due, follow what was instructed, and wake up for what comes next."""
    decision = Decision(facts)
    if facts.state == OrderState.CANCELLED or facts.condition == Condition.HELD:
        return decision
    wake_ups: list[datetime] = []
    for shipment in facts.shipments:
        told = facts.effects.get(instruct_key(shipment))
        if shipment.state in _UNTOLD and told is None:
            due_at = shipment.instruct_at or now
            if due_at <= now:
                _instruct(decision, facts, shop, shipment, now)
                wake_ups.append(_overdue_at(shop, shipment, now))
            else:
                wake_ups.append(due_at)
        elif shipment.state in _UNTOLD and told is not None:
            _after_instruction(decision, shipment, told.state)
            if told.state == "done":
                wake_ups.append(_overdue_at(shop, shipment, now))
        elif shipment.state == ShipmentState.INSTRUCTED:
            _chase(decision, facts, shop, shipment, now, wake_ups)
    if wake_ups:
        decision.next("dispatch", min(wake_ups))
    return decision


def instruct_key(shipment: ShipmentFacts) -> str:
    """The one instruction of a shipment; it is the webhook-id the supplier sees."""
    return f"{shipment.id}:requested"


def _instruct(decision: Decision, facts: Facts, shop: Shop, shipment: ShipmentFacts, now: datetime) -> None:
    if decision.state == OrderState.AUTHORIZED:  # a later shipment goes out when an earlier one has already left
        decision.move_order(OrderState.RELEASED, f"instructed {shipment.supplier}")
    profile = shop.supplier(shipment.supplier)
    if profile.channel == "webhook" or (profile.channel == "auto" and facts.supplier_urls.get(shipment.supplier)):
        decision.effects.append(
            EffectIntent(
                "supplier.instruct",
                instruct_key(shipment),
                wakes="dispatch",
                shipment=shipment.id,
                payload=supplier_instructions(facts, shop),
            )
        )
        return
    to = address(facts, shop, shipment)
    decision.mails.append(supplier_mail("supplier_instruction", facts, shop, now, shipment, to))
    decision.move_shipment(shipment, ShipmentState.INSTRUCTED, "instructed by mail")


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


def _after_instruction(decision: Decision, shipment: ShipmentFacts, outcome: str) -> None:
    if outcome == "done":
        decision.move_shipment(shipment, ShipmentState.INSTRUCTED, "supplier has the instruction")
    elif outcome in ("declined", "needs_review"):
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
    overdue_at = max(shipment.instruct_at, facts.accepted_at) + timedelta(hours=hours)
    if now < overdue_at:
        wake_ups.append(overdue_at)
        return
    to = address(facts, shop, shipment)
    due_on = shipment.dispatch_on or overdue_at.date()
    decision.mails.append(supplier_mail("supplier_overdue", facts, shop, now, shipment, to, due_on=due_on))


STAGE = Stage("dispatch", decide, Need.SHIPMENTS | Need.EFFECTS | Need.SUPPLIERS)
