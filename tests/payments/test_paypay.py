"""PayPay: its adapter on a fake of it (gateways.md 5). Assumptions of the fake stand in its docstring."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from models.states import PaymentState
from pipelines.errors import Misconfigured
from pipelines.gateway import STANDS, Answer, BuyerStep, Capability, CodeClass, Snapshot
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, change, new_key, new_order, stands, sums
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.paypay_bench import WithBuyer, ask, notice, paypay, settings
from tests.payments.providers import Fake, served
from workers.payments.paypay import GATEWAY, PayPayGateway, Settings
from workers.payments.paypay_notices import read_notices
from workers.payments.paypay_payments import CODES, id_of
from workers.payments.paypay_signing import CONTENT_TYPE, authorization
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.paypay import API_KEY, API_SECRET, MERCHANT, REFUSALS, PayPay
from workers.settings import read

_P = PaymentState
NOW = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with served(PayPay(), tmp_path / "journal", faults={"slow": 0.3}) as one:
        yield one


@pytest.fixture
def bench(fake: Fake) -> Bench:
    """With the buyer who agrees."""
    return Bench(
        gateway=GATEWAY,
        connect=lambda: WithBuyer(settings(fake.url), fake),
        notice=lambda: notice(fake),
        fake=fake,
        tells_funding=False,
        tells_age=False,
        signs=False,
        to_another_amount=Verdict.OK,  # with a human, see below: what is held must not be taken for declined
    )


@pytest.fixture
def alone(fake: Fake) -> Bench:
    """Without a buyer who acts by himself."""
    return Bench(gateway=GATEWAY, connect=lambda: PayPayGateway(settings(fake.url)), fake=fake)


class TestPayPay(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""

    def test_an_issuers_decline_is_final_and_carries_its_code(self, fake: Fake, alone: Bench) -> None:  # PAY-04
        """A wallet says no to the buyer, later: the payment has failed, and the gateway names no reason."""
        for why in REFUSALS:
            order = new_order()
            begun = stands(alone.run(lambda one, order=order: ask(one, order)))
            fake.buyer("refuse", order=order, why=why)
            told = alone.run(lambda one, order=order, at=begun.reference: one.lookup(order=order, reference=at))
            assert sums(stands(told)) == (_P.FAILED, AMOUNT, 0, 0)

    def test_the_same_key_at_the_same_time_makes_one_authorization(self, fake: Fake, alone: Bench) -> None:
        """Each of the callers has a code of its own; the buyer is told of the one whose answer is recorded."""
        order = new_order()

        async def scenario(adapter: PayPayGateway) -> list[Answer]:
            return list(await asyncio.gather(*(ask(adapter, order) for _ in range(CODES))))

        answers = [stands(one) for one in alone.run(scenario)]
        recorded = answers[-1].buyer
        assert recorded is not None
        fake.buyer("agree", url=recorded.url)
        held = stands(alone.run(lambda adapter: adapter.lookup(order=order)))
        assert sums(held) == (_P.AUTHORIZED, AMOUNT, 0, 0)
        assert len(fake.moves(order, Kind.HOLD)) == 1


class TestPayPayFails(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Whatever fails, it happens once."""


def test_what_is_signed_are_the_bytes_that_travel(fake: Fake, alone: Bench) -> None:
    """Another order of keys or another blank is another signature."""
    alone.run(lambda adapter: ask(adapter, new_order()))
    sent = fake.requests[0]
    nonce, epoch = sent.headers["authorization"].split(":")[3:5]
    again = authorization(API_KEY, API_SECRET, "POST", "/v2/codes", sent.body, nonce, int(epoch))
    assert sent.headers["authorization"] == again
    assert sent.headers["content-type"] == CONTENT_TYPE
    assert sent.headers["x-assume-merchant"] == MERCHANT


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": {"authorization": "hmac OPA-Auth:x:y:z:0:empty"}},
        {"headers": {"authorization": ""}},
        {"headers": {"content-type": "application/json"}},
        {"content": b"{}"},
        {},  # the very same again: a nonce works once
    ],
)
def test_the_fake_refuses_what_is_not_signed(fake: Fake, alone: Bench, changed: dict[str, Any]) -> None:
    alone.run(lambda adapter: ask(adapter, new_order()))
    sent = fake.requests[0]
    headers = {name: sent.headers[name] for name in ("authorization", "content-type", "x-assume-merchant")}
    content = changed.get("content", sent.body)
    answer = httpx.post(f"{fake.url}/v2/codes", content=content, headers={**headers, **changed.get("headers", {})})
    assert (answer.status_code, answer.json()["resultInfo"]["codeId"]) == (401, "08100016")


