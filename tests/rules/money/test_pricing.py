"""CPN-05 to CPN-07, PTS-02 to PTS-15, TAX-03, TAX-07 and B.6.6 in whole orders; more numbers are in ``test_vectors``."""

from decimal import Decimal
from typing import Literal

import pytest

from pipelines.rules.money.breakdown import TaxAmount
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon, Customer, ShipTo
from tests.rules.build import SHOPS, a_line, an_order, plain_shop, shop_with

AMOUNT_500 = (Coupon("AUTUMN", "amount", 500),)


def test_the_order_of_the_contract() -> None:
    order = an_order("salon", a_line(price=3_300, quantity=4), coupons=AMOUNT_500)
    sums = price(order, SHOPS["salon"])
    assert sums.tax == (TaxAmount(10, 12_700, 1_270),)
    assert (sums.goods, sums.coupon_discount, sums.shipping, sums.grand_total) == (13_200, 500, 0, 13_970)
    assert (sums.points_earned, sums.lines[0].points_rate, sums.lines[0].points_base) == (127, Decimal("0.01"), 12_700)


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


def test_tax_included_prices_contain_their_tax() -> None:
    """TAX-03, TAX-06, PTS-03: 1,980 yen with tax earn on 1,800."""
    sums = price(an_order("reuse", a_line(price=12_345)), SHOPS["reuse"])
    assert (sums.tax, sums.shipping, sums.grand_total) == ((TaxAmount(10, 12_345, 1_122),), 0, 12_345)
    shop = shop_with("reuse", **{"[shipping]": "[points]\nrate = 0.01\n[shipping]"})
    earning = price(an_order("reuse", a_line(price=1_980)), shop)
    assert (earning.lines[0].points_base, earning.points_earned) == (1_800, 18)


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


@pytest.mark.parametrize(
    ("use", "balance", "fee", "total"),
    [
        ("all", 1_800, 0, 0),  # goods 1,000 and shipping 600 with tax are 1,760
        ("all", 1_760, 0, 0),
        (1_760, 9_999, 0, 0),
        ("all", 1_759, 300, 331),
        (0, 9_999, 300, 2_090),
    ],
)
def test_nothing_is_charged_for_collecting_nothing(
    use: int | Literal["all"], balance: int, fee: int, total: int
) -> None:
    """PAY-13, B.6.6: where points cover goods and shipping, no parcel collects anything."""
    sums = price(an_order("salon", method="cod", points_use=use), SHOPS["salon"], balance=balance)
    assert (sums.fees, sums.grand_total) == (fee, total)


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
