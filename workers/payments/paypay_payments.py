"""What PayPay shows of a payment, read as a snapshot; its ids as orders, and its codes by who acts on them.

Shapes: the Open Payment API's reference (dynamic QR, pre-auth and capture), ``paypayopa-sdk-python/tests/mocks`` and
``paypayopa-sdk-go/api_payment_model.go``. Moments are whole seconds of Unix time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from models.states import PaymentState
from pipelines.gateway import CodeClass, Snapshot
from workers.payments.values import Seconds, Shown, not_ahead, of_epoch
from workers.payments.values import Yen as Amount

CODES: Final = 5
"""How many codes (QR) an order may have had: one whose answer got lost was told to nobody, and another one is made."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_ID: Final = 64
_STATES: Final = {
    "CREATED": PaymentState.PENDING,
    "AUTHORIZED": PaymentState.AUTHORIZED,
    "REAUTHORIZING": PaymentState.AUTHORIZED,
    "COMPLETED": PaymentState.CAPTURED,
    "REFUNDED": PaymentState.REFUNDED,
    "CANCELED": PaymentState.VOIDED,
    "EXPIRED": PaymentState.EXPIRED,
    "FAILED": PaymentState.FAILED,
}
#: A refund's words: those that gave money back, and those that did not, of captures as well.
_GIVEN: Final = ("CREATED", "COMPLETED", "REFUNDED")
_NOT_GIVEN: Final = ("FAILED", "CANCELED")

_BY_CLASS: Final[Mapping[CodeClass, str]] = {
    CodeClass.OUR_BUG: "INVALID_REQUEST_PARAMS MISSING_REQUEST_PARAMS DYNAMIC_QR_BAD_REQUEST INVALID_PARAMS "
    "PRE_AUTH_CAPTURE_INVALID_EXPIRY_DATE HIGHER_CAPTURE_NOT_PERMITTED",
    CodeClass.CONFIGURATION: "UNAUTHORIZED OP_OUT_OF_SCOPE OPA_CLIENT_NOT_FOUND PRE_AUTH_CAPTURE_UNSUPPORTED_MERCHANT",
    CodeClass.TRANSIENT: "RATE_LIMIT MAINTENANCE_MODE",
    CodeClass.UNKNOWN: "SERVICE_ERROR INTERNAL_SERVER_ERROR TRANSACTION_FAILED",
    CodeClass.STATE: "DUPLICATE_DYNAMIC_QR_REQUEST DYNAMIC_QR_ALREADY_PAID DYNAMIC_QR_PAYMENT_NOT_FOUND "
    "DYNAMIC_QR_NOT_FOUND ORDER_NOT_REVERSIBLE ORDER_NOT_CANCELABLE UNACCEPTABLE_OP ALREADY_CAPTURED "
    "ORDER_NOT_CAPTURABLE ORDER_EXPIRED REAUTHORIZATION_IN_PROGRESS TOO_CLOSE_TO_EXPIRY RESOURCE_NOT_FOUND "
    "NO_SUCH_REFUND_ORDER CANCELED_USER SUSPECTED_DUPLICATE_PAYMENT",
    CodeClass.ISSUER_DECLINE: "NO_SUFFICIENT_FUND LIMIT_EXCEEDED USER_DEFINED_DAILY_LIMIT_EXCEEDED "
    "USER_DEFINED_MONTHLY_LIMIT_EXCEEDED PAY_METHOD_INVALIDATED NO_VALID_PAYMENT_METHOD USER_STATE_IS_NOT_ACTIVE "
    "INVALID_USER_AUTHORIZATION_ID EXPIRED_USER_AUTHORIZATION_ID",
}
CLASSES: Final = {code: one for one, codes in _BY_CLASS.items() for code in codes.split()}
"""PayPay's codes by who acts on them (gateways.md 5.5)."""


class _Shown(Shown):
    model_config = ConfigDict(alias_generator=to_camel)


class Yen(_Shown):
    """An amount; no other currency is taken."""

    amount: Amount
    currency: str


class _Part(_Shown):
    amount: Yen
    status: str
    accepted_at: Seconds | None = None
    merchant_capture_id: str | None = None
    merchant_refund_id: str | None = None


class _Parts(_Shown):
    data: list[_Part] = Field(default_factory=list)


class _Revert(_Shown):
    accepted_at: Seconds | None = None
    merchant_revert_id: str | None = None


