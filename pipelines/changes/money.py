"""What happens to an order's money (売上・返金): asked for by its method, taken once, and what is not due goes back, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from models.states import ALL_LEFT, HoldReason, OrderState, PaymentState, may_move
from pipelines.changes.payment_books import LOOKS
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, PaymentFacts
from pipelines.errors import Misconfigured
from pipelines.gateway import Capability, key_of
from pipelines.methods import METHODS, Asks, Capture, Method, Refund
from pipelines.orders.mails import refund_account_mail
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import RETURN, SHORT, adjust, goodwill
from pipelines.shops import Shop

#: Where the shop has some of the customer's money.
HAS_MONEY = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED)
#: Where it has what was captured, also if the gateway contradicts the books of it: what is due back of that is given by hand.
MAY_HAVE_MONEY: Final = (*HAS_MONEY, PaymentState.NEEDS_REVIEW)
#: Where it has some, or a gateway holds it for the shop.
HELD_OR_TAKEN: Final = (PaymentState.AUTHORIZED, *HAS_MONEY)

_CAPTURE, _VOID, _REFUND = "payment.capture", "payment.void", "payment.refund"
#: How a gateway is asked to hold an amount anew.
RENEW = "payment.renew"
_ASKED = ("payment.authorize", "payment.register")
#: What a gateway is asked where an order's money is waited for, where it is taken, and where it is let go.
SECURES = (*_ASKED, LOOKS)
TAKES = (_CAPTURE, _VOID)
LETS_GO = (_VOID, _REFUND)
#: Why a customer pays nothing more: of 1 to 49 yen no gateway takes any, and to run after them would cost the shop more.
TOO_LITTLE: Final = "less than a gateway takes (PAY-13)"


def asked(draft: OrderDraft) -> EffectFacts | None:
    """What a gateway was asked when the order came in: to hold its amount, or to register a slip; once."""
    return next((effect for effect in draft.effects.values() if effect.kind in _ASKED), None)


def is_begun(draft: OrderDraft) -> bool:
    """Whether the gateway did what it was asked when the order came in: it answered so, or has told of the payment since."""
    first = asked(draft)
    if first is None or first.state == "pending":
        return False
    return first.state == "done" or (first.state == "needs_review" and draft.money.reference is not None)


def ask(draft: OrderDraft, shop: Shop, method: Method, until: datetime | None) -> None:
    """Ask the order's gateway what ``method`` asks for; a slip is payable ``until`` then.

    Raises Misconfigured where the profile names none any more: the order is set aside until it does.
    """
    gateway = shop.gateway(draft.money.gateway) or shop.gateway_for(method.name)
    if gateway is None:
        raise Misconfigured(f"shops/{shop.key}.toml: payment.gateways", f"{method.name} is not connected to a gateway")
    if draft.money.gateway is None:  # nothing was to be paid until the order was priced again
        draft.move_payment(None, "asked", gateway=gateway.name)
    what = method.asked(gateway)
    payload: dict[str, object] = {"amount": draft.grand_total}
    if what is Asks.REGISTER:
        payload["until"] = until.isoformat() if until else None
    draft.ask(EffectIntent(f"payment.{what}", _key(draft, what), wakes="authorize", payload=payload))


def look_up(draft: OrderDraft, about: str, *, wakes: str, seen: str = "") -> None:
    """Ask the gateway how the payment stands; once for ``about``. ``seen``: what it said that contradicts the books, where somebody
    lets the order go on knowing just that."""
    draft.ask(EffectIntent(LOOKS, _key(draft, f"lookup:{about}"), wakes=wakes, payload={"seen": seen} if seen else {}))


def _key(draft: OrderDraft, what: str) -> str:
    return key_of(f"{draft.facts.shop}/{draft.facts.number}", what)


def capture(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Capture by the profile's policy (PAY-06, SPL-04): with the first or with the last parcel, or with each its part, which
    ``collect`` works out.

    Lines that were taken out before lessen the amount; where nothing is left to pay, the authorization is released. Of less
    than the gateway takes ``collect`` sees to it, which knows what is under way there (PAY-13).
    """
    money, policy = draft.money, shop.payment.capture_policy
    if METHODS[money.method].capture is not Capture.ON_DISPATCH:
        return
    if policy == "per_shipment":
        draft.next("collect", now)
        return
    if money.state != PaymentState.AUTHORIZED or (policy == "last_shipment_full" and draft.state not in ALL_LEFT):
        return
    amount = min(money.authorized, draft.due)
    if _is_too_little(draft, shop, amount):
        draft.next("collect", now)
    elif amount:
        draft.ask(EffectIntent(_CAPTURE, _key(draft, "capture"), wakes="settle", payload={"amount": amount}))
    else:
        void(draft)


