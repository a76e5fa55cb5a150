"""Giving an order's money back (返金): what was taken beyond what is due, once, by the gateway or by a human."""

from __future__ import annotations

from models.states import OrderState
from pipelines.engine.stage import Decision, EffectIntent

_REFUND = "payment.refund"
BY_HAND = "refund_due"
"""Reason of the hold that asks an operator to give money back, where no gateway can."""


def outstanding(decision: Decision) -> int:
    """Yen that were captured, are not due and are not on their way back yet; negative where less came in than is due.

    The stage was told payment and effects, and adjustments unless the order is cancelled.
    """
    facts, change = decision.facts, decision.payment
    captured, by_hand = facts.money.captured, facts.money.refunded_by_hand
    if change is not None:
        captured = captured if change.captured is None else change.captured
        by_hand = by_hand if change.refunded_by_hand is None else change.refunded_by_hand
    due = 0 if decision.state == OrderState.CANCELLED else decision.due
    return captured - _through_gateway(decision) - by_hand - due


def refund(decision: Decision, cause: str) -> None:
    """Refund what is outstanding, under a key of its own; where no gateway can, a human is asked to."""
    facts = decision.facts
    amount = outstanding(decision)
    if amount > 0 and facts.money.reference:
        kinds = [one.kind for one in facts.effects.values()] + [one.kind for one in decision.effects]
        key = f"{facts.shop}/{facts.number}:refund:{kinds.count(_REFUND) + 1}"
        decision.effects.append(EffectIntent(_REFUND, key, wakes="settle", payload={"amount": amount}))
    else:
        ask_for_refund(decision, amount, cause)


def ask_for_refund(decision: Decision, amount: int, cause: str) -> None:
    """Hold the order for a human who gives ``amount`` yen back; with nothing left to give back that hold is answered."""
    if amount <= 0:
        decision.lift_holds(lambda hold: hold["reason"] == BY_HAND, cause)
        return
    listed = decision.hold if decision.hold is not None else [dict(hold) for hold in decision.facts.hold]
    decision.hold = [hold for hold in listed if hold["reason"] != BY_HAND]
    says = f"Give {amount} yen back to the customer: no gateway can."
    decision.hold_for([{"reason": BY_HAND, "says": says, "blocks": "release"}], cause)


def _through_gateway(decision: Decision) -> int:
    """Yen of all refunds that were asked of the gateway and not declined."""
    asked = [one.payload for one in decision.facts.effects.values() if one.kind == _REFUND and one.state != "declined"]
    asked += [one.payload for one in decision.effects if one.kind == _REFUND]
    return sum(int(payload["amount"]) for payload in asked)
