"""Amazon Pay on its fake: how tests connect, subscribe to its notices and authorize."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pipelines.gateway import Answer, Notice
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, Signed, new_key, new_order, stands
from tests.payments.providers import Fake, served
from workers.http.sns import Messages
from workers.payments.amazon_pay import GATEWAY, AmazonPay, Settings
from workers.payments.amazon_pay_notices import Reader
from workers.sandbox.gateways.amazon_pay import AmazonPay as Provider
from workers.sandbox.gateways.amazon_pay_sns import TOPIC

AT = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


def permission(number: int) -> str:
    """The magic permission of that number; 1 is always charged."""
    return f"S03-0000000-{number:07d}"


KEY = generate_private_key(65_537, 2_048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def settings(fake_url: str, key_id: str, timeout: float = 0.5) -> Settings:
    return Settings.model_validate(
        {
            "amazon_pay_public_key_id": key_id,
            "amazon_pay_private_key": PEM,
            "amazon_pay_topics": TOPIC,
            "amazon_pay_url": fake_url,
            "amazon_pay_sns_url": fake_url,
            "amazon_pay_timeout": timeout,
        }
    )


@contextmanager
def amazon(journal: Path, takes: timedelta = timedelta(0), version: str = "2") -> Iterator[tuple[Fake, Bench]]:
    with served(Provider(takes, version), journal, faults={"slow": 0.8}) as fake:
        key_id = fake.buyer("register_key", public_key=PUBLIC)["publicKeyId"]
        told = settings(fake.url, key_id)
        yield (
            fake,
            Bench(
                gateway=GATEWAY,
                connect=lambda: AmazonPay(told),
                accepted=permission(1),
                declined={
                    permission(2): "HardDeclined",
                    permission(3): "SoftDeclined",
                    permission(4): "AmazonRejected",
                    permission(5): "TransactionTimedOut",
                    permission(6): "MFANotCompleted",
                },
                debit=permission(1),
                notice=lambda: notice(fake),
                fake=fake,
                tells_funding=False,
                tells_age=False,
                tells_order=False,
                forged=lambda signed: {"body": signed.body.replace(b"STATE_CHANGE", b"STATE_CHANGES")},
                is_proven_by_headers=False,
                finds_by=frozenset({"reference"}),
                to_another_amount=Verdict.UNKNOWN,  # the first call may have been done
            ),
        )


def subscribe(fake: Fake) -> None:
    """The shop's subscription is offered and accepted, as its web process does it."""
    fake.buyer("subscribe")
    headers, body = fake.notices(0)[-1]
    assert read_at(fake, headers, body) == []


def read_at(fake: Fake, headers: Mapping[str, str], body: bytes) -> list[Notice]:
    return list(Reader(Messages())(headers, body, [secret(fake)], AT))


def secret(fake: Fake) -> str:
    return f"{TOPIC} {fake.url}"


def held(bench: Bench, order: str, number: int = 1) -> str:
    """The charge of a new authorization."""

    async def scenario(adapter: Any) -> Answer:
        answer: Answer = await adapter.authorize(
            key=new_key("a"), order=order, amount=AMOUNT, token=permission(number), method="amazon_pay"
        )
        return answer

    return stands(bench.run(scenario)).reference


def notice(fake: Fake) -> Signed:
    """What SNS posts about a new charge."""
    subscribe(fake)
    key_id = next(iter(fake.provider._keys))  # type: ignore[attr-defined]
    order = new_order()
    reference = held(Bench(gateway=GATEWAY, connect=lambda: AmazonPay(settings(fake.url, key_id))), order)
    headers, body = fake.notices(0)[-1]
    return Signed(order, headers, body, secret(fake), reference)
