"""CPN-04, INT-13, TAX-09: what cancelled, missing and returned pieces come to; that it adds up is in ``test_sums``."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from pipelines.rules.money.adjustments import (
    CANCEL,
    RETURN,
    SHORT,
    Adjustment,
    adjust,
    deduct,
    money_due,
    totals_after,
)
from pipelines.rules.money.breakdown import Breakdown, TaxAmount
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon
from tests.rules.build import SHOPS, a_line, an_order, plain_shop, shop_with

THOUSAND_OFF = (Coupon("C", "amount", 1_000),)


def priced(*prices: int, coupon: int = 0, rate: int = 0, **changes: Any) -> Breakdown:
    """An order of one piece a line at ``prices``, without points and shipping unless ``changes`` say so."""
    shop = changes.pop("shop", None) or plain_shop()
    lines = [a_line(str(n), one, tax_rate=rate) for n, one in enumerate(prices, start=1)]
    coupons = (Coupon("C", "amount", coupon),) if coupon else ()
    return price(an_order("plain", *lines, coupons=coupons, **changes), shop, balance=100_000)


def one_by_one(sums: Breakdown, *changes: tuple[str, str, int]) -> list[Adjustment]:
    """Adjustments of (kind, line, pieces), one after the other."""
    done: list[Adjustment] = []
    for kind, line, pieces in changes:
        done.append(adjust(sums, done, kind, [(line, pieces)]))
    return done


@pytest.mark.parametrize(
    ("prices", "returned", "refunds", "recovered"),
    [
        ((6_000, 4_000), ("1", "2"), [5_000, 4_000], [1_000, 0]),
        ((6_000, 4_000), ("2", "1"), [3_000, 6_000], [1_000, 0]),
        ((800, 6_000, 3_200), ("1", "2", "3"), [0, 5_800, 3_200], [800, 200, 0]),
    ],
)
def test_a_return_takes_the_whole_coupon_back_once(
    prices: tuple[int, ...], returned: tuple[str, ...], refunds: list[int], recovered: list[int]
) -> None:
    """CPN-04, the published vectors."""
    done = one_by_one(priced(*prices, coupon=1_000), *((RETURN, line, 1) for line in returned))
    assert [one.refund for one in done] == refunds
    assert [one.coupon_recovered for one in done] == recovered
    assert sum(refunds) == sum(prices) - 1_000


def test_the_whole_coupon_is_not_refunded_twice() -> None:
    """B.8, CPN-04: neither does the customer keep it, nor does the shop take it again."""
    done = one_by_one(priced(6_000, 4_000, coupon=1_000), (RETURN, "1", 1), (RETURN, "2", 1))
    assert sum(one.coupon_recovered for one in done) == 1_000
    assert sum(one.coupon for one in done) == 1_000
    with pytest.raises(ValueError, match="fewer pieces"):
        adjust(priced(6_000, 4_000, coupon=1_000), done, RETURN, [("1", 1)])


def test_tax_follows_what_is_kept() -> None:
    """CPN-04 with tax: 6,000 - 1,000 = 5,000 yen ex tax go back with their 10 %."""
    first, second = one_by_one(priced(6_000, 4_000, coupon=1_000, rate=10), (RETURN, "1", 1), (RETURN, "2", 1))
    assert (first.refund, first.tax) == (5_500, (TaxAmount(10, 5_000, 500),))
    assert (second.refund, second.tax) == (4_400, (TaxAmount(10, 4_000, 400),))


@pytest.mark.parametrize(
    ("display", "rounding", "prices", "gone", "base", "tax"),
    [
        ("ex_tax", "half_up", (1_004, 1_001), "2", 1_004, 100),
        ("ex_tax", "floor", (105, 105, 105), "2", 210 + 600, 81),
        ("ex_tax", "ceil", (995, 9, 1), "1", 10, 1),
        ("ex_tax", "half_up", (995, 9, 1), "2", 996, 100),
        ("tax_included", "floor", (1_000, 999), "2", 1_000, 90),
        ("tax_included", "half_up", (1_000, 12_345), "2", 1_000, 91),
        ("tax_included", "ceil", (1_000, 12_345), "1", 12_345, 1_123),
    ],
)
@pytest.mark.parametrize("kind", [SHORT, CANCEL])
def test_the_rest_of_an_order_is_taxed_as_one_invoice(
    kind: str, display: str, rounding: str, prices: tuple[int, ...], gone: str, base: int, tax: int
) -> None:
    """B.1.2: once per rate on what is supplied, never what the missing lines' parts leave; money is what is left of the order."""
    fee = "[shipping]\nfee = 600" if len(set(prices)) == 1 else ""
    shop = plain_shop(f'[price]\ndisplay = "{display}"\nrounding = "{rounding}"\n{fee}')
    sums = priced(*prices, rate=10, shop=shop)
    (done,) = one_by_one(sums, (kind, gone, 1))
    left = totals_after(sums, [done])
    assert left["tax"] == [{"rate": 10, "base": base, "tax": tax}]
    assert left["grand_total"] == base + (tax if display == "ex_tax" else 0)


