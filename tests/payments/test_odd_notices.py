"""What a gateway has proven is kept, whatever stands in it: odd values where nobody reads keep no notice out, and what cannot be
understood is somebody's to look at."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from models.states import PaymentState
from pipelines.gateway import Notice
from tests.odd_json import ODD
from tests.payments.gateway_answers import faults_of, one_changed
from tests.payments.test_amazon_pay_notices import AT, TOPIC
from workers.http.signing import new_secret, signed_headers
from workers.http.sns import Messages
from workers.payments import bank, komoju_notices, payjp_notices, paypay_notices, sandbox, stripe_notices
from workers.payments.amazon_pay_notices import Reader

SECRET = new_secret()
NOW = datetime.fromtimestamp(1_790_000_000, UTC)


def standard(read: Callable[..., Any], body: bytes) -> list[Notice]:
    return list(read(signed_headers([SECRET], "evt-1", int(NOW.timestamp()), body), body, [SECRET], NOW))


def of_stripe(body: bytes) -> list[Notice]:
    mac = hmac.new(SECRET.encode(), b"1790000000." + body, hashlib.sha256).hexdigest()
    return list(stripe_notices.read_notices({"stripe-signature": f"t=1790000000,v1={mac}"}, body, [SECRET], NOW))


def of_komoju(body: bytes) -> list[Notice]:
    headers = {"x-komoju-signature": komoju_notices.signature(SECRET, body)}
    return list(komoju_notices.read_notices(headers, body, [SECRET], NOW))


def of_payjp(body: bytes) -> list[Notice]:
    return list(payjp_notices.read_notices({"x-payjp-webhook-token": SECRET}, body, [SECRET], NOW))


def of_amazon(body: bytes) -> list[Notice]:
    class Proven(Messages):
        def prove(self, message: Mapping[str, Any], topics: Any) -> None: ...

    envelope = {
        "Type": "Notification",
        "MessageId": "m1",
        "Timestamp": "2026-11-25T01:02:03.000Z",
        "Message": body.decode(),
    }
    return list(Reader(Proven())({}, json.dumps(envelope).encode(), [TOPIC], AT))


PAYMENT = {"id": "P-1", "order": "salon/S-1", "status": "authorized", "amount": 11_000, "captured": 0, "refunded": 0}
READS: dict[str, tuple[Callable[[bytes], list[Notice]], dict[str, Any]]] = {
    "bank": (
        lambda body: standard(bank.read_notices, body),
        {
            "type": "deposit.received",
            "timestamp": "2026-11-20T12:00:00+09:00",
            "data": {"shop": "salon", "number": "S-1", "amount": 11_000},
        },
    ),
    "sandbox": (
        lambda body: standard(sandbox.read_notices, body),
        {
            "data": {
                "payment": PAYMENT
                | {"funding": None, "expires_at": "2027-01-01T00:00:00Z", "at": "2026-11-20T00:00:00Z"}
            }
        },
    ),
    "stripe": (
        of_stripe,
        {
            "id": "evt_1",
            "type": "payment_intent.succeeded",
            "created": 1_790_000_000,
            "data": {"object": {"object": "payment_intent", "id": "pi_1", "metadata": {"order": "salon/S-1"}}},
        },
    ),
    "komoju": (
        of_komoju,
        {
            "id": "evk1",
            "type": "payment.captured",
            "created_at": "2026-11-25T01:02:03Z",
            "data": {
                "id": "pay1",
                "status": "captured",
                "amount": 5500,
                "currency": "JPY",
                "external_order_num": "salon/S-1",
            },
        },
    ),
    "payjp": (
        of_payjp,
        {
            "id": "evnt_1",
            "type": "charge.captured",
            "created": 1_795_568_400,
            "data": {"id": "ch_1", "metadata": {"order": "salon/S-1"}},
        },
    ),
    "paypay": (
        lambda body: list(paypay_notices.read_notices({}, body, [], NOW)),
        {"notification_type": "Transaction", "merchant_order_id": "salon.S-1.1"},
    ),
    "amazon_pay": (
        of_amazon,
        {"ObjectType": "CHARGE", "ObjectId": "C1", "ChargePermissionId": "P1", "NotificationId": "n1"},
    ),
}


def with_field(told: Mapping[str, Any], value: str) -> bytes:
    return (json.dumps(told)[:-1] + f', "theirs": {value}' + "}").encode()


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("gateway", READS)
def test_what_nobody_reads_keeps_no_notice_out(gateway: str, odd: str) -> None:
    read, told = READS[gateway]
    (one,), (plain,) = read(with_field(told, odd)), read(json.dumps(told).encode())
    assert one.fault is None
    assert (one.type, one.order, one.reference, one.token, one.amount, one.snapshot) == (
        plain.type,
        plain.order,
        plain.reference,
        plain.token,
        plain.amount,
        plain.snapshot,
    )


@pytest.mark.parametrize("gateway", READS)
def test_a_key_that_stands_twice_is_somebodys_to_look_at(gateway: str) -> None:
    read, told = READS[gateway]
    body = with_field(told, "1")[:-1] + b', "theirs": 2}'
    (one,), (again,) = read(body), read(body)
    assert "twice" in (one.fault or "")
    assert one.id == again.id, "told again it is the same"


@pytest.mark.parametrize("body", [b"no JSON", b'{"a": NaN}', b"\xff"], ids=["words", "NaN", "no UTF-8"])
@pytest.mark.parametrize("gateway", ["stripe", "komoju", "payjp", "paypay"])
def test_what_is_no_json_is_kept_too_where_the_gateway_has_a_format_of_its_own(gateway: str, body: bytes) -> None:
    (one,) = READS[gateway][0](body)
    assert one.fault


@pytest.mark.parametrize("created", [True, 1 << 62, -1, "soon", None])
def test_a_moment_that_is_none_is_when_the_notice_came(created: object) -> None:
    read, told = READS["stripe"]
    (one,) = read(json.dumps({**told, "created": created}).encode())
    assert one.fault is None


@pytest.mark.parametrize("metadata", ["order", ["order"], 7, None])
def test_metadata_that_is_none_names_no_order(metadata: object) -> None:
    about = {"object": "payment_intent", "id": "pi_1", "metadata": metadata}
    (one,) = of_stripe(json.dumps({**READS["stripe"][1], "data": {"object": about}}).encode())
    assert (one.order, one.reference, one.fault) == (None, "pi_1", None)


@pytest.mark.parametrize("noted", ["9" * 5000, "9" * 30, "-1", "٣", "", 7, None])
def test_a_note_that_is_no_sum_keeps_no_notice_of_komoju_out(noted: object) -> None:
    told = READS["komoju"][1]
    data = told["data"] | {"metadata": {"authorized": noted}}
    (one,) = of_komoju(json.dumps({**told, "data": data}).encode())
    assert one.snapshot is not None
    assert (one.fault, one.snapshot.authorized, one.snapshot.captured) == (None, 5500, 5500)


@pytest.mark.parametrize("gateway", READS)
def test_no_field_of_a_notice_makes_it_raise_or_is_believed_beyond_what_can_be(gateway: str) -> None:
    read, told = READS[gateway]
    (right,) = read(json.dumps(told).encode())
    assert right.fault is None
    for what, body in one_changed(json.dumps(told).encode()):
        for one in read(body):
            stands = one.snapshot
            believed = stands is not None and stands.state is not PaymentState.NEEDS_REVIEW
            assert not (believed and faults_of(stands, one.reference or "")), what
            assert one.at is None or one.at.year <= 2098, what