def capture_part(draft: OrderDraft, shop: Shop) -> None:
    """Capture what is due for the goods that have left and was not captured yet (SPL-04); the last part is all that is due.

    What is less than the gateway takes is captured with the next part, and let go where there is none (PAY-13); that is so
    where all is captured at once, too.
    """
    money, policy = draft.money, shop.payment.capture_policy
    by_part = policy == "per_shipment"
    open_states = HELD_OR_TAKEN if by_part else (PaymentState.AUTHORIZED,)
    if METHODS[money.method].capture is not Capture.ON_DISPATCH or money.state not in open_states:
        return
    at_once = policy == "first_shipment_full" and draft.state == OrderState.PARTLY_SHIPPED
    whole = at_once or draft.state in ALL_LEFT
    taken = _taken(draft)
    amount = held(draft) if whole else held(draft, _worth_of_open(draft))
    if _is_too_little(draft, shop, amount):
        if whole:
            _waive(draft, amount)
            if not taken:
                void(draft)
    elif amount > 0 and by_part:
        payload = {"amount": amount, "final": whole}
        draft.ask(EffectIntent(_CAPTURE, _next_capture(draft), wakes="settle", payload=payload))
    elif amount <= 0 and whole and not taken and draft.money.state == PaymentState.AUTHORIZED:
        void(draft)


def held(draft: OrderDraft, beside: int = 0) -> int:
    """Yen of what is due, but for ``beside`` of them, that the gateway holds and was not asked to capture, and that did not come in
    another way."""
    taken = _taken(draft)
    asked_for = draft.due - beside - (taken - _through_gateway(draft))
    return min(draft.money.authorized - taken, asked_for, -outstanding(draft) - beside)


def _taken(draft: OrderDraft) -> int:
    """Yen that the gateway was asked to capture, and has not refused."""
    return sum(int(one.payload["amount"]) for one in _captures(draft) if one.state != "declined")


def _captures(draft: OrderDraft) -> list[EffectFacts]:
    return [effect for effect in draft.effects.values() if effect.kind == _CAPTURE]


def _next_capture(draft: OrderDraft) -> str:
    asked_before = len(_captures(draft))
    return _key(draft, f"capture:{asked_before + 1}" if asked_before else "capture")


def _is_too_little(draft: OrderDraft, shop: Shop, amount: int) -> bool:
    return 0 < amount < shop.least(shop.gateway(draft.money.gateway))


def _waive(draft: OrderDraft, amount: int) -> None:
    """The shop lets ``amount`` yen go that no gateway takes (PAY-13): the books have them as goodwill, so that nothing is due
    that nothing brings in, and nobody is asked to run after them."""
    key = _key(draft, f"too little:{len(draft.adjustments) + 1}")  # one of the whole house
    draft.adjust(key, TOO_LITTLE, goodwill(amount))


def _worth_of_open(draft: OrderDraft) -> int:
    """Yen of the order that go with goods that have neither left nor been taken out: what their absence would give back."""
    open_ = Counter[str]()
    for shipment in draft.shipments:
        open_.update({line: counted.open for line, counted in shipment.lines.items() if counted.open})
    return adjust(draft.facts.breakdown, draft.adjustments, SHORT, open_.items()).money if open_ else 0


def renew(draft: OrderDraft, ends: datetime) -> None:
    """Have the gateway hold the amount anew, before the hold that the goods are waiting on ends, at ``ends`` (SPL-04)."""
    payload = {"amount": draft.money.authorized, "ends": ends.isoformat()}
    key = _key(draft, f"renew:{len(_renewals(draft)) + 1}")
    draft.ask(EffectIntent(RENEW, key, wakes="settle", payload=payload))


def is_renewing(draft: OrderDraft) -> bool:
    """Whether the gateway was asked to hold the amount anew, and has not answered."""
    return any(effect.state == "pending" for effect in _renewals(draft))


def not_renewed(draft: OrderDraft) -> EffectFacts | None:
    """The last request to hold the amount anew, where the gateway would not, or did not say what became of that."""
    last = _renewals(draft)[-1:]
    return last[0] if last and last[0].state in ("declined", "needs_review") else None


