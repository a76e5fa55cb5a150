"""The simulated orders: the same for the same seed, and orders that the four shops' real rules accept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.orders.plan import preview
from pipelines.shops import load_shops
from pipelines.values import mail_address
from workers.demo.orders import SHOPS, orders
from workers.installation import INSTALLATION

START = datetime.fromisoformat("2026-11-20T08:00:00+09:00")
END = datetime.fromisoformat("2026-11-20T18:00:00+09:00")
MANY = orders(7, 1_500, START, END)


def test_the_same_seed_makes_the_same_orders_and_another_makes_others() -> None:
    assert orders(7, 50, START, END) == orders(7, 50, START, END)
    assert orders(7, 50, START, END) != orders(8, 50, START, END)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_numbers_are_unique_over_seeds_and_times_ascend_within_the_day(seed: int) -> None:
    made = [*orders(seed, 30, START, END), *orders(seed + 1, 30, START, END)]
    assert len({(order["shop"], order["number"]) for order in made}) == 60
    times = [datetime.fromisoformat(order["placed_at"]) for order in made[:30]]
    assert times == sorted(times)
    assert START <= times[0] <= times[-1] < END


def test_every_order_is_one_that_its_shop_accepts() -> None:
    shops = load_shops(installation=INSTALLATION)
    refused = {order["number"]: problems for order in MANY[:400] if (problems := preview(order, shops)["problems"])}
    assert refused == {}


@pytest.mark.parametrize(
    ("shop", "methods"),
    [
        ("clinic", {("local", "card"), ("partner_web", "direct_debit"), ("partner_claims", "claims_offset")}),  # PAY-01
        ("apparel", {("local", "card"), ("local", "bank_transfer"), ("local", "cod")}),
        (
            "reuse",
            {
                ("local", method)
                for method in ("card", "bank_transfer", "cod", "konbini", "paypay", "amazon_pay", "loan")
            },
        ),
        ("salon", {("local", "card"), ("local", "bank_transfer"), ("local", "cod")}),
    ],
)
def test_each_shop_is_paid_in_all_its_ways(shop: str, methods: set[tuple[str, str]]) -> None:
    paid = {(order["customer"]["account"], order["payment"]["method"]) for order in MANY if order["shop"] == shop}
    assert paid == methods


def test_what_reuse_sells_is_one_of_a_kind() -> None:  # INT-10
    lines = [line for order in MANY if order["shop"] == "reuse" for line in order["lines"]]
    assert {(line["availability"], line["quantity"]) for line in lines} == {("unique", 1)}
    assert len({line["sku"] for line in lines}) == len(lines)


def test_the_day_holds_a_little_of_everything() -> None:
    tokens = Counter(order["payment"]["token"] for order in MANY)
    lines = [line for order in MANY for line in order["lines"]]
    assert {order["shop"] for order in MANY} == set(SHOPS)
    assert {"tok_ok", "tok_declined", "tok_insufficient", "tok_debit", "tok_unknown"} <= tokens.keys()
    assert tokens["tok_ok"] > 0.8 * sum(count for token, count in tokens.items() if token)
    assert {line["supplier"] for line in lines} == {"warehouse", "maker-a", "maker-b", "maker-c"}
    assert {line["tax_rate"] for line in lines} == {8, 10}
    assert any(line["availability"] == "backorder" and line["expected_on"] for line in lines)
    assert {coupon["kind"] for order in MANY for coupon in order["coupons"]} == {"amount", "points"}
    assert {order["locale"] for order in MANY} == {"ja", "en"}
    assert any(mail_address.nonconforming(order["customer"]["email"]) for order in MANY)
    assert 0 < sum(bool(order["remarks"]) for order in MANY) < 0.05 * len(MANY)
