"""PAY.JP on its fake: how tests connect, make tokens and authorize."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.gateway import Answer
from tests.payments.gateway_bench import AMOUNT, Bench, Signed, new_key, new_order, stands
from tests.payments.providers import Fake, served
from workers.payments.payjp import GATEWAY, Payjp, Settings
from workers.sandbox.gateways.payjp import SECRET_KEY, WEBHOOK_TOKEN
from workers.sandbox.gateways.payjp import Payjp as Provider

AT = datetime(2026, 11, 26, tzinfo=UTC)
GOOD = "4242424242424242"
DECLINED = {
    "4000000000080319": "card_declined",
    "4000000000080202": "card_declined",  # 13,970 yen are above its 10,000
    "4000000000004012": "expired_card",
    "4000000000004013": "card_flagged",
}
"""Cards, and with what a charge of each is refused."""


def connect(url: str, **more: object) -> Payjp:
    told = {
        "payjp_secret_key": SECRET_KEY,
        "payjp_webhook_token": WEBHOOK_TOKEN,
        "payjp_url": url,
        "payjp_timeout": 0.5,
    }
    return Payjp(Settings.model_validate({**told, **more}))


@contextmanager
def payjp(journal: Path) -> Iterator[Fake]:
    with served(Provider(), journal, faults={"slow": 0.8}) as fake:
        yield fake


def minted(fake: Fake, card: str = GOOD) -> str:
    token: str = fake.buyer("token", card=card)["id"]
    return token


def bench_of(fake: Fake, **settings: object) -> Bench:
    return Bench(
        gateway=GATEWAY,
        connect=lambda: connect(fake.url, **settings),
        mint=lambda: minted(fake),
        declined={minted(fake, card): code for card, code in DECLINED.items()},
        notice=lambda: notice(fake),
        fake=fake,
        tells_funding=False,
        tells_age=False,
        forged=lambda signed: {"headers": {**signed.headers, "x-payjp-webhook-token": f"{signed.secret} "}},
    )


def held(bench: Bench, order: str, token: str = "", key: str = "") -> Answer:
    """The answer to an authorization."""

    async def scenario(adapter: Any) -> Answer:
        answer: Answer = await adapter.authorize(
            key=key or new_key("a"), order=order, amount=AMOUNT, token=token or bench.token(), method="card"
        )
        return answer

    return bench.run(scenario)


def notice(fake: Fake) -> Signed:
    """The event of a new charge."""
    order = new_order()
    reference = stands(
        held(Bench(gateway=GATEWAY, connect=lambda: connect(fake.url), mint=lambda: minted(fake)), order)
    )
    headers, body = fake.notices(0)[-1]
    return Signed(order, headers, body, WEBHOOK_TOKEN, reference.reference)
