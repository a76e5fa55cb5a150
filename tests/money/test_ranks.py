"""RNK-03 to RNK-06 on the real statements: from orders to ranks, to the rate of the next order, to the customer's mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pipelines import ranks
from tests.rules.build import at, shop_with
from tests.world import World, a_line, document


def buy(world: World, number: str, yen: int, customer: str = "M-1", **changes: Any) -> None:
    """An order of ``yen`` ex tax, placed now."""
    placed_at = world.clock.now().isoformat()
    world.take(document(number, a_line("1", 1, yen), customer=customer, placed_at=placed_at, **changes))
    world.settle()


def evaluate(world: World, since: datetime | None = None) -> int:
    with world.engine.begin() as connection:
        made = ranks.evaluate(connection, world.shops, world.clock.now(), since)
    world.settle()
    return made


def reevaluate(world: World) -> int:
    with world.engine.begin() as connection:
        return ranks.reevaluate(connection, world.shops, world.clock.now())


def standing(world: World, customer: str = "M-1") -> dict[str, Any]:
    with world.engine.connect() as connection:
        return ranks.standing(connection, world.shops["salon"], customer, world.clock.now())


def earned(world: World, number: str) -> int:
    points: int = world.show(number)["points"]["earned"]
    return points


def test_the_order_that_crosses_earns_at_the_old_rank_and_the_next_day_brings_the_new(world: World) -> None:
    """RNK-03."""
    buy(world, "S-1", 60_000)
    buy(world, "S-2", 40_000)
    assert evaluate(world) == 1
    buy(world, "S-3", 10_000)
    assert [earned(world, n) for n in ("S-2", "S-3")] == [400, 100]
    world.clock.advance(days=1)
    buy(world, "S-4", 10_000)
    assert earned(world, "S-4") == 200


def test_the_customer_hears_of_it_once(world: World) -> None:
    buy(world, "S-1", 100_000)
    assert (evaluate(world), evaluate(world)) == (1, 0)
    assert world.postbox.templates().count("rank_up") == 1


def test_the_stored_rank_outweighs_the_storefronts_word(world: World) -> None:
    """RNK-06; a customer without a history is believed."""
    made = document("S-1", a_line("1", 1, 100_000))
    made["customer"]["rank"] = "VIP"
    world.take(made)
    world.settle()
    assert earned(world, "S-1") == 5_000
    evaluate(world)
    world.clock.advance(days=1)
    again = document("S-2", a_line("1", 1, 10_000), placed_at=world.clock.now().isoformat())
    again["customer"]["rank"] = "VIP"
    world.take(again)
    world.settle()
    assert earned(world, "S-2") == 200


@pytest.mark.parametrize(("flags", "rank"), [([], "SILVER"), (["trial"], "REGULAR")])
def test_flagged_lines_do_not_count(world: World, flags: list[str], rank: str) -> None:
    """RNK-05."""
    world.take(document("S-1", a_line("1", 1, 100_000, flags=flags)))
    evaluate(world)
    world.clock.advance(days=1)
    assert standing(world)["rank"] == rank


def test_cancelled_and_missing_goods_do_not_count(world: World) -> None:
    """RNK-05."""
    buy(world, "S-1", 100_000, payment={"method": "bank_transfer"})
    world.tell(world.ask("order.cancel", "S-1"))
    world.take(document("S-2", a_line("1", 1, 60_000), a_line("2", 1, 40_000)))
    world.settle()
    world.tell(world.ask("order.cancel_lines", "S-2", lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    assert evaluate(world) == 0
    assert (standing(world)["spend"], standing(world)["next"]) == (60_000, {"rank": "SILVER", "missing": 40_000})


def test_a_rank_stays_although_the_order_was_cancelled(world: World) -> None:
    """RNK-06."""
    buy(world, "S-1", 100_000)
    evaluate(world)
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.execute("UPDATE shop_order SET state = 'cancelled'")
    assert evaluate(world) == 0
    world.clock.advance(days=1)
    assert standing(world)["rank"] == "SILVER"


def test_unless_the_profile_asks(world: World) -> None:
    """RNK-06, keep_after_cancel."""
    world.shops = {**world.shops, "salon": shop_with("salon", **{"[ranks]": "[ranks]\nkeep_after_cancel = false"})}
    buy(world, "S-1", 100_000)
    evaluate(world)
    world.execute("UPDATE shop_order SET state = 'cancelled'")
    world.clock.advance(days=3)
    assert evaluate(world) == 1
    world.clock.advance(days=1)
    shown = standing(world)
    assert (shown["rank"], shown["history"][-1]["cause"]) == ("REGULAR", "order cancelled")


@pytest.mark.parametrize("cancelled_at", ["2026-12-30 10:00:00", "2027-01-02 10:00:00"])
def test_then_the_hour_of_the_cancel_takes_it_also_in_the_new_year(world: World, cancelled_at: str) -> None:
    """RNK-06, keep_after_cancel: the customer need not buy again for it, and a year that began meanwhile does not matter."""
    world.shops = {**world.shops, "salon": shop_with("salon", **{"[ranks]": "[ranks]\nkeep_after_cancel = false"})}
    world.clock.set(at("2026-12-28 10:00:00"))
    buy(world, "S-1", 100_000, payment={"method": "bank_transfer"})
    assert evaluate(world) == 1
    if cancelled_at > "2027":
        world.clock.set(at("2027-01-01 00:00:30"))
        assert reevaluate(world) == 1
    world.clock.set(at(cancelled_at))
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    assert evaluate(world, since=world.clock.now() - timedelta(hours=1)) == 1
    world.clock.advance(days=1)
    assert (standing(world)["rank"], standing(world)["history"][-1]["cause"]) == ("REGULAR", "order cancelled")


def test_the_new_year_looks_at_the_old_one(world: World) -> None:
    """RNK-04; a rank is kept to the end of the year and lost at its turn, also when the job comes late."""
    buy(world, "S-1", 300_000)
    evaluate(world)
    world.clock.set(at("2027-01-01 00:00:30"))
    assert (reevaluate(world), reevaluate(world)) == (1, 0)
    assert standing(world)["rank"] == "GOLD"
    world.clock.set(at("2028-01-05 00:00:30"))
    assert (reevaluate(world), reevaluate(world)) == (1, 0)
    shown = standing(world)
    assert (shown["rank"], shown["since"], shown["spend"]) == ("REGULAR", "2028-01-01", 0)


def test_the_last_evening_of_the_year_counts(world: World) -> None:
    """RNK-02, RNK-03: bought on 31 December, seen after midnight."""
    world.clock.set(at("2026-12-31 23:59:00"))
    buy(world, "S-1", 100_000)
    world.clock.advance(minutes=5)
    assert evaluate(world, since=world.clock.now() - timedelta(hours=2)) == 1
    assert (standing(world)["rank"], standing(world)["since"]) == ("SILVER", "2027-01-01")


def test_what_is_cancelled_in_the_new_year_takes_no_rank_of_it(world: World) -> None:
    """RNK-04, RNK-05, RNK-06: the finished year was looked at on 1 January, and its rank is not withdrawn in the new one."""
    world.clock.set(at("2026-12-28 10:00:00"))
    buy(world, "S-1", 300_000, payment={"method": "bank_transfer"})
    evaluate(world)
    world.clock.set(at("2027-01-01 00:00:30"))
    reevaluate(world)
    world.clock.set(at("2027-01-02 10:00:00"))
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    assert (evaluate(world), reevaluate(world)) == (0, 0)
    assert (standing(world)["rank"], standing(world)["spend"]) == ("GOLD", 0)


def test_what_was_bought_and_cancelled_on_the_last_day_of_the_year_brings_no_rank_of_the_next(world: World) -> None:
    """RNK-04, RNK-06: the rank is kept until the year is looked at, and that is at its turn, although the rank begins then."""
    world.clock.set(at("2026-12-31 10:00:00"))
    buy(world, "S-1", 1_000_000, payment={"method": "bank_transfer"})
    assert evaluate(world) == 1
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    world.clock.set(at("2027-01-01 00:00:30"))
    assert (reevaluate(world), reevaluate(world)) == (1, 0)
    shown = standing(world)
    assert (shown["rank"], [one["rank"] for one in shown["history"]]) == ("REGULAR", ["VIP", "REGULAR"])


def test_a_purchase_of_the_old_year_that_comes_in_late_still_counts_for_the_new(world: World) -> None:
    """RNK-03, RNK-04: told after the year was looked at; the customer hears of the rise."""
    world.clock.set(at("2026-12-01 10:00:00"))
    buy(world, "S-1", 100_000)
    evaluate(world)
    world.clock.set(at("2027-01-01 00:00:30"))
    reevaluate(world)
    world.clock.set(at("2027-01-05 10:00:00"))
    world.take(document("S-2", a_line("1", 1, 200_000), placed_at=at("2026-12-20 10:00:00").isoformat()))
    world.settle()
    evaluate(world, since=world.clock.now() - timedelta(hours=2))
    shown = standing(world)
    assert (shown["rank"], shown["since"]) == ("GOLD", "2027-01-01")
    assert world.postbox.templates().count("rank_up") == 2


def test_the_last_hour_of_the_year_is_a_rise_that_the_customer_hears_of(world: World) -> None:
    """RNK-03: whichever job comes first after midnight."""
    world.clock.set(at("2026-12-01 10:00:00"))
    buy(world, "S-1", 100_000)
    evaluate(world)
    world.clock.set(at("2026-12-31 23:30:00"))
    buy(world, "S-2", 200_000)
    world.clock.set(at("2027-01-01 00:00:30"))
    evaluate(world, since=world.clock.now() - timedelta(hours=2))
    reevaluate(world)
    assert [(one["rank"], one["cause"]) for one in standing(world)["history"]] == [
        ("SILVER", "spend"),
        ("GOLD", "spend"),
    ]
    assert world.postbox.templates().count("rank_up") == 2


def test_only_those_who_bought_since_are_looked_at(world: World) -> None:
    buy(world, "S-1", 100_000, customer="M-1")
    world.clock.advance(hours=2)
    buy(world, "S-2", 100_000, customer="M-2")
    assert evaluate(world, since=world.clock.now()) == 1
    world.clock.advance(days=1)
    assert (standing(world, "M-1")["rank"], standing(world, "M-2")["rank"]) == ("REGULAR", "SILVER")
