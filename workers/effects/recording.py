"""Recording outcomes: under the token the effect was leased with, together with whatever then waits for nothing more."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from models.database import glance
from models.store import bounces, effects, leases, mails, work
from models.store import effect_items as items
from models.store.effects import OutcomeRow, WokenRow
from models.store.leases import PostponedRow
from models.store.mails import MailEndRow
from models.store.work import WorkRow
from pipelines.bounces import receiving
from pipelines.bounces.receiving import RefusedMail
from pipelines.engine.parts import each_kept
from pipelines.engine.run import describe
from pipelines.engine.wake import woken
from pipelines.ports import Clock, Outcome, Output, Verdict
from pipelines.values.storable import Unstorable, check, storable
from workers.effects.effect import Job
from workers.near import Rings

log = structlog.get_logger(__name__)

#: The state of a mail whose address gets no more, and the code of its outcome.
SUPPRESSED = "suppressed"
#: The code of an outcome that could not be recorded as it was.
NOT_RECORDED = "not_recorded"
#: Seconds an outcome is tried to be recorded while the database is away.
RECORD_FOR = 300.0
LONGEST_PAUSE = 600.0
#: Attempts at all after which an effect that does not end by time goes before a human.
RETRY_ATTEMPTS = 400
#: How many effects of a target that does not answer are given up at a time.
GIVEN_UP_AT_A_TIME = 5_000
#: Seconds of the longest pause that is taken from the other side's word.
LONGEST_TOLD = 86_400.0


@dataclass(frozen=True, slots=True)
class Done:
    """A job with its outcome."""

    job: Job[Any]
    outcome: Outcome


def kept(outcome: Outcome) -> Outcome:
    """An outcome as it can be kept: of what a partner said, what no database takes has a mark in its place. One that could not be
    recorded would keep its neighbours from it, which happened too."""
    said: dict[str, Any] = {name: getattr(outcome, name) for name in ("reference", "code", "says")}
    said["data"] = dict(outcome.data)
    items = {key: kept(one) for key, one in outcome.items.items()}
    try:
        check(said)
    except Unstorable:
        marked: dict[str, Any] = {name: storable(value) for name, value in said.items()}
        return replace(outcome, items=items, **marked)
    return replace(outcome, items=items) if items else outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """When an effect that has not ended is given up and goes before a human: after ``unknowns`` attempts that may have happened,
    and after ``tried_for`` seconds, or without them after ``RETRY_ATTEMPTS``."""

    unknowns: int = 12
    tried_for: float | None = None

    def of(self, done: Done) -> bool:
        """Whether ``done`` was its last attempt."""
        if done.outcome.verdict in (Verdict.OK, Verdict.DECLINED):
            return True
        if done.outcome.verdict == Verdict.UNKNOWN and done.job.unknowns + 1 >= self.unknowns:
            return True
        if self.tried_for is not None:
            return done.job.age >= self.tried_for
        return done.job.attempts >= RETRY_ATTEMPTS

    def pause(self, done: Done) -> float:
        """Seconds until the next attempt: the other side's word, else doubling from a second, with jitter. No pause goes beyond
        the last attempt of what ends by time."""
        told, attempts = done.outcome.retry_after, done.job.attempts
        if told is None:
            pause = min(LONGEST_PAUSE, 2.0 ** min(attempts - 1, 10)) * random.uniform(0.8, 1.2)  # noqa: S311
        else:
            pause = min(LONGEST_TOLD, told)
        return pause if self.tried_for is None else min(pause, max(1.0, self.tried_for - done.job.age))


class Recorder:
    """Writes the outcomes of one kind of effect, which is given up at its ``ending``."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        bell: Rings,
        kind: str,
        *,
        gathers: bool,
        wakes: bool = True,
        ending: Ending | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._bell = bell
        self._kind = kind
        self._gathers = gathers
        self._wakes = wakes
        self._ending = ending or Ending()

    @retry(
        retry=retry_if_exception_type(SQLAlchemyError),
        wait=wait_exponential_jitter(multiplier=0.1, max=2.0),
        stop=stop_after_delay(RECORD_FOR),
        reraise=True,
    )
    def record(self, done: Sequence[Done]) -> Sequence[None]:
        """Record ``done`` in one transaction and ring for the stages that waited.

        Repeating this is safe: a recorded outcome took its lease with it. Not repeating it would not be: the effect
        happened, and the database was only away for a moment. One that cannot be recorded takes no neighbour with it.
        """
        return each_kept(done, self._finish, self._bare)

    def _bare(self, done: Done, refused: Exception) -> None:
        """Record that an attempt may have happened, and no more: what it brought was refused, and would be each time."""
        log.error("outcome.refused", kind=self._kind, id=done.job.id, error=describe(refused))
        self._finish([Done(done.job, Outcome(Verdict.UNKNOWN, code=NOT_RECORDED))])

    def _finish(self, done: Sequence[Done]) -> Sequence[None]:
        if self._kind == mails.SEND:
            self._finish_mails(done)
        else:
            self._finish_effects(done)
        return [None] * len(done)

    def _writing(self, *, in_one: bool) -> AbstractContextManager[Connection]:
        """Where outcomes are written: without a transaction around it if it is ``in_one`` statement."""
        return glance(self._engine) if in_one else self._engine.begin()

    def _finish_mails(self, done: Sequence[Done]) -> None:
        ended = [MailEndRow(d.job.id, d.job.token, _mail_state(d), d.outcome.code) for d in done if self._ending.of(d)]
        kept_back = [row.id for row in ended if row.state == SUPPRESSED]
        said = {d.job.id: words for d in done if (words := d.outcome.data.get("recipient"))}
        plain = len(ended) == len(done) and not kept_back and not said
        with self._writing(in_one=plain) as connection:
            over = mails.end(connection, ended)
            if kept_back:
                bounces.keep_back(connection, kept_back, self._clock.now())
            if refused := [RefusedMail(row.id, row.envelope_to, said[row.id]) for row in over if row.id in said]:
                receiving.refused(connection, refused, self._clock.now())
            leases.postpone(connection, self._kind, _postponed(done, self._ending))

    def _finish_effects(self, done: Sequence[Done]) -> None:
        now = self._clock.now()
        ended = [
            OutcomeRow(d.job.id, d.job.token, _state(d), _outcome_json(d.outcome, now))
            for d in done
            if self._ending.of(d)
        ]
        outputs = [
            _output(d.job, d.outcome.output) for d in done if d.outcome.output and d.outcome.verdict == Verdict.OK
        ]
        plain = len(ended) == len(done) and not self._wakes
        with self._writing(in_one=plain) as connection:
            # Items and outputs first: the lease under which they are recorded goes with the end of their effect.
            told = items.end(connection, self._kind, _item_rows(done, self._ending, now)) if self._gathers else []
            items.keep(connection, self._kind, outputs)
            due = self._end(connection, ended, told)
            leases.postpone(connection, self._kind, _postponed(done, self._ending))
        self._ring(due)

    def give_up(self, target: str, code: str) -> int:
        """End what was asked for so long ago that it is tried no more, due for a ``target`` that does not answer (``code``): while its
        circuit is open only probes are attempts, and a backlog would outlive its time. How many there were, in one transaction; more
        than ``GIVEN_UP_AT_A_TIME`` go with the next probe."""
        if self._ending.tried_for is None:
            return 0
        outcome = Outcome(Verdict.RETRY, code=code, says="its target did not answer for as long as it is tried")
        with self._engine.begin() as connection:
            over = leases.older(connection, self._kind, target, self._ending.tried_for, GIVEN_UP_AT_A_TIME)
            told = _outcome_json(outcome, self._clock.now())
            ended = [OutcomeRow(one.subject_id, one.token, "needs_review", told) for one in over]
            due = self._end(connection, ended, []) if ended else []
        self._ring(due)
        return len(over)

    def _end(self, connection: Connection, ended: Sequence[OutcomeRow], told: Sequence[WokenRow]) -> list[WorkRow]:
        """End effects; the work that waited for them, and for what was ``told`` before, is due."""
        over = effects.end(connection, self._kind, ended)
        told = [
            *told,
            *items.end_with(connection, [row.id for row in over if row.has_items]),
            *(WokenRow(row.order_id, row.shipment_id, row.wakes) for row in over),
        ]
        now = self._clock.now()
        due = [woken(one.wakes, one.order_id, one.shipment_id, now) for one in told if one.wakes and one.order_id]
        work.schedule(connection, due)
        return due

    def _ring(self, due: Sequence[WorkRow]) -> None:
        if due:
            self._bell.ring(stages={row.stage for row in due}, about=len(due))


