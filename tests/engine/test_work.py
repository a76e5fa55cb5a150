"""Work is of a stage and a subject: each subject has its own timer, and a timer may say what it waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from models.store import work
from models.store.work import FailureRow, WorkRow
from models.subject import SHIPMENT, Subject
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.route import STAGES
from tests.world import World, a_line, document

HOUR = timedelta(hours=1)


def of_two_suppliers() -> dict[str, Any]:
    """An order of a shop whose makers ship themselves."""
    return document("C-1", a_line("1"), a_line("2", supplier="maker-a"), shop="clinic")


class Watch:
    """A stage of shipments that looks at each every two hours, and can be made to fail at one."""

    def __init__(self, fails_at: str = "") -> None:
        self.seen: list[str] = []
        self.fails_at = fails_at
        self.stage = Stage("watch", self.decide, Need.SHIPMENTS, subject=SHIPMENT)

    def decide(self, draft: OrderDraft, shop: Any, now: Any) -> None:
        assert draft.subject is not None
        self.seen.append(draft.subject.id)
        if draft.subject.id == self.fails_at:
            raise ZeroDivisionError
        draft.again(now + 2 * HOUR)

    def look(self, world: World) -> list[str]:
        """Which shipments it decides about until nothing is due."""
        before = len(self.seen)
        while world.runner.run_batch(self.stage).claimed:
            pass
        return self.seen[before:]


@pytest.fixture
def shipments(world: World) -> list[str]:
    """Two shipments of one order: the first is due to be watched now, the second in an hour."""
    world.take(of_two_suppliers())
    world.settle()
    first, second = world.shipments("C-1", "clinic")
    order_id, now = world.value("SELECT id FROM shop_order"), world.clock.now()
    with world.engine.begin() as connection:
        due = [(first, now), (second, now + HOUR)]
        work.schedule(connection, [WorkRow("watch", SHIPMENT, id_, order_id, at) for id_, at in due])
    return [first, second]


def test_each_subject_has_its_own_timer(world: World, shipments: list[str]) -> None:
    first, second = shipments
    watch, began = Watch(), world.clock.now()
    seen = []
    for hours in range(5):
        world.clock.set(began + hours * HOUR)
        seen.append(watch.look(world))
    assert seen == [[first], [second], [first], [second], [first]]
    assert world.broken() == {}


def test_an_order_has_one_decision_at_a_time_whatever_of_it_is_due(world: World, shipments: list[str]) -> None:
    """The one that was due first goes first; the other follows in a batch of its own, for which the stage rings itself."""
    watch = Watch()
    world.clock.set(world.clock.now() + HOUR)
    result = world.runner.run_batch(watch.stage)
    assert (watch.seen, result.claimed, result.stages) == (shipments[:1], 1, {"watch"})
    assert watch.look(world) == shipments[1:]


def test_a_subject_that_fails_is_set_aside_alone(world: World, shipments: list[str]) -> None:
    first, second = shipments
    watch, began = Watch(fails_at=first), world.clock.now()
    world.clock.set(began + HOUR)
    assert watch.look(world) == [first, second]
    (left,) = world.rows("SELECT subject_id, error FROM work WHERE stage = 'watch' AND attempts > 0")
    assert (left.subject_id, left.error.split(" ")[0]) == (first, "ZeroDivisionError")
    world.clock.set(began + 3 * HOUR)
    assert watch.look(world) == [second], "the first backs off, in the database's own time"


def test_a_stage_of_orders_decides_once_about_all_that_is_due_of_one(world: World) -> None:
    """Two suppliers owe their goods: one decision asks after both."""
    world.take(of_two_suppliers())
    world.settle()
    assert world.value("SELECT count(*) FROM work WHERE stage = 'dispatch' AND subject_kind = 'shipment'") == 2
    world.clock.set(world.clock.now() + 25 * HOUR)
    result = world.runner.run_batch(STAGES["dispatch"])
    assert (result.claimed, result.decided) == (1, 1)
    world.settle()
    assert world.value("SELECT count(*) FROM mail WHERE template = 'supplier_overdue'") == 4
    assert world.value("SELECT count(*) FROM work WHERE stage = 'dispatch' AND subject_kind = 'shipment'") == 2


def test_a_subject_that_no_order_has(world: World) -> None:
    """A supplier's day is scheduled, found, set aside and finished like everything else; no order is claimed with it."""
    day, now = Subject("supplier_day", "maker-a/2026-11-20"), world.clock.now()
    with world.engine.begin() as connection:
        work.schedule(connection, [WorkRow("file", *day, None, now)])
        assert work.due_stages(connection, ["file", "accept"], now - HOUR) == []
        assert work.due_stages(connection, ["file", "accept"], now) == ["file"]
        assert work.claim(connection, "file", now, 10) == []
        work.set_aside(connection, "file", [FailureRow(*day, "no such file")])
        assert work.due_stages(connection, ["file"], now) == [], "it backs off"
        work.schedule(connection, [WorkRow("file", *day, None, now)])
        assert work.due_stages(connection, ["file"], now) == ["file"], "news ends that"
        place = connection.execute(text("SELECT ctid::text FROM work WHERE stage = 'file'")).scalar_one()
        assert work.finish(connection, [place]) == 1
        assert work.due_stages(connection, ["file"], now) == []