@pytest.mark.parametrize(("line", "tax"), [("1", 100), ("2", 100)])
def test_what_comes_back_is_rounded_on_its_own_return_invoice(line: str, tax: int) -> None:
    """B.1.2, B.1.4: the invoice said 2,005 yen and 201 of tax, and goes on saying so."""
    sums = priced(1_004, 1_001, rate=10, shop=plain_shop('[price]\nrounding = "half_up"'))
    (back,) = one_by_one(sums, (RETURN, line, 1))
    assert [one.tax for one in back.tax] == [tax]
    both = one_by_one(sums, (RETURN, "1", 1), (RETURN, "2", 1))
    assert (sum(one.money for one in both), sum(one.tax[0].tax for one in both)) == (sums.grand_total, 201)


def test_a_change_that_was_rounded_otherwise_is_made_good_by_the_next() -> None:
    """Changes that were stored when each line still took its part of the tax with it: 101 and 99 of 300."""
    sums = priced(1_004, 1_001, 995, rate=10, shop=plain_shop('[price]\nrounding = "half_up"'))
    (first,) = one_by_one(sums, (SHORT, "1", 1))
    stored = replace(first, tax=(TaxAmount(10, 1_004, 101),), refund=1_105, money=1_105)
    second = adjust(sums, [stored], SHORT, [("2", 1)])
    assert totals_after(sums, [stored, second])["tax"] == [{"rate": 10, "base": 995, "tax": 100}]
    assert money_due(sums, [stored, second]) == 1_095


@pytest.mark.parametrize(
    ("shop", "fee", "money"),
    [("salon", 1_500, 11_000 - 1_650), ("reuse", 1_650, 10_000 - 1_650)],
    ids=["ex tax", "included"],
)
def test_a_return_fee_is_given_ex_tax_and_charged_with_it(shop: str, fee: int, money: int) -> None:
    """TAX-05."""
    sums = price(an_order(shop, a_line("1", 10_000)), SHOPS[shop])
    done = adjust(sums, [], RETURN, [("1", 1)], return_fee=1_500)
    assert (done.return_fee, done.money) == (fee, money)


@pytest.mark.parametrize(("kind", "refund", "coupon"), [(SHORT, 6_000, 0), (CANCEL, 5_400, 600)])
def test_a_shortage_leaves_the_customers_coupon_whole(kind: str, refund: int, coupon: int) -> None:
    """INT-13: a coupon of yen takes off the rest what it took off the missing goods; what the customer gives up gives back
    what it cost."""
    (done,) = one_by_one(priced(6_000, 4_000, coupon=1_000), (kind, "1", 1))
    assert (done.refund, done.coupon, done.coupon_recovered) == (refund, coupon, 0)


