"""How a PaymentIntent of the fake Stripe begins, moves and ends (gateways.md 1.2, 1.3, 1.6).

Assumed, since no reference says so: less than 50 yen is refused; a store takes 120 to 300,000; an unpaid voucher ends in
``requires_payment_method``; a store refuses a voucher that is not open; what a bank transfer brought for an intent that was
cancelled stays on the cash balance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from workers.sandbox.gateways.ledger import MoneyLedger
from workers.sandbox.gateways.stripe_forms import Form, Refused
from workers.sandbox.gateways.stripe_objects import (
    CARDS,
    Card,
    Charge,
    Customer,
    Intent,
    Refund,
    shown_cash_balance,
    shown_charge,
    shown_intent,
)

LEAST: Final = 50
MOST: Final = 99_999_999
STORE_LIMITS: Final = (120, 300_000)
_TOKYO: Final = ZoneInfo("Asia/Tokyo")
_METHODS: Final = ("card", "konbini", "customer_balance")
_CANCELABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")

CREATE: Final = (
    "amount",
    "currency",
    "payment_method_types[]",
    "payment_method",
    "payment_method_data[type]",
    "payment_method_data[billing_details][name]",
    "payment_method_data[billing_details][email]",
    "payment_method_data[billing_details][phone]",
    "payment_method_options[card][capture_method]",
    "payment_method_options[card][request_three_d_secure]",
    "payment_method_options[konbini][confirmation_number]",
    "payment_method_options[konbini][expires_after_days]",
    "payment_method_options[konbini][expires_at]",
    "payment_method_options[konbini][product_description]",
    "payment_method_options[customer_balance][funding_type]",
    "payment_method_options[customer_balance][bank_transfer][type]",
    "payment_method_options[customer_balance][bank_transfer][requested_address_types][]",
    "customer",
    "confirm",
    "return_url",
    "metadata",
    "expand[]",
)
CAPTURE: Final = ("amount_to_capture", "final_capture", "metadata", "expand[]")
CANCEL: Final = ("cancellation_reason", "expand[]")

Tell = Callable[[str, Mapping[str, Any], datetime], None]


@dataclass
class Intents:
    """Every intent. ``identity`` makes ids, ``tell`` makes an event of (type, object, moment)."""

    ledger: MoneyLedger
    identity: Callable[[str], str]
    tell: Tell
    intents: dict[str, Intent] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)

    def of(self, id_: str) -> Intent:
        """The intent ``id_``. Raises Refused."""
        if id_ not in self.intents:
            raise Refused(404, "resource_missing", f"No such payment_intent: '{id_}'", param="intent")
        return self.intents[id_]

    def of_order(self, order: str) -> Intent:
        """The last intent of an order. Raises Refused."""
        found = [intent for intent in self.intents.values() if intent.order == order]
        if not found:
            raise Refused(404, "resource_missing", f"No intent of {order}")
        return found[-1]

    def shown(self, intent: Intent, form: Form) -> dict[str, Any]:
        """An intent, as far expanded as the request asks."""
        return shown_intent(intent, self.refunds.values(), form.all("expand[]"))

    def create(self, form: Form, now: datetime) -> Intent:
        """Create and confirm an intent. Raises Refused."""
        method, amount = _checked(form)
        card = _card(form) if method == "card" else None
        customer = self._customer(form) if method == "customer_balance" else None
        expires_at, confirmation = _store_terms(form, amount, now) if method == "konbini" else (None, "")
        intent = Intent(self.identity("pi_"), now, amount, method, "requires_confirmation", form.metadata, card)
        intent.email = form.get("payment_method_data[billing_details][email]")
        intent.return_url = form.get("return_url")
        intent.customer = form.get("customer")
        intent.expires_at = expires_at
        self.intents[intent.id] = intent
        if method == "konbini":
            intent.numbers = (f"{len(self.intents):011d}", confirmation)
        if customer is not None:
            intent.numbers = (customer.number, "")
        self._begin(intent, customer, now)
        return intent

    def capture(self, intent: Intent, form: Form, now: datetime) -> None:
        """Take a part or all of what is held and release the rest. Raises Refused."""
        if intent.status != "requires_capture" or intent.charge is None:
            expired = intent.cancellation_reason == "automatic"
            code = "charge_expired_for_capture" if expired else "payment_intent_unexpected_state"
            raise self._wrong_state(intent, "capture", code)
        if form.get("final_capture") == "false":
            raise Refused(400, "parameter_invalid", "This payment cannot be captured in parts", param="final_capture")
        amount = form.integer("amount_to_capture")
        amount = intent.amount if amount is None else amount
        if amount > intent.amount:
            raise Refused(400, "amount_too_large", "More than amount_capturable", param="amount_to_capture")
        if amount < 1:
            raise Refused(400, "parameter_invalid_integer", "Must be at least 1", param="amount_to_capture")
        intent.metadata.update(form.metadata)
        self.ledger.take(intent.id, amount, now, "capture")
        if rest := intent.amount - amount:
            self.ledger.release(intent.id, rest, now, "capture")
        intent.charge.captured, intent.charge.released = amount, rest
        intent.status = "succeeded"
        self._tell_charge("charge.captured", intent, now)
        self._tell_intent("payment_intent.succeeded", intent, now)

    def cancel(self, intent: Intent, form: Form, now: datetime) -> None:
        """Release what is held and close the intent. Raises Refused."""
        reason = form.one_of("cancellation_reason", ("duplicate", "fraudulent", "requested_by_customer", "abandoned"))
        if intent.status not in _CANCELABLE:
            raise self._wrong_state(intent, "cancel", "payment_intent_unexpected_state")
        self._end(intent, reason, now, "cancel")

    def authenticate(self, intent: Intent, passes: bool, now: datetime) -> bool:
        """The card holder passes 3-D Secure or does not; False where nothing is asked of them."""
        if intent.status != "requires_action" or intent.method != "card":
            return False
        if passes:
            self._hold(intent, now)
        else:
            self._fail(intent, "payment_intent_authentication_failure", None, now)
        return True

    def pay_at_store(self, intent: Intent, now: datetime) -> bool:
        """The buyer pays the voucher; False where the till refuses its number."""
        if intent.status != "requires_action" or intent.method != "konbini":
            return False
        self.ledger.take(intent.id, intent.amount, now, "paid at a store", order=intent.order)
        self._succeed(intent, now)
        return True

    def transfer(self, customer: Customer, amount: int, now: datetime) -> None:
        """Money came to a customer's account: it pays open intents, the oldest first, and the rest stays there."""
        mine = [
            one for one in self.intents.values() if one.customer == customer.id and one.method == "customer_balance"
        ]
        about = next((one for one in mine if one.status == "requires_action"), mine[-1])
        self.ledger.take(about.id, amount, now, "bank transfer", order=about.order)
        customer.balance += amount
        for intent in mine:
            if intent.status == "requires_action":
                self._draw(intent, customer, now)
        if customer.balance:
            self.tell("cash_balance.funds_available", shown_cash_balance(customer), now)

    def tick(self, now: datetime) -> None:
        """Holds and vouchers end at their moments."""
        for intent in self.intents.values():
            charge = intent.charge
            if (
                intent.status == "requires_capture"
                and charge
                and charge.capture_before
                and now >= charge.capture_before
            ):
                self._lapse(intent, charge.capture_before)
            elif intent.status == "requires_action" and intent.expires_at and now >= intent.expires_at:
                self._fail(intent, "payment_intent_payment_attempt_expired", None, intent.expires_at)

    def _begin(self, intent: Intent, customer: Customer | None, now: datetime) -> None:
        card = intent.card
        if card is not None and card.decline is not None:
            code, reason = card.decline
            self._fail(intent, code, reason, now)
            shown = shown_intent(intent, ())
            raise Refused(402, code, "Your card was declined.", decline_code=reason, payment_intent=shown)
        if card is not None and not card.authenticates:
            self._hold(intent, now)
            return
        intent.status = "requires_action"
        self._tell_intent("payment_intent.requires_action", intent, now)
        if customer is not None and customer.balance:
            self._draw(intent, customer, now)

    def _hold(self, intent: Intent, now: datetime) -> None:
        assert intent.card is not None
        ends = now + timedelta(days=intent.card.days)
        intent.charge = Charge(self.identity("ch_"), now, intent.amount, "succeeded", capture_before=ends)
        intent.status, intent.error = "requires_capture", None
        self.ledger.hold(intent.id, intent.order, intent.amount, now, "authorization")
        self._tell_intent("payment_intent.amount_capturable_updated", intent, now)

    def _draw(self, intent: Intent, customer: Customer, now: datetime) -> None:
        """A balance pays an intent, or a part of it."""
        drawn = min(customer.balance, intent.amount - intent.funded)
        customer.balance -= drawn
        intent.funded += drawn
        if intent.funded == intent.amount:
            self._succeed(intent, now)
        elif drawn:
            self._tell_intent("payment_intent.partially_funded", intent, now)

    def _succeed(self, intent: Intent, now: datetime) -> None:
        intent.charge = Charge(self.identity("ch_"), now, intent.amount, "succeeded", captured=intent.amount)
        intent.status, intent.error = "succeeded", None
        self._tell_intent("payment_intent.succeeded", intent, now)

    def _fail(self, intent: Intent, code: str, reason: str | None, now: datetime) -> None:
        if intent.method == "card":
            intent.charge = Charge(self.identity("ch_"), now, intent.amount, "failed", failure_code=code)
        type_ = "card_error" if intent.method == "card" else "invalid_request_error"
        intent.status = "requires_payment_method"
        intent.error = {"type": type_, "code": code, "decline_code": reason, "message": "The payment failed."}
        self._tell_intent("payment_intent.payment_failed", intent, now)

    def _lapse(self, intent: Intent, at: datetime) -> None:
        """Nobody captured in time: Stripe refunds the hold to the card and cancels (gateways.md 1.3)."""
        refund = Refund(self.identity("re_"), at, intent, intent.amount, "succeeded", "expired_uncaptured_charge", {})
        self.refunds[refund.id] = refund
        self._tell_charge("charge.expired", intent, at)
        self._end(intent, "automatic", at, "time")

    def _end(self, intent: Intent, reason: str | None, at: datetime, cause: str) -> None:
        if intent.status == "requires_capture":
            assert intent.charge is not None
            self.ledger.release(intent.id, intent.amount, at, cause)
            intent.charge.released = intent.amount
        if intent.funded and intent.customer is not None:
            self.customers[intent.customer].balance += intent.funded
            intent.funded = 0
        intent.status, intent.canceled_at, intent.cancellation_reason = "canceled", at, reason
        self._tell_intent("payment_intent.canceled", intent, at)

    def _customer(self, form: Form) -> Customer:
        id_ = form.need("customer")
        if id_ not in self.customers:
            raise Refused(400, "resource_missing", f"No such customer: '{id_}'", param="customer")
        wanted = {
            "payment_method_data[type]": "customer_balance",
            "payment_method_options[customer_balance][funding_type]": "bank_transfer",
            "payment_method_options[customer_balance][bank_transfer][type]": "jp_bank_transfer",
        }
        for name, value in wanted.items():
            if form.need(name) != value:
                raise Refused(400, "parameter_invalid", f"{name} must be {value}", param=name)
        return self.customers[id_]

    def _tell_intent(self, type_: str, intent: Intent, at: datetime) -> None:
        self.tell(type_, shown_intent(intent, self.refunds.values()), at)

    def _tell_charge(self, type_: str, intent: Intent, at: datetime) -> None:
        assert intent.charge is not None
        self.tell(type_, shown_charge(intent, intent.charge, self.refunds.values()), at)

    def _wrong_state(self, intent: Intent, verb: str, code: str) -> Refused:
        says = f"This PaymentIntent could not be {verb}d because it has a status of {intent.status}."
        return Refused(400, code, says, payment_intent=shown_intent(intent, self.refunds.values()))


