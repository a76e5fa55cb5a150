"""A peer is compared only once it has done all of the job: what the statement asks, and what is seen of whoever leaves a part out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
from sqlalchemy import Engine

from benchmarks.peers.job import SHOP, START, differences, due, events_due, orders
from benchmarks.peers.place import Place
from benchmarks.peers.steps import Steps
from benchmarks.peers.tally import tally
from pipelines.shops import load_shops
from tests.world import World
from workers.installation import INSTALLATION

ORDERS: Final = orders("P", 3)
SALON: Final = load_shops(installation=INSTALLATION)[SHOP]


def found(change: Callable[[Counter[str]], None]) -> list[str]:
    """What is said of books that are as they should be but for ``change`` in those of the second order."""
    books = {one["number"]: due(one, SALON) for one in ORDERS}
    change(books["P-1"])
    return list(differences(ORDERS, SALON, books))


def test_the_statement_counts_an_order_of_two_lines() -> None:
    asked = due(ORDERS[1], SALON)
    assert {what: many for what, many in asked.items() if not what.startswith("move ")} == {
        "order": 1, "document": 1, "line": 2, "payment": 1, "payment entry": 2, "shipment": 1, "shipment line": 2, "parcel": 1,
        "ends shipped, done, captured": 1, "lot": 1, "points moved": 2,
        "mail order_accepted": 1, "mail shipment_shipped": 1, "mail points_activated": 1,
    }  # fmt: skip
    assert sum(many for what, many in asked.items() if what.startswith("move ")) == 12


def test_the_storefront_hears_of_every_move_but_of_no_condition() -> None:
    assert events_due(ORDERS[1], SALON) == {
        "order.state_changed": 4, "payment.state_changed": 2, "shipment.state_changed": 3, "points.changed": 2,
    }  # fmt: skip


@pytest.mark.parametrize("what", sorted(due(ORDERS[1], SALON)))
def test_nothing_may_be_left_out(what: str) -> None:
    assert found(lambda books: books.subtract([what])) == [
        f"P-1: {due(ORDERS[1], SALON)[what] - 1} of {what}, where {due(ORDERS[1], SALON)[what]} are due"
    ]


def test_nothing_may_be_written_twice_or_for_nobody() -> None:
    assert found(lambda books: books.update(["mail order_accepted"])) == [
        "P-1: 2 of mail order_accepted, where 1 are due"
    ]
    books = {one["number"]: due(one, SALON) for one in ORDERS}
    assert list(differences(ORDERS[:2], SALON, books)) == ["P-2: written, and nobody ordered it"]


def test_a_supplier_may_be_faster_than_the_record_that_it_was_told() -> None:
    def overtakes(books: Counter[str]) -> None:
        books["move shipment planned>shipped"] = 1
        books["move shipment planned>instructed"] = books["move shipment instructed>shipped"] = 0

    assert found(overtakes) == []


def carried(engine: Engine, url: str, *, without: str = "") -> list[str]:
    """What is said of an order that a peer's steps carried, each of them twice as a queue may deliver it, but ``without`` one."""
    steps = Steps(Place(url, "", str(START.timestamp())))
    (order, _), news = steps.take(ORDERS[1]), []
    for name in ("authorize", "split", "dispatch", "notify", "settle", "reward"):
        for _ in range(0 if name == without else 2):
            if name == "notify":
                for one in news:
                    steps.notify(order, one)
            else:
                news += getattr(steps, name)(order).news
    with engine.connect() as connection:
        return list(differences(ORDERS[1:2], SALON, tally(connection)))


def test_the_steps_of_a_peer_do_the_whole_job_and_nothing_twice(engine: Engine, database_url: str) -> None:
    assert carried(engine, database_url) == []


def test_a_step_that_is_left_out_is_seen(engine: Engine, database_url: str) -> None:
    assert carried(engine, database_url, without="reward") == [
        "P-1: 0 of ends shipped, done, captured, where 1 are due",
        "P-1: 1 of ends shipped, running, captured, where 0 are due",
        "P-1: 0 of mail points_activated, where 1 are due",
        "P-1: 0 of move condition running>done, where 1 are due",
        "P-1: 0 of move lot pending>valid, where 1 are due",
        "P-1: 1 of points moved, where 2 are due",
    ]


def test_shukka_does_what_is_asked_of_its_peers(world: World) -> None:
    world.clock.set(START)
    world.enrol("supplier", "warehouse", url="https://warehouse.example.jp/")
    world.take(*ORDERS)
    world.settle()
    world.ship_all(*(order["number"] for order in ORDERS))
    world.settle()
    with world.engine.connect() as connection:
        assert list(differences(ORDERS, SALON, tally(connection))) == []