def test_goods_on_which_a_coupon_stays_whole_earn_on_what_they_then_cost() -> None:
    """INT-13, PTS-02, CPN-02: of 9,000 yen the customer pays 5,000 in the end, and 4,800 of 10,800; 4,000 at their normal price."""
    earning = plain_shop("[points]\nrate = 0.01")
    (done,) = one_by_one(priced(6_000, 4_000, coupon=1_000, shop=earning), (SHORT, "2", 1))
    assert (done.refund, done.points_unearned) == (4_000, 90 - 50)
    sums = priced(6_000, 4_000, 2_000, coupon=1_200, shop=earning)
    done = one_by_one(sums, (SHORT, "1", 1), (RETURN, "3", 1), (RETURN, "2", 1))
    assert [one.points_unearned for one in done] == [108 - 48, 48 - 36, 36]


def test_goods_on_which_a_coupon_stays_whole_count_for_ranks_what_they_then_cost() -> None:
    """INT-13, RNK-05: ex tax after discounts; 5,000 of 9,000 yen are left, and then nothing."""
    for display, prices in (("ex_tax", (6_000, 4_000, 1_000)), ("tax_included", (6_600, 4_400, 1_100))):
        first, second, off = prices
        shop = shop_with("salon", **{"[shipping]": f'[price]\ndisplay = "{display}"\n[shipping]'})
        lines = (a_line("1", first), a_line("2", second))
        sums = price(an_order("salon", *lines, coupons=(Coupon("C", "amount", off),)), shop)
        done = one_by_one(sums, (SHORT, "2", 1), (SHORT, "1", 1))
        assert [one.rank_spend for one in done] == [4_000, 5_000]


def test_a_coupon_stays_whole_as_far_as_the_rest_has_a_price() -> None:
    """4,600 of the coupon's 5,000 yen were the missing goods'; the rest costs 800 after it."""
    done = one_by_one(priced(9_200, 1_200, coupon=5_200), (SHORT, "1", 1), (SHORT, "2", 1))
    assert [(one.refund, one.coupon) for one in done] == [(5_200, 4_000), (0, 1_200)]


def test_percent_follow_the_goods() -> None:
    order = an_order(
        "plain", a_line("1", 6_000, tax_rate=0), a_line("2", 4_000, tax_rate=0), coupons=(Coupon("C", "percent", 10),)
    )
    (done,) = one_by_one(price(order, plain_shop()), (SHORT, "1", 1))
    assert (done.refund, done.coupon) == (5_400, 600)


def test_a_return_after_a_shortage_recovers_the_whole_coupon() -> None:
    """CPN-04: 10,800 were paid for 12,000; one item of 4,000 is kept, at its normal price."""
    done = one_by_one(priced(6_000, 4_000, 2_000, coupon=1_200), (SHORT, "1", 1), (RETURN, "3", 1))
    assert [one.refund for one in done] == [6_000, 800]


def test_what_was_recovered_of_a_coupon_is_not_handed_out_again() -> None:
    """CPN-04, INT-13: it was recovered whole, the part of the missing item too; what comes back after that costs its price."""
    done = one_by_one(priced(3_000, 3_000, 1_000, coupon=700), (SHORT, "3", 1), (RETURN, "1", 1), (RETURN, "2", 1))
    assert [(one.refund, one.coupon_recovered) for one in done] == [(1_000, 0), (2_300, 700), (3_000, 0)]


def test_which_changes_void_a_coupon_was_fixed_with_the_order() -> None:
    shop = plain_shop('[coupons]\nrecover_on = ["return", "cancel"]')
    (done,) = one_by_one(priced(6_000, 4_000, coupon=1_000, shop=shop), (CANCEL, "1", 1))
    assert (done.refund, done.coupon_recovered) == (5_000, 1_000)


def test_a_shortage_after_the_coupon_was_recovered_gives_back_the_full_price() -> None:
    """CPN-04: what was kept had fallen back to its normal price."""
    done = one_by_one(priced(6_000, 4_000, coupon=1_000), (RETURN, "1", 1), (SHORT, "2", 1))
    assert [one.refund for one in done] == [5_000, 4_000]


