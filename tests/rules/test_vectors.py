"""The numbers of A.8, A.10, A.11, B.1 and B.8 that are about a whole order: what is charged and what a preview shows.

Each row goes through ``price``, which intake stores and charges, and through ``preview``, which the customer is shown.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.orders.document import parse_preview
from pipelines.orders.plan import preview
from pipelines.rules.money.pricing import price
from pipelines.shops import Shop
from tests.contract import EXAMPLE
from tests.rules.build import SHOPS, plain_shop, shop_with

#: apparel without its member price, so that goods of 5,000 yen are goods of 5,000 yen
APPAREL = shop_with("apparel", **{"member_discount_percent = 5": "member_discount_percent = 0"})
UNCAPPED = shop_with("apparel", **{"member_discount_percent = 5": "member_discount_percent = 0", "use_cap = 5_000": ""})
OFF_500 = [{"code": "AUTUMN", "kind": "amount", "value": 500}]
OFF_1000 = [{"code": "AUTUMN", "kind": "amount", "value": 1_000}]
INCLUDED = '[price]\ndisplay = "tax_included"\n'


def ordered(shop: Shop, goods: tuple[Any, ...], **changes: Any) -> dict[str, Any]:
    """The contract's example at ``shop`` with lines of (price[, tax rate]); a customer with 6,000 points who uses none."""
    document = copy.deepcopy(EXAMPLE)
    (line,) = document["lines"]
    pairs = [one if isinstance(one, tuple) else (one, 10) for one in goods]
    document["lines"] = [
        {**line, "line": str(n), "quantity": 1, "unit_price": unit_price, "tax_rate": rate, "flags": []}
        for n, (unit_price, rate) in enumerate(pairs, start=1)
    ]
    plain = {"coupons": [], "totals": {}, "assume": {"points_balance": 6_000}, "placed_at": "2026-11-20T10:00:00+09:00"}
    return {**document, **plain, "shop": shop.key, **changes}


def told(totals: dict[str, Any], spread: dict[str, Any], earned: int) -> dict[str, Any]:
    """What the rows name, by their names."""
    by_line = {f"{name}_by_line": [line[name] for line in spread["lines"]] for name in ("coupon", "points_used")}
    return {**totals, **by_line, "earned": earned, "tax": {one["rate"]: one["tax"] for one in totals["tax"]}}