def _checked(form: Form) -> tuple[str, int]:
    """The method and the amount of a new intent."""
    form.need("amount")
    amount = form.integer("amount") or 0
    if form.need("currency") != "jpy":
        raise Refused(400, "parameter_invalid", "This account takes jpy", param="currency")
    if form.get("confirm") != "true":
        raise Refused(400, "parameter_invalid", "The fake knows intents confirmed at once", param="confirm")
    methods = form.all("payment_method_types[]")
    if len(methods) != 1 or methods[0] not in _METHODS:
        raise Refused(400, "parameter_invalid", f"One of {', '.join(_METHODS)}", param="payment_method_types")
    least, most = STORE_LIMITS if methods[0] == "konbini" else (LEAST, MOST)
    if amount < least:
        raise Refused(400, "amount_too_small", f"Amount must be at least {least} yen", param="amount")
    if amount > most:
        raise Refused(400, "amount_too_large", f"Amount must be no more than {most} yen", param="amount")
    return methods[0], amount


def _card(form: Form) -> Card:
    id_ = form.need("payment_method")
    if form.get("payment_method_options[card][capture_method]") != "manual":
        raise Refused(400, "parameter_invalid", "The fake knows cards with manual capture", param="capture_method")
    form.one_of("payment_method_options[card][request_three_d_secure]", ("any", "automatic", "challenge"))
    if id_ not in CARDS:
        raise Refused(400, "resource_missing", f"No such PaymentMethod: '{id_}'", param="payment_method")
    return CARDS[id_]


