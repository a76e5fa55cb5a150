"""What was promised for a day, what left on it, and why the rest did not: our own doing is told from the supplier's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from tests.world import World, document
from workers.demo.promises import Promise, by_reason, first_days, promises

FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)


def promised(world: World, until: date = FRIDAY, first: dict[str, date] | None = None) -> list[Promise]:
    with world.engine.connect() as connection:
        return promises(connection, first or {}, until)


def an_order(world: World) -> str:
    """The shipment of an order of Friday morning, of which its supplier was told."""
    world.take(document("S-1"))
    world.settle()
    return world.shipments()[0]


def test_what_left_on_its_day_is_kept(world: World) -> None:
    shipment = an_order(world)
    assert [one.is_kept for one in promised(world)] == [False]
    world.ship_all("S-1")
    assert promised(world) == [Promise("salon/S-1", shipment, FRIDAY, FRIDAY, "")]
    assert promised(world, until=date(2026, 11, 19)) == []


def refuse(world: World, shipment: str) -> None:
    world.tell(world.news("shipment.refused", shipment, reason="discontinued"))
    world.settle()


def lack(world: World, shipment: str) -> None:
    world.tell(world.news("shipment.short", shipment, lines=[{"line": "1", "quantity": 1}]))
    world.settle()


def delay(world: World, shipment: str) -> None:
    world.tell(world.news("shipment.delayed", shipment, expected_on=TUESDAY.isoformat()))
    world.settle()


def acknowledge(world: World, shipment: str) -> None:
    world.tell(world.news("shipment.acknowledged", shipment))
    world.settle()


def let_the_day_pass(world: World, shipment: str) -> None:
    world.at("2026-11-24 10:00:00")


def ship_late(world: World, shipment: str) -> None:
    acknowledge(world, shipment)
    world.clock.set(world.clock.now().replace(day=24))
    world.ship_all("S-1")


def forget(world: World, shipment: str) -> None:
    world.execute("UPDATE shipment SET told_at = NULL, state = 'planned'")


def tell_late(world: World, shipment: str) -> None:
    world.execute("UPDATE shipment SET told_at = instruct_at + interval '40 minutes'")


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (lambda world, shipment: None, "the supplier has not answered"),
        (acknowledge, "the supplier has not reported it"),
        (refuse, "refused by the supplier"),
        (lack, "the supplier is short of goods"),
        (delay, "the supplier gave another day"),
        (let_the_day_pass, "the supplier is late"),
        (ship_late, "the supplier was late"),
        (forget, "our own clock: the supplier was not told"),
        (tell_late, "our own clock: the supplier was told late"),
    ],
)
def test_what_is_late_has_its_reason(world: World, then: Callable[[World, str], None], why: str) -> None:
    """The first day counts, whatever the shipment is planned for by now."""
    shipment = an_order(world)
    then(world, shipment)
    (one,) = promised(world, TUESDAY, {shipment: FRIDAY})
    assert (one.day, one.is_kept, one.why) == (FRIDAY, False, why)


def test_what_is_cancelled_is_not_late(world: World) -> None:
    shipment = an_order(world)
    refuse(world, shipment)
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    assert promised(world) == []


def test_the_first_day_is_the_one_in_the_first_instruction() -> None:
    asked = {"kind": "instruction", "shipment": "SH-1", "dispatch_on": "2026-11-20"}
    records = [
        asked,
        {**asked, "dispatch_on": "2026-11-24"},
        {**asked, "shipment": "SH-2", "dispatch_on": None},
        {"kind": "delivered"},
    ]
    assert first_days(records) == {"SH-1": FRIDAY}


def test_reasons_are_counted_the_commonest_first() -> None:
    late = [Promise("salon/S-1", "SH", FRIDAY, None, why) for why in ("a", "b", "b")]
    assert by_reason(late) == [(2, "b"), (1, "a")]
