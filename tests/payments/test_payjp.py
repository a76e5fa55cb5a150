"""PAY.JP's adapter on a fake that keeps PAY.JP's rules (gateways.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.states import PaymentState
from pipelines.errors import Misconfigured, Unreachable
from pipelines.gateway import Answer, BuyerStep, CodeClass, Listed
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, apart_from_when, change, new_key, new_order, stands, sums
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.payjp_bench import AT, GOOD, bench_of, connect, held, minted, payjp
from tests.payments.providers import Fake, served
from workers.payments.payjp import GATEWAY, Settings
from workers.payments.payjp_states import CLASSES, Charge
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.payjp import Payjp as Provider
from workers.sandbox.http_server import Reply, Request, serving
from workers.settings import read


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    with payjp(tmp_path_factory.mktemp("payjp") / "journal") as one:
        yield one


@pytest.fixture
def bench(fake: Fake) -> Bench:
    return bench_of(fake)


class TestPayjp(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""


class TestFaults(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Every fault at every operation."""


def shown(**changed: Any) -> dict[str, Any]:
    """A charge as section 4.2 shows it."""
    return {
        "id": "ch_1",
        "object": "charge",
        "livemode": False,
        "created": 1_795_568_400,
        "amount": 5_500,
        "currency": "jpy",
        "paid": True,
        "captured": False,
        "captured_at": None,
        "expired_at": 1_798_124_399,
        "refunded": False,
        "amount_refunded": 0,
        "failure_code": None,
        "three_d_secure_status": None,
        "metadata": {"order": "SO-1001"},
        **changed,
    }


TAKEN = {"captured": True, "captured_at": 1_795_600_000}
PART = {**TAKEN, "metadata": {"captured": "4000"}}


@pytest.mark.parametrize(
    ("facts", "state", "captured", "refunded"),
    [
        ({}, PaymentState.AUTHORIZED, 0, 0),
        ({"expired_at": 1_795_600_000}, PaymentState.EXPIRED, 0, 0),
        ({"refunded": True, "amount_refunded": 5_500}, PaymentState.VOIDED, 0, 0),
        ({"paid": False, "failure_code": "card_declined"}, PaymentState.FAILED, 0, 0),
        ({"paid": False}, PaymentState.NEEDS_REVIEW, 0, 0),
        ({"paid": False, "three_d_secure_status": "unverified", "expired_at": None}, PaymentState.PENDING, 0, 0),
        ({"paid": True, "three_d_secure_status": "unverified", "expired_at": None}, PaymentState.PENDING, 0, 0),
        ({"three_d_secure_status": "verified"}, PaymentState.AUTHORIZED, 0, 0),
        (TAKEN, PaymentState.CAPTURED, 5_500, 0),
        ({**TAKEN, "refunded": True, "amount_refunded": 5_500}, PaymentState.REFUNDED, 5_500, 5_500),
        # the rest that a capture released shows as refunded, and is none
        ({**PART, "amount_refunded": 1_500}, PaymentState.CAPTURED, 4_000, 0),
        ({**PART, "amount_refunded": 1_600}, PaymentState.PARTLY_REFUNDED, 4_000, 100),
        ({**PART, "amount_refunded": 5_500, "refunded": True}, PaymentState.REFUNDED, 4_000, 4_000),
        # captured otherwise than we asked, or by others: nobody here knows what was taken
        ({**PART, "amount_refunded": 0}, PaymentState.NEEDS_REVIEW, 4_000, 0),
        ({**TAKEN, "amount_refunded": 1_500}, PaymentState.NEEDS_REVIEW, 5_500, 1_500),
        ({"currency": "usd"}, PaymentState.NEEDS_REVIEW, 0, 0),
        ({"livemode": True}, PaymentState.NEEDS_REVIEW, 0, 0),
        ({"amount": 5_501}, PaymentState.NEEDS_REVIEW, 0, 0),
    ],
)
def test_what_the_facts_of_a_charge_mean(
    facts: dict[str, Any], state: PaymentState, captured: int, refunded: int
) -> None:
    snapshot = Charge.model_validate(shown(**facts)).snapshot(AT, is_test=True, asked=5_500)
    assert (snapshot.state, snapshot.captured, snapshot.refunded) == (state, captured, refunded)
    assert (snapshot.reference, snapshot.as_of) == ("ch_1", AT)


