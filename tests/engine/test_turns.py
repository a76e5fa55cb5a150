"""Shops take turns: what one has piled up does not delay the few things of another."""

from __future__ import annotations

from collections import Counter

import pytest

from models.store import leases, mails, work
from tests.world import World, document

MANY, FEW, BATCH = 300, 10, 100


def piled_up(world: World) -> None:
    """Many orders of one shop that have been due for longer than the few of another."""
    world.take(*(document(f"S-{n}") for n in range(MANY)))
    world.clock.advance(hours=1)
    world.take(*(document(f"C-{n}", shop="clinic") for n in range(FEW)))


def claimed(world: World, limit: int = BATCH) -> list[str]:
    """The shops of a batch."""
    with world.engine.begin() as connection:
        return [order.shop for order, _ in work.claim(connection, "accept", world.clock.now(), limit, early=True)]


def test_a_batch_of_orders_has_those_of_every_shop(world: World) -> None:
    piled_up(world)
    assert Counter(claimed(world)) == {"salon": BATCH - FEW, "clinic": FEW}


def test_a_batch_that_is_too_small_for_all_is_shared(world: World) -> None:
    piled_up(world)
    assert Counter(claimed(world, 8)) == {"salon": 4, "clinic": 4}


def test_of_a_shop_those_due_longest_come_first(world: World) -> None:
    world.take(*(document(f"S-{n}") for n in range(4)))
    world.execute("UPDATE work SET due_at = due_at - interval '1 s' * order_id")
    with world.engine.begin() as connection:
        numbers = [order.number for order, _ in work.claim(connection, "accept", world.clock.now(), 3, early=True)]
    assert numbers == ["S-3", "S-2", "S-1"]


def test_two_batches_at_a_time_take_different_orders(world: World) -> None:
    piled_up(world)
    with world.engine.begin() as one, world.engine.begin() as other:
        first = {order.id for order, _ in work.claim(one, "accept", world.clock.now(), BATCH, early=True)}
        second = {order.id for order, _ in work.claim(other, "accept", world.clock.now(), BATCH, early=True)}
    assert (len(first), first & second) == (BATCH, set())
    assert len(second) >= BATCH - FEW, "what the first one holds of a shop is not made up for"


def test_a_batch_of_effects_has_those_of_every_shop(world: World) -> None:
    piled_up(world)
    while world.decide("accept"):
        pass
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE effect_lease SET due_at = due_at - interval '1 h' WHERE shop = 'salon'")
        leased = {row.subject_id for row in leases.lease(connection, mails.SEND, BATCH, 20.0)}
    shops = world.rows(
        "SELECT o.shop FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE m.id = ANY(:ids)", ids=list(leased)
    )
    assert Counter(row.shop for row in shops) == {"salon": BATCH - FEW, "clinic": FEW}


@pytest.mark.parametrize("table", ["work", "effect_lease"])
def test_everything_that_waits_for_an_order_is_of_its_shop(world: World, table: str) -> None:
    piled_up(world)
    world.decide("accept", "authorize")
    assert world.value(f"SELECT count(*) FROM {table} WHERE shop NOT IN ('salon', 'clinic')") == 0
