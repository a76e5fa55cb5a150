"""Where orders stand, what they wait for, and what counts as stuck: nothing that waits for its time, its supplier, its money or
a human."""

from __future__ import annotations

from tests.rules.build import at
from tests.world import World, document
from workers.audit.registry import of_database
from workers.audit.registry import stuck as is_stuck
from workers.demo import standing

IN_REMARKS = "クーポン AUTUMN と WINTER を使います"  # CPN-03: a human must see it


def stuck(world: World) -> list[str]:
    with world.engine.connect() as connection:
        found = of_database(connection, world.clock.now())
    assert all(map(is_stuck, found)), found
    return [one.says for one in found]


def due(world: World) -> int:
    with world.engine.connect() as connection:
        return standing.glance(connection, world.clock.now()).due


def everyday_orders(world: World) -> None:
    """One that ships today, one that does tomorrow, one that is not paid yet, one held."""
    world.take(
        document("S-1"),
        document("S-3", payment={"method": "bank_transfer"}),
        document("S-4", remarks=IN_REMARKS),
    )
    world.at("2026-11-20 15:30:00")
    world.take(document("S-2", placed_at="2026-11-20T15:30:00+09:00"))
    world.settle()


def test_every_state_has_its_reason(world: World) -> None:
    everyday_orders(world)
    with world.engine.connect() as connection:
        found, slowest = standing.reasons(connection), standing.slowest(connection)
    assert dict(found) == {
        "accepted": [(1, "waits for a human: coupons_in_remarks")],
        "awaiting_payment": [(1, "the customer has not paid yet")],
        "authorized": [(1, "planned for a later day, from 2026-11-24")],
        "released": [(1, "the supplier has it and has not shipped yet")],
    }
    assert {order for order, _, _ in slowest} == {"salon/S-1", "salon/S-2"}


def test_orders_that_wait_for_somebody_are_not_stuck_and_nothing_is_due(world: World) -> None:
    everyday_orders(world)
    assert (stuck(world), due(world)) == ([], 0)
    world.ship_all("S-1")
    assert (stuck(world), due(world)) == ([], 0)


def test_what_has_just_come_in_is_due(world: World) -> None:
    world.take(document("S-1"))
    assert due(world) == 1
    world.decide("accept", "authorize")
    assert due(world) == 2  # the gateway and the confirmation by mail
    world.settle()
    assert due(world) == 0


def test_an_order_whose_work_was_forgotten_is_stuck_by_the_rule_of_the_check(world: World) -> None:
    """Each once; and no promise is broken beside."""
    everyday_orders(world)
    world.execute("DELETE FROM work")
    assert stuck(world) == [
        "salon/S-1 is released, and nothing will ever move it",
        "salon/S-2 is authorized, and nothing will ever move it",
        "salon/S-3 is awaiting_payment, and nothing will ever move it",
    ]


def test_what_orders_wait_for_is_counted_by_what_and_from_whom(world: World) -> None:
    everyday_orders(world)
    world.take(document("S-6", placed_at="2026-11-20T09:10:00+09:00"))
    world.settle()

    def waits() -> dict[tuple[str, str], tuple[int, str]]:
        with world.engine.connect() as connection:
            found = standing.awaited(connection)
        return {(one.what, one.counterparty): (one.orders, f"{one.latest:%m-%d}") for one in found}

    assert waits() == {
        ("supplier.ship", "warehouse"): (2, "11-20"),
        ("customer.money", "customer"): (1, "11-25"),
    }
    world.ship_all("S-1")
    assert waits()["carrier.delivery", "yamato"][0] == 1


def test_the_order_with_most_to_tell_is_the_one_in_most_parcels(world: World) -> None:
    everyday_orders(world)
    with world.engine.connect() as connection:
        assert standing.richest(connection) == ("salon", "S-1")  # it moved most
    world.ship_all("S-2")
    with world.engine.connect() as connection:
        assert standing.richest(connection) == ("salon", "S-2")


def test_how_far_work_is_behind_the_clock_is_seen(world: World) -> None:
    world.take(document("S-1"))
    with world.engine.connect() as connection:
        assert standing.glance(connection, at("2026-11-20 09:20:00")).behind == 20 * 60
        assert standing.glance(connection, at("2026-11-20 09:00:00")).behind == 0


def test_a_decision_that_fails_is_stuck_but_not_waited_for(world: World) -> None:
    world.take(document("S-1"))
    world.execute("UPDATE work SET attempts = 3, error = 'KeyError at split.py:20'")
    assert (stuck(world), due(world)) == (["salon/S-1: accept fails with KeyError at split.py:20"], 0)


def test_work_that_nobody_took_and_a_mail_that_never_goes_are_stuck(world: World) -> None:
    everyday_orders(world)
    world.take(document("S-5"))
    world.decide("accept")
    world.execute("UPDATE effect_lease SET attempts = 3")
    assert stuck(world) == [
        "salon/S-5: authorize is not decided",
        "salon/S-5: mail.send was tried 3 times and is still open",
    ]


def test_an_outcome_that_nobody_found_out_is_stuck(world: World) -> None:
    everyday_orders(world)
    world.execute("UPDATE effect SET state = 'needs_review' WHERE kind = 'payment.authorize' AND key LIKE '%S-1%'")
    world.execute("UPDATE mail SET state = 'needs_review' WHERE template = 'payment_instructions'")
    assert stuck(world) == [
        "salon/S-1: the outcome of payment.authorize is unknown",
        "salon/S-3: the outcome of payment_instructions is unknown",
    ]
