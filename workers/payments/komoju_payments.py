"""What KOMOJU shows of a payment or of its page (session), read as a snapshot; its codes by who acts on them.

Shapes: KOMOJU's OpenAPI document, the reference of its payments and ``komoju-ruby-sdk/docs/Payment.md``. A payment tells no
moment of its last change, so a snapshot is as old as the newest moment that the payment itself names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import Field

from models.states import PaymentState
from pipelines.gateway import BuyerMust, BuyerStep, CodeClass, Snapshot
from workers.payments.values import Moment, Shown, Yen, not_ahead

#: A page lives so long at most, and so long unless less is asked for.
PAGE_LIVES: Final = timedelta(hours=24)
#: The reference of a page on which the buyer has not begun a payment yet.
PAGE: Final = "sessions/"

#: Types whose ``authorized`` is only a slip or an account that is out: no cash yet.
_WAITS_FOR_CASH: Final = frozenset({"konbini", "bank_transfer", "pay_easy"})
#: Types whose ``authorized`` holds the buyer's money.
_HOLDS: Final = frozenset({"credit_card", "paypay", "line_pay", "merpay", "rakutenpay", "au_pay"})
_STATES: Final = {
    "pending": PaymentState.PENDING,
    "captured": PaymentState.CAPTURED,
    "refunded": PaymentState.REFUNDED,
    "cancelled": PaymentState.VOIDED,
    "expired": PaymentState.EXPIRED,
    "failed": PaymentState.FAILED,
}
#: Yen as we note them down; the notes of a payment are for others to write, too.
_SUM: Final = re.compile("[0-9]{1,10}")
_WITH_MONEY: Final = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED, PaymentState.REFUNDED)

_BY_CLASS: Final[Mapping[CodeClass, str]] = {
    CodeClass.ISSUER_DECLINE: "insufficient_funds card_declined exceeds_limit restricted_account fraudulent "
    "other_error other_invalid request_failed",
    CodeClass.BUYER_INPUT: "invalid_number card_expired bad_verification_value invalid_password invalid_account "
    "invalid_user_key used_number invalid_token",
    CodeClass.OUR_BUG: "invalid_parameter missing_parameter invalid_currency bad_request not_found",
    CodeClass.CONFIGURATION: "invalid_payment_type",
    CodeClass.STATE: "not_capturable not_refundable not_cancellable",
}
CLASSES: Final = {code: one for one, codes in _BY_CLASS.items() for code in codes.split()}
"""KOMOJU's codes that refuse (gateways.md 3.5)."""
LOOK_AGAIN: Final = frozenset(
    {"not_capturable", "not_refundable", "not_cancellable", "other_error", "other_invalid", "request_failed"}
)
"""Refusals behind which an earlier call may have succeeded."""


class Refund(Shown):
    """A refund of a payment; ``description`` is what it was asked with."""

    amount: Yen
    description: str | None = None
    created_at: Moment | None = None


class Payment(Shown):
    """A payment as KOMOJU shows it; ``total`` has the fee that the buyer pays on top."""

    id: str
    status: str
    amount: Yen
    currency: str
    tax: Yen = 0
    payment_method_fee: Yen = 0
    total: Yen | None = None
    amount_refunded: Yen = 0
    payment_deadline: Moment | None = None
    payment_details: dict[str, Any] = Field(default_factory=dict)
    captured_at: Moment | None = None
    created_at: Moment | None = None
    external_order_num: str | None = None
    metadata: dict[str, Any] | None = None
    session: str | None = None
    refunds: list[Refund] = Field(default_factory=list)

    @property
    def type(self) -> str:
        """What it is paid with, in KOMOJU's word."""
        return _text(self.payment_details.get("type")) or ""

    @property
    def ours(self) -> int:
        """Yen of the order: without the fee for paying at a store, which is KOMOJU's."""
        return self.amount + self.tax if self.total is None else max(0, self.total - self.payment_method_fee)

    @property
    def asked(self) -> int:
        """Yen that were asked for with the order, as they were noted down beside it once a capture of less changed the sum."""
        noted = (self.metadata or {}).get("authorized")
        return int(noted) if isinstance(noted, str) and _SUM.fullmatch(noted) else self.ours

    @property
    def order(self) -> tuple[str, str] | None:
        """(shop, number), where its number is of our form."""
        shop, slash, number = (self.external_order_num or "").partition("/")
        return (shop, number) if slash and shop and number else None


