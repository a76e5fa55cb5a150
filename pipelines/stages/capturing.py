"""Taking and giving back an order's money (売上・返金): what is due after all changes, neither more nor less."""

from __future__ import annotations

from models.states import OrderState, PaymentState
from pipelines.profile import Shop
from pipelines.stage import Decision, EffectIntent
from pipelines.stages.cancelling import promised_back, void_intent


def capture(decision: Decision, shop: Shop) -> None:
    """Capture by the profile's policy (PAY-06, SPL-04): once, with the first or with the last parcel.

    Lines that were taken out before lessen the amount; where nothing is left to pay, the authorization is released. The
    stage was told payment and adjustments.
    """
    facts = decision.facts
    money = facts.money
    if money.state != PaymentState.AUTHORIZED:
        return
    whole = decision.state in (OrderState.SHIPPED, OrderState.DELIVERED)
    if shop.payment.capture_policy == "last_shipment_full" and not whole:
        return
    amount = min(money.authorized, decision.due)
    if amount:
        effect = EffectIntent(
            "payment.capture", f"{facts.shop}/{facts.number}:capture", wakes="settle", payload={"amount": amount}
        )
    else:
        effect = void_intent(facts)
    decision.effects.append(effect)


def refund_excess(decision: Decision) -> None:
    """Refund through the gateway what was captured beyond what is due and is not on its way back yet.

    The stage was told payment, effects and adjustments.
    """
    facts = decision.facts
    money = facts.money
    captured = money.captured
    if decision.payment is not None and decision.payment.captured is not None:
        captured = decision.payment.captured
    excess = captured - max(money.refunded, promised_back(facts)) - decision.due
    if excess > 0 and money.reference:
        earlier = sum(effect.kind == "payment.refund" for effect in facts.effects.values())
        key = f"{facts.shop}/{facts.number}:refund:{earlier + 1}"
        decision.effects.append(EffectIntent("payment.refund", key, wakes="settle", payload={"amount": excess}))
