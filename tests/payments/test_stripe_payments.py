"""What buyers, time, staff and issuers do to a payment at Stripe, and how it is seen (gateways.md 1.2, 1.3, 1.6, 1.7)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.states import PaymentState
from pipelines.gateway import Answer, BuyerStep, CodeClass, Payer
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, PAYER, Bench, new_key, new_order, stands, sums
from tests.payments.stripe_bench import UNTIL, at_stripe, bench_of, held, now, of_fake, slip, taken
from workers.payments.stripe import GATEWAY
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.stripe import SECRET

THREE_D_SECURE = "pm_card_threeDSecure2Required"
P = PaymentState


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with at_stripe(tmp_path / "journal") as fake:
        yield bench_of(fake)


def test_three_d_secure_is_a_page_to_visit_and_holds_nothing_until_it_is_passed(bench: Bench) -> None:
    fake = of_fake(bench)
    order, reference = bench.run(lambda adapter: held(adapter, bench, THREE_D_SECURE))
    asked = now(bench, reference)
    assert asked.state is P.PENDING
    assert asked.buyer is not None
    assert (asked.buyer.step, asked.buyer.url) == (
        BuyerStep.VISIT,
        f"https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={reference}",
    )
    assert fake.moves(order) == []
    fake.buyer("authenticate", order=order, passes=True)
    assert (now(bench, reference).state, now(bench, reference).buyer) == (P.AUTHORIZED, None)
    with pytest.raises(httpx.HTTPStatusError):  # who comes back twice finds nothing to do (pretix#2165)
        fake.buyer("authenticate", order=order, passes=True)
    assert len(fake.moves(order, Kind.HOLD)) == 1


def test_three_d_secure_that_was_not_passed_is_a_decline_of_that_attempt(bench: Bench) -> None:
    key, order = new_key("auth"), new_order()
    asked = {"key": key, "order": order, "amount": AMOUNT, "token": THREE_D_SECURE}
    begun = stands(bench.run(lambda adapter: adapter.authorize(**asked, method="card")))
    of_fake(bench).buyer("authenticate", order=order, passes=False)
    failed = now(bench, begun.reference)
    assert (failed.state, failed.code, failed.code_class) == (
        P.FAILED,
        "payment_intent_authentication_failure",
        CodeClass.BUYER_INPUT,
    )
    again = bench.run(lambda adapter: adapter.authorize(**asked, method="card"))
    assert (again.verdict, again.code) == (Verdict.DECLINED, "payment_intent_authentication_failure")


def test_an_intent_whose_buyer_never_comes_back_can_be_cancelled(bench: Bench) -> None:
    order, reference = bench.run(lambda adapter: held(adapter, bench, THREE_D_SECURE))
    voided = bench.run(lambda adapter: adapter.void(key=new_key("void"), order=order, reference=reference))
    assert stands(voided).state is P.VOIDED
    assert of_fake(bench).moves(order) == []


@pytest.mark.parametrize(("token", "days"), [("pm_card_visa", 30), ("pm_card_jcb", 30), ("pm_card_amex", 7)])
def test_a_hold_ends_when_its_card_says(bench: Bench, token: str, days: int) -> None:  # formats.md B.6.2
    begun = datetime.now(UTC)
    _, reference = bench.run(lambda adapter: held(adapter, bench, token))
    ends = now(bench, reference).expires_at
    assert ends is not None
    assert timedelta(0) <= ends - begun - timedelta(days=days) + timedelta(seconds=1) < timedelta(minutes=1)


def test_a_hold_that_nobody_captured_in_time_is_expired_and_no_refund(bench: Bench) -> None:
    fake = of_fake(bench)
    order, reference = bench.run(lambda adapter: held(adapter, bench))
    fake.clock(datetime.now(UTC) + timedelta(days=31))
    assert sums(now(bench, reference)) == (P.EXPIRED, AMOUNT, 0, 0)
    late = bench.run(lambda a: a.capture(key=new_key("capture"), order=order, reference=reference, amount=AMOUNT))
    assert (late.verdict, late.code, late.code_class) == (
        Verdict.DECLINED,
        "charge_expired_for_capture",
        CodeClass.STATE,
    )
    assert late.snapshot is not None
    assert late.snapshot.state is P.EXPIRED
    released = bench.run(lambda adapter: adapter.void(key=new_key("void"), order=order, reference=reference))
    assert stands(released).state is P.EXPIRED
    assert [move.kind for move in fake.moves(order)] == [Kind.HOLD, Kind.RELEASE]


def test_the_rest_that_a_part_capture_releases_is_no_refund(bench: Bench) -> None:
    """The charge of the fake counts it among amount_refunded; refunds are summed from Refund objects (gateways.md 1.3)."""

    async def scenario(adapter: Any) -> tuple[str, str]:
        order, reference = await held(adapter, bench)
        await adapter.capture(key=new_key("capture"), order=order, reference=reference, amount=10_000)
        return order, reference

    order, reference = bench.run(scenario)
    assert sums(now(bench, reference)) == (P.CAPTURED, AMOUNT, 10_000, 0)
    bench.run(lambda a: a.refund(key=new_key("refund"), order=order, reference=reference, amount=1_000))
    assert sums(now(bench, reference)) == (P.PARTLY_REFUNDED, AMOUNT, 10_000, 1_000)
    assert [(move.kind, move.amount) for move in of_fake(bench).moves(order)] == [
        (Kind.HOLD, AMOUNT),
        (Kind.TAKE, 10_000),
        (Kind.RELEASE, AMOUNT - 10_000),
        (Kind.GIVE_BACK, 1_000),
    ]


def test_a_capture_repeated_after_a_refund_tells_how_things_stand_now(bench: Bench) -> None:
    """A replayed answer is as old as the first request: it is not believed, but read again."""

    async def scenario(adapter: Any) -> Answer:
        order, reference = await held(adapter, bench)
        asked = {"key": new_key("capture"), "order": order, "reference": reference, "amount": AMOUNT}
        await adapter.capture(**asked)
        await adapter.refund(key=new_key("refund"), order=order, reference=reference, amount=1_000)
        again: Answer = await adapter.capture(**asked)
        return again

    assert sums(stands(bench.run(scenario))) == (P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 1_000)


def test_a_voucher_tells_its_numbers_and_is_paid_at_the_till(bench: Bench) -> None:
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "konbini"))
    assert registered.buyer is not None
    assert registered.buyer.step is BuyerStep.PAY_AT_STORE
    assert registered.buyer.confirmation == "0520000000", "the buyer's telephone number"
    assert registered.buyer.until == UNTIL
    assert registered.buyer.number is not None
    assert "FamilyMart" in registered.buyer.number
    fake.buyer("pay_at_store", order=order)
    assert sums(now(bench, registered.reference)) == (P.CAPTURED, AMOUNT, AMOUNT, 0)
    assert len(fake.moves(order, Kind.TAKE)) == 1


@pytest.mark.parametrize(
    ("phone", "is_ours"),
    [("052-000-0000", True), ("090-1234-5678", True), ("+81-90-1234-5678", False), ("0000000000", False), ("", False)],
)
def test_a_telephone_number_that_cannot_confirm_is_left_to_stripe(bench: Bench, phone: str, is_ours: bool) -> None:
    payer = Payer("山田 花子", "hanako@example.jp", phone)
    asked = {"key": new_key("slip"), "order": new_order(), "method": "konbini", "amount": AMOUNT, "until": UNTIL}
    registered = stands(bench.run(lambda adapter: adapter.register(payer=payer, **asked)))
    assert registered.buyer is not None
    assert (registered.buyer.confirmation == phone.replace("-", "")) == is_ours


def test_a_voucher_that_nobody_paid_is_expired(bench: Bench) -> None:
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "konbini"))
    fake.clock(UNTIL + timedelta(seconds=1))
    assert now(bench, registered.reference).state is P.EXPIRED
    with pytest.raises(httpx.HTTPStatusError):
        fake.buyer("pay_at_store", order=order)
    assert fake.moves(order) == []


def test_a_voucher_that_was_cancelled_cannot_be_paid(bench: Bench) -> None:
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "konbini"))
    void = {"key": new_key("void"), "order": order, "reference": registered.reference}
    assert stands(bench.run(lambda adapter: adapter.void(**void))).state is P.VOIDED
    with pytest.raises(httpx.HTTPStatusError):
        fake.buyer("pay_at_store", order=order)
    assert fake.moves(order) == []


def test_a_paid_voucher_is_given_back_by_an_account_that_stripe_asks_for(bench: Bench) -> None:  # gateways.md 9, 22
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "konbini"))
    fake.buyer("pay_at_store", order=order)
    refund = {"key": new_key("refund"), "order": order, "reference": registered.reference, "amount": AMOUNT}
    asked = bench.run(lambda adapter: adapter.refund(**refund))
    assert (asked.code, sums(stands(asked))) == ("refund_requires_action", (P.CAPTURED, AMOUNT, AMOUNT, 0))
    assert b"instructions_email=hanako%40example.jp" in fake.requests[-3].body
    fake.buyer("give_bank_data", order=order)
    assert now(bench, registered.reference).refunded == 0
    fake.buyer("end_refund", order=order, status="succeeded")
    assert sums(now(bench, registered.reference)) == (P.REFUNDED, AMOUNT, AMOUNT, AMOUNT)


def test_a_method_that_it_has_no_slips_for_is_refused_before_it_is_asked(bench: Bench) -> None:
    asked = {"key": new_key("slip"), "order": new_order(), "amount": AMOUNT, "payer": PAYER, "until": UNTIL}
    answer = bench.run(lambda adapter: adapter.register(method="loan", **asked))
    assert (answer.verdict, answer.code_class) == (Verdict.DECLINED, CodeClass.CONFIGURATION)
    assert len(of_fake(bench).requests) == 0


def test_a_bank_transfer_goes_to_an_account_of_the_order_and_may_come_in_parts(bench: Bench) -> None:
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "bank_transfer"))
    assert registered.buyer is not None
    assert (registered.buyer.step, registered.buyer.until) == (BuyerStep.TRANSFER, UNTIL)
    assert registered.buyer.account == {
        "bank": "三井住友銀行 (0009)",
        "branch": "東京第二支店 (888)",
        "kind": "普通",
        "number": "0000001",
        "holder": "ストライプジャパン（カ",
    }
    fake.buyer("transfer", order=order, amount=AMOUNT - 1)
    assert sums(now(bench, registered.reference)) == (P.PENDING, AMOUNT, 0, 0)
    fake.buyer("transfer", order=order, amount=1)
    assert sums(now(bench, registered.reference)) == (P.CAPTURED, AMOUNT, AMOUNT, 0)


def test_what_is_transferred_too_much_is_seen_and_pays_no_other_order(bench: Bench) -> None:
    fake = of_fake(bench)
    order, registered = bench.run(lambda adapter: slip(adapter, "bank_transfer"))
    other, waiting = bench.run(lambda adapter: slip(adapter, "bank_transfer"))
    fake.buyer("transfer", order=order, amount=2 * AMOUNT)
    over = now(bench, registered.reference)
    assert (*sums(over), over.code) == (P.NEEDS_REVIEW, AMOUNT, AMOUNT, 0, "overpaid")
    assert now(bench, waiting.reference).state is P.PENDING
    assert fake.moves(other) == []


def test_a_part_that_was_transferred_before_our_cancel_is_a_humans(bench: Bench) -> None:
    order, registered = bench.run(lambda adapter: slip(adapter, "bank_transfer"))
    of_fake(bench).buyer("transfer", order=order, amount=1_000)
    void = {"key": new_key("void"), "order": order, "reference": registered.reference}
    voided = stands(bench.run(lambda adapter: adapter.void(**void)))
    assert (voided.state, voided.code) == (P.NEEDS_REVIEW, "unapplied_funds")


@pytest.mark.parametrize(
    ("end", "state", "refunded", "code"),
    [
        ("succeeded", P.PARTLY_REFUNDED, 1_000, None),
        ("failed", P.NEEDS_REVIEW, 0, "refund_failed_declined"),
        ("canceled", P.NEEDS_REVIEW, 0, "refund_canceled"),  # the books count on it, and the buyer never gets it
    ],
)
def test_a_refund_under_way_is_none_yet(
    bench: Bench, end: str, state: PaymentState, refunded: int, code: str | None
) -> None:  # gateways.md 9, 21
    fake = of_fake(bench)
    order, reference = bench.run(lambda adapter: taken(adapter, bench, "pm_card_pendingRefund"))
    refund = {"key": new_key("refund"), "order": order, "reference": reference, "amount": 1_000}
    asked = bench.run(lambda adapter: adapter.refund(**refund))
    assert (asked.code, sums(stands(asked))) == ("refund_pending", (P.CAPTURED, AMOUNT, AMOUNT, 0))
    assert bench.run(lambda adapter: adapter.lookup(**{k: v for k, v in refund.items() if k != "amount"})).code == (
        "refund_pending"
    )
    fake.buyer("end_refund", order=order, status=end)
    stood = now(bench, reference)
    assert (stood.state, stood.refunded, stood.code) == (state, refunded, code)


def test_a_key_that_was_used_with_other_words_is_looked_up(bench: Bench) -> None:  # gateways.md 1.5
    """A newer version of Shukka may say the same otherwise: the first call may have run, and is not given back by hand again."""
    order, reference = bench.run(lambda adapter: held(adapter, bench))
    capture = {"key": new_key("capture"), "reference": reference, "amount": AMOUNT}
    stands(bench.run(lambda adapter: adapter.capture(order=order, **capture)))
    refund = {"key": new_key("refund"), "reference": reference, "amount": 1_000}
    for told in (order, f"{order} again"):
        answer = bench.run(lambda adapter, told=told: adapter.refund(order=told, **refund))
        assert sums(stands(answer)) == (P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 1_000)
    other = bench.run(lambda adapter: adapter.refund(order=order, **{**refund, "amount": 2_000}))
    assert (other.verdict, other.code) == (Verdict.DECLINED, "idempotency_error")
    assert [move.amount for move in of_fake(bench).moves(order, Kind.GIVE_BACK)] == [1_000]


def test_a_refund_made_in_the_dashboard_is_seen(bench: Bench) -> None:
    order, reference = bench.run(lambda adapter: taken(adapter, bench))
    of_fake(bench).buyer("refund_in_dashboard", order=order, amount=970)
    assert sums(now(bench, reference)) == (P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 970)


def test_a_dispute_is_a_humans_until_it_is_won(bench: Bench) -> None:  # gateways.md 9, 23
    fake = of_fake(bench)
    order, reference = bench.run(lambda adapter: taken(adapter, bench))
    stood = []
    for status in ("needs_response", "under_review", "won", "lost"):
        fake.buyer("dispute", order=order, status=status)
        stood.append(now(bench, reference))
    assert [(one.state, one.code) for one in stood] == [
        (P.NEEDS_REVIEW, "dispute_needs_response"),
        (P.NEEDS_REVIEW, "dispute_under_review"),
        (P.CAPTURED, None),
        (P.NEEDS_REVIEW, "dispute_lost"),
    ]
    assert {one.captured for one in stood} == {AMOUNT}


def test_every_event_of_a_life_is_proven_and_names_its_payment(bench: Bench) -> None:
    fake = of_fake(bench)
    order, reference = bench.run(lambda adapter: taken(adapter, bench))
    fake.buyer("refund_in_dashboard", order=order, amount=970)
    fake.buyer("dispute", order=order)
    epoch = int(time.time())
    assert GATEWAY.read_notices is not None
    read = [
        GATEWAY.read_notices(headers, body, [SECRET], datetime.fromtimestamp(epoch, UTC))[0]
        for headers, body in fake.notices(epoch)
    ]
    assert [one.raw["type"] for one in read if isinstance(one.raw, dict)] == [
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "charge.dispute.created",
    ]
    assert {one.reference for one in read} == {reference}
    assert {one.order for one in read} == {tuple(order.split("/")), None}
    assert [one.fault for one in read if one.fault] == []
    assert len({one.id for one in read}) == len(read)
