"""A supplier that sends so many shipments a day: real orders take their places one after another, in one batch and in two."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from threading import Thread

import pytest
from sqlalchemy import Engine

from pipelines.route import STAGES
from tests.engine.slow import Slow
from tests.rules.build import at, shop_with
from tests.world import SHOPS, World, document
from workers.mail.rendering import Renderer

_LIMITED = shop_with("salon", **{"[suppliers.warehouse]": "[suppliers.warehouse]\ncapacity = 2"})
_TODAY, _NEXT, _AFTER = date(2026, 11, 20), date(2026, 11, 24), date(2026, 11, 25)
_LOOK = 0.02


@pytest.fixture
def limited(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A house whose warehouse sends two shipments a day."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": _LIMITED}) as world:
        yield world


def days(world: World) -> list[date]:
    """The planned days, of the first order first."""
    return [
        row.dispatch_on
        for row in world.rows(
            "SELECT s.dispatch_on FROM shipment s JOIN shop_order o ON o.id = s.order_id ORDER BY o.number"
        )
    ]


def orders(count: int) -> list[dict[str, object]]:
    return [document(f"S-{number}", customer=f"M-{number}") for number in range(1, count + 1)]


def test_orders_of_one_batch_fill_a_day_and_then_the_next(limited: World) -> None:
    """Friday has two places, Tuesday the next two; the customer is told the day once the place is taken, and only then."""
    limited.take(*orders(5))
    limited.settle()
    assert sorted(days(limited)) == [_TODAY, _TODAY, _NEXT, _NEXT, date(2026, 11, 25)]
    told = [mail["template"] for mail in limited.show("S-1")["mails"]]
    assert (told.count("order_accepted"), told.count("dispatch_planned")) == (1, 1)
    assert limited.broken() == {}


def test_a_cancelled_order_gives_its_place_back(limited: World) -> None:
    limited.take(*orders(2))
    limited.decide("accept", "authorize")
    limited.perform("payment.authorize")
    limited.decide("authorize", "split")
    assert days(limited) == [_TODAY, _TODAY]
    limited.execute("UPDATE shipment SET state = 'cancelled' WHERE order_id = (SELECT min(id) FROM shop_order)")
    limited.take(document("S-3", customer="M-3"))
    limited.settle()
    assert days(limited)[-1] == _TODAY


def test_a_shop_without_capacities_asks_nothing(world: World) -> None:
    """Nobody is kept waiting, and the day is told with the confirmation."""
    world.take(*orders(3))
    world.settle()
    assert days(world) == [_TODAY] * 3
    assert "dispatch_planned" not in [mail["template"] for mail in world.show("S-1")["mails"]]


def later(world: World, moment: str, *numbers: str) -> None:
    """New orders of an hour before ``moment``, at which the house goes on."""
    world.clock.set(at(moment))
    placed = (world.clock.now() - timedelta(hours=1)).isoformat()
    world.take(*(document(number, customer=f"M-{number}", placed_at=placed) for number in numbers))
    world.settle()


def test_a_day_that_passed_before_its_supplier_was_told_is_planned_anew_where_there_is_room(limited: World) -> None:
    """The house slept from Friday to Tuesday, and two orders of Tuesday are planned with them: each has a place (CUT-01)."""
    limited.take(*orders(3))
    limited.decide("accept", "authorize")
    limited.perform("payment.authorize")
    limited.decide("authorize", "split")
    assert days(limited) == [_TODAY, _TODAY, _NEXT]
    later(limited, "2026-11-24 10:00:00", "T-1")
    assert sorted(days(limited)) == [_NEXT, _NEXT, _AFTER, _AFTER]
    limited.at("2026-11-25 10:00:00")
    assert {state for state, _ in limited.states().values()} == {"released"}
    assert limited.broken() == {}


def test_goods_that_are_late_get_a_day_that_is_not_full(limited: World) -> None:
    """Nothing left on Friday, and Tuesday is taken: those who hear of another day hear of one that can be kept."""
    limited.take(*orders(4))
    limited.settle()
    limited.at("2026-11-24 14:00:00")
    assert days(limited) == [_AFTER, _AFTER, _NEXT, _NEXT]
    assert {state[1] for number, state in limited.states().items() if number in ("S-1", "S-2")} == {"held"}


def test_what_is_asked_again_keeps_the_place_that_it_has(limited: World) -> None:
    """The day is full, with itself: it is no reason to leave later, and the next order has the next day all the same."""
    limited.take(*orders(2))
    limited.settle()
    limited.tell(limited.ask("order.ask_again", "S-1", shipment=limited.shipments("S-1")[0], reason=""))
    limited.settle()
    assert limited.value("SELECT max(again) FROM shipment") == 1
    assert days(limited) == [_TODAY, _TODAY]
    assert "dispatch_delayed" not in [mail["template"] for mail in limited.show("S-1")["mails"]]
    later(limited, "2026-11-20 10:00:00", "T-1")
    assert days(limited) == [_TODAY, _TODAY, _NEXT]


def test_two_batches_at_one_moment_do_not_give_a_place_twice(limited: World) -> None:
    """The second waits for the first, and sees what it took."""
    limited.take(*orders(4))
    limited.decide("accept", "authorize")
    limited.perform("payment.authorize")
    limited.decide("authorize")
    slow = Slow(limited.runner.renderer)
    batches = [
        Thread(target=runner.run_batch, args=(STAGES["split"], 2))
        for runner in (replace(limited.runner, renderer=slow), limited.runner)
    ]
    batches[0].start()
    assert slow.reached.wait(30)
    batches[1].start()
    while batches[1].is_alive() and not limited.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        time.sleep(_LOOK)
    slow.go.set()
    for batch in batches:
        batch.join(30)
    assert sorted(days(limited)) == [_TODAY, _TODAY, _NEXT, _NEXT]
