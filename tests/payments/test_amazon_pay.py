"""Amazon Pay's adapter on a fake that keeps Amazon's rules (gateways.md 6)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.states import PaymentState
from pipelines.errors import Misconfigured
from pipelines.gateway import Answer, CodeClass
from pipelines.ports import Verdict
from tests.payments.amazon_pay_bench import AT, KEY, PEM, amazon, held, permission, settings
from tests.payments.gateway_bench import AMOUNT, Bench, change, new_key, new_order, stands
from tests.payments.gateway_bench import sums as sums_of
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.providers import Fake, served
from workers.payments.amazon_pay import GATEWAY, AmazonPay, Settings
from workers.payments.amazon_pay_signing import ALGORITHM, authorization, canonical
from workers.payments.amazon_pay_states import CLASSES, Charge
from workers.sandbox.gateways.amazon_pay import AmazonPay as Provider
from workers.sandbox.gateways.amazon_pay_sns import TOPIC
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.http_server import Reply, Request, serving
from workers.settings import read


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fake, Bench]]:
    with amazon(tmp_path_factory.mktemp("amazon") / "journal") as stands_:
        yield stands_


@pytest.fixture
def bench(standing: tuple[Fake, Bench]) -> Bench:
    return standing[1]


@pytest.fixture
def fake(standing: tuple[Fake, Bench]) -> Fake:
    return standing[0]


class TestAmazonPay(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""


class TestFaults(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Every fault at every operation."""


@pytest.mark.parametrize(("query", "signed"), [("", ""), ("a=1", "a=1"), ("b=2&a=1&a=0", "a=0&a=1&b=2")])
def test_parameters_are_signed_sorted(query: str, signed: str) -> None:  # gateways.md 6.1
    assert canonical("GET", "/v2/charges", query, {}, b"").splitlines()[2] == signed


def test_the_canonical_request_to_the_byte() -> None:  # the vector of gateways.md 6.1
    headers = {
        "accept": "application/json",
        "content-type": "application/json",
        "x-amz-pay-date": "20261125T010203Z",
        "x-amz-pay-host": "pay-api.amazon.jp",
        "x-amz-pay-idempotency-key": "SO1001cap1",
        "x-amz-pay-region": "jp",
    }
    payload = b'{"captureAmount":{"amount":"5500","currencyCode":"JPY"},"softDescriptor":"SHOP"}'
    path = "/v2/charges/P03-0000001-0000001-C000001/capture"
    request = canonical("POST", path, "", headers, payload)
    assert hashlib.sha256(payload).hexdigest() == "78365c2a7635cad8e3c41f2b5d33125f96aa1f9ce74be43d01f8494d90cbf04c"
    digest = hashlib.sha256(request.encode()).hexdigest()
    assert digest == "7ffff4c794813a9c279efeb233108659a56ed4aa62b0a740f2d574205a882a58"
    said = authorization(KEY, "SANDBOX-AE1", request, headers)
    start = (
        "AMZN-PAY-RSASSA-PSS-V2 PublicKeyId=SANDBOX-AE1, SignedHeaders=accept;content-type;x-amz-pay-date;"
        "x-amz-pay-host;x-amz-pay-idempotency-key;x-amz-pay-region, Signature="
    )
    assert said.startswith(start)
    verify(KEY, said.removeprefix(start), f"{ALGORITHM}\n{digest}", salt=32)


def verify(key: RSAPrivateKey, signature: str, text: str, *, salt: int) -> None:
    """Raise unless it is the signature of ``text``: with the salt of the algorithm's version (gateways.md 6.7)."""
    key.public_key().verify(base64.b64decode(signature), text.encode(), PSS(MGF1(SHA256()), salt), SHA256())


def test_every_request_is_signed_and_a_key_fits_amazons_rules(fake: Fake, bench: Bench) -> None:
    seen = len(fake.requests)
    reference = held(bench, new_order())
    bench.run(lambda adapter: change(adapter, "void", reference))
    begun, cancelled = list(fake.requests)[seen:]
    assert len(begun.headers["x-amz-pay-idempotency-key"]) == 32
    assert "x-amz-pay-idempotency-key" not in cancelled.headers, "Amazon ignores it there"
    assert begun.json()["chargeAmount"] == {"amount": "13970", "currencyCode": "JPY"}
    assert "softDescriptor" not in begun.json()


