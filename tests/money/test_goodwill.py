"""Money given back at will: never more than the shop has, and never twice for the same goods."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.money.adjustments import RETURN, adjust, goodwill, rows_left, totals_after
from pipelines.rules.money.pricing import price
from tests.actions.orders import owed, shipped
from tests.rules.build import SHOPS, a_line, an_order
from tests.world import World

ORDER = an_order("salon", a_line("1", 6_000), a_line("2", 2_000, quantity=3))
PRICED = price(ORDER, SHOPS["salon"])


@given(st.integers(1, PRICED.grand_total), st.permutations([("1", 1), ("2", 1), ("2", 1), ("2", 1)]))
def test_goods_that_come_back_later_bring_what_is_left(given_before: int, back: list[tuple[str, int]]) -> None:
    """Whatever was given before, all refunds together are the order's total and no yen more."""
    changes = [goodwill(given_before)]
    for line in back:
        changes.append(adjust(PRICED, changes, RETURN, [line]))
        assert changes[-1].money >= 0
        left = totals_after(PRICED, changes)["grand_total"]
        assert left == PRICED.grand_total - sum(one.money for one in changes) >= 0
    without: list[Any] = []
    for line in back:
        without.append(adjust(PRICED, without, RETURN, [line]))
    whole = sum(one.money for one in without)
    assert sum(one.money for one in changes) == min(whole + given_before, PRICED.grand_total)


def test_nothing_but_money_is_given() -> None:
    """The rest of the order stays as it was bought: what it earns, what it counts for a rank, what its invoice says (B.1.4)."""
    as_bought, given = totals_after(PRICED, []), goodwill(500)
    left = as_bought | {"goodwill": 500, "grand_total": as_bought["grand_total"] - 500}
    assert totals_after(PRICED, [given]) == left
    assert rows_left(PRICED, [given]) == left | {"waived": 0}
    assert (given.points_unearned, given.rank_spend, given.coupon_recovered, given.return_fee) == (0, 0, 0, 0)


def give(world: World, amount: int) -> str:
    world.tell(world.ask("refund.goodwill", "S-1", amount=amount, reason="a scratch", by="operations", operator=True))
    world.settle()
    return str(world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1"))


def test_money_goes_back_by_the_gateway_and_the_books_say_why(world: World) -> None:
    shipped(world)
    assert give(world, 500) == "applied"
    shown = world.show()
    (change,) = shown["adjustments"]
    assert (change["kind"], change["reason"], change["money"], change["lines"]) == ("goodwill", "a scratch", 500, [])
    assert not change["return_invoice"]
    assert (shown["payment"]["state"], shown["payment"]["refunded"]) == ("partly_refunded", 500)
    assert [m["template"] for m in shown["mails"]].count("refund_done") == 1
    assert world.broken() == {}
    rest = shown["payment"]["captured"] - 500
    assert give(world, rest + 1) == "refused"
    assert give(world, rest) == "applied"
    assert world.show()["payment"]["state"] == "refunded"
    assert give(world, 1) == "refused"
    assert world.broken() == {}


def test_where_no_gateway_can_a_human_is_asked_to(world: World) -> None:
    """B.6.7: a transfer goes back by hand; what is due for goods is given first."""
    owed(world)
    assert give(world, 300) == "refused"
    assert "2200 yen are due back already" in world.value("SELECT reason FROM inbox_event ORDER BY id DESC LIMIT 1")
    world.tell(world.ask("refund.by_hand", "S-1", amount=2_200))
    world.settle()
    assert give(world, 300) == "applied"
    (hold,) = world.show()["holds"]
    assert (hold["reason"], hold["amount"]) == ("refund_due", 300)
    world.tell(world.ask("refund.by_hand", "S-1", amount=300))
    world.settle()
    assert (world.show()["holds"], world.show()["payment"]["refunded"]) == ([], 2_500)
    assert world.broken() == {}


@pytest.mark.parametrize("amount", [0, -5])
def test_nothing_is_no_goodwill(world: World, amount: int) -> None:
    shipped(world)
    assert give(world, amount) == "refused"


def test_the_story_says_what_was_given(world: World) -> None:
    shipped(world)
    assert give(world, 300) == "applied"
    (row,) = (one for one in world.show()["timeline"] if one["entity"] == "goodwill")
    assert (row["to"], row["cause"]) == ("300 yen given back", "a scratch")
