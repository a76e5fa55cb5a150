"""Stripe's adapter against a fake that keeps Stripe's own rules (gateways.md 1, 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from models.states import PaymentState
from pipelines.errors import Unreachable
from pipelines.gateway import Answer, CodeClass, Listed, Snapshot
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, authorize, new_key, new_order, stands, sums
from tests.payments.gateway_conformance import conformance_of
from tests.payments.gateway_matrix import matrix_of
from tests.payments.stripe_bench import at_stripe, bench_of, held, of_fake, settings, slip, taken
from workers.payments.stripe import GATEWAY, StripeGateway
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.stripe import KEY
from workers.sandbox.http_server import Handler, Reply, Request, serving

P = PaymentState


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with at_stripe(tmp_path / "journal") as fake:
        yield bench_of(fake)


class TestStripe(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""


class TestFaults(matrix_of(GATEWAY)):  # type: ignore[misc]
    """Every fault at every operation."""


def test_the_same_key_in_use_is_waited_for(bench: Bench) -> None:  # Ghost#12065
    fake = of_fake(bench)
    fake.faults(latency=0.15)
    order = new_order()
    asked = {"key": new_key("auth"), "order": order, "amount": AMOUNT, "token": bench.accepted}

    async def both(adapter: Any) -> list[Answer]:
        return list(await asyncio.gather(*(adapter.authorize(**asked, method="card") for _ in range(3))))

    answers = bench.run(both)
    assert len(fake.moves(order, Kind.HOLD)) == 1
    assert {one.verdict for one in answers} <= {Verdict.OK, Verdict.RETRY}
    assert Verdict.OK in {one.verdict for one in answers}


def test_a_failure_that_stripe_replays_for_a_day_is_looked_up(bench: Bench) -> None:
    fake = of_fake(bench)
    fake.strike("capture", "after", "500")
    order, reference = bench.run(lambda adapter: held(adapter, bench))
    asked = {"key": new_key("capture"), "order": order, "reference": reference, "amount": AMOUNT}
    assert sums(stands(bench.run(lambda adapter: adapter.capture(**asked)))) == (P.CAPTURED, AMOUNT, AMOUNT, 0)
    replays = [one for one in fake.requests if one.path.endswith("/capture")]
    assert len(replays) == 3, "the same key three times, then the look-up"
    assert len({one.headers["idempotency-key"] for one in replays}) == 1


def test_what_was_surely_not_done_is_asked_again_later(bench: Bench) -> None:
    fake = of_fake(bench)
    fake.strike("authorize", "before", "500", times=3)
    answer = bench.run(lambda adapter: authorize(adapter, bench))
    assert (answer.verdict, answer.code) == (Verdict.RETRY, "http_500")
    fake.strike("authorize", "before", "429")
    busy = bench.run(lambda adapter: authorize(adapter, bench))
    assert (busy.verdict, busy.code, busy.retry_after) == (Verdict.RETRY, "rate_limit", 2.0)
    assert fake.provider.ledger.moves == []


@pytest.mark.parametrize(("says", "attempts"), [({}, 3), ({"stripe-should-retry": "false"}, 1)])
def test_stripe_says_itself_when_a_repetition_is_of_no_use(says: dict[str, str], attempts: int) -> None:
    asked: list[str] = []

    async def answer(request: Request) -> Reply:
        asked.append(request.method)
        return Reply(503, {}, says)

    asyncio.run(answered_by(answer))
    assert asked.count("POST") == attempts


def test_while_stripe_is_down_nobody_knows_and_the_same_key_settles_it_later(bench: Bench) -> None:
    fake = of_fake(bench)
    asked = {"key": new_key("auth"), "order": new_order(), "amount": AMOUNT, "token": bench.accepted}
    fake.faults(down_for=60)
    assert bench.run(lambda adapter: adapter.authorize(**asked, method="card")).verdict is Verdict.UNKNOWN
    looked = bench.run(lambda adapter: adapter.lookup(order=asked["order"], key=asked["key"]))
    assert looked.verdict is Verdict.RETRY
    fake.faults(down_for=0)
    stands(bench.run(lambda adapter: adapter.authorize(**asked, method="card")))
    assert len(fake.moves(asked["order"], Kind.HOLD)) == 1


def test_every_order_has_its_last_intent_by_search_or_by_list(bench: Bench) -> None:
    order = new_order()

    async def scenario(adapter: Any) -> str:
        asked = {"order": order, "amount": AMOUNT}
        await adapter.authorize(key=new_key("auth"), token="pm_card_chargeDeclined", method="card", **asked)
        return stands(
            await adapter.authorize(key=new_key("auth"), token=bench.accepted, method="card", **asked)
        ).reference

    last = bench.run(scenario)
    searches = []
    for ahead in (timedelta(0), timedelta(hours=1)):
        of_fake(bench).clock(datetime.now(UTC) + ahead)
        found = stands(bench.run(lambda adapter: adapter.lookup(order=order)))
        assert found.reference == last
        searches.append(of_fake(bench).requests[-2].path)
    assert searches == ["/v1/payment_intents", "/v1/payment_intents/search"]


def test_no_call_moves_money_without_a_key_of_its_own(bench: Bench) -> None:
    async def scenario(adapter: Any) -> None:
        order, reference = await taken(adapter, bench)
        for _ in range(2):
            await adapter.refund(key=new_key("refund"), order=order, reference=reference, amount=1_000)

    bench.run(scenario)
    keys = [one.headers.get("idempotency-key") for one in of_fake(bench).requests if one.method == "POST"]
    assert len(keys) == len({*keys} - {None}) == 4


def test_neither_the_key_nor_the_token_is_in_anything_that_is_kept(bench: Bench) -> None:
    async def scenario(adapter: Any) -> list[Answer]:
        wrong = await authorize(adapter, bench, token="pm_nobody@example.jp")
        return [wrong, await authorize(adapter, bench, token="pm_card_chargeDeclined")]

    kept = repr(bench.run(scenario))
    assert "pm_nobody" not in kept
    assert KEY not in kept


def test_a_key_that_stripe_does_not_take_is_the_operators(bench: Bench) -> None:
    wrong = settings(of_fake(bench).url).model_copy(update={"stripe_secret_key": SecretStr("sk_test_another")})
    answer = asyncio.run(authorize(StripeGateway(wrong), bench))
    assert (answer.verdict, answer.code, answer.code_class) == (Verdict.RETRY, "auth", CodeClass.CONFIGURATION)


async def listed(adapter: Any, since: datetime, until: datetime) -> list[Listed]:
    return [one async for one in adapter.payments(since=since, until=until)]


def test_every_page_of_the_list_is_read_with_fees_refunds_and_disputes(bench: Bench) -> None:
    fake = of_fake(bench)
    begun = datetime.now(UTC)

    async def scenario(adapter: Any) -> tuple[str, str]:
        await asyncio.gather(*(authorize(adapter, bench) for _ in range(205)))
        return await taken(adapter, bench)

    order, reference = bench.run(scenario)
    fake.buyer("refund_in_dashboard", order=order, amount=970)
    span = (begun - timedelta(minutes=1), begun + timedelta(hours=1))
    found = bench.run(lambda adapter: listed(adapter, *span))
    assert len({one.snapshot.reference for one in found}) == len(found) == 206
    (mine,) = [one for one in found if one.order == tuple(order.split("/"))]
    assert sums(mine.snapshot) == (P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 970)
    assert mine.snapshot.fee == AMOUNT * 36 // 1_000
    assert {one.snapshot.fee for one in found if one is not mine} == {None}
    fake.buyer("dispute", order=order)
    (disputed,) = [one for one in bench.run(lambda adapter: listed(adapter, *span)) if one.order == mine.order]
    assert (disputed.snapshot.reference, disputed.snapshot.state) == (reference, P.NEEDS_REVIEW)


def test_a_list_that_cannot_be_had_whole_is_none(bench: Bench) -> None:
    of_fake(bench).faults(down_for=60)
    with pytest.raises(Unreachable):
        bench.run(lambda adapter: listed(adapter, datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC)))


def test_a_fake_that_was_restarted_stands_the_same(tmp_path: Path) -> None:
    async def seen(adapter: Any, reference: str) -> tuple[Snapshot, list[Listed]]:
        looked = stands(await adapter.lookup(order="", reference=reference))
        return looked, await listed(
            adapter, datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
        )

    asked = {"key": new_key("auth"), "order": new_order(), "amount": AMOUNT, "token": "pm_card_visa"}
    with at_stripe(tmp_path / "journal") as fake:
        bench = Bench(gateway=GATEWAY, connect=lambda: StripeGateway(settings(fake.url)), accepted="pm_card_visa")
        first = stands(bench.run(lambda adapter: adapter.authorize(**asked, method="card")))
        paid_order, paid = bench.run(lambda adapter: slip(adapter, "konbini"))
        fake.buyer("pay_at_store", order=paid_order)
        before, told = bench.run(lambda adapter: seen(adapter, paid.reference)), fake.notices(1)
    with at_stripe(tmp_path / "journal") as again:
        bench = Bench(gateway=GATEWAY, connect=lambda: StripeGateway(settings(again.url)), accepted="pm_card_visa")
        after = bench.run(lambda adapter: seen(adapter, paid.reference))
        assert sums(after[0]) == sums(before[0])
        assert [(one.order, sums(one.snapshot)) for one in after[1]] == [
            (one.order, sums(one.snapshot)) for one in before[1]
        ]
        assert stands(bench.run(lambda adapter: adapter.authorize(**asked, method="card"))).reference == first.reference
        assert len(again.moves(asked["order"], Kind.HOLD)) == 1
        assert [body for _, body in again.notices(1)][: len(told)] == [body for _, body in told]


RIGHT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "requires_capture",
    "amount": AMOUNT,
    "amount_received": 0,
    "created": 1,
    "currency": "jpy",
    "payment_method_types": ["card"],
    "metadata": {"order": "salon/S-1", "key": "auth:1"},
}


@pytest.mark.parametrize(
    ("reply", "verdict", "code", "state"),
    [
        (Reply(200, RIGHT), Verdict.OK, None, P.AUTHORIZED),
        (Reply(200, RIGHT | {"amount": AMOUNT + 1}), Verdict.OK, None, P.NEEDS_REVIEW),
        (Reply(200, RIGHT | {"currency": "usd"}), Verdict.OK, None, P.NEEDS_REVIEW),
        (Reply(200, RIGHT | {"status": "of_tomorrow"}), Verdict.OK, None, P.NEEDS_REVIEW),
        (Reply(200, RIGHT | {"amount": "13970"}), Verdict.UNKNOWN, "http_200", None),
        (Reply(200, RIGHT | {"amount": 13970.0}), Verdict.UNKNOWN, "http_200", None),
        (Reply(200, {"surprise": True}), Verdict.UNKNOWN, "http_200", None),
        (Reply(404, b"<html>", {"content-type": "text/html"}), Verdict.UNKNOWN, "http_404", None),
        (Reply(402, {"error": {"type": "card_error", "code": "expired_card"}}), Verdict.DECLINED, "expired_card", None),
        (Reply(400, {"error": {"code": "amount_too_large"}}), Verdict.DECLINED, "amount_too_large", None),
        (Reply(403, {"error": {"type": "invalid_request_error"}}), Verdict.RETRY, "auth", None),
        (Reply(503), Verdict.UNKNOWN, "http_503", None),
    ],
)
def test_what_each_answer_proves(reply: Reply, verdict: Verdict, code: str | None, state: PaymentState | None) -> None:
    async def answer(_: Request) -> Reply:
        return reply

    answered = asyncio.run(answered_by(answer))
    assert (answered.verdict, answered.code) == (verdict, code)
    assert (answered.snapshot.state if answered.snapshot else None) == state


async def answered_by(answer: Handler) -> Answer:
    """What an authorization comes to at a server that answers so."""
    async with serving(answer) as port:
        gateway = StripeGateway(settings(f"http://127.0.0.1:{port}"))
        try:
            return await gateway.authorize(key="auth:1", order="salon/S-1", amount=AMOUNT, token="pm_1", method="card")
        finally:
            await gateway.aclose()
