"""CPN-02 to CPN-07, PTS-01 to PTS-07, TAX-01 to TAX-09, B.6.6 and the vectors of B.8, in whole orders."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.breakdown import Breakdown, TaxAmount
from pipelines.rules.order import Coupon, Customer, ShipTo
from pipelines.rules.pricing import price
from tests.rules.build import SHOPS, a_line, an_order, plain_shop, shop_with

AMOUNT_500 = (Coupon("AUTUMN", "amount", 500),)
# 5,264 yen less the member's 5 % is 5,000 yen: the goods of B.8
MEMBER_5000 = a_line(price=5_264)


def b8(use: int | str, balance: int, *, cap: bool = True) -> Breakdown:
    shop = SHOPS["apparel"] if cap else shop_with("apparel", **{"use_cap = 5_000": ""})
    order = an_order("apparel", MEMBER_5000, coupons=AMOUNT_500, points_use=use)
    return price(order, shop, balance=balance)


def test_the_order_of_the_contract() -> None:
    order = an_order("salon", a_line(price=3_300, quantity=4), coupons=AMOUNT_500)
    sums = price(order, SHOPS["salon"])
    assert sums.tax == (TaxAmount(10, 12_700, 1_270),)
    assert (sums.goods, sums.coupon_discount, sums.shipping, sums.grand_total) == (13_200, 500, 0, 13_970)
    assert (sums.points_earned, sums.lines[0].points_rate, sums.lines[0].points_base) == (127, Decimal("0.01"), 12_700)


@pytest.mark.parametrize(
    ("use", "balance", "used", "to_pay"),
    [("all", 6_000, 5_000, 500), (400, 6_000, 400, 5_100), (0, 6_000, 0, 5_500)],
)
def test_apparel_points_against_the_grand_total(use: int | str, balance: int, used: int, to_pay: int) -> None:
    """B.8: goods 5,000, coupon 500, tax 10 % floor, shipping 550 with tax."""
    sums = b8(use, balance)
    assert (sums.goods - sums.member_discount, sums.coupon_discount) == (5_000, 500)
    assert (sums.before_points, sums.points_used, sums.grand_total) == (5_500, used, to_pay)
    assert sums.points_earned == 45


def test_without_a_cap_twenty_yen_remain() -> None:
    """B.8; refusing it is PAY-13's business."""
    assert b8(5_480, 6_000, cap=False).grand_total == 20


@pytest.mark.parametrize(
    ("rounding", "member_price"),
    [("floor", 1_890), ("half_up", 1_891)],
)
def test_the_member_price_is_rounded_per_unit(rounding: str, member_price: int) -> None:
    """CPN-07: 1,990 yen less 5 %."""
    swap = {"member_discount_percent = 5": f'member_discount_percent = 5\nmember_discount_rounding = "{rounding}"'}
    sums = price(an_order("apparel", a_line(price=1_990, quantity=3)), shop_with("apparel", **swap))
    assert sums.goods - sums.member_discount == 3 * member_price


def test_a_guest_has_no_member_price() -> None:
    sums = price(an_order("apparel", customer=Customer("", "客", "a@example.jp")), SHOPS["apparel"])
    assert sums.member_discount == 0


def test_percent_coupons_apply_after_the_member_price_and_never_go_below_zero() -> None:
    coupons = (Coupon("TEN", "percent", 10), Coupon("BIG", "amount", 999_999))
    sums = price(an_order("apparel", a_line(price=1_990)), SHOPS["apparel"])
    cut = price(an_order("apparel", a_line(price=1_990), coupons=coupons[:1]), SHOPS["apparel"])
    gone = price(an_order("apparel", a_line(price=1_990), coupons=coupons), SHOPS["apparel"])
    assert cut.coupon_discount == (sums.goods - sums.member_discount) * 10 // 100
    assert gone.coupon_discount == gone.goods - gone.member_discount


def test_a_clinic_coupon_credits_points_that_can_be_used_at_once() -> None:
    """CPN-05, PTS-15."""
    order = an_order("clinic", a_line(price=5_000), coupons=(Coupon("THANKS", "points", 3_000),), points_use="all")
    sums = price(order, SHOPS["clinic"])
    assert (sums.coupon_discount, sums.coupon_points, sums.points_used, sums.grand_total) == (0, 3_000, 3_000, 2_500)


@pytest.mark.parametrize(
    ("goods", "coupon", "shipping"),
    [(9_999, 0, 600), (10_000, 0, 0), (10_499, 500, 600), (10_500, 500, 0)],
)
def test_shipping_is_free_from_the_threshold_ex_tax_after_coupons(goods: int, coupon: int, shipping: int) -> None:
    """TAX-04."""
    order = an_order("salon", a_line(price=goods), coupons=(Coupon("C", "amount", coupon),) if coupon else ())
    assert price(order, SHOPS["salon"]).shipping == shipping


def test_points_do_not_lower_the_amount_that_ships_free() -> None:
    """TAX-04: before points."""
    order = an_order("salon", a_line(price=10_000), points_use="all")
    assert price(order, SHOPS["salon"], balance=5_000).shipping == 0


def test_tax_included_prices_contain_their_tax() -> None:
    """TAX-03, TAX-06, PTS-03: 1,980 yen with tax earn on 1,800."""
    sums = price(an_order("reuse", a_line(price=12_345)), SHOPS["reuse"])
    assert (sums.tax, sums.shipping, sums.grand_total) == ((TaxAmount(10, 12_345, 1_122),), 0, 12_345)
    shop = shop_with("reuse", **{"[shipping]": "[points]\nrate = 0.01\n[shipping]"})
    earning = price(an_order("reuse", a_line(price=1_980)), shop)
    assert (earning.lines[0].points_base, earning.points_earned) == (1_800, 18)