def test_another_key_than_the_registered_one_is_a_setting_to_mend(fake: Fake) -> None:
    for key_id in ("SANDBOX-NOBODY", fake.buyer("register_key", public_key=OTHER)["publicKeyId"]):
        bench = Bench(gateway=GATEWAY, connect=lambda name=key_id: AmazonPay(settings(fake.url, name)))  # type: ignore[misc]
        answer = bench.run(
            lambda adapter: adapter.authorize(
                key=new_key("a"), order=new_order(), amount=AMOUNT, token=permission(1), method="amazon_pay"
            )
        )
        assert (answer.verdict, answer.code, answer.code_class) == (Verdict.RETRY, "auth", CodeClass.CONFIGURATION)


OTHER = (
    generate_private_key(65_537, 2_048)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def shown(state: str = "Captured", reason: str | None = None, **changed: Any) -> dict[str, Any]:
    """A charge as section 6.2 shows it."""
    return {
        "chargeId": "P03-1-1-C1",
        "chargePermissionId": "P03-1-1",
        "chargeAmount": {"amount": "5500", "currencyCode": "JPY"},
        "captureAmount": {"amount": "5500", "currencyCode": "JPY"},
        "refundedAmount": {"amount": "0", "currencyCode": "JPY"},
        "statusDetails": {"state": state, "reasonCode": reason, "lastUpdatedTimestamp": "20261125T010203Z"},
        "expirationTimestamp": "20261225T010203Z",
        **changed,
    }


def yen(amount: str, currency: str = "JPY") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


@pytest.mark.parametrize(
    ("state", "reason", "refunded", "means"),
    [
        ("AuthorizationInitiated", None, "0", PaymentState.PENDING),
        ("Authorized", None, "0", PaymentState.AUTHORIZED),
        ("CaptureInitiated", None, "0", PaymentState.AUTHORIZED),
        ("Captured", None, "0", PaymentState.CAPTURED),
        ("Captured", None, "1", PaymentState.PARTLY_REFUNDED),
        ("Captured", None, "5500", PaymentState.REFUNDED),
        ("Captured", None, "6000", PaymentState.REFUNDED),
        ("Canceled", "ExpiredUnused", "0", PaymentState.EXPIRED),
        ("Canceled", "MerchantCanceled", "0", PaymentState.VOIDED),
        ("Canceled", "AmazonCanceled", "0", PaymentState.VOIDED),
        ("Declined", "HardDeclined", "0", PaymentState.FAILED),
        ("Frozen", None, "0", PaymentState.NEEDS_REVIEW),
    ],
)
def test_what_each_state_means(state: str, reason: str | None, refunded: str, means: PaymentState) -> None:
    snapshot = Charge.model_validate(shown(state, reason, refundedAmount=yen(refunded))).snapshot()
    assert (snapshot.state, snapshot.reference, snapshot.as_of) == (means, "P03-1-1-C1", AT)
    assert snapshot.expires_at == datetime(2026, 12, 25, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        shown(chargeAmount=yen("5501")),
        shown(captureAmount=yen("5400")),
        shown(chargeAmount=yen("5500", "USD")),
        shown(captureAmount=yen("5500", "EUR")),
    ],
)
def test_another_amount_or_currency_than_was_asked_goes_before_a_human(told: dict[str, Any]) -> None:
    assert Charge.model_validate(told).snapshot(charged=5_500, captured=5_500).state is PaymentState.NEEDS_REVIEW