def has_gained_nothing(draft: OrderDraft, ends: datetime) -> bool:
    """Whether the hold that ends at ``ends`` was made anew and lasts less than a day longer than the one before: to renew again would
    bring no more, and be asked without an end."""
    renewals = _renewals(draft)
    before = renewals[-1].payload.get("ends") if renewals else None
    return before is not None and ends < datetime.fromisoformat(before) + timedelta(days=1)


def _renewals(draft: OrderDraft) -> Sequence[EffectFacts]:
    """Requests to hold the amount anew, first to last."""
    return [effect for effect in draft.effects.values() if effect.kind == RENEW]


def capture_asked(draft: OrderDraft) -> bool:
    """Whether the gateway was asked to capture, and has not said no."""
    return any(one.state != "declined" for one in _captures(draft))


def capture_early(draft: OrderDraft, shop: Shop) -> None:
    """Capture what is due before the goods leave, since the authorization will not last until then (SPL-04); what a provider
    pays for once it hears of the shipment cannot be (B.6.9), nor what has come in another way. Less than the gateway takes is let go,
    and the goods leave (PAY-13)."""
    if METHODS[draft.money.method].capture is not Capture.ON_DISPATCH or draft.money.state not in HELD_OR_TAKEN:
        return
    amount = held(draft)
    if _is_too_little(draft, shop, amount):
        if not capture_asked(draft):  # else it goes with the last part
            _waive(draft, amount)
            void(draft)
    elif amount > 0 and all(one.state != "declined" for one in _captures(draft)):
        payload = {"amount": amount, "early": True}
        draft.ask(EffectIntent(_CAPTURE, _next_capture(draft), wakes="settle", payload=payload))


def void(draft: OrderDraft) -> None:
    """Release the authorization or the slip of an order of which nothing will be captured."""
    draft.ask(EffectIntent(_VOID, _key(draft, "void"), wakes="settle"))


def is_collected(money: PaymentFacts) -> bool:
    """Whether the carrier collects the money when it hands the goods over."""
    return METHODS[money.method].capture is Capture.ON_DELIVERY


def is_money_out(draft: OrderDraft) -> bool:
    """Whether an order that has left still waits for its money: to be captured, or collected by the carrier."""
    money = draft.money
    return money.state == PaymentState.AUTHORIZED or (
        is_collected(money) and money.state == PaymentState.PENDING and draft.grand_total > 0
    )


def is_owed_on_delivery(draft: OrderDraft) -> bool:
    """Whether the carrier is yet to collect money that is due."""
    return is_collected(draft.money) and draft.money.state == PaymentState.PENDING and draft.due > 0


def collect(draft: OrderDraft, amount: int) -> bool:
    """The ``amount`` yen that are paid on delivery are captured when the customer has the goods: the carrier does not hand them over
    without. Whether they are in just now."""
    if not is_collected(draft.money) or draft.money.state != PaymentState.PENDING:
        return False
    draft.move_payment(PaymentState.CAPTURED, "collected on delivery", authorized=amount, captured=amount)
    return True


def uncollect(draft: OrderDraft) -> None:
    """The parcel came back: what the carrier was thought to have collected it has not, unless it is the customer who sent
    it back."""
    by_carrier = is_collected(draft.money) and draft.money.reference is None  # else an operator has seen it
    was_collected = by_carrier and draft.money.state == PaymentState.CAPTURED
    if was_collected and all(change.kind != RETURN for change in draft.adjustments):
        draft.move_payment(PaymentState.PENDING, "not collected after all", authorized=0, captured=0)
        draft.lift(lambda hold: hold.reason == HoldReason.REFUND_DUE, "not collected after all")


def outstanding(draft: OrderDraft) -> int:
    """Yen that were captured, are not due and are not on their way back yet; negative where less came in than is due."""
    due = 0 if draft.state == OrderState.CANCELLED else draft.due
    return draft.money.captured - _through_gateway(draft) - draft.money.refunded_by_hand - due


def givable(draft: OrderDraft) -> int:
    """Yen of the customer's that the shop has and may keep: what was captured less all that went back or is about to."""
    if draft.state == OrderState.CANCELLED or draft.money.state not in HAS_MONEY:
        return 0
    return max(0, min(draft.due, draft.due + outstanding(draft)))


def refund(draft: OrderDraft, shop: Shop, now: datetime, cause: str) -> None:
    """Refund what is outstanding by the method's route, under a key of its own; where no gateway can, a human is asked to."""
    amount = outstanding(draft)
    if amount > 0 and _goes_back(draft, shop, amount):
        times = sum(effect.kind == _REFUND for effect in draft.effects.values())
        key = _key(draft, f"refund:{times + 1}")
        payload = {"amount": amount, "before": _through_gateway(draft)}
        draft.ask(EffectIntent(_REFUND, key, wakes="settle", payload=payload))
    else:
        ask_for_refund(draft, shop, now, amount, cause)