def test_a_coupon_over_two_rates_never_makes_the_customer_pay() -> None:
    """CPN-04: 800 yen at 8 % come back, the coupon falls on goods at 10 %; what is short is made good later."""
    lines = (a_line("1", 800, tax_rate=8), a_line("2", 9_200, tax_rate=10))
    sums = price(an_order("plain", *lines, coupons=THOUSAND_OFF), plain_shop())
    first, second = one_by_one(sums, (RETURN, "1", 1), (RETURN, "2", 1))
    assert (first.refund, first.carried) == (0, 15)
    assert (first.refund + second.refund, second.carried) == (sums.grand_total, 0)


@pytest.mark.parametrize(("pieces", "refunds"), [((1, 1, 1), [334, 333, 333]), ((3,), [1_000]), ((2, 1), [666, 334])])
def test_pieces_of_a_line_split_by_largest_remainder(pieces: tuple[int, ...], refunds: list[int]) -> None:
    """TAX-09: three pieces that cost 1,000 yen, in any portions."""
    sums = price(
        an_order("plain", a_line("1", 400, 3, tax_rate=0), coupons=(Coupon("C", "amount", 200),)), plain_shop()
    )
    done = one_by_one(sums, *((CANCEL, "1", count) for count in pieces))
    assert sum(one.refund for one in done) == 1_000
    assert sorted((one.refund for one in done), reverse=True) == refunds


def test_used_points_come_back_as_they_were_spread() -> None:
    """PTS-12: 1,000 of 10,000 yen were paid in points; so were 400 of the 4,000."""
    (done,) = one_by_one(priced(6_000, 4_000, points_use=1_000), (SHORT, "2", 1))
    assert (done.refund, done.money, done.points_returned) == (4_000, 3_600, 400)


def test_points_come_back_where_money_does_not_suffice() -> None:
    """PTS-12, CPN-04: the order was paid in points but for 100 yen."""
    sums = priced(6_000, 4_000, coupon=1_000, points_use=8_900)
    done = one_by_one(sums, (RETURN, "1", 1), (RETURN, "2", 1))
    assert sum(one.money for one in done) == 100
    assert sum(one.points_returned for one in done) == 8_900


def test_points_of_gone_lines_are_not_earned() -> None:
    """PTS-13, B.8: only that line's points."""
    (done,) = one_by_one(priced(6_000, 4_000, shop=plain_shop("[points]\nrate = 0.01")), (RETURN, "2", 1))
    assert done.points_unearned == 40


@pytest.mark.parametrize("kind", [CANCEL, SHORT, RETURN])
@pytest.mark.parametrize(
    ("scope", "kept"), [("rate_group", [4, 3, 1, 0]), ("order", [4, 3, 1, 0]), ("line", [3, 2, 1, 0])]
)
@pytest.mark.parametrize("sequence", list(permutations("123")))
def test_what_is_left_earns_as_if_it_had_been_ordered_alone(
    kind: str, scope: str, kept: list[int], sequence: tuple[str, ...]
) -> None:
    """INT-13, PTS-03, PTS-13: three lines of 150 yen at one percent, whichever goes first."""
    sums = priced(150, 150, 150, shop=plain_shop(f'[points]\nrate = 0.01\nrounding_scope = "{scope}"'))
    left = [sums.points_earned]
    for change in one_by_one(sums, *((kind, line, 1) for line in sequence)):
        left.append(left[-1] - change.points_unearned)
    assert left == kept


@pytest.mark.parametrize("display", ["ex_tax", "tax_included"])
def test_pieces_of_a_line_earn_as_lines_do(display: str) -> None:
    """INT-13, PTS-03: 165 yen with tax are 150."""
    shop = plain_shop(f'[price]\ndisplay = "{display}"\n[points]\nrate = 0.01')
    sums = price(an_order("plain", a_line("1", 150 if display == "ex_tax" else 165, 3)), shop)
    done = one_by_one(sums, (SHORT, "1", 1), (SHORT, "1", 1), (SHORT, "1", 1))
    assert (sums.points_earned, [one.points_unearned for one in done]) == (4, [1, 2, 1])


