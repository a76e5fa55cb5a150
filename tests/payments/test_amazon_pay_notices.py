"""Amazon Pay's notices: SNS messages proven by certificate, each a reason to look (gateways.md 6.4, 9.34)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from pipelines.errors import Unreachable
from pipelines.gateway import STANDS
from tests.payments.amazon_pay_bench import AT, amazon, held, notice, permission, read_at, subscribe
from tests.payments.gateway_bench import AMOUNT, Bench, change, new_order
from tests.payments.providers import Fake
from workers.http.signing import SignatureRefused
from workers.http.sns import Messages, signed_text
from workers.payments.amazon_pay_notices import Reader
from workers.sandbox.gateways.amazon_pay_sns import HOST, TOPIC


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


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_signatures_are_read(tmp_path: Path, version: str) -> None:  # gateways.md 6.7
    with amazon(tmp_path / "journal", version=version) as (fake, _):
        told = notice(fake)
        assert orjson.loads(told.body)["SignatureVersion"] == version
        (one,) = read_at(fake, told.headers, told.body)
    assert (one.type, one.order, one.reference, one.snapshot) == (STANDS, None, told.reference, None)


def test_what_is_signed_of_a_message_to_the_byte() -> None:  # the vector of gateways.md 6.4
    inner = (
        '{"MerchantID":"M1","ObjectType":"CHARGE","ObjectId":"P03-1-1-C1","ChargePermissionId":"P03-1-1",'
        '"NotificationType":"STATE_CHANGE","NotificationId":"n1","NotificationVersion":"V2"}'
    )
    message = {
        "Type": "Notification",
        "MessageId": "m1",
        "Timestamp": "2026-11-25T01:02:03.000Z",
        "TopicArn": "arn:aws:sns:ap-northeast-1:000000000000:t",
        "Message": inner,
        "Subject": None,
    }
    text = signed_text(message).encode()
    assert len(text) == 305
    assert hashlib.sha256(text).hexdigest() == "f0af61695676317f89e324dcfcd3b4b3bc319fb443f747e76c266b603fef5b7b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SigningCertURL", "http://sns.ap-northeast-1.amazonaws.com/a.pem"),
        ("SigningCertURL", "https://sns.ap-northeast-1.amazonaws.com.evil.example/a.pem"),
        ("SigningCertURL", "https://evil.example/sns.ap-northeast-1.amazonaws.com/a.pem"),
        ("SigningCertURL", "https://sns.ap-northeast-1.amazonaws.com@evil.example/a.pem"),
        ("SigningCertURL", "https://sns.ap-northeast-1.amazonaws.com:8443/a.pem"),
        ("SigningCertURL", "https://sns.ap-northeast-1.amazonaws.com/a.txt"),
        ("SigningCertURL", None),
        ("SignatureVersion", "3"),
        ("SignatureVersion", ["2"]),
        ("Signature", "none"),
        ("Signature", "AAAA"),
        ("TopicArn", "arn:aws:sns:ap-northeast-1:999999999999:amazon-pay"),
        ("TopicArn", [TOPIC]),
        ("TopicArn", {TOPIC: TOPIC}),
        ("Type", "UnsubscribeConfirmation"),
        ("Timestamp", "2026-11-25T01:02:04.000Z"),
    ],
)
def test_a_message_that_sns_did_not_sign_for_our_topic_is_refused_and_nothing_else_is_asked(
    fake: Fake, name: str, value: object
) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return httpx.get(url.replace(HOST, fake.url)).content

    told = notice(fake)
    message = {**orjson.loads(told.body), name: value}
    with pytest.raises(SignatureRefused):
        Reader(Messages(fetch))(told.headers, orjson.dumps(message), [TOPIC], AT)
    assert all(url.startswith(f"{HOST}/") for url in asked)


def test_a_subscription_is_accepted_at_sns_alone(fake: Fake) -> None:
    fake.buyer("subscribe")
    headers, body = fake.notices(0)[-1]
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return httpx.get(url.replace(HOST, fake.url)).content

    reader = Reader(Messages(fetch))
    elsewhere = {**orjson.loads(body), "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}
    with pytest.raises(SignatureRefused):
        reader(headers, orjson.dumps(elsewhere), [TOPIC], AT)
    assert list(reader(headers, body, [TOPIC], AT)) == []
    assert asked[-1].startswith(f"{HOST}/?Action=ConfirmSubscription&")
    assert not any("evil" in url for url in asked)
    assert fake.provider.sns.is_confirmed  # type: ignore[attr-defined]


def test_that_the_subscription_has_ended_is_heard_and_is_no_notice(fake: Fake) -> None:
    sns = fake.provider.sns  # type: ignore[attr-defined]
    ended = {**sns.offer("tok"), "Type": "UnsubscribeConfirmation", "Timestamp": "2026-11-25T01:02:03.000Z"}
    headers, body = sns.signed(orjson.dumps(ended))
    assert (
        list(Reader(Messages(lambda url: httpx.get(url.replace(HOST, fake.url)).content))(headers, body, [TOPIC], AT))
        == []
    )
    assert not sns.is_confirmed, "who ended it meant it"


def test_a_certificate_is_fetched_once_and_one_that_cannot_be_had_now_refuses_nobody(fake: Fake) -> None:
    told, asked = notice(fake), list[str]()

    def fetch(url: str) -> bytes:
        asked.append(url)
        if len(asked) == 1:
            raise Unreachable("away")
        return httpx.get(url.replace(HOST, fake.url)).content

    reader = Reader(Messages(fetch))
    with pytest.raises(Unreachable):
        reader(told.headers, told.body, [TOPIC], AT)
    assert [reader(told.headers, told.body, [TOPIC], AT)[0].reference for _ in range(3)] == [told.reference] * 3
    assert len(asked) == 2


def test_what_each_kind_of_notice_is_about(fake: Fake, bench: Bench) -> None:
    subscribe(fake)
    reference = held(bench, new_order())

    async def give_back(adapter: Any) -> None:
        await change(adapter, "capture", reference, AMOUNT)
        await change(adapter, "refund", reference, 1_000)

    bench.run(give_back)
    fake.buyer("dispute", charge=reference)
    told = [read_at(fake, headers, body)[0] for headers, body in fake.notices(0)[-4:]]
    whole = permission(1)
    assert [(one.reference, one.fault is None) for one in told] == [
        (reference, True),  # authorized
        (reference, True),  # captured
        (None, True),  # refunded: it names the permission alone
        (None, False),  # disputed: an operator's
    ]
    assert {one.token for one in told} == {whole}
    assert len({one.id for one in told}) == 4


def test_a_proven_message_of_another_kind_is_kept_with_its_reason() -> None:
    message = {"Type": "Notification", "MessageId": "m1", "Timestamp": "2026-11-25T01:02:03.000Z", "Message": "{}"}

    class Proven(Messages):
        def prove(self, message: Mapping[str, Any], topics: Any) -> None: ...

    for inner in (
        "no JSON",
        '{"ObjectType": "GIFT", "ObjectId": "x", "ChargePermissionId": "y", "NotificationId": "z"}',
    ):
        (one,) = Reader(Proven())({}, orjson.dumps({**message, "Message": inner}), [TOPIC], AT)
        assert one.id == "m1"
        assert one.fault
