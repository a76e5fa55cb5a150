"""A.10: what a code names, what an offer discounts, and what speaks against it; CAN-04 when a coupon comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.money.coupons import Use, comes_back, is_once
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon, Customer, Line, Order
from pipelines.rules.refusals import refusals
from pipelines.shops import ProfileErrors, Shop, parse_shop
from pipelines.values.coupon_key import coupon_key
from tests.rules.build import SHOPS, a_line, an_order, plain_shop

LEVELS = """
[ranks]
levels = [{ name = "REGULAR", rate = 0.01 }, { name = "SILVER", rate = 0.02, from_spend = 1 }, { name = "GOLD", rate = 0.03, from_spend = 2 }]
"""
GUEST = Customer("", "客", "guest@example.jp")
SALE = frozenset({"sale"})
AUTUMN = Coupon("AUTUMN", "amount", 500)


def offering(
    terms: str = "", *, code: str = "AUTUMN", offer: str = 'kind = "amount"\nvalue = 500', top: str = ""
) -> Shop:
    """A shop with one offer; ``terms`` are added to it, ``top`` to the section of all coupons."""
    kinds = 'kinds = ["amount", "percent", "points"]\nmax_per_order = 3'
    return plain_shop(f"{LEVELS}[coupons]\n{kinds}\n{top}\n[coupons.offers.{code}]\n{offer}\n{terms}")


def problems(order: Order, shop: Shop, **known: Any) -> dict[str, str]:
    """What speaks against the order's coupons, by field."""
    found = refusals(order, shop, price(order, shop, rank=known.get("rank")), now=order.placed_at, **known)
    return {one.field: one.message for one in found if one.field.startswith("coupons")}


def with_coupon(*lines: Line, coupon: Coupon = AUTUMN, **changes: Any) -> Order:
    return an_order("plain", *lines, coupons=(coupon,), **changes)


@pytest.mark.parametrize(
    "spelling", ["AUTUMN", "autumn", "Autumn", " AUTUMN ", "ＡＵＴＵＭＮ", "　autumn　", "ａutumn"]
)
def test_all_spellings_are_one_code(spelling: str) -> None:
    assert coupon_key(spelling) == "autumn"


@given(st.text(max_size=20))
def test_a_key_is_its_own_key(code: str) -> None:
    assert coupon_key(coupon_key(code)) == coupon_key(code)


@pytest.mark.parametrize("code", ["AUTUMN-1", "AUTUM", "AU TUMN", "秋"])
def test_other_codes_stay_others(code: str) -> None:
    assert coupon_key(code) != "autumn"


def test_two_spellings_in_one_order_are_the_same_coupon() -> None:
    """CPN-01."""
    order = an_order("apparel", coupons=(AUTUMN, replace(AUTUMN, code="ａｕｔｕｍｎ ")))
    assert problems(order, SHOPS["apparel"]) == {"coupons[1].code": "Must not be used twice in one order."}


PERIOD = "from_on = 2026-11-01\nuntil_on = 2026-11-30"


@pytest.mark.parametrize(
    ("terms", "placed_at", "says"),
    [
        (PERIOD, "2026-10-31 23:59:59", "AUTUMN is valid from 2026-11-01 through 2026-11-30; remove it."),
        (PERIOD, "2026-11-01 00:00:00", None),
        (PERIOD, "2026-11-30 23:59:59", None),
        (PERIOD, "2026-12-01 00:00:00", "AUTUMN is valid from 2026-11-01 through 2026-11-30; remove it."),
        ("from_on = 2026-11-21", "2026-11-20 10:00:00", "AUTUMN is valid from 2026-11-21; remove it."),
        ("until_on = 2026-11-19", "2026-11-20 10:00:00", "AUTUMN is valid through 2026-11-19; remove it."),
    ],
)
def test_the_period_counts_whole_days_of_the_order_in_japan(terms: str, placed_at: str, says: str | None) -> None:
    """CPN-01."""
    found = problems(with_coupon(placed_at=placed_at), offering(terms))
    assert found == ({"coupons[0].code": says} if says else {})


