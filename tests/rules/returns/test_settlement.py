"""What a return gives back: the published figures, and the same as the stage that books it, to the yen and the point."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.decision import Decision
from pipelines.orders.document import order_to_json
from pipelines.returns.preview import preview
from pipelines.rules.lots import GiveBack
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.pricing import price
from pipelines.rules.one_of_a_kind import as_sold
from pipelines.rules.order import Coupon
from pipelines.rules.purse import Cause, Purse
from pipelines.rules.returns.case import AskedLine, Reason, Remedy, Settlement, Sold, SoldLine
from pipelines.rules.returns.judge import judge
from pipelines.stages import returns
from tests.rules.build import SHOPS, a_line, at, day, shop_with
from tests.rules.drawn import CASES, Case
from tests.rules.returns.build import asked, sent, whole
from tests.rules.returns.life import Life, portion, taking_all_back, taking_back
from tests.stages.build import NOW, decide, lot

MANY = settings(max_examples=int(os.environ.get("SHUKKA_RETURNS", "300")), deadline=None)
ANY_CHANCE = st.integers(0, 2**32)

APPAREL = shop_with("apparel", **{"member_discount_percent = 5": "member_discount_percent = 0", "fee = 500": "fee = 0"})


def gives(settlement: Settlement | None) -> tuple[int, int, int, int, int]:
    """(money, points returned, coupon recovered, fee, points taken back)."""
    assert settlement is not None
    one = settlement
    return one.money, one.points_returned, one.coupon_recovered, one.fee, one.points_taken_back


# The published figures.


@pytest.mark.parametrize(
    ("prices", "first", "then"),
    [((6_000, 4_000), (5_000, 1_000), (4_000, 0)), ((800, 9_200), (0, 800), (9_000, 200))],
    ids=["6,000 then 4,000", "an 800 yen item first: 200 left to recover"],
)
def test_the_coupon_is_recovered_once(prices: tuple[int, int], first: tuple[int, int], then: tuple[int, int]) -> None:
    """CPN-04: (money, recovered) of each line, one after the other; paid 9,000 in all, 9,000 back."""
    lines = [a_line(str(number), one, tax_rate=0) for number, one in enumerate(prices, start=1)]
    sold = sent(APPAREL, *lines, coupons=(Coupon("C", "amount", 1_000),))
    before = whole(APPAREL, asked("unwanted"), sold=sold)
    assert gives(before.settlement)[0::2][:2] == first
    assert any(one.rule == "CPN-04" for one in before.lines[0].because)
    assert before.settlement is not None
    sold = replace(sold, adjustments=before.settlement.changes)
    assert gives(whole(APPAREL, asked("unwanted", line="2"), sold=sold).settlement)[0::2][:2] == then


def test_what_is_the_shops_fault_costs_no_coupon() -> None:
    lines = [a_line("1", 6_000, tax_rate=0), a_line("2", 4_000, tax_rate=0)]
    sold = sent(APPAREL, *lines, coupons=(Coupon("C", "amount", 1_000),))
    found = whole(APPAREL, asked("defect"), sold=sold)
    assert gives(found.settlement) == (5_400, 0, 0, 0, 0)
    assert all(one.rule != "CPN-04" for one in found.lines[0].because)


@pytest.mark.parametrize(
    ("reason", "fee", "cited"), [("unwanted", 1_650, True), ("defect", 0, False)], ids=["the customer's", "the shop's"]
)
def test_an_exchange_of_salon(reason: str, fee: int, cited: bool) -> None:
    """RET-06, TAX-05: never money back; 1,500 ex tax are 1,650, once however many lines."""
    sold = sent(SHOPS["salon"], a_line("1", 4_000), a_line("2", 3_000))
    found = whole("salon", asked(reason), asked(reason, line="2"), sold=sold)
    assert gives(found.settlement) == (0, 0, 0, fee, 0)
    assert [("TAX-05" in {one.rule for one in line.because}) for line in found.lines] == [cited, cited]


def test_a_replacement_of_clinic_gives_no_money() -> None:
    """RET-01."""
    assert gives(whole("clinic", asked("damaged")).settlement) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("remedy", "money"), [(None, 6_000), (Remedy.REFUND, 6_000), (Remedy.EXCHANGE, 0)], ids=["first", "refund", "other"]
)
def test_the_remedy_that_is_chosen(remedy: Remedy | None, money: int) -> None:
    sold = sent(APPAREL, a_line("1", 6_000, tax_rate=0), a_line("2", 4_000, tax_rate=0))
    assert gives(whole(APPAREL, asked("unwanted", remedy=remedy), sold=sold).settlement)[0] == money


def test_reasons_of_both_sides_in_one_request() -> None:
    """One change each: the shop's fault first, then the customer's, which voids the coupon."""
    sold = sent(
        APPAREL,
        *(a_line(str(number), 5_000, tax_rate=0) for number in (1, 2, 3)),
        coupons=(Coupon("C", "amount", 1_500),),
    )
    found = whole(APPAREL, asked("unwanted"), asked("defect", line="2"), sold=sold)
    assert found.settlement is not None
    assert [(one.kind, one.lines, one.money) for one in found.settlement.changes] == [
        ("fault", (("2", 1),), 4_500),
        ("return", (("1", 1),), 4_000),
    ]
    assert gives(found.settlement)[:3] == (8_500, 0, 1_000)


@pytest.mark.parametrize(
    ("clawback", "spent", "money", "taken", "deducted"),
    [
        ("negative_balance", 0, 6_000, 60, 0),
        ("negative_balance", 100, 6_000, 60, 0),
        ("deduct_from_refund", 0, 6_000, 60, 0),
        ("deduct_from_refund", 60, 5_980, 40, 20),
        ("deduct_from_refund", 100, 5_940, 0, 60),
    ],
)
def test_points_that_were_spent_meanwhile(clawback: str, spent: int, money: int, taken: int, deducted: int) -> None:
    """PTS-13: 100 points were earned with 10,000 yen, 60 of them with the line that comes back."""
    shop = APPAREL.model_copy(update={"points": APPAREL.points.model_copy(update={"clawback": clawback})})
    earned = lot("valid", 100)
    purse = Purse([earned])
    purse.use(spent, Cause("", NOW))
    sold = sent(shop, a_line("1", 6_000, tax_rate=0), a_line("2", 4_000, tax_rate=0))
    found = whole(shop, asked("unwanted"), sold=replace(sold, lots=(purse.lots[1],), purse=purse)).settlement
    assert found is not None
    assert (found.money, found.points_taken_back, found.points_deducted) == (money, taken, deducted)
    assert purse.lots[1].gone == 0, "the purse stays as it is"


# The same as the stage, to the yen and the point.


def booked(decision: Decision) -> tuple[int, int, int, int, int]:
    """What the stage did: money, points returned, coupon recovered, points taken back and kept back in yen."""
    (one,) = [new.change for new in decision.adjustments]
    returned = sum(move.amount for move in decision.lot_moves if isinstance(move, GiveBack))
    taken = sum(clawback.amount for clawback in decision.clawbacks)
    return one.money, returned, one.coupon_recovered, taken, one.points_deducted


@MANY
@given(CASES, ANY_CHANCE)
def test_what_is_foretold_is_what_the_stage_does(case: Case, seed: int) -> None:
    """A.12, CPN-04, TAX-05, PTS-12, PTS-13: any order, any part of it, whatever went before and was spent since."""
    chance = Random(seed)
    life = Life(case, chance)
    some, by_customer = portion(life.left, chance), chance.random() < 0.5
    reason = Reason.UNWANTED if by_customer else Reason.DEFECT
    lines = [AskedLine(line, quantity, reason) for line, quantity in some.items()]
    told = judge(life.sold(), life.shop, lines, NOW)
    assert told.problems == ()
    assert told.settlement is not None
    known = life.facts(some, "customer" if by_customer else "shop")
    one, done = told.settlement, decide(returns.STAGE, known, shop=life.shop)
    assert booked(done) == (
        one.money,
        one.points_returned,
        one.coupon_recovered,
        one.points_taken_back,
        one.points_deducted,
    )
    assert [new.change for new in done.adjustments] == list(one.changes)


@MANY
@given(CASES, ANY_CHANCE)
def test_never_more_than_was_paid(case: Case, seed: int) -> None:
    """Any sequence of returns, in any portions and for any reason: no piece twice, no yen and no point too many."""
    chance = Random(seed)
    life = Life(case, chance)
    sold, left = life.sold(), Counter(life.left)
    while any(left.values()):
        lines = [
            AskedLine(line, quantity, chance.choice((Reason.UNWANTED, Reason.DEFECT)))
            for line, quantity in portion(dict(left), chance).items()
        ]
        told = judge(sold, life.shop, lines, NOW)
        assert told.settlement is not None
        assert min(told.settlement.money, told.settlement.points_returned, told.settlement.points_taken_back) >= 0
        left -= Counter({one.line: one.quantity for one in lines})
        back = {line: replace(one, returned=one.shipped - left[line]) for line, one in sold.lines.items()}
        sold = replace(sold, lines=back, adjustments=(*sold.adjustments, *told.settlement.changes))
        again = judge(sold, life.shop, [AskedLine(lines[0].line, left[lines[0].line] + 1, Reason.DEFECT)], NOW)
        assert [one.field for one in again.problems] == ["lines[0].quantity"]
    assert sum(one.money for one in sold.adjustments) <= life.sums.grand_total
    assert sum(one.points_returned for one in sold.adjustments) <= life.sums.points_used


@MANY
@given(CASES, ANY_CHANCE)
def test_part_by_part_is_at_once(case: Case, seed: int) -> None:
    """CPN-04, TAX-09: of one reason, without a fee, the parts in any portions come to what all at once comes to."""
    chance = Random(seed)
    life = Life(case, chance)
    shop = life.shop.model_copy(update={"returns": taking_back(0)})
    reason = chance.choice((Reason.UNWANTED, Reason.DEFECT))
    sold, left = replace(life.sold(), purse=None), Counter(life.left)
    at_once = judge(sold, shop, [AskedLine(line, n, reason) for line, n in left.items() if n], NOW).settlement
    assert at_once is not None
    parts: list[Adjustment] = []
    while any(left.values()):
        some = portion(dict(left), chance)
        told = judge(
            replace(sold, adjustments=(*sold.adjustments, *parts)),
            shop,
            [AskedLine(line, quantity, reason) for line, quantity in some.items()],
            NOW,
        ).settlement
        assert told is not None
        parts += told.changes
        left -= Counter(some)
    assert sum(one.refund for one in parts) == sum(one.refund for one in at_once.changes)
    assert sum(one.coupon_recovered for one in parts) == at_once.coupon_recovered
    assert sum(one.points_unearned for one in parts) == sum(one.points_unearned for one in at_once.changes)


@MANY
@given(CASES, ANY_CHANCE)
def test_a_document_alone_is_judged_as_the_order_is(case: Case, seed: int) -> None:
    """The preview reads an order from its document, prices it, and answers what the stored one is answered."""
    chance = Random(seed)
    shop = taking_all_back(case, chance)
    order = as_sold(case.order, shop)
    asked_points = order.points_use if isinstance(order.points_use, int) else 0
    sums = price(order, shop, balance=max(case.balance, asked_points))
    some = portion({line.line: line.quantity for line in order.lines}, chance)
    reason = chance.choice(("unwanted", "defect"))
    request = {
        "order": {**order_to_json(case.order), "assume": {"points_balance": case.balance}},
        "dispatched_at": "2026-11-20T12:00:00+09:00",
        "delivered_at": "2026-11-21T12:00:00+09:00",
        "asked_at": "2026-11-22T12:00:00+09:00",
        "lines": [{"line": line, "quantity": quantity, "reason": reason} for line, quantity in some.items()],
    }
    where = {line.line: SoldLine(line.quantity, day("2026-11-20"), day("2026-11-21")) for line in order.lines}
    lots = (lot("valid", sums.points_earned),)
    sold = Sold(order, sums, order.placed_at, order.method, where, lots=lots)
    lines = [AskedLine(line, quantity, Reason(reason)) for line, quantity in some.items()]
    told = judge(sold, shop, lines, at("2026-11-22 12:00:00"))
    refund = preview(request, {shop.key: shop}, NOW)["refund"]
    assert tuple(refund.values()) == gives(told.settlement)
