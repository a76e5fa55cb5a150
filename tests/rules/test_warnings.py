"""What an order is taken with although it looks wrong: INT-02, B.9.4."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.rules.money.pricing import price
from pipelines.rules.order import Order
from pipelines.rules.refusals import refusals
from pipelines.rules.warnings import warnings
from tests.rules.build import SHOPS, an_order


def order(email: str = "a@example.jp", postal_code: str = "460-0008", region: str = "愛知県") -> Order:
    plain = an_order("clinic")
    return replace(
        plain,
        customer=replace(plain.customer, email=email),
        ship_to=replace(plain.ship_to, postal_code=postal_code, region=region),
    )


def found(of: Order) -> list[tuple[str, str]]:
    return [(one.field, one.rule) for one in warnings(of)]


@pytest.mark.parametrize("email", ["user..name@docomo.ne.jp", ".user@ezweb.ne.jp", '"user."@au.com', "a..b@example.jp"])
def test_an_address_that_needs_quotes_is_taken_and_marked(email: str) -> None:
    """INT-02."""
    assert found(order(email)) == [("customer.email", "nonconforming")]
    assert refusals(order(email), SHOPS["clinic"], price(order(email), SHOPS["clinic"]), now=order().placed_at) == ()


@pytest.mark.parametrize("email", ["a@example.jp", "a__b@ezweb.ne.jp", "ａ@example.jp"])
def test_a_usual_address_is_not_marked(email: str) -> None:
    assert found(order(email)) == []


def test_an_address_of_an_older_order_that_would_be_refused_today_is_marked_too() -> None:
    assert found(order("a@x.jp,b@x.jp")) == [("customer.email", "no_address")]


def test_nobody_is_asked_to_write_the_address_of_one_who_was_forgotten() -> None:
    assert found(order("", postal_code="")) == []


@pytest.mark.parametrize(
    ("code", "region", "mark"),
    [
        ("460-0008", "愛知県", False),
        ("〒４６０−０００８", "JP-23", False),
        ("100-0001", "Tōkyō", False),
        ("498-0000", "三重県", False),  # of both (B.9.4)
        ("498-0000", "愛知県", False),
        ("460-0008", "京都府", True),
        ("100-0001", "Aichi", True),
    ],
)
def test_a_postal_code_of_another_prefecture_is_taken_and_marked(code: str, region: str, mark: bool) -> None:
    """B.9.4: a mismatch is a warning, not a rejection."""
    one = order(postal_code=code, region=region)
    assert found(one) == [("ship_to.postal_code", "other_prefecture")] * mark
    assert refusals(one, SHOPS["clinic"], price(one, SHOPS["clinic"]), now=one.placed_at) == ()


def test_a_warning_says_what_to_compare() -> None:
    (one,) = warnings(order(postal_code="618-0001", region="愛知県"))
    assert one.says == "The postal code 618-0001 lies in 大阪府 or 京都府, not in 愛知県; compare it with the address."