@pytest.mark.parametrize(
    ("status", "liability"),
    [
        ("verified", "shifted"),
        ("attempted", "shifted"),
        ("failed", "merchant"),
        (None, "merchant"),
        ("unverified", None),
    ],
)
def test_who_bears_a_dispute_is_read_from_3d_secure(status: str | None, liability: str | None) -> None:
    charge = Charge.model_validate(shown(three_d_secure_status=status))
    assert charge.snapshot(AT, is_test=True, asked=5_500).liability == liability


def error(status: int, code: str | None, kind: str = "client_error") -> Reply:
    return Reply(status, {"error": {"type": kind, "code": code, "message": "...", "status": status}})


@pytest.mark.parametrize(
    ("reply", "verdict", "code", "code_class"),
    [
        (error(402, "card_declined"), Verdict.DECLINED, "card_declined", CodeClass.ISSUER_DECLINE),
        (error(402, "card_flagged"), Verdict.DECLINED, "card_flagged", CodeClass.ISSUER_DECLINE),
        (error(402, "expired_card"), Verdict.DECLINED, "expired_card", CodeClass.BUYER_INPUT),
        (error(402, "invalid_cvc"), Verdict.DECLINED, "invalid_cvc", CodeClass.BUYER_INPUT),
        (error(400, "unverified_token"), Verdict.DECLINED, "unverified_token", CodeClass.BUYER_INPUT),
        (error(400, "invalid_amount"), Verdict.DECLINED, "invalid_amount", CodeClass.OUR_BUG),
        (error(400, "not_activated_account"), Verdict.RETRY, "not_activated_account", CodeClass.CONFIGURATION),
        (error(401, None, "auth_error"), Verdict.RETRY, "auth", CodeClass.CONFIGURATION),
        (error(429, "over_capacity"), Verdict.RETRY, "rate_limit", CodeClass.TRANSIENT),
        (error(400, "something_new"), Verdict.UNKNOWN, "something_new", CodeClass.UNKNOWN),
    ],
)
def test_who_acts_on_each_code(reply: Reply, verdict: Verdict, code: str, code_class: CodeClass) -> None:
    answer, _ = answered(reply)
    assert (answer.verdict, answer.code, answer.code_class) == (verdict, code, code_class)
    assert CLASSES.get(code, code_class) is code_class


@pytest.mark.parametrize(
    "reply",
    [
        error(402, "processing_error", "card_error"),
        error(500, "payjp_wrong"),
        error(500, "pg_wrong"),
        Reply(502, b"<html>", {"content-type": "text/html"}),
        Reply(200, shown(amount="5500")),
    ],
)
def test_what_may_have_been_done_is_looked_for_and_not_sent_again_at_once(reply: Reply) -> None:
    answer, posted = answered(reply)
    assert (answer.verdict, posted) == (Verdict.RETRY, 1), "the list says that there is no such charge"
    assert answer.retry_after
    assert answer.retry_after > 80, "longer than PAY.JP may be at it"


def answered(reply: Reply) -> tuple[Answer, int]:
    """What is understood where every charge is answered so and the list is empty; how many charges were asked for."""
    posted: list[Request] = []

    async def scenario() -> Answer:
        async def answer(request: Request) -> Reply:
            if request.method == "GET":
                return Reply(200, {"object": "list", "count": 0, "has_more": False, "data": []})
            posted.append(request)
            return reply

        async with serving(answer) as port:
            adapter = connect(f"http://127.0.0.1:{port}")
            try:
                return await adapter.authorize(key="k", order="salon/S-1", amount=5_500, token="tok_1", method="card")
            finally:
                await adapter.aclose()

    return asyncio.run(scenario()), len(posted)


def test_a_customers_card_is_charged_once_though_the_answer_was_lost(bench: Bench, fake: Fake) -> None:
    """A token is taken once by PAY.JP; a customer's card would be charged by every call (gateways.md 4.8)."""
    customer, order, key = fake.buyer("customer", card=GOOD)["id"], new_order(), new_key("a")
    fake.strike("authorize", "after", "cut")
    first, again = held(bench, order, customer, key), held(bench, order, customer, key)
    assert apart_from_when(first) == apart_from_when(again)
    assert stands(first).state is PaymentState.AUTHORIZED
    assert len(fake.moves(order, Kind.HOLD)) == 1