def _store_terms(form: Form, amount: int, now: datetime) -> tuple[datetime, str]:
    """When a voucher ends, and its confirmation number."""
    prefix = "payment_method_options[konbini]"
    for name in ("name", "email"):
        form.need(f"payment_method_data[billing_details][{name}]")
    if len(form.get(f"{prefix}[product_description]") or "") > 22:
        raise Refused(400, "parameter_invalid", "Up to 22 characters", param=f"{prefix}[product_description]")
    days, ends = form.integer(f"{prefix}[expires_after_days]"), form.integer(f"{prefix}[expires_at]")
    if days is not None and ends is not None:
        raise Refused(400, "parameter_invalid", "Only one of expires_after_days and expires_at", param=prefix)
    if not 1 <= (3 if days is None else days) <= 60:
        raise Refused(400, "parameter_invalid", "1 to 60 days", param=f"{prefix}[expires_after_days]")
    if ends is None:
        last = (now.astimezone(_TOKYO) + timedelta(days=days or 3)).replace(
            hour=23, minute=59, second=59, microsecond=0
        )
        at = last.astimezone(UTC)
    else:
        at = datetime.fromtimestamp(ends, UTC)
    if not now < at <= now + timedelta(days=61):
        raise Refused(400, "parameter_invalid", "Must be in the future, at most 60 days", param=f"{prefix}[expires_at]")
    given = form.get(f"{prefix}[confirmation_number]")
    if given is not None and not (given.isascii() and given.isdecimal() and 10 <= len(given) <= 11 and int(given)):
        raise Refused(400, "parameter_invalid", "10 to 11 digits", param=f"{prefix}[confirmation_number]")
    return at, given or f"{amount:011d}"