# Codes and the buyer's acts


def test_the_buyer_is_shown_a_code_and_nothing_is_held_yet(fake: Fake, alone: Bench) -> None:  # PAY-03
    order = new_order()
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    assert sums(begun) == (_P.PENDING, AMOUNT, 0, 0)
    assert begun.buyer is not None
    assert (begun.buyer.step, begun.buyer.url) == (BuyerStep.VISIT, next(iter(paypay(fake).codes.values()))["url"])
    assert begun.buyer.until is not None
    waits = stands(alone.run(lambda adapter: adapter.lookup(order=order, reference=begun.reference)))
    assert (waits.state, waits.reference) == (_P.PENDING, begun.reference), "404 is not 'failed' while the code lives"
    assert fake.moves(order) == []


def test_a_code_that_nobody_opens_ends(fake: Fake, alone: Bench) -> None:
    order = new_order()
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    ended = datetime.now(UTC) - timedelta(hours=1)
    code, id_ = begun.reference.split("/")[1], begun.reference.split("/")[3]
    over = f"codes/{code}/{int(ended.timestamp())}/{id_}"
    assert stands(alone.run(lambda adapter: adapter.lookup(order=order, reference=over))).state is _P.EXPIRED


def test_who_agrees_twice_or_before_we_look_comes_to_the_same(fake: Fake, alone: Bench) -> None:
    order = new_order()
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    fake.buyer("agree", order=order)
    with pytest.raises(httpx.HTTPStatusError):
        fake.buyer("agree", order=order)
    ways: list[Mapping[str, str]] = [{"reference": begun.reference}, {}, {"key": f"{order}:authorize"}]
    found = [stands(alone.run(lambda adapter, way=way: adapter.lookup(order=order, **way))) for way in ways]
    assert {sums(one) for one in found} == {(_P.AUTHORIZED, AMOUNT, 0, 0)}
    assert {one.reference for one in found} == {id_of(order, 1)}
    assert found[0].expires_at is not None


def test_a_code_whose_answer_got_lost_is_left_to_end_and_another_is_shown(fake: Fake, alone: Bench) -> None:
    order = new_order()
    fake.strike("authorize", "after", "cut")
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    assert begun.reference.endswith(id_of(order, 2))
    assert begun.buyer is not None
    fake.buyer("agree", url=begun.buyer.url)
    assert stands(alone.run(lambda adapter: adapter.lookup(order=order))).reference == id_of(order, 2)
    assert len(fake.moves(order, Kind.HOLD)) == 1


def test_an_order_has_no_more_codes_than_are_looked_through(fake: Fake, alone: Bench) -> None:
    order = new_order()
    for _ in range(CODES):
        assert alone.run(lambda adapter: ask(adapter, order)).verdict is Verdict.OK
    last = alone.run(lambda adapter: ask(adapter, order))
    assert (last.verdict, last.code) == (Verdict.UNKNOWN, "too_many_codes")


def test_two_codes_that_were_both_agreed_to_go_before_a_human(fake: Fake, alone: Bench) -> None:
    order = new_order()
    for _ in range(2):
        begun = stands(alone.run(lambda adapter: ask(adapter, order)))
        assert begun.buyer is not None
    for code in paypay(fake).codes.values():
        fake.buyer("agree", url=code["url"])
    assert stands(alone.run(lambda adapter: adapter.lookup(order=order))).state is _P.NEEDS_REVIEW


def test_another_sum_than_is_held_goes_before_a_human(bench: Bench) -> None:
    order = new_order()
    bench.run(lambda adapter: ask(adapter, order))
    assert stands(bench.run(lambda adapter: ask(adapter, order, AMOUNT + 1))).state is _P.NEEDS_REVIEW


