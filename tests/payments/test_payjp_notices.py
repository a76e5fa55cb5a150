"""PAY.JP's events: known by a token, signed by nobody, each a reason to look (gateways.md 4.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from pipelines.gateway import STANDS
from tests.payments.payjp_bench import AT, notice, payjp
from tests.payments.providers import Fake
from workers.http.signing import SignatureRefused
from workers.payments.payjp import GATEWAY
from workers.sandbox.gateways.payjp import WEBHOOK_TOKEN


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with payjp(tmp_path_factory.mktemp("payjp") / "journal") as one:
        yield one


def test_an_event_says_nothing_of_how_the_charge_stands(fake: Fake) -> None:  # gateways.md 9.28
    told = notice(fake)
    (one,) = read_at(told.headers, told.body.replace(b'"captured":false', b'"captured":true'))
    assert (one.type, one.order, one.reference) == (STANDS, tuple(told.order.split("/")), told.reference)
    assert one.snapshot is None, "a forged event of a paid charge releases nothing"


def read_at(headers: Mapping[str, str], body: bytes, secret: str = WEBHOOK_TOKEN) -> list[Any]:
    assert GATEWAY.read_notices
    return list(GATEWAY.read_notices(headers, body, [secret], AT))


@pytest.mark.parametrize(
    "given",
    ["", "whook_test2", "WHOOK_TEST1", "Whook_test1", " whook_test1", "whook_test1 ", "whook_test1, whook_test1"],
)
def test_only_the_accounts_token_is_taken(given: str) -> None:  # the vector of gateways.md 4.4
    body = event()
    assert read_at({"x-payjp-webhook-token": "whook_test1"}, body, "whook_test1")
    for headers in ({"x-payjp-webhook-token": given}, {}):
        with pytest.raises(SignatureRefused):
            read_at(headers, body, "whook_test1")
    with pytest.raises(SignatureRefused):
        read_at({"x-payjp-webhook-token": ""}, body, "")


def event(kind: str = "charge.captured", **data: object) -> bytes:
    told = {"id": "ch_1", "object": "charge", "metadata": {"order": "salon/S-1"}, **data}
    shown = {"id": "evnt_1", "object": "event", "type": kind, "created": 1_795_568_400, "livemode": False}
    return orjson.dumps({**shown, "pending_webhooks": 1, "data": told})


def test_events_of_no_payment_are_taken_and_what_cannot_be_read_is_kept() -> None:  # gateways.md 9.32
    headers = {"x-payjp-webhook-token": WEBHOOK_TOKEN}
    assert read_at(headers, event("customer.created")) == []
    assert read_at(headers, event("transfer.succeeded")) == []
    (unnamed,) = read_at(headers, event(metadata={}))
    assert (unnamed.order, unnamed.reference) == (None, "ch_1")
    for body in (event("dispute.created"), event(id="../x"), b"no JSON"):
        (one,) = read_at(headers, body)
        (again,) = read_at(headers, body)
        assert one.fault
        assert one.id == again.id != ""
