"""Attend (担当者対応): an operator looked at a held order and lets it go on."""

from __future__ import annotations

from datetime import datetime

from models.states import Condition, OrderState, ShipmentState
from pipelines.engine.stage import Decision, Facts, Need, Stage
from pipelines.orders.actions.release import ACTION
from pipelines.shops import Shop

_GOES_ON_AT = {
    OrderState.ACCEPTED: "authorize",
    OrderState.AWAITING_PAYMENT: "authorize",
    OrderState.AUTHORIZED: "split",
    OrderState.RELEASED: "dispatch",
    OrderState.PARTLY_SHIPPED: "dispatch",
    OrderState.SHIPPED: "reward",
    OrderState.DELIVERED: "reward",
}


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Lift the hold and wake the stage at which the order stands; a cancelled order only comes to rest."""
    decision = Decision(facts)
    for event in facts.events:
        decision.events.append((event.id, "applied", None))
    if facts.condition != Condition.HELD:
        return decision
    if facts.state == OrderState.CANCELLED:
        decision.hold = []
        decision.settle(Condition.DONE, "operator")
        return decision
    refused = {
        s.id for s in facts.shipments if s.state == ShipmentState.REFUSED and any(p.open for p in s.lines.values())
    }
    # Nothing would ever send these goods: their lines are taken out, or their supplier ships after all.
    decision.lift_holds(lambda h: h["reason"] != "supplier_refused" or h.get("shipment") not in refused, "operator")
    if (decision.condition or facts.condition) == Condition.HELD:
        return decision
    stage = _GOES_ON_AT[OrderState(facts.state)]
    decision.next("dispatch" if stage == "split" and facts.shipments else stage, now)
    return decision


STAGE = Stage("attend", decide, Need.SHIPMENTS | Need.EVENTS, (ACTION.wakes,))
