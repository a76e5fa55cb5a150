"""Effects of several items: who shares one, when it closes, and that an outcome under an old token changes none."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from models.store import effect_items, effects, leases
from models.store.effect_items import ItemOutcomeRow, NewItemRow
from models.store.effects import OutcomeRow
from tests.world import World, document

KIND = "supplier.instruct"
FILE = "csv:warehouse:2026-11-20"


@pytest.fixture
def shipments(world: World) -> list[str]:
    """Three orders with a shipment each, by id of the order."""
    world.take(document("S-1"), document("S-2"), document("S-3"))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.decide("authorize", "split")
    return [row.id for row in world.rows("SELECT id FROM shipment ORDER BY order_id")]


def item(shipments: list[str], number: int, batch: str = FILE) -> NewItemRow:
    """The instruction of the ``number``-th order's shipment."""
    shipment = shipments[number - 1]
    return NewItemRow(batch, KIND, {"channel": "csv"}, f"{shipment}:requested", number, shipment, "dispatch")


def join(world: World, *rows: NewItemRow) -> None:
    with world.engine.begin() as connection:
        effect_items.join(connection, rows)


def shared(world: World) -> list[tuple[str, int]]:
    """(batch, items) of each effect, first to last."""
    found = world.rows(
        "SELECT e.batch, count(*) AS items FROM effect e JOIN effect_item i ON i.effect_id = e.id GROUP BY e.id ORDER BY e.id"
    )
    return [(row.batch, row.items) for row in found]


def closed(world: World, connection: Connection) -> list[effect_items.InstructionRow]:
    """What is to be performed of the oldest effect, which takes in nothing any more."""
    oldest = world.value("SELECT min(id) FROM effect WHERE batch IS NOT NULL")
    effect_items.close(connection, [oldest])
    return effect_items.to_instruct(connection, [oldest])


def test_items_of_one_batch_share_an_effect_and_others_have_their_own(world: World, shipments: list[str]) -> None:
    join(world, item(shipments, 1), item(shipments, 3, "csv:maker-a:2026-11-20"))
    join(world, item(shipments, 2))
    assert shared(world) == [("csv:maker-a:2026-11-20", 1), (FILE, 2)]
    assert world.broken() == {}


def test_an_item_joins_once(world: World, shipments: list[str]) -> None:
    for _ in range(2):
        join(world, item(shipments, 1))
    assert shared(world) == [(FILE, 1)]


def test_nothing_joins_what_is_being_performed(world: World, shipments: list[str]) -> None:
    """What is sent again under its key is what was sent before."""
    join(world, item(shipments, 1))
    with world.engine.begin() as connection:
        assert [row.shipment_id for row in closed(world, connection)] == [shipments[0]]
    join(world, item(shipments, 2))
    assert shared(world) == [(FILE, 1), (FILE, 1)]


def alongside(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_two_batches_that_are_decided_side_by_side_share_one_effect(world: World, shipments: list[str]) -> None:
    """The second waits for the first, whose effect nobody else can see yet."""
    with world.engine.begin() as connection:
        effect_items.join(connection, [item(shipments, 1)])
        other = alongside(lambda: join(world, item(shipments, 2)))
        other.join(0.2)
        assert other.is_alive()
    other.join(10)
    assert shared(world) == [(FILE, 2)]


def test_who_performs_waits_for_whoever_is_just_joining(world: World, shipments: list[str]) -> None:
    join(world, item(shipments, 1))
    performed: list[str] = []

    def perform() -> None:
        with world.engine.begin() as connection:
            performed.extend(row.shipment_id for row in closed(world, connection))

    with world.engine.begin() as connection:
        effect_items.join(connection, [item(shipments, 2)])
        other = alongside(perform)
        other.join(0.2)
        assert other.is_alive()
    other.join(10)
    assert sorted(performed) == sorted(shipments[:2])


def test_an_outcome_under_an_old_token_changes_no_item(world: World, shipments: list[str]) -> None:
    """Fencing: the performer was paused past its lease, another holds the effect, then the first comes back."""
    join(world, item(shipments, 1), item(shipments, 2))
    world.hurry()
    with world.engine.begin() as connection:
        (first,) = leases.lease(connection, KIND, 1, 20.0)
    world.hurry()
    with world.engine.begin() as connection:
        (second,) = leases.lease(connection, KIND, 1, 20.0)

    def record(token: int) -> int:
        key = f"{shipments[0]}:requested"
        outcome = ItemOutcomeRow(first.subject_id, token, key, "done", {"verdict": "ok"})
        with world.engine.begin() as connection:
            return len(effect_items.end(connection, KIND, [outcome]))

    assert (record(first.token), record(second.token), record(second.token)) == (0, 1, 0)
    assert sorted(row.state for row in world.rows("SELECT state FROM effect_item")) == ["done", "pending"]


def test_items_that_were_told_nothing_of_their_own_end_as_their_effect_does_and_wake_their_orders(
    world: World, shipments: list[str]
) -> None:
    join(world, *(item(shipments, number) for number in (1, 2, 3)))
    world.hurry()
    with world.engine.begin() as connection:
        (held,) = leases.lease(connection, KIND, 1, 20.0)
        told = ItemOutcomeRow(held.subject_id, held.token, f"{shipments[0]}:requested", "declined", {"code": "name"})
        woken = effect_items.end(connection, KIND, [told])
        effects.end(connection, KIND, [OutcomeRow(held.subject_id, held.token, "done", {"verdict": "ok"})])
        woken += effect_items.end_with(connection, [held.subject_id])
    assert sorted((row.order_id, row.wakes) for row in woken) == [(number, "dispatch") for number in (1, 2, 3)]
    assert [row.state for row in world.rows("SELECT state FROM effect_item ORDER BY order_id")] == [
        "declined",
        "done",
        "done",
    ]
    assert world.broken() == {}
