"""DLV-04: what a customer was told cannot be kept is asked of no supplier and stands on no label, whenever it was found out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.files.house import cells, exported, world_with
from tests.rules.build import at
from tests.world import World, document
from workers.mail.rendering import Renderer

#: The column, from 0, of the day wished for.
_WISHED = {"b2": 5, "ehiden3": 44, "yupri": 64}
_CSV = "お届け希望日"


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with world_with(engine, database_url, renderer, 'format = "b2"') as world:
        yield world


def days_on_labels(world: World) -> dict[str, str]:
    """The day wished for on the one label, by tool; every tool prints it."""
    found = {}
    for tool in (*_WISHED, "csv"):
        out = exported(world, tool)
        assert out.held == {}
        rows = cells(next(iter(out.files.values())))
        found[tool] = rows[-1][rows[0].index(_CSV) if tool == "csv" else _WISHED[tool]]
    return found


def not_met(world: World) -> int:
    return world.postbox.templates().count("request_not_met")


@pytest.mark.parametrize("wished", ["2026-11-21", "2026-11-24"], ids=["before it leaves", "before it arrives"])
@pytest.mark.parametrize("by_remarks", [True, False])
def test_a_day_that_the_first_plan_misses(world: World, wished: str, by_remarks: bool) -> None:
    """After Friday's cutoff it leaves on the 24th and is there on the 25th; the time of day is still wished for."""
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    world.at("2026-11-20 16:00")
    asks = {"delivery": {"date": wished, "slot": "AM"}}
    if by_remarks:
        asks = {"remarks": f"{wished.replace('-', '/')}午前中着希望"}  # type: ignore[dict-item]
    world.take(document("S-1", placed_at="2026-11-20T16:00:00+09:00", **asks))
    world.settle()
    assert not_met(world) == 1
    world.at("2026-11-24 08:00")
    (told,) = world.suppliers.messages.values()
    assert (told.data["dispatch_on"], told.data["delivery"]) == ("2026-11-24", {"date": None, "slot": "AM"})
    assert [(one["kind"], one["says"]) for one in told.data["instructions"]] == [("desired_slot", "AM")] * by_remarks
    assert set(days_on_labels(world).values()) == {""}
    assert world.broken() == {}


def test_a_day_that_a_later_plan_misses(world: World) -> None:
    """The customer hears of it once; the order itself stays as it was written."""
    world.take(document("S-1", delivery={"date": "2026-11-25", "slot": "AM"}, locale="en"))
    world.at("2026-11-24 08:00")
    assert days_on_labels(world) == {
        "b2": "2026/11/25",
        "ehiden3": "2026/11/25",
        "yupri": "20261125",
        "csv": "2026-11-25",
    }
    (shipment,) = world.shipments()
    for hour, expected in ((9, "2026-11-24"), (10, "2026-11-26"), (11, "2026-11-27")):
        world.clock.set(at(f"2026-11-24 {hour:02}:00"))
        world.tell(world.news("shipment.delayed", shipment, expected_on=expected, reason="."))
        world.settle()
        assert not_met(world) == (hour > 9)
    (planned,) = world.show()["shipments"]
    assert [one["says"] for one in planned["because"] if one["rule"] == "desired_date"] == [
        "The desired Wed 25 Nov 2026 cannot be met; the earliest arrival is Sat 28 Nov 2026."
    ]
    assert set(days_on_labels(world).values()) == {""}
    assert world.value("SELECT document::jsonb->'delivery'->>'date' FROM order_document") == "2026-11-25"
    assert world.broken() == {}


def test_what_the_reasons_say_of_the_wish_is_of_the_newest_day(world: World) -> None:
    """A day that is in time after all is not said to be missed, and none that is in time names a day of dispatch that is over."""
    world.take(document("S-1", delivery={"date": "2026-11-27", "slot": "AM"}, locale="en"))
    world.at("2026-11-24 08:00")
    (shipment,) = world.shipments()
    for hour, expected, says in (
        (9, "2026-11-25", "To arrive on the desired Fri 27 Nov 2026: planned for dispatch on Wed 25 Nov 2026."),
        (10, "2026-11-27", "The desired Fri 27 Nov 2026 cannot be met; the earliest arrival is Sat 28 Nov 2026."),
        (11, "2026-11-26", "To arrive on the desired Fri 27 Nov 2026: planned for dispatch on Thu 26 Nov 2026."),
        (12, None, None),
    ):
        world.clock.set(at(f"2026-11-24 {hour:02}:00"))
        world.tell(world.news("shipment.delayed", shipment, expected_on=expected))
        world.settle()
        (planned,) = world.show()["shipments"]
        assert [one["says"] for one in planned["because"] if one["rule"] == "desired_date"] == ([says] if says else [])
    assert not_met(world) == 1
    assert world.broken() == {}


def test_a_day_that_goods_miss_which_did_not_leave(world: World) -> None:
    """What nobody reported by the next open morning gets another day, and that misses the wish."""
    world.take(document("S-1", delivery={"date": "2026-11-25", "slot": None}))
    world.at("2026-11-24 08:00")
    world.at("2026-11-25 10:00")
    world.settle()
    assert (world.postbox.templates().count("dispatch_delayed"), not_met(world)) == (1, 1)
    assert set(days_on_labels(world).values()) == {""}