@pytest.mark.parametrize(
    ("rule", "terms", "changes", "known", "field", "says"),
    [
        ("kind", "", {"coupon": Coupon("AUTUMN", "percent", 10)}, {}, "kind", "Must be amount for AUTUMN."),
        ("value", "", {"coupon": Coupon("autumn", "amount", 501)}, {}, "value", "Must be 500 for AUTUMN."),
        ("minimum", "minimum_goods = 1_001", {}, {}, "code", "at least 1,001 yen"),
        ("minimum", "minimum_goods = 1_000", {}, {}, None, ""),
        ("ranks", 'ranks = ["SILVER", "GOLD"]', {}, {}, "code", "members of rank SILVER or GOLD"),
        ("ranks", 'ranks = ["SILVER", "GOLD"]', {}, {"rank": "GOLD"}, None, ""),
        ("ranks", 'ranks = ["GOLD"]', {"customer": Customer("M", "客", "a@b.jp", rank="GOLD")}, {}, None, ""),
        ("ranks", 'ranks = ["REGULAR"]', {}, {}, None, ""),  # without a history, the lowest
        ("ranks", 'ranks = ["REGULAR"]\nonce_per_customer = false', {"customer": GUEST}, {}, "code", "of rank REGULAR"),
        ("skus", 'skus = ["SKU-9"]', {}, {}, "code", "applies to none of these lines"),
        ("skus", 'skus = ["SKU-1", "SKU-9"]', {}, {}, None, ""),
        ("once", "", {}, {"used_coupons": {"autumn"}}, "code", "used already by this customer"),
        ("once", "", {"coupon": Coupon("ＡＵＴＵＭＮ", "amount", 500)}, {"used_coupons": {"autumn"}}, "code", "good once"),
        ("once", "", {"customer": GUEST}, {}, "code", "send the customer number"),
        ("often", "once_per_customer = false", {}, {"used_coupons": {"autumn"}}, None, ""),
        ("often", "once_per_customer = false", {"customer": GUEST}, {}, None, ""),
    ],
)  # fmt: skip
def test_the_conditions_of_an_offer(
    rule: str, terms: str, changes: dict[str, Any], known: dict[str, Any], field: str | None, says: str
) -> None:
    """CPN-01."""
    found = problems(with_coupon(**changes), offering(terms), **known)
    assert list(found) == ([f"coupons[0].{field}"] if field else []), rule
    assert says in "".join(found.values())


def test_goods_that_an_offer_does_not_discount_do_not_reach_its_minimum() -> None:
    """CPN-01, CPN-07: after the member discount."""
    lines = (a_line("1", 1_000), a_line("2", 9_000, flags=SALE))
    shop = offering('minimum_goods = 1_000\nexcluded_flags = ["sale"]')
    assert problems(with_coupon(*lines), shop) == {}
    members = parse_shop(
        "plain", 'name = "店"\n[price]\nmember_discount_percent = 5\n[coupons.offers.AUTUMN]\nkind = "amount"\nvalue = 500\n'
        'minimum_goods = 1_000\nexcluded_flags = ["sale"]'
    )  # fmt: skip
    assert "it applies to 950" in problems(with_coupon(*lines), members)["coupons[0].code"]


@pytest.mark.parametrize(("codes", "fields"), [("any", []), ("offers", ["coupons[0].code"])])
def test_a_code_that_no_offer_names(codes: str, fields: list[str]) -> None:
    """CPN-01: taken on the storefront's word, or refused."""
    shop = offering(top=f'codes = "{codes}"')
    assert list(problems(with_coupon(coupon=Coupon("WINTER", "amount", 1)), shop)) == fields


def test_what_was_sent_is_never_repeated() -> None:
    """INT-17: a code may be a card number."""
    found = problems(with_coupon(coupon=Coupon("4111111111111111", "points", 1)), offering(top='codes = "offers"'))
    assert "4111" not in "".join(found.values())


