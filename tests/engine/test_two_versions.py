"""A newer version works beside this one, on one database and queue: what only it knows is left to it."""

from __future__ import annotations

import dramatiq
import pytest
import redis
from dramatiq import Worker

from models.migrations import upgrade
from models.store.revision import is_current
from tests.conftest import Running
from tests.process.world import eventually
from tests.world import World, document
from workers.broker import BELL_AGE, WAKE, make_broker, stage_actor
from workers.pacemaker import due

#: What a newer version may have brought an order to, and the constraint of ours that it has widened.
AHEAD = {
    "a condition": ("UPDATE shop_order SET condition = 'paused' WHERE number = 'S-1'", "running paused"),
    "a state": ("UPDATE shop_order SET state = 'packed' WHERE number = 'S-1'", "packed"),
    "a reason to hold": (
        "WITH held AS (UPDATE shop_order SET condition = 'held' WHERE number = 'S-1' RETURNING id)"
        " INSERT INTO order_hold (order_id, reason, lines, facts, opened_at, opened_by)"
        " SELECT id, 'moon_phase', '[]', '{}', now(), 'stage:moon' FROM held",
        "moon_phase",
    ),
}


def widen(world: World) -> None:
    """Drop the constraints that a newer version's migrations have replaced."""
    checks = world.rows(
        "SELECT conrelid::regclass::text AS owner, conname FROM pg_constraint WHERE contype = 'c'"
        " AND conrelid IN ('shop_order'::regclass, 'order_hold'::regclass)"
    )
    for one in checks:
        world.execute(f"ALTER TABLE {one.owner} DROP CONSTRAINT {one.conname}")


@pytest.mark.parametrize("what", AHEAD)
def test_an_order_that_a_newer_version_brought_on_is_left_alone_and_its_neighbours_are_not(
    world: World, what: str
) -> None:
    """It is set aside with a date and what is not understood, for twice as long each time; nothing of it changes."""
    world.take(document("S-1"), document("S-2", customer="M-2"))
    widen(world)
    statement, unknown = AHEAD[what]
    world.execute(statement)
    stands = "SELECT to_jsonb(o) FROM shop_order o WHERE number = 'S-1'"
    before = world.value(stands)
    world.decide("accept")
    assert world.value(stands) == before
    (row,) = world.rows(
        "SELECT attempts, error, retry_at > now() AS later FROM work WHERE order_id = (SELECT id FROM shop_order WHERE number = 'S-1')"
    )
    assert (row.attempts, row.later) == (1, True)
    assert row.error.startswith("Unknown: ")
    assert unknown.split()[-1] in row.error
    assert world.decide("accept") == 0, "it is not asked again and again"
    world.settle()
    assert world.show("S-2")["state"] != "accepted"


def test_stages_and_effects_of_a_newer_version_are_not_touched(world: World) -> None:
    world.take(document("S-1"))
    world.settle()
    order = world.value("SELECT id FROM shop_order")
    world.execute(
        "INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts, shop)"
        " VALUES ('moon', 'order', :id, :order, now() - interval '1 day', 0, 'salon')",
        id=str(order),
        order=order,
    )
    world.execute(
        "WITH new AS (INSERT INTO effect (key, kind, order_id, payload, state)"
        " VALUES ('moon:1', 'moon.land', :order, '{}', 'pending') RETURNING id)"
        " INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token, shop)"
        " SELECT 'moon.land', id, now() - interval '1 day', 0, 0, 'salon' FROM new",
        order=order,
    )
    left = (
        "SELECT (SELECT to_jsonb(w) FROM work w WHERE stage = 'moon') AS work,"
        " (SELECT to_jsonb(l) FROM effect_lease l WHERE kind = 'moon.land') AS lease"
    )
    before = world.rows(left)
    stages, kinds = due(world.house)
    assert "moon" not in stages
    assert "moon.land" not in kinds
    world.settle()
    assert world.rows(left) == before


def test_what_a_newer_stage_asked_for_is_done_and_recorded_here_and_wakes_that_stage(world: World) -> None:
    """Its outcome could not be recorded: it was done again and again, and never told to the stage that waits for it."""
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.decide("authorize", "split", "dispatch")
    assert world.execute("UPDATE effect SET wakes = 'moon' WHERE kind = 'supplier.instruct'") == 1
    world.perform("supplier.instruct")
    assert world.value("SELECT state FROM effect WHERE kind = 'supplier.instruct'") == "done"
    (woken,) = world.rows("SELECT subject_kind, subject_id, order_id::text AS about FROM work WHERE stage = 'moon'")
    assert (woken.subject_kind, woken.subject_id) == ("order", woken.about)


def test_a_bell_of_a_newer_version_passes_and_is_no_dead_letter(running: Running, valkey: redis.Redis) -> None:
    """The newer clock rings again; a message that is no bell and that nobody hears stays a dead letter."""
    broker = make_broker(running.redis_url, consumer=True)
    broker.declare_queue(WAKE)

    def message(actor: str) -> dramatiq.Message[None]:
        return dramatiq.Message(queue_name=WAKE, actor_name=actor, args=(), kwargs={}, options={"max_age": BELL_AGE})

    worker = Worker(broker, worker_timeout=20, worker_threads=1)
    worker.start()
    try:
        broker.enqueue(message(stage_actor("moon")))
        assert eventually(lambda: valkey.hlen(f"dramatiq:{WAKE}.msgs") == 0)
        assert valkey.zcard(f"dramatiq:{WAKE}.XQ") == 0
        broker.enqueue(message("moon.landing"))
        assert eventually(lambda: valkey.zcard(f"dramatiq:{WAKE}.XQ") == 1)
    finally:
        worker.stop()
        broker.close()


def test_a_database_that_a_newer_version_has_migrated_is_current_and_stays_as_it_is(world: World) -> None:
    """The release step of the newer version comes first; processes of ours go on, start, and even migrate beside it."""
    world.execute("UPDATE alembic_version SET version_num = '9999'")
    with world.engine.connect() as connection:
        assert is_current(connection)
    upgrade(world.engine)
    assert world.value("SELECT version_num FROM alembic_version") == "9999"
    world.execute("UPDATE alembic_version SET version_num = '0018'")
    with world.engine.connect() as connection:
        assert not is_current(connection)