PLAIN = (None, None, None)
MONEY = ("customer.money", "customer", "cancel")


@pytest.mark.parametrize(
    ("rows", "hour", "named"),
    [
        ([(1, PLAIN), (2, PLAIN)], 1, PLAIN),
        ([(2, PLAIN), (1, PLAIN)], 1, PLAIN),
        ([(2, MONEY), (1, PLAIN)], 1, PLAIN),
        ([(1, MONEY), (2, PLAIN)], 1, MONEY),
        ([(2, PLAIN), (1, MONEY)], 1, MONEY),
        ([(1, PLAIN), (1, MONEY)], 1, MONEY),
        ([(1, MONEY), (1, PLAIN)], 1, MONEY),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_the_earlier_moment_stands_and_its_name_with_it(
    world: World,
    rows: list[tuple[int, tuple[str | None, ...]]],
    hour: int,
    named: tuple[str | None, ...],
    together: bool,
) -> None:
    now = world.clock.now()
    made = [WorkRow("stage", SHIPMENT, "SH-1", 1, now + hours * HOUR, *name) for hours, name in rows]
    with world.engine.begin() as connection:
        for part in [made] if together else [[one] for one in made]:
            work.schedule(connection, part)
    (left,) = world.rows("SELECT due_at, what, counterparty, consequence FROM work WHERE stage = 'stage'")
    assert (left.due_at, tuple(left)[1:]) == (now + hour * HOUR, named)


def test_a_wait_that_is_over_needs_no_waking_and_what_is_due_stays_due(world: World) -> None:
    now = world.clock.now()
    waits = WorkRow("dispatch", SHIPMENT, "SH-1", 1, now, "supplier.acknowledgement", "warehouse", "remind")
    due = WorkRow("dispatch", SHIPMENT, "SH-2", 1, now)
    with world.engine.begin() as connection:
        work.schedule(connection, [waits, due])
        over = [("dispatch", Subject(SHIPMENT, id_)) for id_ in ("SH-1", "SH-2", "SH-3")]
        assert work.end_waits(connection, over) == 1
    assert [one.subject_id for one in world.rows("SELECT subject_id FROM work")] == ["SH-2"]


def waits(world: World, number: str = "S-1", shop: str = "salon") -> list[tuple[str, str, str, str]]:
    """What an order waits for, as ``GET`` answers it."""
    return [(one["what"], one["from"], one["until"], one["then"]) for one in world.show(number, shop)["awaits"]]


def test_an_order_says_what_it_waits_for_until_when_and_what_happens_then(world: World) -> None:
    """PAY-07, and A.5: a supplier answers within a day."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    assert waits(world) == []
    world.settle()
    ((what, whom, until, then),) = waits(world)
    assert (what, whom, then) == ("customer.money", "customer", "remind")
    world.at(until)
    ((what, whom, until, then),) = waits(world)
    assert (what, whom, then) == ("customer.money", "customer", "cancel")
    assert until > world.clock.now().isoformat()
    world.tell(world.deposit("S-1", world.show()["payment"]["amount"]))
    world.settle()
    ((what, whom, until, then),) = waits(world)
    assert (what, whom, then) == ("supplier.ship", "warehouse", "remind")


def test_a_supplier_that_answered_is_waited_for_no_longer(world: World) -> None:
    world.take(of_two_suppliers())
    world.settle()
    shown = world.show("C-1", "clinic")
    by_supplier = {one["supplier"]: one["id"] for one in shown["shipments"]}
    assert {(one["from"], one["shipment"]) for one in shown["awaits"]} == set(by_supplier.items())
    world.tell(world.news("shipment.acknowledged", by_supplier["maker-a"], "maker-a"))
    world.settle()
    owed = {whom: what for what, whom, _, _ in waits(world, "C-1", "clinic")}
    assert owed == {"maker-a": "supplier.ship", "warehouse": "supplier.ship"}
    world.tell(world.shipped(by_supplier["warehouse"]), world.shipped(by_supplier["maker-a"], "maker-a"))
    world.settle()
    assert {what for what, _, _, _ in waits(world, "C-1", "clinic")} == {"carrier.delivery"}
    assert world.value("SELECT count(*) FROM work WHERE stage = 'dispatch'") == 0, "nobody wakes for nothing"


def test_an_order_that_is_final_waits_for_nothing(world: World) -> None:
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    assert (world.states()["S-1"][0], waits(world)) == ("cancelled", [])
