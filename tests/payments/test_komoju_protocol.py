"""The protocol of KOMOJU as its section writes it: states, codes, vectors, notices, to the byte (gateways.md 3)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from models.states import PaymentState
from pipelines.gateway import STANDS, CodeClass
from tests.payments.gateway_bench import sums
from workers.http.signing import SignatureRefused
from workers.payments.komoju import GATEWAY
from workers.payments.komoju_notices import read_notices, signature
from workers.payments.komoju_payments import CLASSES, Payment, of_payment

_P = PaymentState
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
EVENT = (
    b'{"id":"evk1","type":"payment.captured","resource":"event","data":{"id":"pay1","resource":"payment",'
    b'"status":"captured","amount":5500,"total":5690,"payment_method_fee":190,"currency":"JPY",'
    b'"external_order_num":"SO-1001"},"created_at":"2026-11-25T01:02:03Z"}'
)
SLIP = {
    "id": "pay1",
    "resource": "payment",
    "status": "authorized",
    "amount": 5500,
    "tax": 0,
    "payment_method_fee": 190,
    "total": 5690,
    "currency": "JPY",
    "payment_deadline": "2026-11-28T14:59:59Z",
    "payment_details": {
        "type": "konbini",
        "store": "lawson",
        "confirmation_code": "4321",
        "receipt": "123456789",
    },
    "external_order_num": "SO-1001",
    "amount_refunded": 0,
}
"""As the reference shows one (gateways.md 3.2)."""


def test_the_signature_is_the_published_one() -> None:
    assert len(EVENT) == 256
    expected = "19aae8575e09327d278ace88b9ee63c585da9925a40701e934dd5d316cd21f01"
    assert signature("komoju_token_01", EVENT) == expected
    (told,) = read_notices({"x-komoju-signature": expected}, EVENT, ["komoju_token_01"], NOW)
    assert told.snapshot is not None
    assert (told.id, told.type, told.reference, told.at) == ("evk1", STANDS, "pay1", NOW)
    assert told.order is None, "SO-1001 is no number of ours: the payment is named by its reference"
    assert sums(told.snapshot) == (_P.CAPTURED, 5_500, 5_500, 0), "the fee that the buyer paid on top is KOMOJU's"


@pytest.mark.parametrize(
    ("status", "type_", "more", "state"),
    [
        ("pending", "credit_card", {}, _P.PENDING),
        ("authorized", "credit_card", {}, _P.AUTHORIZED),
        ("authorized", "paypay", {}, _P.AUTHORIZED),
        ("authorized", "konbini", {}, _P.PENDING),
        ("authorized", "bank_transfer", {}, _P.PENDING),
        ("authorized", "pay_easy", {}, _P.PENDING),
        ("authorized", "sea_shells", {}, _P.NEEDS_REVIEW),
        ("captured", "konbini", {}, _P.CAPTURED),
        ("captured", "credit_card", {"amount_refunded": 1}, _P.PARTLY_REFUNDED),
        ("captured", "credit_card", {"amount_refunded": 5_500}, _P.REFUNDED),
        ("refunded", "credit_card", {"amount_refunded": 5_500}, _P.REFUNDED),
        ("refunded", "konbini", {"amount_refunded": 5_690}, _P.REFUNDED),
        ("cancelled", "konbini", {}, _P.VOIDED),
        ("expired", "konbini", {}, _P.EXPIRED),
        ("failed", "credit_card", {}, _P.FAILED),
        ("failed", "paypay", {"session": "ses1"}, _P.PENDING),  # not final: the page is still open
        ("frozen", "credit_card", {}, _P.NEEDS_REVIEW),
        ("authorized", "credit_card", {"currency": "USD"}, _P.NEEDS_REVIEW),
    ],
)
def test_each_state_is_one_of_ours(status: str, type_: str, more: dict[str, Any], state: PaymentState) -> None:
    shown = {**SLIP, "status": status, "payment_details": {"type": type_}, **more}
    told = of_payment(Payment.model_validate(shown), NOW)
    assert (told.state, told.authorized) == (state, 5_500)
    assert told.captured == (5_500 if state in (_P.CAPTURED, _P.PARTLY_REFUNDED, _P.REFUNDED) else 0)
    assert told.refunded == min(more.get("amount_refunded", 0), 5_500)


def test_a_moment_after_the_answer_is_the_answers() -> None:
    """Else nothing that KOMOJU says until then would be news."""
    told = of_payment(Payment.model_validate({**SLIP, "created_at": "2098-01-01T00:00:00Z"}), NOW)
    assert told.as_of == NOW


def test_a_slip_is_read_as_the_reference_shows_it() -> None:
    told = of_payment(Payment.model_validate(SLIP), NOW)
    assert told.buyer is not None
    assert (told.buyer.step, told.buyer.number, told.buyer.confirmation) == ("pay_at_store", "123456789", "4321")
    assert told.buyer.until == datetime(2026, 11, 28, 14, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "code_class"),
    [
        ("insufficient_funds", CodeClass.ISSUER_DECLINE),
        ("card_declined", CodeClass.ISSUER_DECLINE),
        ("exceeds_limit", CodeClass.ISSUER_DECLINE),
        ("restricted_account", CodeClass.ISSUER_DECLINE),
        ("fraudulent", CodeClass.ISSUER_DECLINE),
        ("other_error", CodeClass.ISSUER_DECLINE),
        ("other_invalid", CodeClass.ISSUER_DECLINE),
        ("request_failed", CodeClass.ISSUER_DECLINE),
        ("invalid_number", CodeClass.BUYER_INPUT),
        ("card_expired", CodeClass.BUYER_INPUT),
        ("bad_verification_value", CodeClass.BUYER_INPUT),
        ("invalid_password", CodeClass.BUYER_INPUT),
        ("invalid_account", CodeClass.BUYER_INPUT),
        ("invalid_user_key", CodeClass.BUYER_INPUT),
        ("used_number", CodeClass.BUYER_INPUT),
        ("invalid_token", CodeClass.BUYER_INPUT),
        ("invalid_parameter", CodeClass.OUR_BUG),
        ("missing_parameter", CodeClass.OUR_BUG),
        ("invalid_currency", CodeClass.OUR_BUG),
        ("bad_request", CodeClass.OUR_BUG),
        ("not_found", CodeClass.OUR_BUG),
        ("invalid_payment_type", CodeClass.CONFIGURATION),
        ("not_capturable", CodeClass.STATE),
        ("not_refundable", CodeClass.STATE),
        ("not_cancellable", CodeClass.STATE),
    ],
)
def test_each_code_names_who_acts(code: str, code_class: CodeClass) -> None:
    assert CLASSES[code] is code_class


def test_every_code_is_in_the_table_above() -> None:
    assert len(CLASSES) == 25


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (None, "a header that is missing must not pass"),
        ("", "nor an empty one"),
        ("19AAE8575E09327D278ACE88B9EE63C585DA9925A40701E934DD5D316CD21F01", "it is in lower case"),
        (signature("komoju_token_01", EVENT) + ", " + signature("komoju_token_01", EVENT), "it comes once"),
        (signature("another", EVENT), "it is another's"),
        ("署名", "it is no ASCII"),
    ],
)
def test_a_forged_notice_is_refused(header: str | None, why: str) -> None:
    headers = {} if header is None else {"x-komoju-signature": header}
    with pytest.raises(SignatureRefused):
        read_notices(headers, EVENT, ["komoju_token_01"], NOW)
    with pytest.raises(SignatureRefused):
        read_notices(headers, EVENT, [""], NOW)


def test_a_long_notice_is_proven_whole() -> None:
    """A receiver that reads one chunk refuses what is longer."""
    event = json.loads(EVENT)
    event["data"]["metadata"] = {"note": "あ" * 5_000}
    body = json.dumps(event, ensure_ascii=False).encode()
    (long,) = read_notices({"x-komoju-signature": signature("s", body)}, body, ["s"], NOW)
    assert long.fault is None


@pytest.mark.parametrize(
    ("changed", "notices", "fault"),
    [
        ({"type": "ping", "data": {}}, 0, None),
        ({"type": "settlement.created", "data": {}}, 0, None),
        ({"type": "customer.updated", "data": {}}, 0, None),
        ({"type": "payment.paid"}, 1, None),  # whatever its name, the payment in it says how it stands
        ({"type": "volcano.erupted"}, 1, "events of type volcano.erupted are not known"),
        ({"data": {"id": "pay1"}}, 1, "data.status: This field is required."),
        (
            {"data": {"id": "p", "status": "captured", "amount": 55.5, "currency": "JPY"}},
            1,
            "data.amount: Must be a whole number",
        ),
    ],
)
def test_what_cannot_be_read_is_kept_without_what_is_personal(
    changed: dict[str, Any], notices: int, fault: str | None
) -> None:
    body = json.dumps({**json.loads(EVENT), **changed}).encode()
    found = read_notices({"x-komoju-signature": signature("s", body)}, body, ["s"], NOW)
    assert len(found) == notices
    for one in found:
        assert (one.fault or "").startswith(fault or "")
        assert (one.fault is None) is (fault is None)
        assert one.raw is None or set(one.raw) == {"id", "type"}  # type: ignore[call-overload]
    said = GATEWAY.acknowledge(found, True)
    assert (said.status, said.body) == (200, b"")
