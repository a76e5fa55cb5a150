"""One door for lots: however points move, the lot's order counts the move, keeps it in its history and announces it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from models.store.customers import CustomerKey
from pipelines.engine.ledger import Ledger
from pipelines.errors import IllegalMove, Raced
from pipelines.points.holds import hold, release
from pipelines.points.jobs import expire_step
from pipelines.points.schema import HoldDocument
from pipelines.rules.lots import LotMove
from pipelines.rules.purse import Cause
from tests.rules.build import SHOPS, at, shop_with
from tests.world import World, a_line, document

OVER = at("2027-11-21 00:00:00")
M_1 = CustomerKey("apparel", "M-1")


@pytest.fixture
def heard(world: World) -> World:
    """A house in which the apparel shop's storefront hears of everything."""
    world.enrol("storefront", "front", shops=["apparel"], url="https://front.example/hooks")
    return world


def earn(world: World, number: str = "A-1", **changes: Any) -> int:
    """An order that has shipped and whose points count; its id."""
    world.take(document(number, a_line(unit_price=10_000), shop="apparel", **changes))
    world.settle()
    world.ship_all(number, shop="apparel")
    return order_id(world, number)


def order_id(world: World, number: str) -> int:
    return int(world.value("SELECT id FROM shop_order WHERE number = :number", number=number))


def told(world: World, number: str = "A-1") -> list[tuple[str | None, str, str]]:
    """(from, to, cause) of the events about the lots of an order, by their numbers."""
    world.perform("storefront.event")
    events = [e for e in world.storefronts.messages.values() if e.data["number"] == number]
    listed = sorted(events, key=lambda e: e.data["sequence"])
    return [(e.data["from"], e.data["to"], e.data["cause"]) for e in listed if e.type == "points.changed"]


def history(world: World, number: str = "A-1") -> list[tuple[str | None, str, str]]:
    """The same of the order's timeline."""
    shown = world.show(number, "apparel")["timeline"]
    return [(one["from"], one["to"], one["cause"]) for one in shown if one["entity"] == "lot"]


def numbered(world: World, number: str = "A-1") -> tuple[int, int]:
    """(number of the last move, moves in the history) of an order."""
    row = world.rows(
        "SELECT sequence, (SELECT count(*) FROM transition WHERE order_id = o.id) AS moves FROM shop_order o "
        "WHERE number = :number",
        number=number,
    )[0]
    return row.sequence, row.moves


def agree(world: World, number: str, moves: list[tuple[str | None, str, str]]) -> None:
    """History, events and numbers say the same."""
    assert history(world, number) == moves
    assert told(world, number) == moves
    sequence, count = numbered(world, number)
    assert sequence == count
    assert world.broken() == {}


ACTIVE = [(None, "pending", "purchase"), ("pending", "valid", "activate")]


def test_an_expiry_is_heard_of(heard: World) -> None:
    """PTS-05; the timeline and the storefront learn of it alike, in the order's own numbers."""
    earn(heard)
    agree(heard, "A-1", ACTIVE)
    heard.clock.set(OVER)
    with heard.engine.begin() as connection:
        assert expire_step(connection, OVER, 10) == 1
    agree(heard, "A-1", [*ACTIVE, ("valid", "expired", "expire")])
    (last,) = [e for e in heard.storefronts.messages.values() if e.data["to"] == "expired"]
    assert (last.data["sequence"], last.data["at"]) == (numbered(heard)[0], OVER.isoformat())


def test_points_that_another_order_uses_up_are_moves_of_the_one_that_earned_them(heard: World) -> None:
    """PTS-12: used by A-2 and given back when it is cancelled."""
    earn(heard)
    heard.take(document("A-2", shop="apparel", points={"use": "all"}))
    agree(heard, "A-1", [*ACTIVE, ("valid", "used", "use")])
    heard.decide("accept")
    heard.tell(heard.ask("order.cancel", "A-2", "apparel", reason=""))
    heard.settle()
    agree(heard, "A-1", [*ACTIVE, ("valid", "used", "use"), ("used", "valid", "return")])
    agree(heard, "A-2", [(None, "pending", "purchase"), ("pending", "void", "void")])


