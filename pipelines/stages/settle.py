"""Settle (売上・返金): what became of captures, voids and refunds."""

from __future__ import annotations

from datetime import datetime

from models.states import PaymentState
from pipelines.mails import customer_mail
from pipelines.profile import Shop
from pipelines.stage import Decision, EffectFacts, Facts, Need, Stage
from pipelines.stages.capturing import refund_excess
from pipelines.stages.finishing import finish


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Move the payment by the outcomes that came in; what failed goes before a human."""
    decision = Decision(facts)
    money = facts.money
    for effect in facts.effects.values():
        if effect.kind == "payment.capture" and money.state == PaymentState.AUTHORIZED:
            if effect.state == "done":
                amount = int(effect.payload["amount"])
                decision.move_payment(PaymentState.CAPTURED, "captured with the goods", captured=amount)
                refund_excess(decision)  # lines that were taken out while the capture was on its way
            else:
                _failed(decision, effect, "capture_failed", "The capture failed; the goods have left.")
        elif effect.kind == "payment.void" and money.state == PaymentState.AUTHORIZED:
            if effect.state == "done":
                decision.move_payment(PaymentState.VOIDED, "authorization released")
            else:
                _failed(decision, effect, "void_failed", "The authorization could not be released.")
    if money.state in (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED):
        _refunds(decision, facts, shop, now)
    finish(decision, facts)
    return decision


def _refunds(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    """Count what has gone back in all; each refund is told once, since a mail about it is known by its key."""
    refunds = [effect for effect in facts.effects.values() if effect.kind == "payment.refund"]
    for effect in refunds:
        _failed(decision, effect, "refund_failed", "The refund failed.")
    done = [effect for effect in refunds if effect.state == "done"]
    refunded = sum(int(effect.payload["amount"]) for effect in done)
    if refunded <= facts.money.refunded:
        return
    state = PaymentState.REFUNDED if refunded >= facts.money.captured else PaymentState.PARTLY_REFUNDED
    decision.move_payment(state, "refunded", refunded=refunded)
    for effect in done:
        refund = {"amount": int(effect.payload["amount"]), "method": facts.method}
        decision.mails.append(customer_mail("refund_done", facts, shop, now, about=effect.key, refund=refund))


def _failed(decision: Decision, effect: EffectFacts, reason: str, says: str) -> None:
    if effect.state in ("declined", "needs_review"):
        code = (effect.outcome or {}).get("code")
        entry = {"reason": reason, "says": f"{says} Code: {code}.", "blocks": "release"}
        decision.hold_for([entry], f"{effect.kind}: {effect.state}")


STAGE = Stage("settle", decide, Need.PAYMENT | Need.EFFECTS | Need.LOTS | Need.ADJUSTMENTS)
