"""What suppliers say that cannot be so: each kind goes before an operator, changes nothing, and the true story goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipelines.suppliers.news import supplier_event
from tests.world import World, document, tracking_number
from workers.sandbox.contradictions import Told, contradiction, is_contradiction
from workers.sandbox.courier import Event
from workers.sandbox.faults import seeded

KINDS = {
    "other_pieces": "shipment.shipped",
    "shipped_twice": "shipment.shipped",
    "shipped_before": "shipment.shipped",
    "no_such_number": "shipment.shipped",
    "delayed_into_past": "shipment.delayed",
}


def told_of(world: World, shipment: str) -> Told:
    """One parcel left, with everything in it, and nothing else was said."""
    now = world.clock.now()
    request = {"shipment": shipment, "lines": [{"line": "1", "quantity": 1}]}
    data: dict[str, Any] = {**request, "carrier": "yamato", "tracking_number": tracking_number(44_441_375_000)}
    event = Event(
        f"{shipment}:shipment.shipped:1", "shipment.shipped", now.isoformat(), {**data, "shipped_at": now.isoformat()}
    )
    return Told(request, now, [event], now)


def hand_in(world: World, event: Event) -> None:
    raw = {"type": event.type, "timestamp": event.timestamp, "data": dict(event.data)}
    world.tell(supplier_event(raw, supplier="warehouse", shops=(), event_id=event.id, now=world.clock.now()))
    world.settle()


@pytest.mark.parametrize(("name", "type_"), KINDS.items())
def test_what_cannot_be_so_is_quarantined_and_changes_nothing(world: World, name: str, type_: str) -> None:
    world.take(document("S-1"))
    world.settle()
    told = told_of(world, world.shipments()[0])
    hand_in(world, told.events[0])
    before, mails = world.show(), world.postbox.templates()
    at, false = next(
        made
        for seed in range(100)
        if f".{name}:" in (made := contradiction(told, seeded(seed), tracking_number(55_500_000_000 + seed)))[1].id
    )
    assert (false.type, is_contradiction(false.id), at > told.now) == (type_, True, True)
    world.at(at)
    hand_in(world, false)
    [(state, reason)] = world.rows("SELECT state, reason FROM inbox_event WHERE event_id = :id", id=false.id)
    assert state == "quarantined"
    assert reason
    assert (world.show(), world.postbox.templates()) == (before, mails)


@pytest.mark.parametrize("ended", ["returned", "lost"])
def test_goods_of_a_parcel_that_came_to_nothing_may_leave_again(world: World, ended: str) -> None:
    """B.4.3: they left in another parcel, as the house has it, and that is no contradiction to be judged by."""
    world.take(document("S-1"))
    world.settle()
    [shipment] = world.shipments()
    told = told_of(world, shipment)
    over = Event(f"{shipment}:{ended}:1", f"shipment.{ended}", told.now.isoformat(), {"shipment": shipment})
    story = replace(told, events=[*told.events, over])
    made = [contradiction(story, seeded(seed), tracking_number(55_500_000_000 + seed))[1].id for seed in range(100)]
    assert not [one for one in made if ".shipped_twice:" in one]
    assert [one for one in made if ".no_such_number:" in one]