@pytest.mark.parametrize(("outcome", "end"), [("valid", "valid"), ("void", "void")])
def test_a_hold_is_heard_of(heard: World, outcome: Any, end: str) -> None:
    """PTS-05."""
    earn(heard)
    wish = HoldDocument(shop="apparel", customer="M-1", order="A-1", reason="looks odd", key="H-1")
    assert hold(heard.engine, SHOPS, heard.clock, wish).new
    agree(heard, "A-1", [*ACTIVE, ("valid", "held", "hold")])
    release(heard.engine, SHOPS, heard.clock, "apparel", "H-1", outcome)
    cause = "release" if outcome == "valid" else "void"
    agree(heard, "A-1", [*ACTIVE, ("valid", "held", "hold"), ("held", end, cause)])


def test_points_taken_back_elsewhere_and_paid_later_are_heard_of(heard: World) -> None:
    """PTS-13: A-1's goods come back after its points were spent; A-2's points pay for them, and then A-3's."""
    for number in ("A-1", "A-2"):
        earn(heard, number)
    heard.take(document("B-1", shop="apparel", points={"use": 150}))
    back = [{"line": "1", "quantity": 1}]
    heard.tell(heard.ask("order.return_lines", "A-1", "apparel", lines=back, fault="customer"))
    heard.settle()
    used_up, taken = ("valid", "used", "use"), ("valid", "used", "clawback")
    agree(heard, "A-1", [*ACTIVE, used_up])
    agree(heard, "A-2", [*ACTIVE, taken])
    earn(heard, "A-3")
    agree(heard, "A-3", ACTIVE)
    assert heard.balance(shop="apparel")[1] == 95 * 3 - 150 - 95


def test_a_coupons_points_are_moves_of_the_order_that_brought_it(world: World) -> None:
    """PTS-15: credited, and used up by the same order."""
    world.enrol("storefront", "front", shops=["clinic"], url="https://front.example/hooks")
    coupon = {"code": "WELCOME", "kind": "points", "value": 3_000}
    world.take(document("C-1", shop="clinic", coupons=[coupon], points={"use": "all"}))
    moves = [(None, "valid", "coupon"), ("valid", "used", "use")]
    assert (told(world, "C-1"), numbered(world, "C-1")) == (moves, (3, 3))
    world.settle()
    assert numbered(world, "C-1")[0] == numbered(world, "C-1")[1]
    assert world.broken() == {}


def test_a_lot_without_an_order_has_no_orders_history(heard: World) -> None:
    heard.grant(100, shop="apparel", expires_at=OVER)
    with heard.engine.begin() as connection:
        assert expire_step(connection, OVER, 10) == 1
    assert heard.rows("SELECT state FROM point_lot") == [("expired",)]
    assert heard.rows("SELECT FROM transition") == []
    assert heard.rows("SELECT FROM effect") == []


def test_no_order_is_given_back_more_than_it_cost_however_often_it_shrinks(world: World) -> None:
    """PTS-13: a line went, then the order; its points had been spent, and others were there to take them from."""
    shop = shop_with("apparel", **{"use_cap = 5_000": 'activation_event = "ordered"\nuse_cap = 5_000'})
    world.shops = {**world.shops, "apparel": shop}
    world.runner = replace(world.runner, shops=world.shops)
    lines = [a_line("1", unit_price=10_000), a_line("2", unit_price=10_000, supplier="maker-a")]
    world.take(document("A-1", *lines, shop="apparel"))
    world.settle()
    _, earned = world.balance(shop="apparel")
    world.take(document("A-2", shop="apparel", points={"use": earned}))
    world.grant(1_000, shop="apparel")
    world.settle()
    _, before = world.balance(shop="apparel")
    for line in ("1", "2"):
        asked = [{"line": line, "quantity": 1}]
        world.tell(world.ask("order.cancel_lines", "A-1", "apparel", lines=asked, reason="out of stock"))
        world.settle()
    assert world.states()["A-1"][0] == "cancelled"
    assert world.balance(shop="apparel")[1] == before - earned
    assert world.broken() == {}


