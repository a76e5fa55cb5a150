"""Settle (売上・返金): what became of captures, voids and refunds, and what an operator gave back by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.states import OrderState, PaymentState
from pipelines.engine.stage import Decision, EffectFacts, EventFacts, Facts, Need, Stage
from pipelines.errors import Problem
from pipelines.orders.actions.refunds import ACTION, due_back, refused, too_much
from pipelines.orders.mails import customer_mail, what_is_left
from pipelines.rules.explain import Refusal
from pipelines.shops import Shop
from pipelines.stages.finishing import finish
from pipelines.stages.refunding import BY_HAND, ask_for_refund, outstanding, refund
from pipelines.stages.requests import refuse

_HAS_MONEY = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Move the payment by the outcomes that came in; what failed goes before a human."""
    decision = Decision(facts)
    money = facts.money
    for effect in facts.effects.values():
        if effect.kind == "payment.capture" and money.state == PaymentState.AUTHORIZED:
            if effect.state == "done":
                amount = int(effect.payload["amount"])
                decision.move_payment(PaymentState.CAPTURED, "captured with the goods", captured=amount)
                refund(decision, "lines were taken out while the capture was on its way")
            else:
                _failed(decision, effect, "capture_failed", "The capture failed; the goods have left.")
        elif effect.kind == "payment.void" and money.state == PaymentState.AUTHORIZED:
            if effect.state == "done":
                decision.move_payment(PaymentState.VOIDED, "authorization released")
            else:
                _failed(decision, effect, "void_failed", "The authorization could not be released.")
    if money.state in _HAS_MONEY:
        _refunds(decision, facts, shop, now)
    for event in facts.events:
        if event.id not in {known for known, _, _ in decision.events}:
            refuse(decision, event, _refused(decision, event))
    finish(decision, facts)
    return decision


def _refused(decision: Decision, event: EventFacts) -> list[Refusal | Problem]:
    """Why the money of ``event`` cannot have been given back by hand, after what was decided before it."""
    left = due_back(decision)
    return [*(refused(left) or too_much(left, int(event.body["amount"])))]


def _refunds(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    """Count what has gone back in all; each refund is told once, since a mail about it is known by its key."""
    refunds = [effect for effect in facts.effects.values() if effect.kind == "payment.refund"]
    done = [(effect.key, int(effect.payload["amount"])) for effect in refunds if effect.state == "done"]
    by_hand = facts.money.refunded_by_hand
    through_gateway = sum(amount for _, amount in done)
    told = done if through_gateway > facts.money.refunded - by_hand else []
    for event in facts.events:
        amount = int(event.body["amount"])
        if problems := _refused(decision, event):
            refuse(decision, event, problems)
            continue
        by_hand += amount
        decision.move_payment(None, "given back by hand", refunded_by_hand=by_hand)
        decision.events.append((event.id, "applied", None))
        told.append((f"by hand:{event.source}:{event.event_id}", amount))
    if told:
        refunded = through_gateway + by_hand
        state = PaymentState.REFUNDED if refunded >= facts.money.captured else PaymentState.PARTLY_REFUNDED
        decision.move_payment(state, "refunded", refunded=refunded, refunded_by_hand=by_hand)
    for key, amount in told:
        context: dict[str, Any] = {"refund": {"amount": amount, "method": facts.method}, "changed": False}
        if facts.adjustments and facts.state != OrderState.CANCELLED:
            context |= {"changed": True, **what_is_left(facts, shop, facts.adjustments, decision.gone)}
        decision.mails.append(customer_mail("refund_done", facts, shop, now, about=key, **context))
    _attend(decision, facts, refunds)


def _attend(decision: Decision, facts: Facts, refunds: list[EffectFacts]) -> None:
    """What is still to be given back waits for a human."""
    left = outstanding(decision)
    for effect in refunds:
        if effect.state == "needs_review":
            _failed(decision, effect, "refund_failed", "The gateway did not say whether it refunded.")
        elif left > 0:
            _failed(decision, effect, "refund_failed", "The refund failed.")
    if left <= 0 and all(effect.state != "needs_review" for effect in refunds):
        decision.lift_holds(lambda hold: hold["reason"] in (BY_HAND, "refund_failed"), "nothing is due back any more")
    elif any(hold["reason"] == BY_HAND for hold in facts.hold):
        ask_for_refund(decision, left, "a part was given back by hand")


def _failed(decision: Decision, effect: EffectFacts, reason: str, says: str) -> None:
    if effect.state in ("declined", "needs_review"):
        code = (effect.outcome or {}).get("code")
        entry = {"reason": reason, "says": f"{says} Code: {code}.", "blocks": "release"}
        decision.hold_for([entry], f"{effect.kind}: {effect.state}")


STAGE = Stage(
    "settle", decide, Need.PAYMENT | Need.EFFECTS | Need.EVENTS | Need.LOTS | Need.ADJUSTMENTS, (ACTION.wakes,)
)
