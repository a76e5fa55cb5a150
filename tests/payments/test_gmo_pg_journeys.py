"""What happens to money at GMO-PG from the hold to its end, told by the fake's ledger: customers' acts, days that pass, traps of
the protocol, answers that get lost (gateways.md 2.2, 2.3, 2.9 and 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from pipelines.gateway import Answer, BuyerStep, CodeClass
from pipelines.ports import Verdict
from tests.payments.gateway_bench import new_order, stands, sums
from tests.payments.gmo_pg_bench import AMOUNT, House, P, moves, serve
from tests.payments.test_gmo_pg import MORNING
from workers.clock import TOKYO
from workers.payments.gmo_pg import GmoPg
from workers.sandbox.gateways.gmo_pg import SHOP_PASS
from workers.sandbox.gateways.gmo_pg import GmoPg as FakeGmoPg
from workers.sandbox.gateways.ledger import Kind


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serve(tmp_path_factory.mktemp("gmo") / "journal") as made:
        yield made


@pytest.fixture
def days(tmp_path: Path) -> Iterator[House]:
    """A fake of its own, whose days pass."""
    with serve(tmp_path / "journal") as made:
        yield made


# 3-D Secure


def test_a_customer_who_passes_3d_secure_is_held_once_however_often_is_looked(house: House) -> None:  # 2.2; 9, 24
    order = new_order()
    asked = stands(house.authorize(order, "tok_3ds"))
    assert (asked.state, moves(house, order)) == (P.PENDING, [])
    assert asked.buyer is not None
    assert asked.buyer.step is BuyerStep.VISIT
    assert parse_qs(urlsplit(asked.buyer.url or "").query).keys() == {"AccessID", "t"}, "the raw &t= is kept"
    assert house.look(asked.reference).state is P.PENDING
    house.fake.buyer("authenticate", order=order)
    house.fake.buyer("authenticate", order=order)  # comes back twice
    assert moves(house, order) == [], "SecureTran2 makes the hold, not the customer"
    assert [sums(house.look(asked.reference)) for _ in range(2)] == [(P.AUTHORIZED, AMOUNT, 0, 0)] * 2
    assert moves(house, order) == [(Kind.HOLD, AMOUNT)]


def test_a_customer_who_refuses_3d_secure_is_held_nothing(house: House) -> None:
    order = new_order()
    reference = stands(house.authorize(order, "tok_3ds")).reference
    house.fake.buyer("refuse", order=order)
    for _ in range(2):
        told = house.look(reference)
        assert (told.state, told.code, told.code_class) == (P.FAILED, "E21020002", CodeClass.BUYER_INPUT)
    assert moves(house, order) == []


def test_a_customer_who_never_comes_back_can_be_let_go(house: House) -> None:  # 2.9: AUTHENTICATED for ever, no money
    order = new_order()
    reference = stands(house.authorize(order, "tok_3ds")).reference
    assert stands(house.do("void", reference)).state is P.VOIDED
    assert moves(house, order) == []


def test_a_lost_page_is_the_customers_to_begin_again(house: House) -> None:
    order = new_order()
    house.fake.strike("authorize", "after", "cut")
    assert house.authorize(order, "tok_3ds").verdict is Verdict.RETRY
    again = house.authorize(order, "tok_3ds")
    assert (again.verdict, again.code, again.code_class) == (Verdict.DECLINED, "page_lost", CodeClass.BUYER_INPUT)
    assert moves(house, order) == []


def test_a_shop_may_leave_3d_secure_out(house: House) -> None:
    plain = house.other(gmo_pg_3ds=False)
    assert stands(plain.authorize(new_order(), "tok_3ds")).state is P.AUTHORIZED


# Cards


def test_a_part_is_captured_by_making_the_hold_less_first(house: House) -> None:  # 2.2
    order = new_order()
    reference, before = stands(house.authorize(order)).reference, len(house.fake.requests)
    taken = stands(house.do("capture", reference, amount=10_000))
    assert sums(taken) == (P.CAPTURED, AMOUNT, 10_000, 0)
    assert house.calls(before) == [("ChangeTran", "AUTH"), ("AlterTran", "SALES")]
    assert moves(house, order) == [(Kind.HOLD, AMOUNT), (Kind.RELEASE, 3_970), (Kind.TAKE, 10_000)]
    assert sums(stands(house.do("refund", reference, amount=4_000))) == (P.PARTLY_REFUNDED, AMOUNT, 10_000, 4_000)
    assert sums(stands(house.do("refund", reference, amount=6_000))) == (P.REFUNDED, AMOUNT, 10_000, 10_000)
    assert sums(house.look(reference)) == (P.REFUNDED, AMOUNT, 10_000, 10_000)


def test_what_gmo_calls_capture_is_never_entered(house: House) -> None:  # 2.9: an immediate sale, a second charge
    house.sold()
    assert {job for call, job in house.calls() if call.startswith("Entry")} <= {"AUTH", ""}
    assert ("AlterTran", "CAPTURE") not in house.calls()


def test_a_change_that_the_card_company_refuses_leaves_the_hold_as_it_was(house: House) -> None:  # 2.9
    reference = house.held("tok_unwilling")
    for what in ("capture", "renew"):
        refused = house.do(what, reference, amount=10_000 if what == "capture" else AMOUNT)
        assert (refused.verdict, refused.code, refused.code_class) == (
            Verdict.DECLINED,
            "42G030000",
            CodeClass.ISSUER_DECLINE,
        )
    assert sums(house.look(reference)) == (P.AUTHORIZED, AMOUNT, 0, 0)
    assert sums(stands(house.do("capture", reference, amount=AMOUNT))) == (P.CAPTURED, AMOUNT, AMOUNT, 0)


def test_a_capture_cut_between_the_change_and_the_sale_goes_on_with_the_sale(house: House) -> None:
    order = new_order()
    reference = stands(house.authorize(order)).reference
    house.fake.strike("capture", "after", "cut")  # strikes the change
    assert house.do("capture", reference, amount=10_000).verdict is Verdict.RETRY
    assert sums(house.look(reference)) == (P.AUTHORIZED, AMOUNT, 0, 0)
    assert sums(stands(house.do("capture", reference, amount=10_000))) == (P.CAPTURED, AMOUNT, 10_000, 0)
    assert moves(house, order)[1:] == [(Kind.RELEASE, 3_970), (Kind.TAKE, 10_000)]


def test_a_token_is_good_once_and_a_lost_refusal_asks_for_the_card_again(house: House) -> None:
    token = f"tok{time.time_ns()}"
    assert stands(house.authorize(new_order(), token)).state is P.AUTHORIZED
    used = house.authorize(new_order(), token)
    assert (used.verdict, used.code, used.code_class) == (Verdict.DECLINED, "EX1000302", CodeClass.BUYER_INPUT)


@pytest.mark.parametrize("token", ["tok_line_broken", "tok_double"])
def test_an_outcome_that_the_card_company_does_not_know_is_looked_up(house: House, token: str) -> None:  # 2.7: 42C, E90
    order = new_order()
    assert stands(house.authorize(order, token)).state is P.AUTHORIZED
    assert moves(house, order) == [(Kind.HOLD, AMOUNT)]


def test_too_many_calls_at_once_are_tried_again_and_nothing_was_done(house: House) -> None:  # E92
    order = new_order()
    assert stands(house.authorize(order, "tok_busy")).state is P.AUTHORIZED
    assert moves(house, order) == [(Kind.HOLD, AMOUNT)]


def test_a_wrong_password_fails_no_order(house: House) -> None:
    changed = house.other(gmo_pg_shop_pass="another")
    order = new_order()
    refused = changed.authorize(order)
    assert (refused.verdict, refused.code, refused.code_class) == (
        Verdict.RETRY,
        "E01030002",
        CodeClass.CONFIGURATION,
    )
    asked = changed.run(lambda gmo: gmo.lookup(order=order, reference="Cabcdef-salon-S-1"))
    assert asked.verdict is Verdict.RETRY
    assert stands(house.authorize(order)).state is P.AUTHORIZED


def test_the_password_is_nowhere_in_what_is_stored(house: House) -> None:  # 9, 13
    answers = [house.authorize(new_order(), token) for token in ("tok_ok", "tok_3ds", "tok_declined")]
    provider = house.fake.provider
    assert isinstance(provider, FakeGmoPg)
    passes = [SHOP_PASS, *(trade.access_pass for trade in provider.trades.values())]
    for answer in answers:
        shown = f"{answer} {answer.snapshot and answer.snapshot.to_json()}"
        assert not [one for one in (*passes, "tok_ok", "tok_declined") if one in shown]


def test_who_cannot_be_asked_has_said_nothing_and_the_same_key_settles_it_later(days: House) -> None:  # 9, 7
    order = new_order()
    days.fake.strike("authorize", "after", "cut")
    days.fake.strike("lookup", "before", "500", times=2)
    assert days.authorize(order).verdict is Verdict.UNKNOWN
    known = days.run(lambda gmo: gmo.lookup(order=order, key=f"{order}:authorize"))
    assert known.verdict is Verdict.RETRY
    known = days.run(lambda gmo: gmo.lookup(order=order, key=f"{order}:authorize"))
    assert sums(stands(known)) == (P.AUTHORIZED, AMOUNT, 0, 0)
    assert moves(days, order) == [(Kind.HOLD, AMOUNT)]


@pytest.mark.parametrize(("what", "kind"), [("capture", Kind.TAKE), ("void", Kind.RELEASE)])
def test_many_at_once_have_one_effect(house: House, what: str, kind: Kind) -> None:  # 9, 3
    order = new_order()
    reference = stands(house.authorize(order)).reference
    asked = {"key": f"{order}:{what}", "order": order, "reference": reference}
    asked |= {"amount": AMOUNT} if what == "capture" else {}

    async def crowd(gmo: GmoPg) -> list[Answer]:
        return list(await asyncio.gather(*(getattr(gmo, what)(**asked) for _ in range(8))))

    answers = house.run(crowd)
    assert {answer.verdict for answer in answers} <= {Verdict.OK, Verdict.RETRY, Verdict.UNKNOWN}
    assert [move.kind for move in house.fake.moves(order)].count(kind) == 1


# Refunds


def test_a_repeated_refund_is_one_and_another_of_the_same_amount_is_two(house: House) -> None:  # 9, 4
    reference = house.sold()
    once = [stands(house.do("refund_after", reference, amount=1_000, before=0)).refunded for _ in range(3)]
    assert once == [1_000] * 3
    assert stands(house.do("refund_after", reference, amount=1_000, before=1_000)).refunded == 2_000
    late = stands(house.do("refund_after", reference, amount=1_000, before=0))
    assert late.refunded == 2_000, "the second waited for the first, so that one was done"


def test_a_refund_waits_for_an_earlier_one_and_stops_at_one_nobody_asked_for(house: House) -> None:
    order = new_order()
    reference = stands(house.authorize(order)).reference
    stands(house.do("capture", reference, amount=AMOUNT))
    waits = house.do("refund_after", reference, amount=500, before=1_000)
    assert (waits.verdict, waits.code) == (Verdict.RETRY, "earlier_refund")
    house.fake.buyer("dashboard_refund", order=order, amount=700)
    assert sums(house.look(reference)) == (P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 700), "it is taken over"
    stopped = house.do("refund_after", reference, amount=1_000, before=0)
    assert (stopped.verdict, stopped.code) == (Verdict.UNKNOWN, "other_refund")
    assert stands(house.do("refund_after", reference, amount=1_000, before=700)).refunded == 1_700


# Days


@pytest.mark.parametrize(
    ("passed", "cancel_word", "words"),
    [
        (timedelta(0), False, ["VOID"]),
        (timedelta(days=2), False, ["VOID", "RETURN"]),
        (timedelta(days=20), False, ["VOID", "RETURN", "RETURNX"]),  # after the month's end
        (timedelta(days=20), True, ["CANCEL"]),
    ],
)
@pytest.mark.parametrize("was_sold", [False, True])
def test_an_end_finds_the_word_of_its_day_and_is_known_for_what_it_was(
    tmp_path: Path, passed: timedelta, cancel_word: bool, words: list[str], was_sold: bool
) -> None:  # 2.2, 2.4: the word alone does not tell a hold from a sale
    with serve(tmp_path / "journal", cancel_word=cancel_word) as house:
        reference = house.sold() if was_sold else house.held()
        house.fake.clock(MORNING + passed)
        before = len(house.fake.requests)
        ended = house.do("refund", reference, amount=AMOUNT) if was_sold else house.do("void", reference)
        stood = (P.REFUNDED, AMOUNT, AMOUNT, AMOUNT) if was_sold else (P.VOIDED, AMOUNT, 0, 0)
        assert (sums(stands(ended)), sums(house.look(reference))) == (stood, stood)
        assert house.calls(before) == [("AlterTran", word) for word in words]


def test_a_hold_ends_by_time_and_a_late_capture_is_no_crash(days: House) -> None:  # 9, 17
    reference = days.held()
    ends = days.look(reference).expires_at
    assert ends == datetime(2027, 1, 24, 23, 59, 59, tzinfo=TOKYO)
    days.fake.clock(ends + timedelta(seconds=1))
    assert days.look(reference).state is P.EXPIRED
    assert days.do("capture", reference, amount=AMOUNT).verdict is Verdict.DECLINED


def test_a_change_to_the_same_amount_holds_longer(days: House) -> None:  # 2.2
    order = new_order()
    old = stands(days.authorize(order))
    days.fake.clock(MORNING + timedelta(days=50))
    renewed = stands(days.do("renew", old.reference, amount=AMOUNT))
    assert renewed.reference == old.reference
    assert renewed.expires_at == datetime(2027, 3, 15, 23, 59, 59, tzinfo=TOKYO)
    assert moves(days, order) == [(Kind.HOLD, AMOUNT)]


def test_after_180_days_money_goes_back_by_hand(days: House) -> None:  # E11010010
    reference = days.sold()
    days.fake.clock(MORNING + timedelta(days=181))
    for amount in (1_000, AMOUNT):
        refused = days.do("refund", reference, amount=amount)
        assert (refused.verdict, refused.code) == (Verdict.DECLINED, "E11010010")


# Notices and restarts


def test_notices_twice_late_and_in_any_order_end_in_what_the_look_up_says(days: House) -> None:  # 9, 28, 29
    order = new_order()
    reference = stands(days.authorize(order)).reference
    stands(days.do("capture", reference, amount=10_000))
    stands(days.do("refund", reference, amount=1_000))
    told = [dict(parse_qsl(body.decode("ascii"))) for _, body in days.fake.notices(0)]
    assert [one["Status"] for one in told if one["OrderID"] == reference] == ["AUTH", "AUTH", "SALES", "SALES"]
    assert sums(days.look(reference)) == (P.PARTLY_REFUNDED, AMOUNT, 10_000, 1_000)


def test_a_restarted_fake_stands_as_before(tmp_path: Path) -> None:  # 10
    journal = tmp_path / "journal"
    with serve(journal) as house:
        order = new_order()
        reference = stands(house.authorize(order)).reference
        stands(house.do("capture", reference, amount=10_000))
        slip = stands(house.slip(order)).reference
        house.fake.buyer("pay", order=order)
        stood = [sums(house.look(one)) for one in (reference, slip)]
        money = moves(house, order)
    with serve(journal) as again:
        assert [sums(again.look(one)) for one in (reference, slip)] == stood
        assert moves(again, order) == money
        assert stands(again.authorize(order)).state is P.CAPTURED, "an OrderID is used once for ever"


@pytest.mark.parametrize(("token", "method"), [("tok_ok", "card"), ("", "paypay")])
@pytest.mark.parametrize(
    ("point", "how"), [("before", "500"), ("after", "cut"), ("after", "empty"), ("after", "garbage")]
)
def test_an_entry_that_fails_or_whose_answer_is_lost_is_entered_once(
    house: House, token: str, method: str, point: str, how: str
) -> None:  # 2.1: a doubtful EntryTran is searched for, and gone on with
    order = new_order()
    house.fake.strike("entry", point, how)
    answers = [house.authorize(order, token, method=method)]
    while answers[-1].verdict is not Verdict.OK:
        assert answers[-1].verdict is Verdict.RETRY
        answers.append(house.authorize(order, token, method=method))
    provider = house.fake.provider
    assert isinstance(provider, FakeGmoPg)
    assert sum(trade.order == order for trade in provider.trades.values()) == 1
    assert moves(house, order) == ([(Kind.HOLD, AMOUNT)] if token else [])


def test_a_note_that_fails_holds_the_capture_up_and_nothing_else(house: House) -> None:
    order = new_order()
    reference = stands(house.authorize(order)).reference
    house.fake.strike("entry", "after", "cut")
    assert house.do("capture", reference, amount=10_000).verdict is Verdict.RETRY
    assert moves(house, order) == [(Kind.HOLD, AMOUNT)]
    assert sums(stands(house.do("capture", reference, amount=10_000))) == (P.CAPTURED, AMOUNT, 10_000, 0)


def test_what_is_beyond_gmos_limits_is_not_sent(house: House) -> None:  # 2.8
    before = len(house.fake.requests)
    for amount in (0, 10_000_000):
        answer = house.authorize(new_order(), amount=amount)
        assert (answer.verdict, answer.code, answer.code_class) == (Verdict.DECLINED, "amount", CodeClass.OUR_BUG)
    assert len(house.fake.requests) == before