def test_the_fake_would_charge_it_twice(fake: Fake) -> None:
    """What keeps us from it is not the fake's kindness."""
    customer, order = fake.buyer("customer", card=GOOD)["id"], new_order()
    for _ in range(2):
        held(bench_of(fake), order, customer, new_key("a"))
    assert len(fake.moves(order, Kind.HOLD)) == 2


def test_a_token_that_another_order_used_is_refused(bench: Bench, fake: Fake) -> None:
    token = minted(fake)
    stands(held(bench, new_order(), token))
    answer = held(bench, new_order(), token)
    assert (answer.verdict, answer.code, answer.code_class) == (
        Verdict.DECLINED,
        "token_already_used",
        CodeClass.STATE,
    )


def test_a_part_captured_is_not_a_refund_and_what_is_given_back_later_is(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference = stands(held(bench, order)).reference

    async def scenario(adapter: Any) -> list[Answer]:
        return [
            await change(adapter, "capture", reference, 10_000),
            await change(adapter, "refund", reference, 1_000),
            await change(adapter, "refund", reference, 9_001),
            await adapter.lookup(order=order),
            await change(adapter, "capture", reference, 10_000),
        ]

    taken, given, beyond, looked, again = bench.run(scenario)
    assert sums(stands(taken)) == (PaymentState.CAPTURED, AMOUNT, 10_000, 0)
    assert sums(stands(given)) == (PaymentState.PARTLY_REFUNDED, AMOUNT, 10_000, 1_000)
    assert (beyond.verdict, beyond.code) == (Verdict.DECLINED, "refund_amount_gt_net")
    assert sums(stands(looked)) == sums(stands(again)) == sums(stands(given))
    assert [(move.kind, move.amount) for move in fake.moves(order)] == [
        (Kind.HOLD, AMOUNT),
        (Kind.TAKE, 10_000),
        (Kind.RELEASE, 3_970),
        (Kind.GIVE_BACK, 1_000),
    ]


def test_a_void_never_gives_back_what_was_captured(bench: Bench, fake: Fake) -> None:
    """PAY.JP's one call releases a hold and refunds a capture."""
    order = new_order()
    reference = stands(held(bench, order)).reference
    fake.buyer("capture", charge=reference, amount=AMOUNT)
    answer = bench.run(lambda adapter: change(adapter, "void", reference))
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "already_captured")
    assert answer.snapshot is not None
    assert answer.snapshot.state is PaymentState.CAPTURED
    assert fake.moves(order, Kind.GIVE_BACK) == []


def test_what_the_dashboard_did_is_seen_and_what_it_hides_goes_before_a_human(bench: Bench, fake: Fake) -> None:
    whole, part = (stands(held(bench, new_order())).reference for _ in range(2))
    bench.run(lambda adapter: change(adapter, "capture", whole, 13_000))
    fake.buyer("refund", charge=whole, amount=500)
    fake.buyer("capture", charge=part, amount=10_000)
    looked = [
        stands(bench.run(lambda adapter, name=name: adapter.lookup(order="salon/S-1", reference=name)))  # type: ignore[misc]
        for name in (whole, part)
    ]
    assert sums(looked[0]) == (PaymentState.PARTLY_REFUNDED, AMOUNT, 13_000, 500)
    assert looked[1].state is PaymentState.NEEDS_REVIEW


def test_a_chargeback_goes_before_a_human(bench: Bench, fake: Fake) -> None:
    reference = stands(held(bench, new_order())).reference
    bench.run(lambda adapter: change(adapter, "capture", reference, AMOUNT))
    fake.buyer("dispute", charge=reference)
    answer = bench.run(lambda adapter: change(adapter, "refund", reference, 100))
    assert (answer.verdict, answer.code) == (Verdict.DECLINED, "chargeback")
    assert answer.snapshot is not None
    assert answer.snapshot.state is PaymentState.NEEDS_REVIEW


