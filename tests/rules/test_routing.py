"""Who sends lines for which the storefront names nobody: rules rank or abstain, and the first that decides wins."""

from __future__ import annotations

import pytest

from pipelines.orders.document import order_to_json, parse_order
from pipelines.orders.judgement import Known, judge
from pipelines.rules.routing import routed
from pipelines.shops import Shop
from tests.rules.build import a_line, an_order, at, plain_shop


def shop(*routing: str, watches: str = "", slow: str = "") -> Shop:
    named = ", ".join(f'"{name}"' for name in routing)
    return plain_shop(
        f"[split]\ndrop_ship = true\nrouting = [{named}]\n[suppliers.warehouse]\n{slow}\n"
        f"[suppliers.maker-a]\n{watches}\n[suppliers.maker-b]\n"
    )


KEEPS_WATCHES = 'skus = ["W-"]'


@pytest.mark.parametrize(
    ("profile", "sku", "others", "chosen"),
    [
        pytest.param(shop("goods", watches=KEEPS_WATCHES), "W-1", [], "maker-a", id="whoever keeps such goods"),
        pytest.param(
            shop("goods", watches=KEEPS_WATCHES), "X-1", ["maker-b"], "warehouse", id="nobody who keeps others"
        ),
        pytest.param(shop("goods"), "W-1", [], "warehouse", id="all level: the profile's order"),
        pytest.param(shop("company"), "X-1", ["maker-b"], "maker-b", id="who sends other lines"),
        pytest.param(shop("company"), "X-1", [], "warehouse", id="nobody does: it abstains"),
        pytest.param(shop("day", slow="lead_days = 2"), "X-1", [], "maker-a", id="soonest, then the profile's order"),
        pytest.param(
            shop("goods", "company", watches=KEEPS_WATCHES), "W-1", ["maker-b"], "maker-a", id="the first that decides"
        ),
        pytest.param(
            shop("day", "company", slow="lead_days = 2"), "X-1", ["maker-b"], "maker-b", id="level by day, so company"
        ),
        pytest.param(shop(), "X-1", ["maker-b"], "warehouse", id="no rule"),
    ],
)
def test_who_is_chosen(profile: Shop, sku: str, others: list[str], chosen: str) -> None:
    lines = [a_line(str(n), supplier=name) for n, name in enumerate(others)]
    order = an_order("plain", *lines, a_line("9", sku=sku, supplier=""), placed_at="2026-11-20 10:00:00")
    assert [line.supplier for line in routed(order, profile).lines] == [*others, chosen]


def test_lines_that_are_routed_keep_company() -> None:
    """The first choice counts for those after it."""
    order = an_order("plain", a_line("1", sku="W-1", supplier=""), a_line("2", sku="X-1", supplier=""))
    profile = shop("company", "goods", watches=KEEPS_WATCHES)
    assert [line.supplier for line in routed(order, profile).lines] == ["maker-a", "maker-a"]


def test_an_order_whose_lines_all_have_a_supplier_is_as_it_was() -> None:
    order = an_order("plain", a_line("1"))
    assert routed(order, shop("day")) is order


def test_a_storefront_may_leave_the_choice_to_the_shop() -> None:
    document = order_to_json(an_order("plain", a_line("1"), token="tok_ok"))
    document["lines"][0]["supplier"] = None
    order = parse_order(document)
    judged = judge(order, shop("day", slow="lead_days = 2"), Known(at("2026-11-20 10:00:00")))
    assert [line.supplier for line in judged.order.lines] == ["maker-a"]