class Page(Shown):
    """A page on which the buyer completes a payment."""

    id: str
    status: str
    amount: Yen
    currency: str
    session_url: str | None = None
    payment: Payment | None = None

    @property
    def begun(self) -> Payment | None:
        """The payment that the buyer began on it; one that failed may be tried again for as long as the page is open."""
        return self.payment if self.payment is not None and self.payment.status not in ("pending", "failed") else None


def of_payment(payment: Payment, at: datetime) -> Snapshot:
    """How ``payment`` stands; ``at`` is when it was told, for one that names no moment itself."""
    state, type_ = _state(payment), payment.type
    has_money = state in _WITH_MONEY
    captured = payment.ours if has_money else 0
    refunded = min(payment.amount_refunded, captured)
    if payment.status == "refunded" and not refunded:
        refunded = captured
    moments = [payment.created_at, payment.captured_at, *(one.created_at for one in payment.refunds)]
    return Snapshot(
        payment.id,
        state,
        payment.asked if has_money else payment.ours,
        captured,
        refunded,
        not_ahead(max((one for one in moments if one), default=at), at),
        expires_at=payment.payment_deadline if state is PaymentState.AUTHORIZED else None,
        buyer=_buyer(payment, type_) if state is PaymentState.PENDING else None,
    )


def of_page(page: Page, at: datetime) -> Snapshot:
    """How a page stands on which no payment was begun."""
    ends = {"cancelled": PaymentState.VOIDED, "expired": PaymentState.EXPIRED, "pending": PaymentState.PENDING}
    state = ends.get(page.status, PaymentState.NEEDS_REVIEW)
    if page.currency != "JPY":
        state = PaymentState.NEEDS_REVIEW
    must = BuyerMust(BuyerStep.VISIT, url=page.session_url, until=at + PAGE_LIVES)
    return Snapshot(
        f"{PAGE}{page.id}", state, page.amount, 0, 0, at, buyer=must if state is PaymentState.PENDING else None
    )


def _state(payment: Payment) -> PaymentState:
    """By the state map (gateways.md 3.3); what is not known goes before a human."""
    if payment.currency != "JPY":
        return PaymentState.NEEDS_REVIEW
    if payment.status == "authorized":
        if payment.type in _WAITS_FOR_CASH:
            return PaymentState.PENDING
        return PaymentState.AUTHORIZED if payment.type in _HOLDS else PaymentState.NEEDS_REVIEW
    state = _STATES.get(payment.status, PaymentState.NEEDS_REVIEW)
    if state is PaymentState.FAILED and payment.session:
        return PaymentState.PENDING
    if state is PaymentState.CAPTURED and payment.amount_refunded:
        return PaymentState.REFUNDED if payment.amount_refunded >= payment.ours else PaymentState.PARTLY_REFUNDED
    return state


def _buyer(payment: Payment, type_: str) -> BuyerMust | None:
    until = payment.payment_deadline
    told = {name: text for name, one in payment.payment_details.items() if (text := _text(one))}
    page = told.get("instructions_url")
    if type_ == "konbini":
        number, confirmation = told.get("receipt"), told.get("confirmation_code")
        return BuyerMust(BuyerStep.PAY_AT_STORE, page, number, confirmation, until=until) if number or page else None
    if type_ == "bank_transfer" and told.get("account_number"):
        account = {ours: told.get(theirs, "") for ours, theirs in _ACCOUNT.items()}
        return BuyerMust(BuyerStep.TRANSFER, page, account=account, until=until)
    where = page or told.get("redirect_url")
    return BuyerMust(BuyerStep.VISIT, where, until=until) if where else None


def _text(told: object) -> str | None:
    """What a field says, as a text; a number written as one is one too."""
    if isinstance(told, int) and not isinstance(told, bool):
        return str(told)
    return told or None if isinstance(told, str) else None


_ACCOUNT: Final = {
    "bank": "bank_name",
    "branch": "account_branch_name",
    "kind": "account_type",
    "number": "account_number",
    "holder": "account_name",
}