@pytest.mark.parametrize("agrees", [False, True])
def test_an_order_that_is_cancelled_takes_its_code_back(fake: Fake, alone: Bench, agrees: bool) -> None:
    order = new_order()
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    if agrees:
        fake.buyer("agree", order=order)
    voided = stands(alone.run(lambda adapter: change(adapter, "void", begun.reference)))
    assert voided.state is _P.VOIDED
    assert [move.kind for move in fake.moves(order)] == ([Kind.HOLD, Kind.RELEASE] if agrees else [])
    with pytest.raises(httpx.HTTPStatusError):
        fake.buyer("agree", order=order)


def test_a_code_is_taken_back_whatever_fails(fake: Fake, alone: Bench) -> None:
    order = new_order()
    begun = stands(alone.run(lambda adapter: ask(adapter, order)))
    fake.strike("void", "after", "cut")
    assert stands(alone.run(lambda adapter: change(adapter, "void", begun.reference))).state is _P.VOIDED


# What is held


async def held(adapter: PayPayGateway, order: str) -> Snapshot:
    return stands(await ask(adapter, order))


def test_a_hold_that_nobody_takes_ends_where_it_said(fake: Fake, bench: Bench) -> None:
    order = new_order()
    begun = bench.run(lambda adapter: held(adapter, order))
    assert begun.expires_at is not None
    fake.clock(begun.expires_at)
    assert stands(bench.run(lambda adapter: adapter.lookup(order=order))).state is _P.EXPIRED
    late = bench.run(lambda adapter: change(adapter, "capture", begun.reference, AMOUNT))
    assert (late.verdict, late.code, late.code_class) == (Verdict.DECLINED, "ORDER_EXPIRED", CodeClass.STATE)


def test_a_hold_can_be_renewed_ten_times_and_stands_until_then(fake: Fake, bench: Bench) -> None:
    order = new_order()
    begun = bench.run(lambda adapter: held(adapter, order))

    async def renew(adapter: PayPayGateway) -> Answer:
        return await adapter.renew(key=new_key("renew"), order=order, reference=begun.reference, amount=AMOUNT)

    ends = [begun.expires_at]
    for _ in range(10):
        renewed = stands(bench.run(renew))
        ends.append(renewed.expires_at)
        assert renewed.as_of >= begun.as_of
    assert ends == sorted(set(ends), key=lambda one: one or NOW)
    refused = bench.run(renew)
    assert refused.verdict is Verdict.DECLINED
    assert stands(bench.run(lambda adapter: adapter.lookup(order=order))).state is _P.AUTHORIZED
    assert len(fake.moves(order, Kind.HOLD)) == 1


@pytest.mark.parametrize(
    ("point", "how"), [("before", "cut"), ("before", "500"), ("after", "cut"), ("after", "garbage")]
)
def test_a_renewal_whose_answer_fails_is_one_renewal(fake: Fake, bench: Bench, point: str, how: str) -> None:
    order = new_order()
    begun = bench.run(lambda adapter: held(adapter, order))
    assert begun.expires_at is not None
    fake.strike("renew", point, how)
    renewed = stands(
        bench.run(lambda one: one.renew(key="renew", order=order, reference=begun.reference, amount=AMOUNT))
    )
    assert renewed.expires_at == begun.expires_at + timedelta(days=30)


def test_more_than_is_held_is_not_even_asked_for(fake: Fake, bench: Bench) -> None:
    """PayPay would ask the buyer, who has six hours."""
    order = new_order()
    begun = bench.run(lambda adapter: held(adapter, order))
    answer = bench.run(lambda adapter: change(adapter, "capture", begun.reference, AMOUNT + 1))
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "HIGHER_CAPTURE_NOT_PERMITTED")
    assert not [one for one in fake.requests if one.path == "/v2/payments/capture"]


@pytest.mark.parametrize("reports_early", [False, True])
def test_a_part_that_went_back_is_a_part_whatever_word_the_contract_has(
    fake: Fake, bench: Bench, reports_early: bool
) -> None:
    order = new_order()
    paypay(fake).refunded_after_a_part = reports_early

    async def scenario(adapter: PayPayGateway) -> Snapshot:
        reference = (await held(adapter, order)).reference
        stands(await change(adapter, "capture", reference, AMOUNT))
        return stands(await change(adapter, "refund", reference, 1_000))

    assert sums(bench.run(scenario)) == (_P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 1_000)