def test_many_refunds_of_the_same_amount_are_each_known_by_their_mark(bench: Bench, fake: Fake) -> None:
    order = new_order()
    reference, keys = stands(held(bench, order)).reference, [new_key("r") for _ in range(3)]

    async def scenario(adapter: Any) -> list[Answer]:
        await change(adapter, "capture", reference, AMOUNT)
        for key in (*keys, *keys):
            await change(adapter, "refund", reference, 100, key)
        return [await adapter.lookup(order=order, key=key, reference=reference) for key in (*keys, new_key("r"))]

    *known, none = bench.run(scenario)
    assert {stands(one).refunded for one in known} == {300}
    assert none is None
    assert len(fake.moves(order, Kind.GIVE_BACK)) == 3


def test_a_hold_ends_with_its_day_in_japan_and_foreign_cards_hold_seven(tmp_path: Path) -> None:
    with payjp(tmp_path / "journal") as fake:
        bench = bench_of(fake)
        home, abroad = (
            stands(held(bench, new_order())),
            stands(held(bench, new_order(), minted(fake, "4000000900000003"))),
        )
        assert home.expires_at is not None
        assert abroad.expires_at is not None
        assert (home.expires_at - abroad.expires_at) == timedelta(days=23)
        assert home.expires_at.astimezone(UTC).strftime("%H:%M:%S") == "14:59:59"
        fake.clock(abroad.expires_at + timedelta(seconds=1))
        late = bench.run(lambda adapter: change(adapter, "capture", abroad.reference, AMOUNT))
        assert (late.verdict, late.code, late.code_class) == (Verdict.DECLINED, "charge_expired", CodeClass.STATE)


TDS = {"payjp_public_key": "pk_test_fake0001", "payjp_back_url": "https://shop.example/back"}


@pytest.mark.parametrize(
    ("outcome", "state", "held_once"),
    [
        ("verified", PaymentState.AUTHORIZED, 1),
        ("failed", PaymentState.FAILED, 0),
        ("aborted", PaymentState.FAILED, 0),
        (None, PaymentState.PENDING, 0),
    ],
)
def test_looking_finishes_what_the_customer_passed(
    fake: Fake, outcome: str | None, state: PaymentState, held_once: int
) -> None:  # gateways.md 9.24
    bench, order = bench_of(fake, **TDS), new_order()
    begun = stands(held(bench, order))
    assert sums(begun) == (PaymentState.PENDING, AMOUNT, 0, 0)
    assert begun.buyer is not None
    assert (begun.buyer.step, begun.buyer.number) == (BuyerStep.VISIT, None)
    assert begun.buyer.url is not None
    assert begun.buyer.url.startswith(
        f"{fake.url}/v1/tds/{begun.reference}/start?publickey=pk_test_fake0001&back_url=eyJ"
    )
    assert begun.buyer.until is not None
    if outcome:
        fake.buyer("three_d_secure", charge=begun.reference, outcome=outcome)
    looked = [
        bench.run(lambda adapter, named=named: adapter.lookup(order=order, **named))  # type: ignore[misc]
        for named in ({}, {"reference": begun.reference})
    ]
    assert [one.snapshot.state for one in looked] == [state] * 2, "twice is as once"
    assert len(fake.moves(order, Kind.HOLD)) == held_once


def test_a_customer_who_never_comes_back_has_half_an_hour(tmp_path: Path) -> None:
    with payjp(tmp_path / "journal") as fake:
        bench, order = bench_of(fake, **TDS), new_order()
        begun = stands(held(bench, order))
        assert begun.buyer is not None
        assert begun.buyer.until is not None
        assert begun.buyer.until - begun.as_of < timedelta(minutes=30), "the last look comes before the end"
        fake.clock(begun.as_of + timedelta(minutes=31))
        looked = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=begun.reference)))
        assert looked.state is PaymentState.EXPIRED


def test_an_order_that_was_cancelled_is_not_finished_by_a_late_pass(fake: Fake) -> None:
    bench, order = bench_of(fake, **TDS), new_order()
    reference = stands(held(bench, order)).reference
    assert stands(bench.run(lambda adapter: change(adapter, "void", reference))).state is PaymentState.VOIDED
    fake.buyer("three_d_secure", charge=reference, outcome="verified")
    looked = stands(bench.run(lambda adapter: adapter.lookup(order=order, reference=reference)))
    assert looked.state is PaymentState.VOIDED
    assert fake.moves(order) == []


