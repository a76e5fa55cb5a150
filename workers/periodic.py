"""Runs the periodic jobs: one runner at a time by a leased row, whatever happens to it, caught up after any downtime."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection, Engine

from models.database import glance, is_away
from models.store import jobs as store
from models.store.jobs import ProgressRow
from pipelines.customers.erase import ERASURES
from pipelines.engine.run import describe
from pipelines.errors import ShukkaError
from pipelines.points.jobs import JOBS, Period, PeriodicJob, Tools
from pipelines.ports import Clock, MailRenderer
from pipelines.retention import RETENTION
from pipelines.shops import Shop

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

#: The jobs that every house has.
ALL_JOBS: Final = (*JOBS, ERASURES, RETENTION)
#: Real seconds between two looks: one small SELECT.
PERIOD = 1.0
#: Real seconds a job stays with its runner after each step, in the database's time.
LEASE = 60.0


class Taken(ShukkaError):
    """Another runner has the job: what this one was about to write is dropped."""


class Stopped(ShukkaError):
    """The process is to end: the job goes on from its last step elsewhere."""


class Timekeeper:
    """Looks which jobs are behind the Clock and runs them. ``ring`` is told when mails were queued."""

    def __init__(
        self,
        engine: Engine,
        shops: Mapping[str, Shop],
        renderer: MailRenderer,
        clock: Clock,
        ring: Callable[[], None] = lambda: None,
        jobs: Sequence[PeriodicJob] = ALL_JOBS,
        period: float = PERIOD,
        resting: Sequence[str] = (),
    ) -> None:
        """``period``: real seconds between two looks. ``resting``: jobs that the house has none of, and may have had: they are behind with
        nothing."""
        self._engine = engine
        self._shops = shops
        self._renderer = renderer
        self._clock = clock
        self._ring = ring
        self._jobs = jobs
        self._period = period
        self._resting = frozenset(resting)
        self._stop = threading.Event()

    def look(self) -> list[str]:
        """Run every job that is behind; the names of those that were brought up to date."""
        now = self._clock.now()
        with glance(self._engine) as connection:
            known = store.progress(connection)
        self._let_rest(known)
        done = {row.name: row.done_until for row in known}
        behind = [(job, job.boundary(now)) for job in self._jobs]
        return [
            job.name for job, until in behind if is_behind(done.get(job.name), until) and self._run(job, until, now)
        ]

    def _let_rest(self, known: Sequence[ProgressRow]) -> None:
        if idle := [row.name for row in known if row.name in self._resting and row.due_until != row.done_until]:
            with self._engine.begin() as connection:
                store.rest(connection, idle)

    def _run(self, job: PeriodicJob, until: datetime, now: datetime) -> bool:
        with self._engine.begin() as connection:
            leased = store.lease(connection, job.name, until, LEASE)
        if leased is None:
            return False
        since, token = leased

        def transact(step: Callable[[Connection], Result]) -> Result:
            if self._stop.is_set():
                raise Stopped(job.name)
            with self._engine.begin() as connection:
                result = step(connection)
                if not store.extend(connection, job.name, token, LEASE):
                    raise Taken(job.name)
                return result

        try:
            job.work(Tools(self._shops, self._renderer, transact), Period(since, until, now))
        except Taken:
            log.warning("job.taken_over", job=job.name)
            return False
        except Stopped:
            with self._engine.begin() as connection:
                store.give_back(connection, job.name, token)
            return False
        except Exception as error:  # noqa: BLE001 - the boundary that keeps one job from the others; recorded
            log.error("job.failed", job=job.name, error=describe(error))
            with self._engine.begin() as connection:
                store.fail(connection, job.name, token, now, describe(error))
            return False  # tried again when the lease has run out
        with self._engine.begin() as connection:
            finished = store.finish(connection, job.name, token, until)
        self._ring()
        return finished

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``, unless there are no jobs; a database that is away is waited for, and no fault ends the jobs."""
        if not self._jobs:
            return
        self._stop = stop
        while not stop.wait(self._period):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the boundary of a thread; recorded. Nothing is lost, it looks again
                said = log.warning if is_away(error) else log.error
                said("jobs.database_away" if is_away(error) else "jobs.failed", error=describe(error))


def is_behind(done: datetime | None, until: datetime) -> bool:
    """Whether a job that is done up to ``done`` was to be done up to ``until``."""
    return done is None or done < until
