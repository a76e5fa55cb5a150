"""Money that customers bring elsewhere through GMO-PG: slips at stores, and PayPay (gateways.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.gateway import BuyerStep, CodeClass
from pipelines.ports import Verdict
from tests.payments.gateway_bench import PAYER, new_order, stands, sums
from tests.payments.gmo_pg_bench import AMOUNT, House, P, moves, serve
from tests.payments.test_gmo_pg import MORNING
from workers.clock import TOKYO
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


# Convenience stores


def test_a_slip_is_paid_by_notice(days: House) -> None:
    order = new_order()
    told = stands(days.slip(order))
    assert told.buyer is not None
    assert (told.buyer.step, bool(told.buyer.number), bool(told.buyer.confirmation)) == (
        BuyerStep.PAY_AT_STORE,
        True,
        True,
    )
    assert told.buyer.until == datetime(2026, 11, 28, 23, 59, 59, tzinfo=TOKYO)
    days.fake.buyer("pay", order=order)
    assert sums(days.look(told.reference)) == (P.CAPTURED, AMOUNT, AMOUNT, 0)
    assert days.do("void", told.reference).verdict is Verdict.DECLINED
    by_hand = days.do("refund", told.reference, amount=AMOUNT)
    assert (by_hand.verdict, by_hand.code) == (Verdict.DECLINED, "manual_transfer")  # 9, 22
    assert moves(days, order) == [(Kind.TAKE, AMOUNT)]


def test_a_slip_is_told_as_expired_at_three_in_the_morning(days: House) -> None:  # 2.4, B.6.5
    reference = stands(days.slip(new_order())).reference
    three = datetime(2026, 11, 29, 3, 0, tzinfo=TOKYO)
    for at, state in ((three - timedelta(minutes=1), P.PENDING), (three, P.EXPIRED)):
        days.fake.clock(at)
        assert days.look(reference).state is state


def test_a_slip_that_was_at_the_till_is_paid_though_it_was_cancelled(days: House) -> None:  # 9, 25
    order = new_order()
    reference = stands(days.slip(order)).reference
    assert [stands(days.do("void", reference)).state for _ in range(2)] == [P.VOIDED] * 2
    days.fake.buyer("pay_at_till", order=order)
    assert sums(days.look(reference)) == (P.CAPTURED, AMOUNT, AMOUNT, 0)


@pytest.mark.parametrize(
    ("choice", "store"), [("", "10001"), ("seven-eleven", "00007"), ("family-mart", "10002"), ("corner-shop", "10001")]
)
def test_a_slip_is_of_the_chain_that_the_customer_chose(house: House, choice: str, store: str) -> None:  # PAY-08
    """What GMO does not know is the shop's setting, Lawson."""
    stands(house.slip(new_order(), choice=choice))
    *_, asked = (one for one in house.fake.requests if "ExecTranCvs" in one.path)
    assert f"Convenience={store}".encode() in asked.body


def test_what_a_store_cannot_take_is_not_sent(house: House) -> None:
    before = len(house.fake.requests)
    asked = {"key": "k", "order": new_order(), "payer": PAYER, "until": None}
    assert house.run(lambda gmo: gmo.register(**asked, method="konbini", amount=300_000)).code == "amount"
    assert house.run(lambda gmo: gmo.register(**asked, method="loan", amount=AMOUNT)).code == "method"
    nameless = house.other(gmo_pg_contact_name="").slip(new_order())
    assert (nameless.verdict, nameless.code_class) == (Verdict.RETRY, CodeClass.CONFIGURATION)
    assert len(house.fake.requests) == before


# PayPay


