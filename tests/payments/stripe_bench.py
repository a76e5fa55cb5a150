"""A fake Stripe and its adapter, and what the tests of them ask for again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.gateway import Snapshot
from tests.payments.gateway_bench import AMOUNT, PAYER, Bench, Signed, new_key, new_order, stands
from tests.payments.providers import Fake, served
from workers.payments.stripe import GATEWAY, Settings, StripeGateway
from workers.sandbox.gateways.stripe import KEY, SECRET, Stripe

UNTIL = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)


def settings(url: str, timeout: float = 0.4) -> Settings:
    return Settings.model_validate(
        {
            "stripe_secret_key": KEY,
            "stripe_webhook_secrets": SECRET,
            "stripe_return_url": "https://shop.example/back",
            "stripe_url": url,
            "stripe_timeout": timeout,
        }
    )


@contextmanager
def at_stripe(journal: Path) -> Iterator[Fake]:
    """A fake Stripe that is served; a late answer is later than the adapter's patience."""
    with served(Stripe(), journal, faults={"slow": 0.6}) as fake:
        yield fake


def bench_of(fake: Fake) -> Bench:
    """Everything that the suites need."""
    assert isinstance(fake.provider, Stripe)
    one = Bench(
        gateway=GATEWAY,
        connect=lambda: StripeGateway(settings(fake.url)),
        accepted="pm_card_visa",
        declined={
            "pm_card_chargeDeclined": "generic_decline",
            "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
            "pm_card_chargeDeclinedExpiredCard": "expired_card",
            "pm_card_chargeDeclinedIncorrectCvc": "incorrect_cvc",
            "pm_card_chargeDeclinedProcessingError": "processing_error",
        },
        debit="pm_card_visa_debit",
        notice=lambda: signed(one),
        fake=fake,
        slips=fake.provider.slips,
    )
    return one


def signed(bench: Bench) -> Signed:
    """What the fake sends about an authorization that it has just made."""
    order, _ = bench.run(lambda adapter: held(adapter, bench))
    assert bench.fake is not None
    headers, body = bench.fake.notices(int(time.time()))[-1]
    return Signed(order, headers, body, SECRET)


async def held(adapter: Any, bench: Bench, token: str = "", amount: int = AMOUNT) -> tuple[str, str]:
    """An order, and the reference of its authorization."""
    order = new_order()
    answer = await adapter.authorize(
        key=new_key("auth"), order=order, amount=amount, token=token or bench.accepted, method="card"
    )
    return order, stands(answer).reference


async def taken(adapter: Any, bench: Bench, token: str = "") -> tuple[str, str]:
    """The same, captured whole."""
    order, reference = await held(adapter, bench, token)
    stands(await adapter.capture(key=new_key("capture"), order=order, reference=reference, amount=AMOUNT))
    return order, reference


async def slip(adapter: Any, method: str, until: datetime | None = UNTIL) -> tuple[str, Snapshot]:
    order = new_order()
    answer = await adapter.register(
        key=new_key("slip"), order=order, method=method, amount=AMOUNT, payer=PAYER, until=until
    )
    return order, stands(answer)


def now(bench: Bench, reference: str) -> Snapshot:
    """How a payment stands by a look-up."""
    return stands(bench.run(lambda adapter: adapter.lookup(order="", reference=reference)))


def of_fake(bench: Bench) -> Fake:
    assert bench.fake is not None
    return bench.fake