@pytest.mark.parametrize(
    ("rule", "shop", "kind", "once"),
    [
        ("PTS-15", "clinic", "points", True),
        ("CPN-01", "salon", "amount", False),
        ("CPN-01", "apparel", "percent", False),
    ],
)
def test_which_kinds_are_good_once_without_an_offer(rule: str, shop: str, kind: str, once: bool) -> None:
    coupon = Coupon("ANY", kind, 10)
    assert is_once(coupon, SHOPS[shop]) is once, rule
    order = an_order(shop, coupons=(coupon,))
    assert list(problems(order, SHOPS[shop], used_coupons={"any"})) == (["coupons[0].code"] if once else [])
    guest = replace(order, customer=GUEST)
    assert list(problems(guest, SHOPS[shop])) == (["coupons[0].code"] if once else [])


def test_points_are_good_once_whatever_the_profile_lists() -> None:
    """PTS-15."""
    shop = plain_shop('[coupons]\nkinds = ["amount", "points"]\nonce_per_customer = ["amount"]')
    assert [is_once(Coupon("A", kind, 1), shop) for kind in ("amount", "percent", "points")] == [True, False, True]


# What an offer discounts


@pytest.mark.parametrize(
    ("rule", "terms", "parts"),
    [
        ("all lines", "", (250, 125, 125)),
        ("skus", 'skus = ["SKU-2"]', (0, 500, 0)),
        ("flags", 'excluded_flags = ["sale"]', (333, 167, 0)),
        ("both", 'skus = ["SKU-2", "SKU-3"]\nexcluded_flags = ["sale"]', (0, 500, 0)),
        ("none", 'skus = ["SKU-9"]', (0, 0, 0)),
    ],
)
def test_a_discount_falls_on_the_lines_it_applies_to(rule: str, terms: str, parts: tuple[int, ...]) -> None:
    """TAX-09: by the largest remainder, over these lines alone."""
    lines = (a_line("1", 2_000), a_line("2", 1_000), a_line("3", 1_000, flags=SALE))
    (share,) = price(with_coupon(*lines), offering(terms)).coupons
    assert share.by_line == parts, rule
    assert share.amount == sum(parts)


def test_yen_off_are_at_most_what_the_lines_cost() -> None:
    sums = price(with_coupon(a_line("1", 300), a_line("2", 9_000)), offering('skus = ["SKU-1"]'))
    assert (sums.coupon_discount, sums.lines[0].net, sums.lines[1].net) == (300, 0, 9_000)


@pytest.mark.parametrize(("goods", "off"), [(9_990, 999), (10_000, 1_000), (10_010, 1_000), (99_999, 1_000)])
def test_a_percentage_stops_at_its_maximum(goods: int, off: int) -> None:
    shop = offering("maximum_discount = 1_000", code="TEN", offer='kind = "percent"\nvalue = 10')
    assert price(with_coupon(a_line(price=goods), coupon=Coupon("ten", "percent", 10)), shop).coupon_discount == off


def test_coupons_on_other_lines_leave_each_other_alone() -> None:
    shop = plain_shop(
        "[coupons]\nmax_per_order = 2\n"
        '[coupons.offers.FIRST]\nkind = "percent"\nvalue = 50\nskus = ["SKU-1"]\n'
        '[coupons.offers.SECOND]\nkind = "percent"\nvalue = 10\nskus = ["SKU-2"]'
    )
    coupons = (Coupon("FIRST", "percent", 50), Coupon("SECOND", "percent", 10))
    sums = price(an_order("plain", a_line("1", 1_000), a_line("2", 1_000), coupons=coupons), shop)
    assert [line.coupon for line in sums.lines] == [500, 100]


