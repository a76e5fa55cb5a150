"""GMO-PG's adapter against its fake: conformance, the fault matrix, and what its section of the protocols says (gateways.md 2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from tests.payments.gateway_bench import Bench, Signed, authorized
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.providers import Fake, served
from workers.clock import TOKYO, SettableClock
from workers.payments.gmo_pg import GATEWAY, GmoPg
from workers.payments.gmo_pg_settings import Settings
from workers.sandbox.gateways.gmo_pg import SHOP_ID, SHOP_PASS
from workers.sandbox.gateways.gmo_pg import GmoPg as FakeGmoPg
from workers.sandbox.gateways.gmo_pg_trade import KONBINI

MORNING = datetime(2026, 11, 25, 10, 0, tzinfo=TOKYO)


def settings(url: str, **changed: object) -> Settings:
    given = {
        "gmo_pg_shop_id": SHOP_ID,
        "gmo_pg_shop_pass": SHOP_PASS,
        "gmo_pg_url": url,
        "gmo_pg_timeout": 0.4,
        "gmo_pg_return_url": "https://shop.example/back",
        "gmo_pg_wallet_url": "https://shop.example/paypay",
        "gmo_pg_contact_name": "見本店",
        "gmo_pg_contact_phone": "03-0000-0000",
    }
    return Settings.model_validate(given | changed)


def connect(url: str, **changed: object) -> GmoPg:
    return GmoPg(settings(url, **changed))


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    clock = SettableClock(MORNING, 1.0, time.time())
    with served(FakeGmoPg(), tmp_path_factory.mktemp("gmo") / "journal", clock=clock, faults={"slow": 0.8}) as one:
        yield one


def bench_of(fake: Fake) -> Bench:
    def slips(order: str) -> int:
        provider = fake.provider
        assert isinstance(provider, FakeGmoPg)
        return sum(
            one.order == order and one.pay_type == KONBINI and one.status != "UNPROCESSED"
            for one in provider.trades.values()
        )

    def notice() -> Signed:
        bench.run(lambda adapter: authorized(adapter, bench))
        headers, body = fake.notices(0)[-1]
        told = dict(parse_qsl(body.decode("ascii")))
        order = told["OrderID"].split("-", 1)[1].replace("-", "/", 1)
        return Signed(order, headers, body, SHOP_ID)

    bench = Bench(
        gateway=GATEWAY,
        connect=lambda: connect(fake.url),
        accepted="tok_ok",
        declined={
            "tok_declined": "42G120000",
            "tok_insufficient": "42G020000",
            "tok_limit": "42G030000",
            "tok_expired_card": "42G830000",
            "tok_wrong_code": "42G440000",
        },
        debit="tok_ok",
        notice=notice,
        fake=fake,
        until=MORNING + timedelta(days=30),
        slips=slips,
        tells_funding=False,
        tells_age=False,
        is_proven_by_headers=False,
        forged=lambda told: {"body": told.body.replace(SHOP_ID.encode(), b"tshop00000002")},
    )
    return bench


@pytest.fixture
def bench(fake: Fake) -> Bench:
    return bench_of(fake)


class TestGmoPg(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""


class TestFaults(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Every fault at every operation."""