def test_points_of_changes_before_are_not_taken_twice() -> None:
    """What an earlier change took out by another reckoning stays as it was kept; all that is gone earns nothing."""
    sums = priced(150, 150, 150, shop=plain_shop("[points]\nrate = 0.01"))
    (first,) = one_by_one(sums, (SHORT, "1", 1))
    first = replace(first, points_unearned=2)
    second = adjust(sums, [first], SHORT, [("2", 1)])
    third = adjust(sums, [first, second], SHORT, [("3", 1)])
    assert [second.points_unearned, third.points_unearned] == [1, 1]


def test_shipping_and_fees_go_back_only_if_nothing_was_sent() -> None:
    sums = priced(6_000, 4_000, shop=plain_shop("[shipping]\nfee = 600"), rate=10)
    short = one_by_one(sums, (SHORT, "1", 1), (SHORT, "2", 1))
    assert [one.shipping for one in short] == [0, 600]
    assert money_due(sums, short) == 0
    back = one_by_one(sums, (SHORT, "1", 1), (RETURN, "2", 1))
    assert money_due(sums, back) == 660


@pytest.mark.parametrize(
    ("kind", "asks", "shipping", "refund"),
    [(RETURN, "false", 0, 4_400), (RETURN, "true", -600, 3_740), (SHORT, "true", 0, 4_400)],
)
def test_a_fee_that_was_waived_may_fall_due(kind: str, asks: str, shipping: int, refund: int) -> None:
    """TAX-04: 10,000 yen shipped free, 6,000 would not have; never for what the shop could not supply."""
    table = f"[shipping]\nfee = 600\nfree_from = 10_000\ncharge_after_change = {asks}"
    sums = priced(6_000, 4_000, shop=plain_shop(table), rate=10)
    (done,) = one_by_one(sums, (kind, "2", 1))
    assert (done.shipping, done.refund) == (shipping, refund)


@pytest.mark.parametrize(("points", "money", "kept"), [(0, 100, 0), (30, 70, 30), (100, 0, 100), (130, 0, 100)])
def test_spent_points_are_kept_back_as_far_as_there_is_money(points: int, money: int, kept: int) -> None:
    """PTS-13, ``deduct_from_refund``."""
    (back,) = one_by_one(priced(100), (RETURN, "1", 1))
    assert (deduct(back, points).money, deduct(back, points).points_deducted) == (money, kept)


def test_what_is_left_reads_like_an_order() -> None:
    sums = priced(6_000, 4_000, coupon=1_000, rate=10)
    left = totals_after(sums, one_by_one(sums, (CANCEL, "1", 1)))
    assert left == {
        **priced(4_000, coupon=400, rate=10).totals_json(),
        "goods": 4_000,
        "points_deducted": 0,
        "goodwill": 0,
        "tax": [{"rate": 10, "base": 3_600, "tax": 360}],
    }


@pytest.mark.parametrize(
    ("kind", "lines"),
    [("lost", [("1", 1)]), (SHORT, []), (SHORT, [("9", 1)]), (SHORT, [("1", 0)]), (SHORT, [("1", 1), ("1", 1)])],
    ids=["kind", "nothing", "line", "no piece", "more than there are"],
)
def test_what_cannot_be_is_refused(kind: str, lines: list[tuple[str, int]]) -> None:
    with pytest.raises(ValueError, match=r"line|kind"):
        adjust(priced(1_000), [], kind, lines)


def test_it_is_stored_and_read_back() -> None:
    (done,) = one_by_one(priced(6_000, 4_000, coupon=1_000, rate=10), (RETURN, "1", 1))
    assert Adjustment.from_json(done.to_json()) == done