def _state(done: Done) -> str:
    return {Verdict.OK: "done", Verdict.DECLINED: "declined"}.get(done.outcome.verdict, "needs_review")


def _item_rows(done: Sequence[Done], ending: Ending, now: datetime) -> list[items.ItemOutcomeRow]:
    """The items that ended, each by what it was told itself."""
    told = [(d.job, key, Done(d.job, outcome)) for d in done for key, outcome in d.outcome.items.items()]
    return [
        items.ItemOutcomeRow(job.id, job.token, key, _state(one), _outcome_json(one.outcome, now))
        for job, key, one in told
        if ending.of(one)
    ]


def _output(job: Job[Any], output: Output) -> items.OutputRow:
    digest = hashlib.sha256(output.content).digest()
    return items.OutputRow(job.id, job.token, output.media_type, output.content, digest)


_MAIL_STATES = {"done": "sent", "declined": "failed", "needs_review": "needs_review"}


def _mail_state(done: Done) -> str:
    return SUPPRESSED if done.outcome.code == SUPPRESSED else _MAIL_STATES[_state(done)]


def _outcome_json(outcome: Outcome, now: datetime) -> dict[str, Any]:
    """The outcome as it is kept; ``at`` is the Clock's, which the row's own times are not."""
    return {
        "at": now.isoformat(),
        "verdict": outcome.verdict,
        "reference": outcome.reference,
        "code": outcome.code,
        "says": outcome.says,
        "data": dict(outcome.data),
    }


def _postponed(done: Sequence[Done], ending: Ending) -> list[PostponedRow]:
    """What did not end, due again after its pause."""
    return [
        PostponedRow(d.job.id, d.job.token, ending.pause(d), unknown=d.outcome.verdict == Verdict.UNKNOWN)
        for d in done
        if not ending.of(d)
    ]