@pytest.mark.parametrize(
    ("status", "code", "verdict", "code_class"),
    [
        (400, "InvalidParameterValue", Verdict.DECLINED, CodeClass.OUR_BUG),
        (400, "UnrecognizedField", Verdict.DECLINED, CodeClass.OUR_BUG),
        (400, "TransactionAmountExceeded", Verdict.DECLINED, CodeClass.OUR_BUG),
        (400, "DuplicateIdempotencyKey", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (401, "UnauthorizedAccess", Verdict.RETRY, CodeClass.CONFIGURATION),
        (403, "InvalidAccountStatus", Verdict.RETRY, CodeClass.CONFIGURATION),
        (404, "ResourceNotFound", Verdict.DECLINED, CodeClass.OUR_BUG),
        (409, "AmountMismatch", Verdict.DECLINED, CodeClass.STATE),
        (422, "HardDeclined", Verdict.DECLINED, CodeClass.ISSUER_DECLINE),
        (422, "SoftDeclined", Verdict.DECLINED, CodeClass.ISSUER_DECLINE),
        (422, "TransactionTimedOut", Verdict.DECLINED, CodeClass.ISSUER_DECLINE),
        (422, "MFANotCompleted", Verdict.DECLINED, CodeClass.BUYER_INPUT),
        (422, "InvalidChargePermissionStatus", Verdict.DECLINED, CodeClass.STATE),
        (422, "SomethingNew", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (429, "TooManyRequests", Verdict.RETRY, CodeClass.TRANSIENT),
        (503, "ServiceUnavailable", Verdict.RETRY, CodeClass.TRANSIENT),
        (500, "InternalServerError", Verdict.UNKNOWN, CodeClass.UNKNOWN),
        (500, "ProcessingFailure", Verdict.UNKNOWN, CodeClass.UNKNOWN),
    ],
)
def test_who_acts_on_each_reason_code(status: int, code: str, verdict: Verdict, code_class: CodeClass) -> None:
    answer = authorized_at(Reply(status, {"reasonCode": code, "message": "..."}))
    assert (answer.verdict, answer.code_class) == (verdict, code_class)
    assert code not in CLASSES or CLASSES[code] is code_class


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, {"chargeId": "P03-1-1-C1"}),
        Reply(201, shown(chargeAmount=yen("55.5"))),
        Reply(201, shown(chargeAmount={"amount": 5500, "currencyCode": "JPY"})),
        Reply(503, b"<html>", {"content-type": "text/html"}),
        Reply(404, b"<html>", {"content-type": "text/html"}),
    ],
)
def test_an_answer_that_is_none_of_amazons_proves_nothing(reply: Reply) -> None:
    assert authorized_at(reply).verdict is Verdict.UNKNOWN


def authorized_at(reply: Reply) -> Answer:
    async def scenario() -> Answer:
        async def answer(_: Request) -> Reply:
            return reply

        async with serving(answer) as port:
            adapter = AmazonPay(settings(f"http://127.0.0.1:{port}", "SANDBOX-AE1"))
            try:
                return await adapter.authorize(
                    key="k", order="salon/S-1", amount=5_500, token=permission(1), method="amazon_pay"
                )
            finally:
                await adapter.aclose()

    return asyncio.run(scenario())


def test_what_amazon_has_not_decided_is_asked_for_again_until_it_has(tmp_path: Path) -> None:
    """Late success and late refusal of an authorization, a capture and a refund: nothing is done until it is."""
    now = datetime.now(UTC)
    with amazon(tmp_path / "journal", takes=timedelta(hours=1)) as (fake, bench):
        orders, keys = [new_order() for _ in range(3)], [new_key("x") for _ in range(3)]

        async def begin(adapter: Any) -> list[Answer]:
            numbers = (7, 8, 9)
            return [
                await adapter.authorize(
                    key=key, order=order, amount=AMOUNT, token=permission(number), method="amazon_pay"
                )
                for key, order, number in zip(keys, orders, numbers, strict=True)
            ]

        first = bench.run(begin)
        assert [(one.verdict, one.code) for one in first[:2]] == [(Verdict.RETRY, "AuthorizationInitiated")] * 2
        assert all(one.retry_after for one in first[:2])
        taken = stands(first[2]).reference
        capture = new_key("capture")

        async def take(adapter: Any) -> Answer:
            return await change(adapter, "capture", taken, 10_000, capture)

        assert bench.run(take).code == "CaptureInitiated"
        looked = bench.run(lambda adapter: adapter.lookup(order=orders[2], reference=taken))
        assert stands(looked).state is PaymentState.AUTHORIZED, "it is not captured yet, and no goods leave on it"
        fake.clock(now + timedelta(hours=2))
        late = bench.run(begin)
        assert [(one.verdict, one.code) for one in late[:2]] == [(Verdict.OK, None), (Verdict.DECLINED, "HardDeclined")]
        assert sums_of(stands(bench.run(take))) == (PaymentState.CAPTURED, AMOUNT, 10_000, 0)
        assert [len(fake.moves(order, Kind.HOLD)) for order in orders] == [1, 0, 1]

        refund = new_key("refund")

        async def give_back(adapter: Any) -> Answer:
            return await change(adapter, "refund", taken, 4_000, refund)

        assert bench.run(give_back).code == "RefundInitiated"
        fake.clock(now + timedelta(hours=4))
        assert sums_of(stands(bench.run(give_back))) == (PaymentState.PARTLY_REFUNDED, AMOUNT, 10_000, 4_000)