class Payment(_Shown):
    """A payment as PayPay shows it."""

    payment_id: str
    merchant_payment_id: str
    status: str
    amount: Yen
    accepted_at: Seconds | None = None
    expires_at: Seconds | None = None
    canceled_at: Seconds | None = None
    captures: _Parts = _Parts()
    refunds: _Parts = _Parts()
    revert: _Revert | None = None

    @property
    def captured(self) -> int:
        """Yen taken: the sum of its captures, the whole where none was held before."""
        if not self.captures.data:
            return self.amount.amount if self.status in ("COMPLETED", "REFUNDED") else 0
        return sum(one.amount.amount for one in self.captures.data if one.status == "COMPLETED")

    def bears(self, mark: str) -> bool:
        """Whether it shows that the call under ``mark`` was made."""
        parts = [*self.captures.data, *self.refunds.data]
        reverted = self.revert is not None and self.revert.merchant_revert_id == mark
        return reverted or any(mark in (one.merchant_capture_id, one.merchant_refund_id) for one in parts)

    def given_under(self, mark: str) -> int:
        """Yen of the refund under ``mark`` that were given back."""
        ours = (one for one in self.refunds.data if one.merchant_refund_id == mark)
        return sum(one.amount.amount for one in ours if one.status in _GIVEN)

    def failed_under(self, mark: str) -> bool:
        """Whether it shows that the capture or the refund under ``mark`` was made, and came to nothing."""
        parts = [*self.captures.data, *self.refunds.data]
        ours = {one.status for one in parts if mark in (one.merchant_capture_id, one.merchant_refund_id)}
        return bool(ours) and ours <= set(_NOT_GIVEN)


class Code(_Shown):
    """A code (QR) that the buyer opens in PayPay."""

    code_id: str
    url: str = Field(min_length=1)
    expiry_date: Seconds
    merchant_payment_id: str
    amount: Yen


def of_payment(payment: Payment, at: datetime) -> Snapshot:
    """How ``payment`` stands; ``at`` is when it was told, for one that names no moment itself.

    ``REFUNDED`` may be said of a part: the refunds are added up.
    """
    captured = payment.captured
    refunded = sum(one.amount.amount for one in payment.refunds.data if one.status in _GIVEN)
    if (payment.status == "REFUNDED" and not payment.refunds.data) or payment.status == "CANCELED":
        refunded = captured
    state = _state(payment, captured, refunded)
    moments = [payment.accepted_at, payment.canceled_at, payment.revert.accepted_at if payment.revert else None]
    moments += [one.accepted_at for one in (*payment.captures.data, *payment.refunds.data)]
    told = [one for one in moments if one]
    return Snapshot(
        payment.merchant_payment_id,
        state,
        payment.amount.amount,
        captured,
        refunded,
        not_ahead(of_epoch(max(told)), at) if told else at,
        expires_at=_moment(payment.expires_at) if state is PaymentState.AUTHORIZED else None,
    )


def _state(payment: Payment, captured: int, refunded: int) -> PaymentState:
    """By the state map (gateways.md 5.3); what is not known goes before a human."""
    words = {one.status for one in payment.refunds.data}
    amounts = [payment.amount, *(one.amount for one in (*payment.captures.data, *payment.refunds.data))]
    if any(one.currency != "JPY" for one in amounts) or words - {*_GIVEN, *_NOT_GIVEN}:
        return PaymentState.NEEDS_REVIEW
    if not captured:
        is_taken = payment.status in ("COMPLETED", "REFUNDED")  # and no capture says so
        return PaymentState.NEEDS_REVIEW if is_taken else _STATES.get(payment.status, PaymentState.NEEDS_REVIEW)
    if payment.status not in ("COMPLETED", "REFUNDED", "CANCELED"):
        return PaymentState.NEEDS_REVIEW
    if not refunded:
        return PaymentState.CAPTURED
    return PaymentState.REFUNDED if refunded >= captured else PaymentState.PARTLY_REFUNDED


def id_of(order: str, number: int) -> str:
    """``merchantPaymentId`` of the order's code ``number``: one can be used once, and its notices name the order by it."""
    shop, _, own = order.partition("/")
    plain = f"{shop}.{own}.{number}"
    if is_id(plain):
        return plain
    return f"{hashlib.sha256(order.encode()).hexdigest()[:40]}.{number}"


def is_id(text: str) -> bool:
    """Whether ``text`` may be a ``merchantPaymentId`` of ours: it stands in signed paths as it is."""
    return len(text) <= _LONGEST_ID and _PLAIN.fullmatch(text) is not None


def order_of(id_: str) -> tuple[str, str] | None:
    """(shop, number) of the order that ``id_of`` made it from; None for one of another origin, or too long to be told."""
    shop, dot, rest = id_.partition(".")
    own, last, number = rest.rpartition(".")
    return (shop, own) if dot and last and own and number.isdecimal() else None


def mark_of(key: str) -> str:
    """``key`` as an id of a capture, a refund or a release, in letters that PayPay takes."""
    return hashlib.sha256(key.encode()).hexdigest()


def _moment(epoch: int | None) -> datetime | None:
    return of_epoch(epoch) if epoch else None


def result_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """(code, code_id) of an answer; empty for none."""
    info = body.get("resultInfo")
    return (str(info.get("code", "")), str(info.get("code_id", ""))) if isinstance(info, Mapping) else ("", "")
