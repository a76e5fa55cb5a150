"""Taking an order's money (売上): what is due after all changes, once, with the goods."""

from __future__ import annotations

from models.states import OrderState, PaymentState
from pipelines.engine.stage import Decision, EffectIntent
from pipelines.rules.money.adjustments import RETURN
from pipelines.shops import Shop
from pipelines.stages.cancelling import void_intent
from pipelines.stages.refunding import ask_for_refund, outstanding


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


def collect(decision: Decision) -> None:
    """Cash on delivery (代引) is captured when the customer has the goods: the carrier does not hand them over without.

    The stage was told payment and adjustments.
    """
    money = decision.facts.money
    if money.method == "cod" and money.state == PaymentState.PENDING:
        due = decision.due
        decision.move_payment(PaymentState.CAPTURED, "collected on delivery", authorized=due, captured=due)


def uncollect(decision: Decision) -> None:
    """The parcel came back: what the carrier was thought to have collected it has not, unless it is the customer who sent
    it back."""
    money, changes = decision.facts.money, decision.facts.adjustments
    if money.method == "cod" and money.state == PaymentState.CAPTURED and all(c.kind != RETURN for c in changes):
        decision.move_payment(PaymentState.PENDING, "not collected after all", authorized=0, captured=0)
        ask_for_refund(decision, outstanding(decision), "not collected after all")