def _goes_back(draft: OrderDraft, shop: Shop, amount: int) -> bool:
    """Whether the gateway gives ``amount`` back the way it came."""
    gateway = shop.gateway(draft.money.gateway)
    if METHODS[draft.money.method].refund is not Refund.GATEWAY or gateway is None:
        return False
    rules, before = gateway.refunds, _through_gateway(draft)
    allowed = (rules.several or before == 0) and (rules.partial or amount == draft.money.captured)
    return allowed and Capability.REFUNDS in gateway.capabilities


def ask_for_refund(draft: OrderDraft, shop: Shop, now: datetime, amount: int, cause: str) -> None:
    """Hold the order for a human who gives ``amount`` yen back, and ask the customer for the account; with nothing left to give
    back that hold is answered."""
    if amount <= 0:
        draft.lift(lambda hold: hold.reason == HoldReason.REFUND_DUE, cause)
        return
    was_asked = any(hold.reason == HoldReason.REFUND_DUE for hold in (*draft.facts.holds, *draft.holds))
    draft.hold(Hold(HoldReason.REFUND_DUE, amount=amount), cause, anew=True)
    if not was_asked:
        draft.tell(refund_account_mail(draft.facts, shop, now, amount))


def after_refund(draft: OrderDraft) -> PaymentState | None:
    """How the payment stands by what has gone back; None where it stays: a part of what is in doubt leaves the rest so."""
    new = PaymentState.REFUNDED if draft.money.refunded >= draft.money.captured else PaymentState.PARTLY_REFUNDED
    return new if may_move("payment", draft.money.state, new) else None


def let_go(draft: OrderDraft, shop: Shop, now: datetime, cause: str) -> None:
    """The money of an order that ends (CAN-04): what was authorized is released, what came in goes back."""
    state, first = draft.money.state, asked(draft)
    if state == PaymentState.AUTHORIZED:
        void(draft)
    elif outstanding(draft) > 0:
        if state in (PaymentState.PENDING, PaymentState.EXPIRED):  # a part of a transfer came in
            draft.move_payment(PaymentState.CAPTURED, cause)
        refund(draft, shop, now, cause)
    elif state == PaymentState.NEEDS_REVIEW:
        hold_unknown(draft, cause)
    elif state == PaymentState.PENDING and is_begun(draft) and can_void(draft, shop):
        void(draft)  # a slip is out, or a page is open
    elif state == PaymentState.PENDING and (first is None or first.state == "declined" or is_begun(draft)):
        draft.move_payment(PaymentState.VOIDED, cause)


def can_void(draft: OrderDraft, shop: Shop) -> bool:
    """Whether the gateway takes back what it holds, or what is still to be paid there."""
    gateway = shop.gateway(draft.money.gateway)
    return gateway is not None and Capability.VOIDS in gateway.capabilities


def hold_unknown(draft: OrderDraft, cause: str) -> None:
    """Nobody knows whether the payment was made: a human has to look it up."""
    draft.hold(Hold(HoldReason.PAYMENT_UNKNOWN), cause)


def unheard_refunds(draft: OrderDraft) -> list[tuple[str, int]]:
    """(key, yen) of each refund of which the gateway never said whether it made it, and which the books do not have."""
    refunds = [effect for effect in draft.effects.values() if effect.kind == _REFUND]
    made = sum(int(effect.payload["amount"]) for effect in refunds if effect.state == "done")
    beyond, unheard = draft.money.refunded - draft.money.refunded_by_hand - made, list[tuple[str, int]]()
    for effect in (one for one in refunds if one.state == "needs_review"):
        amount = int(effect.payload["amount"])
        if beyond < amount:
            unheard.append((effect.key, amount - max(0, beyond)))
        beyond = max(0, beyond - amount)
    return unheard


def _through_gateway(draft: OrderDraft) -> int:
    """Yen that the gateway gave back or was asked to, those of refunds that were made in its own dashboard among them."""
    asked_for = (effect for effect in draft.effects.values() if effect.kind == _REFUND and effect.state != "declined")
    given = draft.money.refunded - draft.money.refunded_by_hand
    return max(given, sum(int(effect.payload["amount"]) for effect in asked_for))