def test_a_refund_in_the_merchants_page_is_seen_and_leaves_none_for_us(fake: Fake, bench: Bench) -> None:
    order = new_order()

    async def taken(adapter: PayPayGateway) -> str:
        reference = (await held(adapter, order)).reference
        stands(await change(adapter, "capture", reference, AMOUNT))
        return reference

    reference = bench.run(taken)
    fake.buyer("dashboard_refund", order=order, amount=500)
    assert stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=reference))).refunded == 500
    second = bench.run(lambda adapter: change(adapter, "refund", reference, 500))
    assert (second.verdict, second.code, second.code_class) == (
        Verdict.DECLINED,
        "UNACCEPTABLE_OP",
        CodeClass.STATE,
    )


def test_a_capture_is_not_taken_for_done_because_its_payment_is_known(bench: Bench) -> None:
    order = new_order()
    reference = bench.run(lambda adapter: held(adapter, order)).reference
    asked = {"order": order, "key": f"{order}:capture", "reference": reference}
    assert bench.run(lambda adapter: adapter.lookup(**asked)) is None
    made = bench.run(
        lambda adapter: adapter.capture(key=f"{order}:capture", order=order, reference=reference, amount=AMOUNT)
    )
    assert bench.run(lambda adapter: adapter.lookup(**asked)) == made


# Notices


def test_a_notice_is_a_reason_to_look_and_a_forged_one_is_no_more(fake: Fake, bench: Bench) -> None:
    told = notice(fake)
    claims = json.loads(told.body)
    assert (claims["notification_type"], claims["state"]) == ("Transaction", "AUTHORIZED")
    forged = orjson.dumps({**claims, "state": "COMPLETED", "order_amount": 1})
    for body in (told.body, forged):
        (one,) = read_notices({}, body, [], NOW)
        assert (one.type, one.order, one.snapshot, one.amount) == (STANDS, tuple(told.order.split("/")), None, None)
    looked = stands(bench.run(lambda adapter: adapter.lookup(order=told.order, reference=id_of(told.order, 1))))
    assert looked.state is _P.AUTHORIZED, "what is released rests on the look-up alone"


def test_a_notice_that_comes_twice_is_the_same_one(fake: Fake) -> None:
    told = notice(fake)
    first, again = (read_notices({}, told.body, [], NOW)[0] for _ in range(2))
    assert first == again
    said = GATEWAY.acknowledge([first], False)
    assert (said.status, said.body) == (200, b"")


# The settings, and a restart


def test_the_host_tells_whether_it_is_a_test() -> None:
    given = {"PAYPAY_API_KEY": "k", "PAYPAY_API_SECRET": "s", "PAYPAY_MERCHANT_ID": "1"}
    live = read(Settings, given)
    assert live.paypay_url == "https://apigw.paypay.ne.jp"
    assert not GATEWAY.test_mode(live)
    assert GATEWAY.test_mode(read(Settings, {**given, "PAYPAY_URL": "https://apigw.sandbox.paypay.ne.jp"}))
    assert GATEWAY.secrets is not None
    assert GATEWAY.secrets(live) == ()
    with pytest.raises(Misconfigured, match="PAYPAY_API_SECRET: is missing"):
        read(Settings, {name: value for name, value in given.items() if name != "PAYPAY_API_SECRET"})
    assert Capability.LISTS not in GATEWAY.capabilities, "PayPay lists by files alone"


def test_a_fake_that_restarts_from_its_journal_stands_the_same(tmp_path: Path) -> None:
    order = new_order()

    async def scenario(adapter: PayPayGateway) -> Snapshot:
        reference = (await held(adapter, order)).reference
        return stands(await adapter.capture(key="take", order=order, reference=reference, amount=10_000))

    def bench(one: Fake) -> Bench:
        return Bench(gateway=GATEWAY, connect=lambda: WithBuyer(settings(one.url), one))

    with served(PayPay(), tmp_path / "journal") as first:
        before = bench(first).run(scenario)
    with served(PayPay(), tmp_path / "journal") as second:
        assert (paypay(second).payments, second.provider.ledger.moves) == (
            paypay(first).payments,
            first.provider.ledger.moves,
        )
        assert stands(bench(second).run(lambda adapter: adapter.lookup(order=order))) == before