async def gathered(listed: AsyncIterator[Listed]) -> list[Listed]:
    return [one async for one in listed]


def test_the_list_has_every_charge_once_over_its_pages(tmp_path: Path) -> None:
    with payjp(tmp_path / "journal") as fake:
        bench, customer = bench_of(fake), fake.buyer("customer", card=GOOD)["id"]
        orders = [new_order() for _ in range(130)]

        async def scenario(adapter: Any) -> list[Listed]:
            for order in orders:
                await adapter.authorize(key=new_key("a"), order=order, amount=AMOUNT, token=customer, method="card")
            now = datetime.now(UTC)
            return await gathered(adapter.payments(since=now - timedelta(hours=1), until=now + timedelta(hours=1)))

        listed = bench.run(scenario)
    assert sorted("/".join(one.order) for one in listed if one.order) == sorted(orders)
    assert {one.snapshot.state for one in listed} == {PaymentState.AUTHORIZED}


def test_a_list_that_breaks_off_is_none(fake: Fake, bench: Bench) -> None:
    fake.strike("list", "before", "500")
    now = datetime.now(UTC)
    with pytest.raises(Unreachable):
        bench.run(lambda adapter: gathered(adapter.payments(since=now - timedelta(hours=1), until=now)))


def test_what_is_beyond_the_rate_of_the_test_mode_says_nothing_and_is_asked_again(tmp_path: Path) -> None:
    with served(Provider(), tmp_path / "journal") as fake:
        bench, order = bench_of(fake), new_order()
        reference = stands(held(bench, order)).reference
        fake.faults(per_second=1)

        async def scenario(adapter: Any) -> list[Answer]:
            return await asyncio.gather(*(adapter.lookup(order=order, reference=reference) for _ in range(12)))

        answers = bench.run(scenario)
    refused = [one for one in answers if one.verdict is Verdict.RETRY]
    assert refused
    assert {(one.code, one.code_class) for one in refused} == {("rate_limit", CodeClass.TRANSIENT)}


def test_the_fake_stands_the_same_after_a_restart(tmp_path: Path) -> None:
    order, key = new_order(), new_key("refund")
    with payjp(tmp_path / "journal") as fake:
        bench = bench_of(fake)
        reference = stands(held(bench, order)).reference
        bench.run(lambda adapter: change(adapter, "capture", reference, 10_000))
        stood = stands(bench.run(lambda adapter: change(adapter, "refund", reference, 500, key)))
        before = [replace(move) for move in fake.moves(order)]
    with payjp(tmp_path / "journal") as fake:
        again = stands(bench_of(fake).run(lambda adapter: change(adapter, "refund", reference, 500, key)))
        assert sums(again) == sums(stood)
        assert fake.moves(order) == before


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"PAYJP_SECRET_KEY": "pk_live_a"}, "PAYJP_SECRET_KEY: is wrong; set it to the secret key"),
        ({"PAYJP_WEBHOOK_TOKEN": ""}, "PAYJP_WEBHOOK_TOKEN: is missing; set it to the webhook token"),
        ({"PAYJP_PUBLIC_KEY": "pk_test_a"}, "PAYJP_PUBLIC_KEY: is wrong; set it to the public key of the same mode"),
        ({"PAYJP_EXPIRY_DAYS": "61"}, "PAYJP_EXPIRY_DAYS: is wrong; days for which"),
    ],
)
def test_a_wrong_setting_is_named_and_never_repeated(changed: dict[str, str], says: str) -> None:
    good = {"PAYJP_SECRET_KEY": "sk_live_a", "PAYJP_WEBHOOK_TOKEN": "whook_a, whook_b", "PAYJP_PUBLIC_KEY": "pk_live_a"}
    assert GATEWAY.secrets
    assert GATEWAY.secrets(read(Settings, good)) == ["whook_a", "whook_b"]
    assert not GATEWAY.test_mode(read(Settings, good))
    test = {**good, "PAYJP_SECRET_KEY": "sk_test_a", "PAYJP_PUBLIC_KEY": "pk_test_a"}
    assert GATEWAY.test_mode(read(Settings, test))
    with pytest.raises(Misconfigured) as refused:
        read(Settings, {**good, **changed})
    assert str(refused.value).startswith(says)