BOUND = st.tuples(
    st.sampled_from([("amount", 777), ("percent", 7), ("percent", 100)]),
    st.sampled_from(["", 'skus = ["SKU-0"]', 'skus = ["SKU-1", "SKU-2"]', 'excluded_flags = ["sale"]']),
)


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 3), st.booleans()), min_size=1, max_size=4),
    BOUND,
    BOUND,
)
def test_bound_discounts_still_add_up(lines: list[Any], first: Any, second: Any) -> None:
    """TAX-09: the parts sum to each coupon, no line goes below zero, and no other line is touched."""
    text = "[coupons]\nmax_per_order = 2\n"
    for code, ((kind, value), terms) in zip("AB", (first, second), strict=True):
        text += f'[coupons.offers.{code}]\nkind = "{kind}"\nvalue = {value}\n{terms}\n'
    coupons = tuple(Coupon(code, *drawn[0]) for code, drawn in zip("AB", (first, second), strict=True))
    listed = [
        a_line(str(n), cost, pieces, flags=SALE if sale else frozenset())
        for n, (cost, pieces, sale) in enumerate(lines)
    ]
    shop = plain_shop(text)
    sums = price(an_order("plain", *listed, coupons=coupons), shop)
    assert sums.coupon_discount == sum(one.amount for one in sums.coupons) == sum(one.coupon for one in sums.lines)
    assert all(share.net == share.amount - share.coupon >= 0 for share in sums.lines)
    for one in sums.coupons:
        offer = shop.coupons.offers[one.code]
        assert one.amount == sum(one.by_line)
        for line, part in zip(listed, one.by_line, strict=True):
            assert part == 0 or (
                (not offer.skus or line.sku in offer.skus) and not line.flags & {*offer.excluded_flags}
            )


# CAN-04


@pytest.mark.parametrize(
    ("use", "reason", "back"),
    [
        (Use("autumn", "amount"), "customer_request", True),
        (Use("autumn", "percent"), "out_of_stock", True),
        (Use("autumn", "amount"), "unpaid", True),
        (Use("autumn", "amount", unpaid_before=1), "unpaid", False),
        (Use("autumn", "amount", unpaid_before=1), "customer_request", True),
        (Use("load", "points"), "customer_request", False),  # PTS-15: the points stay
    ],
)
def test_when_a_coupon_comes_back(use: Use, reason: str, back: bool) -> None:
    """CAN-04."""
    assert comes_back(use, SHOPS["apparel"], reason) is back
    assert not comes_back(use, plain_shop("[coupons]\nreturn_on_cancel = false"), reason)


# The profile


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('kind = "amount"', "coupons.offers.AUTUMN.value", "is required"),
        ('kind = "amount"\nvalue = 0', "coupons.offers.AUTUMN.value", "must be 1 or more"),
        ('kind = "percent"\nvalue = 101', "coupons.offers.AUTUMN.value", "100 or less"),
        ('kind = "gift"\nvalue = 1', "coupons.offers.AUTUMN.kind", "must be 'amount'"),
        ('kind = "points"\nvalue = 1', "coupons.offers", "AUTUMN is of the kind points, which coupons.kinds"),
        (
            'kind = "amount"\nvalue = 1\nfrom_on = 2026-11-02\nuntil_on = 2026-11-01',
            "coupons.offers.AUTUMN.until_on",
            "not be before from_on",
        ),
        ('kind = "amount"\nvalue = 1\nfrom_on = "soon"', "coupons.offers.AUTUMN.from_on", "a date such as"),
        (
            'kind = "amount"\nvalue = 1\nmaximum_discount = 1',
            "coupons.offers.AUTUMN.maximum_discount",
            "for percentages",
        ),
        (
            'kind = "points"\nvalue = 1\nonce_per_customer = false',
            "coupons.offers.AUTUMN.once_per_customer",
            "always good once",
        ),
        ('kind = "amount"\nvalue = 1\nranks = ["GOLD"]', "coupons.offers.AUTUMN.ranks", "no rank GOLD"),
        (
            'kind = "amount"\nvalue = 1\n[coupons.offers."Ａｕｔｕｍｎ"]\nkind = "amount"\nvalue = 1',
            "coupons.offers",
            "AUTUMN and Ａｕｔｕｍｎ are one code",
        ),
    ],
)
def test_a_wrong_offer_is_named_with_key_and_reason(text: str, key: str, reason: str) -> None:
    with pytest.raises(ProfileErrors) as caught:
        parse_shop("mine", f'name = "店"\n[coupons.offers.AUTUMN]\n{text}')
    ((_, named, says),) = caught.value.entries
    assert named == key
    assert reason in says