def test_shipping_and_fees_are_taxed_at_the_standard_rate() -> None:
    """TAX-08: reduced-rate goods, 600 yen shipping, 300 yen COD fee."""
    sums = price(an_order("salon", a_line(price=1_000, tax_rate=8), method="cod"), SHOPS["salon"])
    assert sums.tax == (TaxAmount(10, 900, 90), TaxAmount(8, 1_000, 80))
    assert sums.grand_total == 2_070


@pytest.mark.parametrize(
    ("shop", "goods", "fee"),
    [
        ("reuse", 10_000, 330),
        ("reuse", 10_001, 440),
        ("reuse", 30_001, 660),
        ("reuse", 300_000, 1_100),
        ("reuse", 300_001, 1_100),  # refused by PAY-09
        ("salon", 10_000, 400),  # 11,000 with tax
        ("salon", 90_909, 600),  # 99,999 with tax
        ("salon", 90_910, 1_000),
    ],
)
def test_the_cod_fee_follows_the_amount_collected_before_it(shop: str, goods: int, fee: int) -> None:
    """B.6.6."""
    assert price(an_order(shop, a_line(price=goods), method="cod"), SHOPS[shop]).fees == fee


def test_three_small_lines_earn_by_rate_group() -> None:
    """PTS-03: 3 x 150 yen at 1 % are 4 points, and the lines add up to them."""
    sums = price(an_order("salon", *(a_line(str(n), 150) for n in range(3))), SHOPS["salon"])
    assert sums.points_earned == 4
    assert [line.points for line in sums.lines] == [2, 1, 1]


@pytest.mark.parametrize(("minus_points", "points"), [("false", 100), ("true", 50)])
def test_points_used_may_lessen_what_earns(minus_points: str, points: int) -> None:
    """PTS-02."""
    shop = plain_shop(f"[points]\nrate = 0.01\nearn_base_minus_points = {minus_points}")
    order = an_order("plain", a_line(price=10_000, tax_rate=0), points_use=5_000)
    assert price(order, shop, balance=5_000).points_earned == points


def test_the_rank_given_wins_over_the_orders_own() -> None:
    order = an_order("salon", a_line(price=10_000), customer=Customer("M-1", "客", "a@example.jp", rank="SILVER"))
    assert price(order, SHOPS["salon"]).points_earned == 200
    assert price(order, SHOPS["salon"], rank="VIP").points_earned == 500


@pytest.mark.parametrize(("region", "shipping"), [("沖縄県", 2_000), ("Okinawa", 2_000), ("愛知県", 500)])
def test_an_individuals_surcharge_by_prefecture(region: str, shipping: int) -> None:
    """INT-04, TAX-07."""
    shop = shop_with(
        "clinic", **{"[calendar]": '[shipping.individual_surcharge]\n"沖縄県" = 2000\n"*" = 500\n[calendar]'}
    )
    to = ShipTo("individual", "個人", "900-0001", region, "市", "1")
    assert price(an_order("clinic", ship_to=to), shop).shipping == shipping


PERCENT_RATES = st.sampled_from([0, 8, 10])
LINES = st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 9), PERCENT_RATES), min_size=1, max_size=8)
COUPONS = st.lists(
    st.one_of(
        st.builds(Coupon, st.just("A"), st.just("amount"), st.integers(0, 20_000)),
        st.builds(Coupon, st.just("P"), st.just("percent"), st.integers(0, 100)),
        st.builds(Coupon, st.just("G"), st.just("points"), st.integers(0, 3_000)),
    ),
    max_size=3,
)


@given(
    shop=st.sampled_from(sorted(SHOPS)),
    lines=LINES,
    coupons=COUPONS,
    use=st.one_of(st.just("all"), st.integers(0, 10_000)),
    balance=st.integers(-500, 20_000),
    method=st.sampled_from(["card", "cod"]),
)
def test_every_sum_adds_up(
    shop: str, lines: list[Any], coupons: list[Coupon], use: Any, balance: int, method: str
) -> None:
    order = an_order(
        shop,
        *(a_line(str(n), unit, quantity, tax_rate=rate) for n, (unit, quantity, rate) in enumerate(lines)),
        coupons=tuple(coupons),
        points_use=use,
        method=method,
    )
    sums = price(order, SHOPS[shop], balance=balance)
    shares = sums.lines
    assert sums.goods == sum(share.amount for share in shares)
    assert sums.member_discount == sum(share.member_discount for share in shares)
    assert sums.coupon_discount == sum(share.coupon for share in shares)
    assert all(share.net == share.amount - share.member_discount - share.coupon >= 0 for share in shares)
    assert sums.tax_total == sum(one.tax for one in sums.tax)
    net = sums.goods - sums.member_discount - sums.coupon_discount + sums.shipping + sums.fees
    on_top = sums.tax_total if SHOPS[shop].price.display == "ex_tax" else 0
    assert sum(one.base for one in sums.tax) == net
    assert sums.before_points == net + on_top
    assert sums.grand_total == sums.before_points - sums.points_used >= 0
    assert sum(share.gross for share in shares) <= sums.before_points
    assert all(0 <= share.points_used <= share.gross for share in shares)
    assert sums.points_earned == sum(share.points for share in shares)
    assert Breakdown.from_json(sums.to_json()) == sums
