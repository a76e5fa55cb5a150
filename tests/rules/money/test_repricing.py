"""CPN-03: what an order comes to with other coupons, and what speaks against them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.money.repricing import Known, fee_problems, problems, record, reprice, with_fee
from pipelines.rules.order import Coupon, Customer, Order
from tests.examples import examples
from tests.rules.build import SHOPS, a_line, an_order, shop_with
from tests.rules.drawn import CASES, Case

SALON = SHOPS["salon"]
AUTUMN, WINTER = Coupon("AUTUMN", "amount", 500), Coupon("WINTER", "percent", 10)
OFFERS = shop_with(
    "salon",
    **{
        "[returns]": """[coupons.offers.AUTUMN]
kind = "amount"
value = 500
until_on = 2026-11-30
[coupons.offers.VIPS]
kind = "percent"
value = 20
ranks = ["VIP"]
[returns]"""
    },
)


def stored(order: Order, balance: int = 0) -> Breakdown:
    return price(order, SALON, balance=balance)


def test_the_coupons_apply_one_after_the_other_and_everything_follows() -> None:
    """20,000 - 500 = 19,500, less 10 %: 17,550; tax 1,755; points of what is left (CPN-02)."""
    order = an_order("salon", a_line(price=20_000))
    after = reprice(order, SALON, stored(order), [AUTUMN, WINTER])
    assert (after.coupon_discount, after.tax_total, after.grand_total, after.points_earned) == (
        2_450,
        1_755,
        19_305,
        175,
    )


def test_free_shipping_goes_with_what_the_coupons_leave() -> None:
    """TAX-04: 10,000 yen of goods ship free, 9,500 do not."""
    order = an_order("salon", a_line(price=10_000))
    after = reprice(order, SALON, stored(order), [AUTUMN])
    assert (after.shipping, after.grand_total) == (600, 11_110)


def test_rates_of_points_stay_as_they_were_frozen() -> None:
    """PTS-04: the shop gives five times the points by now."""
    order = an_order("salon", a_line(price=20_000), a_line("2", price=1_000, flags=frozenset({"sale"})))
    generous = shop_with("salon", **{'"REGULAR", rate = 0.01': '"REGULAR", rate = 0.05', "sale = 0,": "sale = 0.05,"})
    after = reprice(order, generous, stored(order), [AUTUMN])
    assert [line.points_rate for line in after.lines] == [Decimal("0.01"), Decimal(0)]


def test_used_points_stay_as_they_are_whatever_the_cap_is_now() -> None:
    """PTS-07."""
    order = an_order("salon", a_line(price=20_000), points_use="all")
    capped = shop_with("salon", **{"[points]": "[points]\nuse_cap = 100"})
    after = reprice(order, capped, stored(order, balance=3_000), [AUTUMN])
    assert (after.points_used, after.grand_total) == (3_000, 21_450 - 3_000)


def test_a_coupon_of_points_stays_loaded() -> None:
    """PTS-15: the coupon field held 300 points, which the order used."""
    shop = shop_with("salon", **{"max_per_order = 1": 'max_per_order = 1\nkinds = ["amount", "percent", "points"]'})
    order = an_order("salon", a_line(price=20_000), coupons=(Coupon("WELCOME", "points", 300),), points_use="all")
    before = price(order, shop)
    after = reprice(order, shop, before, [AUTUMN])
    assert (after.coupon_points, after.points_used, after.grand_total) == (300, 300, 21_450 - 300)
    again = problems(order, shop, before, [Coupon("welcome", "amount", 5)], Known())
    assert [(one.field, one.message) for one in again] == [("coupons[0].code", "Must not be used twice in one order.")]


@pytest.mark.parametrize(
    ("rule", "used", "coupons", "field", "says"),
    [
        ("CPN-05", 0, [Coupon("P", "points", 300)], "coupons[0].kind", "Must not be points"),
        ("CPN-03", 0, [AUTUMN, Coupon("ａｕｔｕｍｎ", "amount", 500)], "coupons[1].code", "twice"),
        ("CPN-01", 0, [Coupon("AUTUMN", "amount", 900)], "coupons[0].value", "Must be 500 for AUTUMN"),
        ("CPN-01", 0, [WINTER, Coupon("VIPS", "percent", 20)], "coupons[1].code", "members of rank VIP"),
        ("INT-17", 0, [Coupon("4111111111111111", "amount", 1)], "coupons[0].code", "card number"),
        ("PTS-06", 1_000, [Coupon("MOST", "amount", 19_900)], "coupons", "less to pay than the 1,000 points used"),
        ("PAY-13", 960, [Coupon("MOST", "amount", 19_720)], "coupons", "Leaves 8 yen, which card cannot carry"),
    ],
)
def test_what_the_shop_refuses(rule: str, used: int, coupons: list[Coupon], field: str, says: str) -> None:
    order = an_order("salon", a_line(price=20_000), points_use=used)
    (found,) = problems(order, OFFERS, stored(order, balance=used), coupons, Known())
    assert (found.field, says in found.message) == (field, True), rule


def test_an_operator_may_apply_more_than_the_coupon_field_holds() -> None:
    order = an_order("salon", a_line(price=20_000))
    assert SALON.coupons.max_per_order == 1
    assert problems(order, SALON, stored(order), [AUTUMN, WINTER], Known()) == ()


def test_a_shop_without_discounts_stays_without() -> None:
    """CPN-06."""
    order = an_order("reuse", a_line(price=20_000))
    (found,) = problems(order, SHOPS["reuse"], price(order, SHOPS["reuse"]), [AUTUMN], Known())
    assert (found.field, "no discounts" in found.message) == ("coupons", True)


@pytest.mark.parametrize("customer", ["M-1", ""])
def test_a_code_is_good_once_for_a_customer(customer: str) -> None:
    """An offer is not for those who used it, nor for a guest, of whom nobody knows."""
    order = an_order("salon", a_line(price=20_000), customer=Customer(customer, "客", "a@example.jp"))
    known = Known(used_coupons=frozenset({"autumn"}))
    (found,) = problems(order, OFFERS, stored(order), [AUTUMN], known)
    assert found.field == "coupons[0].code"
    assert problems(order, OFFERS, stored(order), [WINTER], known) == ()


def test_the_rank_of_the_day_of_purchase_counts() -> None:
    order = an_order("salon", a_line(price=20_000))
    coupon = Coupon("VIPS", "percent", 20)
    assert problems(order, OFFERS, stored(order), [coupon], Known(rank="VIP")) == ()


def test_coupons_that_are_not_named_again_come_back() -> None:
    order = an_order("salon", a_line(price=20_000), coupons=(Coupon("Autumn", "amount", 500),))
    before = stored(order)
    after = reprice(order, OFFERS, before, [WINTER])
    kept = record(OFFERS, before, after, [WINTER], name="n", reason="", by="op")
    assert ([(use.key, use.once) for use in kept.uses], kept.dropped) == ([("winter", False)], ("autumn",))
    both = record(OFFERS, before, after, [WINTER, AUTUMN], name="n", reason="", by="op")
    assert ([(use.key, use.once) for use in both.uses], both.dropped) == ([("winter", False), ("autumn", True)], ())


@settings(max_examples=examples(300), deadline=None)
@given(case=CASES)
def test_priced_again_with_the_coupons_it_has_an_order_comes_to_the_same(case: Case) -> None:
    """Whatever the rates and the cap are by then: nothing but the coupons may change a sum."""
    own = [coupon for coupon in case.order.coupons if coupon.kind != "points"]
    generous = {
        "use_cap": 1,
        "rate": Decimal("0.5"),
        "flag_rates": dict.fromkeys(case.shop.points.flag_rates, Decimal(1)),
    }
    points = case.shop.points.model_copy(update=generous)
    after = reprice(case.order, case.shop.model_copy(update={"points": points}), case.sums, own)
    assert replace(after, coupons=case.sums.coupons) == case.sums
    assert {one.code for one in after.coupons} == {one.code for one in case.sums.coupons}


QUOTES = shop_with("salon", **{"[returns]": '[intake]\nindividuals = "surcharge"\n[returns]'})


def to_an_individual(**changes: Any) -> Order:
    """20,000 yen, shipped free, to somebody for whom no fee is published: 22,000 with tax."""
    order = an_order("salon", a_line(price=20_000), **changes)
    return replace(order, ship_to=replace(order.ship_to, kind="individual"))


@pytest.mark.parametrize(
    ("fee", "total"),
    [(1, 22_001), (1_500, 23_650), (2_000, 24_200)],
    ids=["the tax is rounded once", "", "a round sum"],
)
def test_an_agreed_fee_is_shipping_and_taxed(fee: int, total: int) -> None:
    """INT-04, TAX-08: it earns nothing, and nothing discounts it."""
    order = to_an_individual()
    before = price(order, QUOTES)
    after = with_fee(order, QUOTES, before, fee)
    assert (after.shipping, after.grand_total, after.points_earned) == (fee, total, before.points_earned)
    assert after.rules.agreed_fee == fee
    assert Breakdown.from_json(after.to_json()) == after


def test_a_fee_stays_when_coupons_come_and_coupons_stay_when_a_fee_does() -> None:
    """CPN-03: in either sequence, to the yen."""
    order = to_an_individual()
    before = price(order, QUOTES)
    fee_first = reprice(order, QUOTES, with_fee(order, QUOTES, before, 1_500), [WINTER, AUTUMN])
    coupons_first = with_fee(order, QUOTES, reprice(order, QUOTES, before, [WINTER, AUTUMN]), 1_500)
    assert fee_first == coupons_first
    assert (fee_first.coupon_discount, fee_first.shipping, fee_first.grand_total) == (2_500, 1_500, 20_900)


def test_another_fee_takes_the_place_of_the_first() -> None:
    order = to_an_individual()
    first = with_fee(order, QUOTES, price(order, QUOTES), 1_500)
    assert with_fee(order, QUOTES, first, 2_000).grand_total == 24_200


def test_points_that_are_used_stay_used() -> None:
    """PTS-06."""
    order = to_an_individual(points_use=3_000)
    after = with_fee(order, QUOTES, price(order, QUOTES, balance=3_000), 1_500)
    assert (after.points_used, after.grand_total) == (3_000, 20_650)


@pytest.mark.parametrize(("fee", "fields"), [(1_000, []), (300_000, ["fee"])])
def test_a_fee_that_the_method_cannot_carry_is_refused(fee: int, fields: list[str]) -> None:
    """PAY-13."""
    order = to_an_individual(method="cod")
    after = with_fee(order, QUOTES, price(order, QUOTES), fee)
    assert [one.field for one in fee_problems(order, QUOTES, after)] == fields
