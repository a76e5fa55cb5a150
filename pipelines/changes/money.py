"""What happens to an order's money (売上・返金): taken with the goods, once; what is not due goes back, once."""

from __future__ import annotations

from models.states import HoldReason, OrderState, PaymentState
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import RETURN
from pipelines.shops import Shop

#: Where the shop has some of the customer's money.
HAS_MONEY = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED)

_CAPTURE, _VOID, _REFUND = "payment.capture", "payment.void", "payment.refund"
#: What a gateway is asked where money is taken, and where it is let go.
TAKES = (_CAPTURE, _VOID)
LETS_GO = (_VOID, _REFUND)


def authorize_key(facts: Facts) -> str:
    """The one authorization of an order."""
    return f"{facts.shop}/{facts.number}:authorize"


def capture(draft: OrderDraft, shop: Shop) -> None:
    """Capture by the profile's policy (PAY-06, SPL-04): once, with the first or with the last parcel.

    Lines that were taken out before lessen the amount; where nothing is left to pay, the authorization is released.
    """
    facts, money = draft.facts, draft.money
    if money.state != PaymentState.AUTHORIZED:
        return
    whole = draft.state in (OrderState.SHIPPED, OrderState.DELIVERED)
    if shop.payment.capture_policy == "last_shipment_full" and not whole:
        return
    if amount := min(money.authorized, draft.due):
        key = f"{facts.shop}/{facts.number}:capture"
        draft.ask(EffectIntent(_CAPTURE, key, wakes="settle", payload={"amount": amount}))
    else:
        void(draft)


def void(draft: OrderDraft) -> None:
    """Release the authorization of an order of which nothing will be captured."""
    draft.ask(EffectIntent(_VOID, f"{draft.facts.shop}/{draft.facts.number}:void", wakes="settle"))


def collect(draft: OrderDraft) -> None:
    """Cash on delivery (代引) is captured when the customer has the goods: the carrier does not hand them over without."""
    if draft.money.method == "cod" and draft.money.state == PaymentState.PENDING:
        due = draft.due
        draft.move_payment(PaymentState.CAPTURED, "collected on delivery", authorized=due, captured=due)


def uncollect(draft: OrderDraft) -> None:
    """The parcel came back: what the carrier was thought to have collected it has not, unless it is the customer who sent
    it back."""
    collected = draft.money.method == "cod" and draft.money.state == PaymentState.CAPTURED
    if collected and all(change.kind != RETURN for change in draft.adjustments):
        draft.move_payment(PaymentState.PENDING, "not collected after all", authorized=0, captured=0)
        draft.lift(lambda hold: hold.reason == HoldReason.REFUND_DUE, "not collected after all")


def outstanding(draft: OrderDraft) -> int:
    """Yen that were captured, are not due and are not on their way back yet; negative where less came in than is due."""
    due = 0 if draft.state == OrderState.CANCELLED else draft.due
    return draft.money.captured - _through_gateway(draft) - draft.money.refunded_by_hand - due


def refund(draft: OrderDraft, cause: str) -> None:
    """Refund what is outstanding, under a key of its own; where no gateway can, a human is asked to."""
    facts, amount = draft.facts, outstanding(draft)
    if amount > 0 and draft.money.reference:
        times = sum(effect.kind == _REFUND for effect in draft.effects.values())
        key = f"{facts.shop}/{facts.number}:refund:{times + 1}"
        draft.ask(EffectIntent(_REFUND, key, wakes="settle", payload={"amount": amount}))
    else:
        ask_for_refund(draft, amount, cause)


def ask_for_refund(draft: OrderDraft, amount: int, cause: str) -> None:
    """Hold the order for a human who gives ``amount`` yen back; with nothing left to give back that hold is answered."""
    if amount <= 0:
        draft.lift(lambda hold: hold.reason == HoldReason.REFUND_DUE, cause)
        return
    draft.hold(Hold(HoldReason.REFUND_DUE, amount=amount), cause, anew=True)


def let_go(draft: OrderDraft, cause: str) -> None:
    """The money of an order that ends (CAN-04): what was authorized is released, what came in goes back."""
    state = draft.money.state
    authorization = draft.effects.get(authorize_key(draft.facts))
    if state == PaymentState.AUTHORIZED:
        void(draft)
    elif outstanding(draft) > 0:
        if state in (PaymentState.PENDING, PaymentState.EXPIRED):  # a part of a transfer came in
            draft.move_payment(PaymentState.CAPTURED, cause)
        refund(draft, cause)
    elif state == PaymentState.NEEDS_REVIEW:
        hold_unknown(draft, cause)
    elif state == PaymentState.PENDING and (authorization is None or authorization.state == "declined"):
        draft.move_payment(PaymentState.VOIDED, cause)


def hold_unknown(draft: OrderDraft, cause: str) -> None:
    """Nobody knows whether the card was authorized: a human has to look it up."""
    draft.hold(Hold(HoldReason.PAYMENT_UNKNOWN), cause)


def _through_gateway(draft: OrderDraft) -> int:
    """Yen of all refunds that were asked of the gateway and not declined."""
    asked = (effect for effect in draft.effects.values() if effect.kind == _REFUND and effect.state != "declined")
    return sum(int(effect.payload["amount"]) for effect in asked)
