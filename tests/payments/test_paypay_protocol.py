"""The protocol of PayPay as its section writes it: signatures, states, codes, what an answer proves (gateways.md 5)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from models.states import PaymentState
from pipelines.gateway import Answer, CodeClass
from pipelines.ports import Verdict
from tests.payments.gateway_bench import sums
from tests.payments.paypay_bench import ask, settings
from workers.payments.paypay import PayPayGateway
from workers.payments.paypay_notices import read_notices
from workers.payments.paypay_payments import CLASSES, CODES, Payment, id_of, mark_of, of_payment, order_of
from workers.payments.paypay_signing import CONTENT_TYPE, authorization
from workers.sandbox.http_server import Reply, Request, serving

_P = PaymentState
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("method", "path", "body", "header"),
    [
        (
            "POST",
            "/v2/codes",
            b'{"merchantPaymentId": "SO-1001-1", "amount": {"amount": 5500, "currency": "JPY"}, "codeType": "ORDER_QR", '
            b'"requestedAt": 1790000000}',
            "8ho5Vco2tJZuRYXK2CxbFzvoOr5wP/hAQhW8ddjD81k=:acd028b1:1790000000:liOPo2D1PIWP6V9j10kgPA==",
        ),
        (
            "GET",
            "/v2/codes/payments/SO-1001-1",
            None,
            "ZomkfrCYXv1Uc6Nf9jfIYwEnVo0Po9ANAkBoh4pr0Qg=:acd028b1:1790000000:empty",
        ),
    ],
)
def test_the_signature_is_the_published_one(method: str, path: str, body: bytes | None, header: str) -> None:
    assert CONTENT_TYPE == "application/json;charset=UTF-8"
    signed = authorization("APIKEY01", "SECRET01", method, path, body, "acd028b1", 1_790_000_000)
    assert signed == f"hmac OPA-Auth:APIKEY01:{header}"


def shown(status: str, **more: Any) -> dict[str, Any]:
    """A payment as the reference shows one (gateways.md 5.2)."""
    return {
        "paymentId": "0450001",
        "status": status,
        "acceptedAt": 1_790_000_000,
        "merchantPaymentId": "salon.S-1.1",
        "amount": {"amount": 5_500, "currency": "JPY"},
        **more,
    }


def part(amount: int, status: str, at: int = 1_790_000_600) -> dict[str, Any]:
    return {"amount": {"amount": amount, "currency": "JPY"}, "status": status, "acceptedAt": at}


TAKEN = {"captures": {"data": [part(5_000, "COMPLETED")]}}


@pytest.mark.parametrize(
    ("payment", "stands_at"),
    [
        (shown("CREATED"), (_P.PENDING, 5_500, 0, 0)),
        (shown("AUTHORIZED", captures={}, refunds={}, revert={}), (_P.AUTHORIZED, 5_500, 0, 0)),
        (shown("REAUTHORIZING"), (_P.AUTHORIZED, 5_500, 0, 0)),
        (shown("COMPLETED", **TAKEN), (_P.CAPTURED, 5_500, 5_000, 0)),
        (shown("COMPLETED"), (_P.CAPTURED, 5_500, 5_500, 0)),  # nothing was held before
        # a capture that came to nothing, or says what nobody knows, took not the whole
        (shown("COMPLETED", captures={"data": [part(5_000, "FAILED")]}), (_P.NEEDS_REVIEW, 5_500, 0, 0)),
        (shown("COMPLETED", captures={"data": [part(5_000, "A_WORD")]}), (_P.NEEDS_REVIEW, 5_500, 0, 0)),
        (shown("COMPLETED", **TAKEN, refunds={"data": [part(1, "CREATED")]}), (_P.PARTLY_REFUNDED, 5_500, 5_000, 1)),
        (shown("REFUNDED", **TAKEN, refunds={"data": [part(1, "CREATED")]}), (_P.PARTLY_REFUNDED, 5_500, 5_000, 1)),
        (shown("REFUNDED", **TAKEN, refunds={"data": [part(5_000, "REFUNDED")]}), (_P.REFUNDED, 5_500, 5_000, 5_000)),
        (shown("REFUNDED", **TAKEN), (_P.REFUNDED, 5_500, 5_000, 5_000)),
        (shown("COMPLETED", **TAKEN, refunds={"data": [part(9, "FAILED")]}), (_P.CAPTURED, 5_500, 5_000, 0)),
        (shown("COMPLETED", **TAKEN, refunds={"data": [part(9, "ODD")]}), (_P.NEEDS_REVIEW, 5_500, 5_000, 0)),
        (shown("CANCELED", canceledAt=1_790_000_700), (_P.VOIDED, 5_500, 0, 0)),
        (shown("CANCELED", **TAKEN), (_P.REFUNDED, 5_500, 5_000, 5_000)),
        (shown("EXPIRED"), (_P.EXPIRED, 5_500, 0, 0)),
        (shown("FAILED"), (_P.FAILED, 5_500, 0, 0)),
        (shown("AUTHORIZED", **TAKEN), (_P.NEEDS_REVIEW, 5_500, 5_000, 0)),
        (shown("ASLEEP"), (_P.NEEDS_REVIEW, 5_500, 0, 0)),
        (shown("AUTHORIZED", amount={"amount": 5_500, "currency": "USD"}), (_P.NEEDS_REVIEW, 5_500, 0, 0)),
    ],
)
def test_each_state_is_one_of_ours(payment: dict[str, Any], stands_at: tuple[PaymentState, int, int, int]) -> None:
    told = of_payment(Payment.model_validate(payment), NOW)
    assert sums(told) == stands_at
    newest = max(
        payment["acceptedAt"], payment.get("canceledAt", 0), *(1_790_000_600 for _ in payment.get("captures", []))
    )
    assert told.as_of == datetime.fromtimestamp(newest, UTC)


@pytest.mark.parametrize(
    ("code_class", "codes"),
    [
        (
            CodeClass.OUR_BUG,
            "INVALID_REQUEST_PARAMS MISSING_REQUEST_PARAMS DYNAMIC_QR_BAD_REQUEST INVALID_PARAMS "
            "PRE_AUTH_CAPTURE_INVALID_EXPIRY_DATE HIGHER_CAPTURE_NOT_PERMITTED",
        ),
        (
            CodeClass.CONFIGURATION,
            "UNAUTHORIZED OP_OUT_OF_SCOPE OPA_CLIENT_NOT_FOUND PRE_AUTH_CAPTURE_UNSUPPORTED_MERCHANT",
        ),
        (CodeClass.TRANSIENT, "RATE_LIMIT MAINTENANCE_MODE"),
        (CodeClass.UNKNOWN, "SERVICE_ERROR INTERNAL_SERVER_ERROR TRANSACTION_FAILED"),
        (
            CodeClass.STATE,
            "DUPLICATE_DYNAMIC_QR_REQUEST DYNAMIC_QR_ALREADY_PAID DYNAMIC_QR_PAYMENT_NOT_FOUND DYNAMIC_QR_NOT_FOUND "
            "ORDER_NOT_REVERSIBLE ORDER_NOT_CANCELABLE UNACCEPTABLE_OP ALREADY_CAPTURED ORDER_NOT_CAPTURABLE "
            "ORDER_EXPIRED REAUTHORIZATION_IN_PROGRESS TOO_CLOSE_TO_EXPIRY RESOURCE_NOT_FOUND NO_SUCH_REFUND_ORDER "
            "CANCELED_USER SUSPECTED_DUPLICATE_PAYMENT",
        ),
        (
            CodeClass.ISSUER_DECLINE,
            "NO_SUFFICIENT_FUND LIMIT_EXCEEDED USER_DEFINED_DAILY_LIMIT_EXCEEDED USER_DEFINED_MONTHLY_LIMIT_EXCEEDED "
            "PAY_METHOD_INVALIDATED NO_VALID_PAYMENT_METHOD USER_STATE_IS_NOT_ACTIVE INVALID_USER_AUTHORIZATION_ID "
            "EXPIRED_USER_AUTHORIZATION_ID",
        ),
    ],
)
def test_each_code_names_who_acts(code_class: CodeClass, codes: str) -> None:
    assert {code for code, one in CLASSES.items() if one is code_class} == set(codes.split())


def begun_where_all_is_answered(status: int, code: str, data: Any) -> Answer:
    """What a payment comes to that is begun at a gateway which answers everything so, the look-up too."""

    async def scenario() -> Answer:
        async def answer(_: Request) -> Reply:
            return Reply(status, {"resultInfo": {"code": code, "message": "", "codeId": "0"}, "data": data})

        async with serving(answer) as port:
            adapter = PayPayGateway(settings(f"http://127.0.0.1:{port}"))
            try:
                return await ask(adapter, "salon/S-1")
            finally:
                await adapter.aclose()

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "code", "verdict", "code_class"),
    [
        (400, "INVALID_REQUEST_PARAMS", Verdict.DECLINED, CodeClass.OUR_BUG),
        (400, "PRE_AUTH_CAPTURE_UNSUPPORTED_MERCHANT", Verdict.DECLINED, CodeClass.CONFIGURATION),
        (401, "UNAUTHORIZED", Verdict.RETRY, CodeClass.CONFIGURATION),
        (429, "RATE_LIMIT", Verdict.RETRY, CodeClass.TRANSIENT),
        (503, "MAINTENANCE_MODE", Verdict.RETRY, CodeClass.TRANSIENT),
        (500, "SERVICE_ERROR", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (500, "TRANSACTION_FAILED", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (400, "A_WORD_OF_TOMORROW", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (200, "", Verdict.UNKNOWN, CodeClass.UNKNOWN),
    ],
)
def test_what_each_answer_proves(status: int, code: str, verdict: Verdict, code_class: CodeClass) -> None:
    outcome = begun_where_all_is_answered(status, code, None)
    assert (outcome.verdict, outcome.code_class) == (verdict, code_class)


@pytest.mark.parametrize("amount", [{"amount": 13_971, "currency": "JPY"}, {"amount": 13_970, "currency": "USD"}])
def test_nobody_is_asked_to_pay_another_sum_than_ours(amount: dict[str, Any]) -> None:
    code = {"codeId": "c1", "url": "https://qr.example/c1", "expiryDate": 1_795_568_400, "amount": amount}
    told = {**code, "merchantPaymentId": id_of("salon/S-1", 1)}
    stands = begun_where_all_is_answered(201, "SUCCESS", told).snapshot
    assert stands is not None
    assert (stands.state, stands.buyer) == (PaymentState.NEEDS_REVIEW, None)


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("salon/S-1001", ("salon", "S-1001")),
        ("my_shop/2026.11.25_7", ("my_shop", "2026.11.25_7")),
        ("salon/注文1", None),
        (f"salon/{'9' * 64}", None),
    ],
)
def test_an_order_is_read_out_of_an_id_that_fits(order: str, told: tuple[str, str] | None) -> None:
    ids = {id_of(order, number) for number in range(1, CODES + 1)}
    assert len(ids) == CODES
    assert all(len(one) <= 64 and one.isascii() for one in ids)
    assert {order_of(one) for one in ids} == {told}


@pytest.mark.parametrize(
    ("body", "notices", "fault"),
    [
        (b"no json", 1, "The body is not JSON: "),
        (b"[]", 1, "the document: "),
        (b'{"notification_type": "Transaction"}', 1, "merchant_order_id: This field is required."),
        (b'{"notification_type": "Transaction", "merchant_order_id": 7}', 1, "merchant_order_id: "),
        (b'{"notification_type": "file.created", "path": "https://example.jp/x"}', 0, ""),
        (b'{"notification_type": "customer.authorization.succeeded"}', 0, ""),
    ],
)
def test_what_cannot_be_read_is_kept(body: bytes, notices: int, fault: str) -> None:
    found = read_notices({}, body, [], NOW)
    assert len(found) == notices
    for one in found:
        assert one.fault is not None
        assert one.fault.startswith(fault)


def test_a_list_that_is_null_is_none() -> None:
    """Such a payment could not be read at all."""
    told = Payment.model_validate(shown("COMPLETED", captures=None, refunds=None, revert=None))
    assert sums(of_payment(told, NOW)) == (_P.CAPTURED, 5_500, 5_500, 0)


MARK = mark_of("salon/S-1:asked")
OTHERS = {"data": [{**part(2_000, "COMPLETED"), "merchantRefundId": "dashboard"}]}


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        (
            "capture",
            shown("AUTHORIZED"),
            shown("AUTHORIZED", captures={"data": [{**part(1_000, "FAILED"), "merchantCaptureId": MARK}]}),
        ),
        (
            "refund",
            shown("COMPLETED", **TAKEN, refunds=OTHERS),
            shown(
                "COMPLETED",
                **TAKEN,
                refunds={"data": [*OTHERS["data"], {**part(1_000, "FAILED"), "merchantRefundId": MARK}]},
            ),
        ),
    ],
)
def test_what_was_taken_in_and_failed_is_declined(act: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    """By a look-up under its key it was done: a refund beside another one was "as asked", and the customer never got it."""

    async def answers() -> list[Answer | None]:
        told = [before]

        async def handle(request: Request) -> Reply:
            if request.method == "POST":
                told[:] = [after]
                return Reply(200, {"resultInfo": {"code": "SUCCESS"}})
            return Reply(200, {"resultInfo": {"code": "SUCCESS"}, "data": told[0]})

        async with serving(handle) as port:
            adapter = PayPayGateway(settings(f"http://127.0.0.1:{port}"))
            reference = "salon.S-1.1"
            asked = {"key": "salon/S-1:asked", "order": "salon/S-1", "reference": reference}
            try:
                return [
                    await getattr(adapter, act)(**asked, amount=1_000),
                    await getattr(adapter, act)(**asked, amount=1_000),
                    await adapter.lookup(**asked),
                ]
            finally:
                await adapter.aclose()

    for answer in asyncio.run(answers()):
        assert answer is not None
        assert (answer.verdict, answer.code, answer.code_class) == (
            Verdict.DECLINED,
            "TRANSACTION_FAILED",
            CodeClass.STATE,
        )


def test_a_code_is_not_taken_back_by_a_yes_that_names_a_refusal() -> None:
    """The buyer may still agree to it."""

    async def answer() -> Answer:
        async def handle(request: Request) -> Reply:
            code = "INTERNAL_SERVER_ERROR" if request.method == "DELETE" else "DYNAMIC_QR_PAYMENT_NOT_FOUND"
            return Reply(200 if request.method == "DELETE" else 404, {"resultInfo": {"code": code}})

        async with serving(handle) as port:
            adapter = PayPayGateway(settings(f"http://127.0.0.1:{port}"))
            try:
                return await adapter.void(key="k", order="salon/S-1", reference="codes/c1/1790000600/salon.S-1.1")
            finally:
                await adapter.aclose()

    assert asyncio.run(answer()).verdict is not Verdict.OK