def test_paypay_is_held_once_the_customer_agrees_and_taken_whole(house: House) -> None:  # 2.3
    order = new_order()
    asked = stands(house.authorize(order, token="", method="paypay"))
    assert (asked.state, asked.buyer and asked.buyer.step) == (P.PENDING, BuyerStep.VISIT)
    assert asked.buyer is not None
    form = {name: values[0] for name, values in parse_qs(urlsplit(asked.buyer.url or "").query).items()}
    assert form.keys() == {"start", "AccessID", "Token"}
    assert form["start"].endswith(f"&t={form['start'][-4:]}"), "the raw &t= is kept"
    assert form["Token"].startswith("start+"), "a plus stays a plus"
    house.fake.buyer("agree", order=order)
    held = house.look(asked.reference)
    assert sums(held) == (P.AUTHORIZED, AMOUNT, 0, 0)
    part = house.do("capture", asked.reference, amount=10_000)
    assert (part.verdict, part.code, house.calls()[-1][0]) == (Verdict.DECLINED, "amount", "ExecTranPaypay")
    assert house.do("renew", asked.reference, amount=AMOUNT).verdict is Verdict.DECLINED
    for _ in range(2):
        assert sums(stands(house.do("capture", asked.reference, amount=AMOUNT))) == (P.CAPTURED, AMOUNT, AMOUNT, 0)
    part_back = [stands(house.do("refund_after", asked.reference, amount=970, before=0)) for _ in range(2)]
    assert [sums(one) for one in part_back] == [(P.PARTLY_REFUNDED, AMOUNT, AMOUNT, 970)] * 2
    rest = stands(house.do("refund_after", asked.reference, amount=13_000, before=970))
    assert sums(rest) == (P.REFUNDED, AMOUNT, AMOUNT, AMOUNT)
    assert moves(house, order) == [
        (Kind.HOLD, AMOUNT),
        (Kind.TAKE, AMOUNT),
        (Kind.GIVE_BACK, 970),
        (Kind.GIVE_BACK, 13_000),
    ]


def test_a_wallets_hold_is_released(house: House) -> None:
    order = new_order()
    reference = stands(house.authorize(order, token="", method="paypay")).reference
    house.fake.buyer("agree", order=order)
    assert [sums(stands(house.do("void", reference))) for _ in range(2)] == [(P.VOIDED, AMOUNT, 0, 0)] * 2
    assert moves(house, order) == [(Kind.HOLD, AMOUNT), (Kind.RELEASE, AMOUNT)]


@pytest.mark.parametrize(("point", "how"), [("before", "500"), ("after", "cut"), ("after", "empty"), ("slow", "cut")])
@pytest.mark.parametrize(
    ("what", "asked", "kind"),
    [
        ("capture", {"amount": AMOUNT}, Kind.TAKE),
        ("void", {}, Kind.RELEASE),
        ("refund_after", {"amount": 500, "before": 0}, Kind.GIVE_BACK),
    ],
)
def test_whatever_fails_at_the_wallet_happens_once(
    house: House, what: str, asked: dict[str, int], kind: Kind, point: str, how: str
) -> None:
    order = new_order()
    reference = stands(house.authorize(order, token="", method="paypay")).reference
    house.fake.buyer("agree", order=order)
    if what == "refund_after":
        stands(house.do("capture", reference, amount=AMOUNT))
    house.fake.strike("refund" if what == "refund_after" else what, point, how)
    answers = [house.do(what, reference, **asked)]
    while answers[-1].verdict is not Verdict.OK:
        assert answers[-1].verdict in (Verdict.RETRY, Verdict.UNKNOWN)
        answers.append(house.do(what, reference, **asked))
    assert len(house.fake.moves(order, kind)) == 1


def test_a_customer_who_declines_in_the_wallet_or_comes_too_late(days: House) -> None:
    orders = [new_order(), new_order()]
    references = [stands(days.authorize(order, token="", method="paypay")).reference for order in orders]
    days.fake.buyer("decline", order=orders[0])
    days.fake.clock(MORNING + timedelta(hours=1))
    assert [days.look(one).state for one in references] == [P.FAILED, P.EXPIRED]


def test_a_lost_wallet_page_is_opened_again_under_another_order_id(house: House) -> None:
    order = new_order()
    house.fake.strike("authorize", "after", "cut")
    assert house.authorize(order, token="", method="paypay").verdict is Verdict.RETRY
    again = stands(house.authorize(order, token="", method="paypay"))
    assert again.buyer is not None
    house.fake.buyer("agree", order=order)
    assert sums(house.look(again.reference)) == (P.AUTHORIZED, AMOUNT, 0, 0)
    known = house.run(lambda gmo: gmo.lookup(order=order, key=f"{order}:authorize"))
    assert stands(known).reference == again.reference
    assert moves(house, order) == [(Kind.HOLD, AMOUNT)]


def test_without_a_page_of_the_shop_no_wallet_is_opened(house: House) -> None:
    answer = house.other(gmo_pg_wallet_url=None).authorize(new_order(), token="", method="paypay")
    assert (answer.verdict, answer.code_class) == (Verdict.RETRY, CodeClass.CONFIGURATION)
