"""The watermark of ``shukka check``: what an incremental check finds of what is long done, what it leaves to ``--full``, and what moves it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from models.checking import QUERIES, look
from models.database import connect
from models.store.watermarks import standing
from models.touched import GROWING
from tests.checking import UNTOLD, Extents, checked
from tests.world import World, a_line, document

#: What every decision that moves an order does to it.
MOVED = "UPDATE shop_order SET version = version + 1"
#: Changes behind the engine's back of what belongs to an order that is done: an incremental check finds all that one of everything does.
FOUND = [
    "UPDATE shop_order SET sequence = 0",
    "UPDATE payment SET amount = amount + 1",
    "UPDATE payment_entry SET captured = captured + 1",
    "UPDATE order_line SET shipped = 0",
    "UPDATE shipment_line SET shipped = 0",
    "INSERT INTO order_adjustment (order_id, sequence, key, kind, reason, amounts, money, points, rank_spend, at) "
    "SELECT id, 1, 'planted', 'return', '', '{\"lines\"\\: []}', 9999999, 0, 0, now() FROM shop_order",
    "UPDATE point_balance SET valid = valid + 1",
    "UPDATE point_lot SET gone = gone + 1",
    "UPDATE customer SET withdrawn_at = now()",
    "UPDATE point_transfer SET amount = amount + 1",
    "INSERT INTO order_hold (order_id, reason, lines, facts, opened_at, opened_by) "
    "SELECT id, 'needs_human', '{}', '{}', now(), 'planted' FROM shop_order",
    "INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at) "
    "SELECT id, 'order', id\\:\\:text, 'cancelled', 'delivered', 'planted', now() FROM shop_order",
    "INSERT INTO mail (message_id, order_id, template, envelope_from, envelope_to, packed, state, at) "
    "SELECT 'planted', id, 'rank_up', '', '', '', 'queued', now() FROM shop_order",
    "INSERT INTO mail (message_id, template, envelope_from, envelope_to, packed, state, at) "
    "VALUES ('planted', 'rank_up', '', '', '', 'queued', now())",
]
#: What leaves no trace in a row that is read, until a decision moves the order: that is found by --full.
LEFT_TO_FULL = [
    "DELETE FROM transition WHERE entity = 'order' AND to_state = 'authorized'",
    "UPDATE transition SET from_state = 'cancelled' WHERE entity = 'order' AND to_state = 'shipped'",
    "UPDATE mail SET state = 'bounced'",
    "DELETE FROM mail WHERE template = 'shipment_shipped'",
    "DELETE FROM payment_entry",
]


@pytest.fixture
def done(world: World) -> World:
    """One order whose goods arrived a year ago: nothing waits for it any more."""
    world.take(document("S-1", a_line(quantity=2)))
    world.settle()
    world.ship_all("S-1")
    world.tell(world.news("shipment.delivered", world.shipments()[0]))
    world.at("2027-11-20 09:00:00")
    assert world.states()["S-1"] == ("delivered", "done")
    assert world.rows("SELECT FROM work") == world.rows("SELECT FROM effect_lease") == []
    assert checked(world.engine) == {}
    return world


def _newest(connection: Connection) -> dict[str, int]:
    return {table: connection.execute(text(f"SELECT max(id) FROM {table}")).scalar_one() for table in GROWING}


def _seen(world: World, changes: Sequence[str]) -> tuple[set[str], set[str]]:
    """What is broken by changes, as an incremental check sees it and as one of everything does; then nothing has happened."""
    with world.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        since = standing(connection, QUERIES)
        assert since is not None
        since = since._replace(floors=_newest(connection))  # as after a long history, which no margin reaches back into
        for change in changes:
            assert connection.execute(text(change)).rowcount > 0, change
        found = [{one.name for one, _ in look(connection, mark, UNTOLD)} for mark in (since, None)]
    return found[0], found[1]


def test_what_is_changed_of_an_order_that_is_long_done(done: World) -> None:
    for change in FOUND:
        incremental, full = _seen(done, [change])
        assert incremental == full != set(), change
    for change in LEFT_TO_FULL:
        incremental, full = _seen(done, [change])
        assert (incremental, full != set()) == (set(), True), change
        incremental, full = _seen(done, [change, MOVED])
        assert incremental == full, change
    assert _seen(done, [MOVED]) == (set(), set())


def test_only_what_lives_or_was_touched_is_looked_at(done: World) -> None:
    progress = Extents()
    assert checked(done.engine, progress=progress) == {}
    done.take(document("S-2", customer="M-2"))
    assert checked(done.engine, progress=progress) == {}
    assert [one[1:] for one in progress.seen] == [(0, 0), (1, 1)]
    assert checked(done.engine, full=True, progress=progress) == {}
    assert progress.seen[-1].since is None


@pytest.mark.parametrize("change", LEFT_TO_FULL)
def test_a_small_installation_is_looked_at_in_whole_each_time(done: World, change: str) -> None:
    progress = Extents()
    done.execute(change)
    broken = checked(done.engine, full=True)
    assert broken, change
    assert checked(done.engine, whole_up_to=1, progress=progress) == broken
    assert [one.since for one in progress.seen] == [None]


def test_beyond_its_bound_a_check_goes_by_the_watermark(done: World) -> None:
    progress = Extents()
    assert checked(done.engine, whole_up_to=1, progress=progress) == {}
    done.take(document("S-2", customer="M-2"))
    assert checked(done.engine, whole_up_to=1, progress=progress) == {}
    assert [one.since is None for one in progress.seen] == [True, False]


#: Who finds that one payment is over more than its order.
RAISED = {"adjusted_money": 1, "order_has_payment": 1, "repriced_payment": 1}


def test_what_was_found_is_found_until_it_is_gone(done: World) -> None:
    progress = Extents()
    done.execute("UPDATE payment SET amount = amount + 1")
    for full in (False, False, True, False):  # the third takes the watermark away: the fourth looks at everything
        assert checked(done.engine, full=full, progress=progress) == RAISED
    assert [one.since is None for one in progress.seen] == [False, False, True, True]
    done.execute("UPDATE payment SET amount = amount - 1")
    assert (checked(done.engine, progress=progress), checked(done.engine, progress=progress)) == ({}, {})
    assert [one.since is None for one in progress.seen[-2:]] == [True, False]


def test_what_was_open_while_a_check_ran_is_looked_at_by_the_next(done: World) -> None:
    with done.engine.begin() as open_meanwhile:
        open_meanwhile.execute(text("UPDATE payment SET amount = amount + 1"))
        assert checked(done.engine) == {}
    assert checked(done.engine) == RAISED


def test_what_waited_at_the_watermark_is_looked_at_though_its_wait_is_lost(world: World) -> None:
    """A storefront's event, or a mail, of an order that is done: its lease goes, and no row of it says so."""
    world.take(document("S-1"))
    world.settle()
    world.ship_all("S-1")
    world.execute("UPDATE shop_order SET condition = 'done'")
    world.execute("UPDATE mail SET state = 'queued' WHERE template = 'shipment_shipped'")
    world.execute(
        "INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) "
        "SELECT 'mail.send', id, now() + interval '3 h', 0, 0 FROM mail WHERE template = 'shipment_shipped'"
    )
    assert checked(world.engine) == {}
    world.execute("DELETE FROM effect_lease")
    world.execute("DELETE FROM work")
    assert "effects_reachable" in checked(world.engine)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE watermark SET checked_at = now()",  # written by another transaction than it says: it came with a dump
        "UPDATE watermark SET queries = ''",  # of a version that asked otherwise
        "DELETE FROM watermark",
    ],
)
def test_a_watermark_that_proves_nothing_is_not_gone_by(done: World, change: str) -> None:
    done.execute(change)
    progress = Extents()
    assert (checked(done.engine, progress=progress), checked(done.engine, progress=progress)) == ({}, {})
    assert [one.since is None for one in progress.seen] == [True, False]


def test_a_database_that_only_reads_is_looked_at_in_whole(done: World, database_url: str) -> None:
    progress = Extents()
    reading = connect(f"{database_url}&options=-c%20default_transaction_read_only%3Don")
    assert checked(reading, progress=progress) == {}
    assert [one.since for one in progress.seen] == [None]
    reading.dispose()
