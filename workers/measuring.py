"""What the page of metrics tells of the house: asked of the database and the broker when it is read, since no process counts it."""

from __future__ import annotations

import time
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from models import invariants
from models.database import glance, is_away, is_pooled, recent_trouble
from models.store import attention, jobs, vitals
from pipelines.errors import ShukkaError
from pipelines.ports import Clock
from workers import metrics
from workers.periodic import ALL_JOBS, is_behind
from workers.right_time import look_at_clock
from workers.wiring import House

#: Seconds for which the counts of the invariants of liveness stand: they go over all orders that are not done.
UNWATCHED_EVERY: Final = 60.0


class Measuring:
    """Sets the gauges of one web process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._counted_at = float("-inf")

    def database(self) -> None:
        """What the database says; where it does not answer, that alone is told. It answers also where a table is locked, or is not there
        yet: what is in it is then told as it was."""
        house = self._house
        try:
            with glance(house.engine) as connection:
                vital = vitals.vitals(connection)
                metrics.DATABASE.set(1)
                metrics.WRITABLE.set(vital.writes and recent_trouble(house.engine) is None)
                metrics.DATABASE_BYTES.set(vital.size)
                look_at_clock(connection)
                _counts(connection, house.clock)
                self._liveness(connection)
        except SQLAlchemyError as error:
            metrics.DATABASE.set(not is_away(error))

    def broker(self) -> None:
        """Whether the broker answers."""
        try:
            self._house.bell.check()
        except (RedisError, OSError, ShukkaError):
            metrics.BROKER.set(0)
        else:
            metrics.BROKER.set(1)

    def _liveness(self, connection: Connection) -> None:
        if time.monotonic() - self._counted_at < UNWATCHED_EVERY:
            return
        for name, number in invariants.counted(connection, invariants.LIVENESS).items():
            metrics.UNWATCHED.labels(name).set(number)
        self._counted_at = time.monotonic()


def _counts(connection: Connection, clock: Clock) -> None:
    now = clock.now()
    metrics.KEYS_ENDING.set(vitals.keys_ending(connection, now))
    counted = attention.counts(connection, now)
    gauges = {"work": metrics.WORK_DUE, "effect": metrics.EFFECTS_WAITING, "attention": metrics.HELD}
    gauges |= {"circuit": metrics.CIRCUITS, "gone": metrics.GONE}
    late = {"work": metrics.WORK_LATE, "effect": metrics.EFFECTS_LATE}
    for gauge in (metrics.WORK_DUE, metrics.EFFECTS_WAITING, metrics.CIRCUITS, *late.values()):
        gauge.clear()
    for row in counted:
        gauges[row.what].labels(row.name).set(row.number)
        if row.what in late:
            late[row.what].labels(row.name).set(row.late)
    for process in [] if is_pooled(connection) else vitals.processes(connection):
        metrics.CONNECTIONS.labels(process.name).set(process.connections)
    known = {row.name: row for row in jobs.progress(connection)}
    # Where the clock is dead nobody says what is due: of the jobs that every house has it is known without.
    due = {row.name: row.due_until for row in known.values()} | {job.name: job.boundary(now) for job in ALL_JOBS}
    for name, until in due.items():
        done = known[name].done_until if name in known else None
        waits = until is not None and is_behind(done, until)
        metrics.JOB_BEHIND.labels(name).set((now - until).total_seconds() if until is not None and waits else 0)
