"""A backlog costs nobody more than its own part: what is leased, ended and looked for reads as many rows before 20,000 that wait as before none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from models.database import EFFECTS, connect, glance
from models.store import effects, leases, mails, work
from models.store.effects import OutcomeRow
from models.store.leases import HeldRow, LeasedRow, PostponedRow
from models.store.mails import MailEndRow
from models.store.work import FailureRow, of_order
from models.subject import order_subject
from tests.engine.test_bulkheads import KIND, events
from tests.world import World, document

BACKLOG = 20_000
BATCH = 20
FEW = 10 * BATCH
SECONDS = 20.0
READ = (
    "SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname IN ('effect_lease', 'work')"
)
STAGE = "reward"
WAITING = """INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, what, counterparty, consequence, attempts, shop)
SELECT :stage, 'order', n::text, n, :due, 'points', 'nobody', 'they become valid', 0, 'salon' FROM generate_series(100001, 100000 + :many) n"""
WAIT = {"what": "points", "counterparty": "nobody", "consequence": "they become valid"}


@pytest.fixture(params=["never counted", "counted while empty"])
def planned(world: World, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A worker's connection whose statements were planned while the queues were all but empty, in front of a backlog of one target."""
    events(world, ("first", 2))
    world.take(*(document(f"S-{n}") for n in range(BATCH)))
    engine = connect(world.engine.url.render_as_string(hide_password=False), EFFECTS)
    with engine.connect() as connection:
        if request.param == "counted while empty":
            with glance(engine) as alone:
                alone.execute(text("VACUUM (ANALYZE) effect_lease, work"))
        for _ in range(8):
            with connection.begin():
                everything(connection, world.clock.now())
        for stage, days in ((STAGE, 14), ("accept", 0)):
            world.execute(WAITING, stage=stage, due=world.clock.now() + timedelta(days=days), many=BACKLOG)
        events(world, ("many", BACKLOG), ("few", BATCH))
        with connection.begin():
            yield connection
    engine.dispose()


def everything(connection: Connection, now: datetime) -> None:
    """Each statement once, on next to nothing."""
    leased = leases.lease(connection, KIND, BATCH, SECONDS, ["many"])
    leases.renew(connection, KIND, [HeldRow(one.subject_id, one.token) for one in leased], SECONDS)
    effects.end(connection, KIND, [OutcomeRow(0, 0, "done", {})])
    mails.end(connection, [MailEndRow(0, 0, "sent", None)])
    leases.postpone(connection, KIND, [PostponedRow(one.subject_id, one.token, 0.0, begun=False) for one in leased])
    leases.older(connection, KIND, "few", 0.0, BATCH)
    leases.due_kinds(connection, [KIND, mails.SEND])
    orders = [of_order(STAGE, number, now + timedelta(days=14))._replace(**WAIT) for number in (1, 2)]
    work.schedule(connection, orders)
    work.set_aside(connection, STAGE, [FailureRow("order", "1", "Nothing")])
    work.end_waits(connection, [(STAGE, order_subject(number)) for number in (1, 2)])
    work.claim(connection, STAGE, now, BATCH, [order_subject(1)], early=True)
    work.claim(connection, STAGE, now, BATCH, early=True)
    work.due_stages(connection, [STAGE, "accept"], now)


def reading(connection: Connection, work: Callable[[], object]) -> int:
    """Rows of the queues that ``work`` reads."""
    before = connection.execute(text(READ)).scalar_one()
    work()
    return int(connection.execute(text(READ)).scalar_one() - before)


def test_what_goes_to_others_is_leased_and_ended_past_a_backlog(planned: Connection) -> None:
    found: list[LeasedRow] = []
    taking = reading(planned, lambda: found.extend(leases.lease(planned, KIND, BATCH, SECONDS, ["many"])))
    assert len(found) == BATCH
    held = [HeldRow(one.subject_id, one.token) for one in found]
    ended = [OutcomeRow(one.subject_id, one.token, "done", {}) for one in found[:5]]
    later = [PostponedRow(one.subject_id, one.token, 1.0) for one in found[5:]]
    spent = {
        "leased": taking,
        "renewed": reading(planned, lambda: leases.renew(planned, KIND, held, SECONDS)),
        "ended": reading(planned, lambda: effects.end(planned, KIND, ended)),
        "postponed": reading(planned, lambda: leases.postpone(planned, KIND, later)),
        "given up": reading(planned, lambda: leases.older(planned, KIND, "few", -SECONDS, BATCH)),
        "looked for": reading(planned, lambda: leases.due_kinds(planned, [KIND])),
        "ended mails": reading(
            planned, lambda: mails.end(planned, [MailEndRow(one.subject_id, 1, "sent", None) for one in found])
        ),
    }
    assert {name: rows for name, rows in spent.items() if rows > FEW} == {}


def test_of_a_backlog_only_what_is_taken_is_read(planned: Connection) -> None:
    assert reading(planned, lambda: leases.lease(planned, KIND, BATCH, SECONDS, ["first", "few"])) <= FEW


def test_with_every_target_left_out_little_is_read(planned: Connection) -> None:
    assert reading(planned, lambda: leases.lease(planned, KIND, BATCH, SECONDS, ["first", "few", "many"])) <= FEW


def test_an_order_is_decided_past_all_that_wait_at_its_stage(planned: Connection, world: World) -> None:
    now = world.clock.now()
    asked = [order_subject(number) for number in range(1, BATCH)]
    rows = [of_order(STAGE, int(one.id), now + timedelta(days=14))._replace(**WAIT) for one in asked]
    due = [row._replace(due_at=now) for row in rows]
    spent = {
        "scheduled": reading(planned, lambda: work.schedule(planned, rows)),
        "set aside": reading(planned, lambda: work.set_aside(planned, STAGE, [FailureRow(*asked[0], "Nothing")])),
        "ended": reading(planned, lambda: work.end_waits(planned, [(STAGE, one) for one in asked])),
        "given up": reading(planned, lambda: leases.older(planned, KIND, "few", -SECONDS, BATCH)),
        "looked for": reading(planned, lambda: work.due_stages(planned, [STAGE, "accept"], now)),
        "due": reading(planned, lambda: work.schedule(planned, due)),
        "claimed": reading(planned, lambda: work.claim(planned, STAGE, now, BATCH, early=True)),
        "claimed by name": reading(planned, lambda: work.claim(planned, STAGE, now, BATCH, asked, early=True)),
    }
    assert {name: rows for name, rows in spent.items() if rows > FEW} == {}


def test_what_failed_does_not_stand_in_front_of_what_is_due(planned: Connection, world: World) -> None:
    now = world.clock.now()
    planned.execute(text("UPDATE work SET due_at = :now, attempts = 5, retry_at = now() + interval '1 hour', error = 'Fault' WHERE stage = :stage AND what IS NOT NULL"), {"now": now - timedelta(days=1), "stage": STAGE})  # fmt: skip
    due = [of_order(STAGE, int(one.id), now) for one in (order_subject(number) for number in range(1, BATCH))]
    work.schedule(planned, due)
    claimed: list[object] = []
    spent = {
        "given up": reading(planned, lambda: leases.older(planned, KIND, "few", -SECONDS, BATCH)),
        "looked for": reading(planned, lambda: work.due_stages(planned, [STAGE, "accept"], now)),
        "claimed": reading(planned, lambda: claimed.extend(work.claim(planned, STAGE, now, BATCH, early=True))),
    }
    assert {name: rows for name, rows in spent.items() if rows > FEW} == {}
    assert len(claimed) == len(due)