def test_a_capture_that_is_declined_in_the_end_tells_how_the_charge_stands(bench: Bench) -> None:
    reference = held(bench, new_order(), 10)
    answer = bench.run(lambda adapter: change(adapter, "capture", reference, AMOUNT))
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "AmazonRejected")
    assert answer.snapshot is not None
    assert answer.snapshot.state is PaymentState.FAILED


def test_a_refund_that_fails_in_the_end_is_a_no(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference = held(bench, order, 11)

    async def scenario(adapter: Any) -> Answer:
        await change(adapter, "capture", reference, AMOUNT)
        return await change(adapter, "refund", reference, 1_000)

    answer = bench.run(scenario)
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "AmazonRejected")
    assert fake.moves(order, Kind.GIVE_BACK) == []


def test_no_refund_goes_beyond_the_capture_though_amazon_would_take_it(bench: Bench, fake: Fake) -> None:
    """The 15 % aside is switched off, and a repetition of the refund that emptied the charge is known as one."""
    order = new_order()
    reference, whole = held(bench, order), new_key("refund")

    async def scenario(adapter: Any) -> list[Answer]:
        await change(adapter, "capture", reference, AMOUNT)
        return [
            await change(adapter, "refund", reference, AMOUNT, whole),
            await change(adapter, "refund", reference, AMOUNT, whole),
            await change(adapter, "refund", reference, 100),
        ]

    first, again, beyond = bench.run(scenario)
    assert stands(first) == stands(again)
    assert (beyond.verdict, beyond.code) == (Verdict.DECLINED, "TransactionAmountExceeded")
    assert sum(move.amount for move in fake.moves(order, Kind.GIVE_BACK)) == AMOUNT


def test_a_part_captured_releases_the_rest_at_once(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference = held(bench, order)
    bench.run(lambda adapter: change(adapter, "capture", reference, 10_000))
    assert [(move.kind, move.amount) for move in fake.moves(order)] == [
        (Kind.HOLD, AMOUNT),
        (Kind.TAKE, 10_000),
        (Kind.RELEASE, 3_970),
    ]


def test_a_charge_that_was_cancelled_already_is_voided(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference = held(bench, order)
    first, again = (bench.run(lambda adapter: change(adapter, "void", reference)) for _ in range(2))
    assert stands(first) == stands(again)
    assert len(fake.moves(order, Kind.RELEASE)) == 1


def test_a_hold_ends_after_thirty_days_and_is_renewed_by_a_new_charge_on_the_same_permission(tmp_path: Path) -> None:
    with amazon(tmp_path / "journal") as (fake, bench):
        agreed = fake.buyer("agree", amount=3 * AMOUNT)["chargePermissionId"]
        order, key = new_order(), new_key("renew")

        async def begin(adapter: Any) -> Answer:
            answer: Answer = await adapter.authorize(
                key=new_key("a"), order=order, amount=AMOUNT, token=agreed, method="amazon_pay"
            )
            return answer

        old = stands(bench.run(begin))
        assert old.expires_at is not None

        async def renew(adapter: Any) -> Answer:
            answer: Answer = await adapter.renew(key=key, order=order, reference=old.reference, amount=AMOUNT)
            return answer

        new, again = stands(bench.run(renew)), stands(bench.run(renew))
        assert (new, new.state) == (again, PaymentState.AUTHORIZED)
        assert new.reference != old.reference
        kinds = [move.kind for move in fake.moves(order)]
        assert kinds == [Kind.HOLD, Kind.HOLD, Kind.RELEASE], "one is held in the end"
        fake.clock(old.expires_at + timedelta(days=1))
        looked = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=new.reference)))
        assert looked.state is PaymentState.EXPIRED
        late = bench.run(lambda adapter: change(adapter, "capture", new.reference, AMOUNT))
        assert (late.verdict, late.code_class) == (Verdict.DECLINED, CodeClass.STATE)
        assert late.snapshot is not None, "with how it stands"
        assert late.snapshot.state is PaymentState.EXPIRED