def outcomes(shop: Shop, raw: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """(as charged, as shown, fields the shop refuses)."""
    order, assumed = parse_preview(raw)
    sums = price(order, shop, balance=assumed.points_balance, rank=assumed.rank)
    shown = preview(raw, {shop.key: shop})
    return (
        told(sums.totals_json(), sums.spread_json(), sums.points_earned),
        told(shown["totals"], shown["breakdown"], shown["points"]["earned"]),
        [problem["field"] for problem in shown["problems"]],
    )


def comes_to(shop: Shop, raw: dict[str, Any], expected: dict[str, Any], *, refused: tuple[str, ...] = ()) -> None:
    charged, shown, problems = outcomes(shop, raw)
    assert {name: charged[name] for name in expected} == expected
    assert {name: shown[name] for name in expected} == expected
    assert problems == list(refused)


#: Goods 5,000 yen ex tax, coupon 500, tax 10 % floor, shipping 550 with tax: 5,500 yen; the customer has 6,000 points.
B8 = {"coupon_discount": 500, "shipping": 500, "tax": {10: 500}, "before_points": 5_500, "earned": 45}


@pytest.mark.parametrize(
    ("shop", "goods", "use", "used", "pays"),
    [
        (APPAREL, 5_000, "all", 5_000, 500),
        (APPAREL, 5_000, 400, 400, 5_100),
        (APPAREL, 5_000, 6_000, 5_000, 500),
        (APPAREL, 5_000, 0, 0, 5_500),
        (SHOPS["apparel"], 5_264, "all", 5_000, 500),
        (UNCAPPED, 5_000, "all", 5_500, 0),
    ],
    ids=["all", "400", "more than the cap", "none", "5,264 less the member's 5 %", "without a cap"],
)
def test_b8_points_against_the_grand_total(shop: Shop, goods: int, use: int | str, used: int, pays: int) -> None:
    """B.8, PTS-02, PTS-06, PTS-07, CPN-02: min(6,000; cap 5,000; 5,500); earns 45 on 4,500 yen."""
    raw = ordered(shop, (goods,), coupons=OFF_500, points={"use": use})
    comes_to(shop, raw, {**B8, "points_used": used, "grand_total": pays})


@pytest.mark.parametrize(("use", "pays", "refused"), [(5_480, 20, ("points.use",)), (5_450, 50, ())])
def test_b8_less_than_a_gateway_takes_is_refused(use: int, pays: int, refused: tuple[str, ...]) -> None:
    """B.8, PAY-13: 5,480 points without a cap would leave 20 yen."""
    raw = ordered(UNCAPPED, (5_000,), coupons=OFF_500, points={"use": use})
    comes_to(UNCAPPED, raw, {**B8, "points_used": use, "grand_total": pays}, refused=refused)


ROUNDINGS = ("floor", "half_up", "ceil")


@pytest.mark.parametrize(
    ("goods", "by_rounding"),
    [
        ((105, 105, 105), ({10: 31}, {10: 32}, {10: 32})),
        ((333, 333, 333), ({10: 99}, {10: 100}, {10: 100})),
        ((1_234, (987, 8), (55, 8)), ({10: 123, 8: 83}, {10: 123, 8: 83}, {10: 124, 8: 84})),
        ((995, 9, 1), ({10: 100}, {10: 101}, {10: 101})),
    ],
)
def test_b12_tax_is_rounded_once_a_rate_and_order(
    goods: tuple[Any, ...], by_rounding: tuple[dict[int, int], ...]
) -> None:
    """B.1.2."""
    for rounding, tax in zip(ROUNDINGS, by_rounding, strict=True):
        shop = plain_shop(f'[price]\nrounding = "{rounding}"')
        comes_to(shop, ordered(shop, goods), {"tax": tax, "tax_total": sum(tax.values())})


@pytest.mark.parametrize(
    ("goods", "by_rounding"),
    [
        (1_000, (90, 91, 91)),
        (12_345, (1_122, 1_122, 1_123)),
        (300_000, (27_272, 27_273, 27_273)),
        ((999, 8), (74, 74, 74)),
    ],
)
def test_tax_contained_in_the_price(goods: Any, by_rounding: tuple[int, ...]) -> None:
    """TAX-03, B.1.2: the customer pays the price; only the share that is tax is rounded."""
    for rounding, tax in zip(ROUNDINGS, by_rounding, strict=True):
        shop = plain_shop(f'{INCLUDED}rounding = "{rounding}"')
        gross = goods[0] if isinstance(goods, tuple) else goods
        comes_to(shop, ordered(shop, (goods,)), {"tax_total": tax, "grand_total": gross})


@pytest.mark.parametrize(
    ("rule", "shop", "goods", "changes", "expected"),
    [
        ("TAX-01", SHOPS["clinic"], (1_005,), {}, {"tax": {10: 101}, "grand_total": 1_106}),
        ("TAX-02", SHOPS["clinic"], (1_004,), {}, {"tax": {10: 100}, "grand_total": 1_104}),
        ("TAX-04", SHOPS["salon"], (9_999,), {}, {"shipping": 600}),
        ("TAX-04", SHOPS["salon"], (10_000,), {}, {"shipping": 0}),
        ("TAX-04 after coupons", SHOPS["salon"], (10_499,), {"coupons": OFF_500}, {"shipping": 600}),
        ("TAX-04 after coupons", SHOPS["salon"], (10_500,), {"coupons": OFF_500}, {"shipping": 0}),
        ("TAX-04 before points", SHOPS["salon"], (10_000,), {"points": {"use": 5_000}}, {"shipping": 0}),
        (
            "TAX-04: 10,999 yen with tax are 9,999 ex tax",
            shop_with("salon", **{"[shipping]": '[price]\nrounding = "ceil"\n[shipping]', "fee = 600": "fee = 1"}),
            (9_999,),
            {},
            {"shipping": 1, "tax": {10: 1_000}, "grand_total": 11_000},
        ),
        ("TAX-06", SHOPS["reuse"], (1,), {"payment": {"method": "bank_transfer"}}, {"shipping": 0, "grand_total": 1}),
        (
            "TAX-08",
            SHOPS["salon"],
            ((1_000, 8),),
            {"payment": {"method": "cod"}},
            {"shipping": 600, "fees": 300, "tax": {10: 90, 8: 80}, "grand_total": 2_070, "earned": 10},
        ),
        ("TAX-09", SHOPS["salon"], (3_300,) * 3, {"coupons": OFF_1000}, {"coupon_by_line": [334, 333, 333]}),
        ("TAX-09", SHOPS["salon"], (1_980, 2_970, 5_050), {"coupons": OFF_500}, {"coupon_by_line": [99, 149, 252]}),
        (
            "TAX-09, B.1.3",
            plain_shop(INCLUDED),
            ((540, 8), (550, 10)),
            {"points": {"use": 21}},
            {"points_used_by_line": [10, 11], "grand_total": 1_069},
        ),
        ("CPN-02", SHOPS["salon"], (13_200,), {"coupons": OFF_500}, {"coupon_discount": 500, "earned": 127}),
        ("CPN-07", SHOPS["apparel"], (1_990,), {}, {"member_discount": 100, "tax": {10: 239}, "earned": 18}),
        (
            "CPN-07 half-up",
            shop_with("apparel", **{"percent = 5": 'percent = 5\nmember_discount_rounding = "half_up"'}),
            (1_990,),
            {},
            {"member_discount": 99},
        ),
        ("PTS-03", plain_shop('[points]\nrate = 0.01\nrounding_scope = "line"'), (150,) * 3, {}, {"earned": 3}),
        ("PTS-03", SHOPS["salon"], (150,) * 3, {}, {"earned": 4}),
        ("PTS-03", plain_shop(f"{INCLUDED}[points]\nrate = 0.01"), (1_980,), {}, {"earned": 18}),
        ("PTS-03", SHOPS["salon"], (99,), {}, {"earned": 0}),
        ("PTS-03", SHOPS["salon"], (199,), {}, {"earned": 1}),
        ("PTS-03", SHOPS["salon"], (12_345,), {}, {"earned": 123}),
    ],
)
def test_whole_orders(rule: str, shop: Shop, goods: tuple[Any, ...], changes: dict[str, Any], expected: Any) -> None:
    comes_to(shop, ordered(shop, goods, **changes), expected)


@pytest.mark.parametrize("kind", ["amount", "percent", "points"])
def test_any_coupon_at_a_shop_without_discounts_is_refused(kind: str) -> None:
    """CPN-06."""
    shop = SHOPS["reuse"]
    raw = ordered(shop, (10_000,), coupons=[{"code": "AUTUMN", "kind": kind, "value": 5}])
    assert outcomes(shop, raw)[2] == ["coupons"]