# What two do at once.


@pytest.fixture
def elsewhere(world: World) -> Iterator[Connection]:
    """Another process's transaction."""
    with world.engine.connect() as connection:
        yield connection


def take_order(connection: Connection, order: int) -> None:
    connection.execute(text("SELECT FROM shop_order WHERE id = :id FOR NO KEY UPDATE"), {"id": order})


def test_who_has_no_order_waits_for_the_one_that_is_in_the_way(heard: World, elsewhere: Connection) -> None:
    """An intake finds the order that had earned the points under decision: it is taken in after it, once."""
    earn(heard)
    take_order(elsewhere, order_id(heard, "A-1"))
    placing = threading.Thread(target=lambda: heard.take(document("A-2", shop="apparel", points={"use": "all"})))
    placing.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 30
    while not heard.value(waits) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heard.rows("SELECT FROM point_transfer WHERE kind = 'use'") == []
    elsewhere.rollback()
    placing.join()
    agree(heard, "A-1", [*ACTIVE, ("valid", "used", "use")])


def test_a_decision_whose_points_belong_to_a_busy_order_is_taken_later(heard: World, elsewhere: Connection) -> None:
    """The batch does not wait, and nothing of that decision is written; the rest of the batch goes on."""
    earn(heard)
    heard.take(document("A-2", shop="apparel", points={"use": "all"}), document("A-3", shop="apparel", customer="M-2"))
    heard.decide("accept")
    take_order(elsewhere, order_id(heard, "A-1"))
    for number in ("A-2", "A-3"):
        heard.tell(heard.ask("order.cancel", number, "apparel", reason=""))
    assert heard.decide("cancel") == 2
    assert {number: state for number, (state, _) in heard.states().items()} == {
        "A-1": "shipped",
        "A-2": "accepted",
        "A-3": "cancelled",
    }
    assert heard.rows("SELECT attempts, error FROM work WHERE stage = 'cancel'") == [(0, None)]
    assert heard.rows("SELECT FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE o.number = 'A-2' "
                      "AND m.template = 'order_cancelled'") == []  # fmt: skip
    assert heard.broken() == {}
    elsewhere.rollback()
    heard.settle()
    agree(heard, "A-1", [*ACTIVE, ("valid", "used", "use"), ("used", "valid", "return")])


def spend_all(world: World) -> Ledger:
    """Write what comes of spending everything, in a transaction of its own that is taken once."""
    with world.engine.begin() as connection:
        ledger = Ledger(connection, world.clock.now())
        ledger.open([M_1])
        ledger.purse(*M_1).use(95, Cause("test", world.clock.now()))
        ledger.write()
    return ledger


def test_a_door_that_nobody_holds_open_writes_nothing(heard: World, elsewhere: Connection) -> None:
    """Without another try, whoever finds an order busy leaves everything as it was."""
    order = earn(heard)
    take_order(elsewhere, order)
    with pytest.raises(Raced) as raced:
        spend_all(heard)
    assert (raced.value.orders, history(heard)) == ({order}, ACTIVE)
    elsewhere.rollback()
    spend_all(heard)
    agree(heard, "A-1", [*ACTIVE, ("valid", "used", "use")])


def test_a_move_that_is_not_allowed_never_leaves_the_door(heard: World) -> None:
    order = earn(heard)
    with heard.engine.begin() as connection:
        ledger = Ledger(connection, heard.clock.now())
        ledger.open([M_1])
        ledger.purse(*M_1).moves.append(LotMove(1, order, "valid", "pending", "test"))
        with pytest.raises(IllegalMove, match="lot: valid -> pending"):
            ledger.write()
    assert history(heard) == ACTIVE