def test_a_permission_that_the_customer_closed_holds_nothing(bench: Bench, fake: Fake) -> None:
    agreed = fake.buyer("agree", amount=AMOUNT)["chargePermissionId"]
    fake.buyer("revoke", permission=agreed)
    answer = bench.run(
        lambda adapter: adapter.authorize(
            key=new_key("a"), order=new_order(), amount=AMOUNT, token=agreed, method="amazon_pay"
        )
    )
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "InvalidChargePermissionStatus")


def test_a_refund_made_in_seller_central_is_seen_by_looking(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference = held(bench, order)
    bench.run(lambda adapter: change(adapter, "capture", reference, AMOUNT))
    fake.buyer("refund", charge=reference, amount=970)
    looked = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=reference)))
    assert sums_of(looked) == (PaymentState.PARTLY_REFUNDED, AMOUNT, AMOUNT, 970)


def test_the_fake_stands_the_same_after_a_restart(tmp_path: Path) -> None:
    order, key = new_order(), new_key("a")
    with amazon(tmp_path / "journal") as (fake, bench):
        reference = held(bench, order)
        bench.run(lambda adapter: change(adapter, "capture", reference, AMOUNT, key))
        before = [replace(move) for move in fake.moves(order)]
        (key_id,) = fake.provider._keys  # type: ignore[attr-defined]
    with served(Provider(), tmp_path / "journal") as fake:
        again = Bench(gateway=GATEWAY, connect=lambda: AmazonPay(settings(fake.url, key_id)))
        stands(again.run(lambda adapter: change(adapter, "capture", reference, AMOUNT, key)))
        assert fake.moves(order) == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"AMAZON_PAY_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----"},
            "AMAZON_PAY_PRIVATE_KEY: is wrong; set it to the RSA",
        ),
        ({"AMAZON_PAY_PUBLIC_KEY_ID": "AE1"}, "AMAZON_PAY_PUBLIC_KEY_ID: is wrong; set it to the Public Key ID"),
        ({"AMAZON_PAY_TOPICS": "amazon-pay"}, "AMAZON_PAY_TOPICS: is wrong; set it to the ARN"),
        ({"AMAZON_PAY_TOPICS": ""}, "AMAZON_PAY_TOPICS: is missing; set it to the ARN"),
    ],
)
def test_a_wrong_setting_is_named_and_never_repeated(changed: dict[str, str], says: str) -> None:
    good = {
        "AMAZON_PAY_PUBLIC_KEY_ID": "LIVE-AE1",
        "AMAZON_PAY_PRIVATE_KEY": PEM.replace("\n", "\\n"),
        "AMAZON_PAY_TOPICS": TOPIC,
    }
    assert not GATEWAY.test_mode(read(Settings, good))
    assert GATEWAY.test_mode(read(Settings, {**good, "AMAZON_PAY_PUBLIC_KEY_ID": "SANDBOX-AE1"}))
    with pytest.raises(Misconfigured) as refused:
        read(Settings, {**good, **changed})
    assert str(refused.value).startswith(says)
