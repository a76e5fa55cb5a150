"""Due work: claimed together with its orders, made due, put away where it could not be decided, finished.

Work is of a stage and a subject (``models.subject``); each subject has its own timer at each stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.store.lanes import Queue, by_ids
from models.store.orders import ORDER, OrderRow
from models.store.statement import array, columns, execute, fetch, fetch_pairs, insert, scalars, values, writer
from models.subject import Subject, order_subject
from models.work import Work


class WorkRow(NamedTuple):
    """A subject that is due at a stage, at a moment of the Clock; with ``what``, a wait until then."""

    stage: str
    subject_kind: str
    subject_id: str
    order_id: int | None
    due_at: datetime
    what: str | None = None
    counterparty: str | None = None
    consequence: str | None = None


def of_order(stage: str, order_id: int, due_at: datetime) -> WorkRow:
    """An order that is due at a stage of orders."""
    kind, id_ = order_subject(order_id)
    return WorkRow(stage, kind, id_, order_id, due_at)


class ClaimRow(NamedTuple):
    """Work that was claimed, where its row lies while the claim holds, and how often deciding it has failed."""

    subject_kind: str
    subject_id: str
    place: str
    attempts: int


_IS_DUE = "t.due_at <= %(now)s AND (t.retry_at IS NULL OR t.retry_at <= now())"


def _fresh(stage: str) -> Queue:
    """The work of a ``stage`` (SQL) that has not failed."""
    return Queue("work", f"stage = {stage} AND t.retry_at IS NULL", "t.due_at <= %(now)s", name="fresh")


def _failed(stage: str) -> Queue:
    """The work of a ``stage`` (SQL) that failed. It stays due for as long as it fails: in the queue of all others each claim would read
    past it to what is to be tried."""
    due = "t.retry_at <= now() AND t.due_at <= %(now)s"
    return Queue("work", f"stage = {stage} AND t.retry_at IS NOT NULL", due, "t.retry_at", name="failed")


_FRESH, _FAILED = _fresh("%(stage)s"), _failed("%(stage)s")
#: What failed gets this part of a batch.
_PART = 10


def _claimed(among: str, by: str, limit: str) -> str:
    """SQL: what is due ``among`` a stage's work (SQL over ``t``), the smallest ``by`` first, locked, its orders with it.

    The order comes first: locked in this sequence, the work of an order that another batch holds is passed over and not kept from it."""
    return f"""
SELECT {ORDER}, t.subject_kind, t.subject_id, t.ctid AS place, t.attempts, t.due_at AS due_since
FROM work t JOIN shop_order o ON o.id = t.order_id
WHERE {among}
  AND (%(early)s OR o.state <> 'accepted' OR NOT EXISTS (
    SELECT FROM work first WHERE first.stage = 'accept' AND first.subject_kind = 'order' AND first.subject_id = o.id::text))
ORDER BY {by}
LIMIT {limit}
FOR NO KEY UPDATE OF o SKIP LOCKED
FOR UPDATE OF t SKIP LOCKED"""


def _shared(queue: Queue, share: str) -> str:
    """SQL: of each lane of a queue what the CTE ``share`` has of it."""
    claimed = _claimed(f"{queue.key} AND {queue.of_lane('share')} AND {queue.due}", queue.by, "share.most")
    return f"SELECT c.* FROM {share} AS share CROSS JOIN LATERAL ({claimed}) AS c"


_LISTED = ", ".join(f"c.{name}" for name in (*OrderRow._fields, *ClaimRow._fields))
_CLAIM = f"""
WITH RECURSIVE {_FAILED.lanes}, {_FAILED.shares("again", _FAILED.due_first(), limit=f"greatest(1, %(limit)s / {_PART})")},
{_FRESH.lanes}, {_FRESH.shares("first", _FRESH.due_first(), limit="%(limit)s - (SELECT coalesce(sum(most), 0) FROM again)")}
SELECT {_LISTED} FROM ({_shared(_FAILED, "again")} UNION ALL {_shared(_FRESH, "first")}) AS c ORDER BY c.due_since
"""
_AMONG = f"{by_ids('t.subject_id', '%(ids)b::text[]', 't.stage', '%(stage)s')} AND (t.subject_kind, t.subject_id) IN (SELECT * FROM unnest(%(kinds)b::text[], %(ids)b::text[]))"
_CLAIM_ONLY = f"SELECT {_LISTED} FROM ({_claimed(f'{_AMONG} AND {_IS_DUE}', 't.due_at', '%(limit)s')}) AS c"


def claim(
    connection: Connection,
    stage: str,
    now: datetime,
    limit: int,
    only: Sequence[Subject] | None = None,
    *,
    early: bool = False,
) -> list[tuple[OrderRow, ClaimRow]]:
    """Lock up to ``limit`` due subjects of ``stage`` with their orders, or ``only`` these; orders another batch holds are
    skipped, never waited for. Shops take turns, and of a shop those due longest come first. Orders that the stage ``accept``
    has not seen yet are only claimed ``early``."""
    parameters: dict[str, Any] = {"stage": stage, "now": now, "limit": limit, "early": early}
    if only is None:
        return fetch_pairs(connection, OrderRow, ClaimRow, _CLAIM, parameters)
    among = {"kinds": [one.kind for one in only], "ids": [one.id for one in only]}
    return fetch_pairs(connection, OrderRow, ClaimRow, _CLAIM_ONLY, parameters | among)


class FailureRow(NamedTuple):
    """A subject whose decision failed; ``error`` carries no personal data."""

    subject_kind: str
    subject_id: str
    error: str


_set_aside = writer(
    FailureRow,
    f"""UPDATE work t SET attempts = t.attempts + 1, error = v.error,
               retry_at = now() + make_interval(secs => least(3600, 2 ^ least(t.attempts, 12)))
        FROM {values(FailureRow, Work)}
        WHERE {by_ids("t.subject_id", array(FailureRow, "subject_id", "text"), "t.stage", "%(stage)s")}
          AND t.subject_kind = v.subject_kind AND t.subject_id = v.subject_id""",
)


def set_aside(connection: Connection, stage: str, failures: Sequence[FailureRow]) -> None:
    """Back off the work of subjects whose decision failed."""
    _set_aside(connection, failures, stage=stage)


_DUE = f"""
SELECT asked.name FROM unnest(%(stages)b::text[]) AS asked(name)
WHERE {_fresh("asked.name").any_due} OR {_failed("asked.name").any_due}
"""


def due_stages(connection: Connection, stages: Sequence[str], now: datetime) -> list[str]:
    """Which of ``stages`` have work due now."""
    return scalars(connection, _DUE, {"stages": list(stages), "now": now})


# The earlier moment stands, with its name if it has one.
_SOONER = "(excluded.due_at < work.due_at OR (excluded.due_at = work.due_at AND work.what IS NULL))"
_schedule = writer(
    WorkRow,
    insert(
        WorkRow,
        Work,
        constants={
            "attempts": "0",
            "shop": "coalesce((SELECT o.shop FROM shop_order o WHERE o.id = v.order_id), '')",
        },
        order_by="stage, subject_kind, subject_id",
        conflict=f"""(stage, subject_kind, subject_id) DO UPDATE
            SET due_at = least(work.due_at, excluded.due_at),
                what = CASE WHEN {_SOONER} THEN excluded.what ELSE work.what END,
                counterparty = CASE WHEN {_SOONER} THEN excluded.counterparty ELSE work.counterparty END,
                consequence = CASE WHEN {_SOONER} THEN excluded.consequence ELSE work.consequence END,
                attempts = 0, retry_at = NULL, error = NULL""",
    ),
)


def schedule(connection: Connection, rows: Iterable[WorkRow]) -> None:
    """Make subjects due at stages; an earlier moment already there stands, and its name with it."""
    soonest: dict[tuple[str, str, str], WorkRow] = {}
    for row in rows:
        key = row.stage, row.subject_kind, row.subject_id
        known = soonest.setdefault(key, row)
        if (row.due_at, row.what is None) < (known.due_at, known.what is None):
            soonest[key] = row
    _schedule(connection, list(soonest.values()))


# By place, which no plan can miss. The rows are locked since they were claimed, so that they lie where they lay.
_FINISH = "DELETE FROM work WHERE ctid = ANY(%(places)b::tid[])"


def finish(connection: Connection, places: Sequence[str]) -> int:
    """Remove decided work that this transaction claimed; how much there was."""
    return execute(connection, _FINISH, {"places": places})


_END_PLANS = f"""
DELETE FROM work WHERE {by_ids("subject_id", "%(ids)b::text[]", "stage", "%(stage)s")} AND subject_kind = %(kind)s
"""
_END_WAITS = f"""{_END_PLANS}
  AND coalesce(what, '') <> '' -- written so that the index of all that wait is not taken either
"""


def end_waits(connection: Connection, ended: Iterable[tuple[str, Subject]]) -> int:
    """Remove waits of stages for subjects before their time, since what they were for has come or is not to come any more;
    how many there were."""
    return _end(connection, _END_WAITS, ended)


def end_plans(connection: Connection, ended: Iterable[tuple[str, Subject]]) -> int:
    """Remove all work of stages for subjects, waited for or planned, since nothing is to come of it any more; how much there was."""
    return _end(connection, _END_PLANS, ended)


def _end(connection: Connection, statement: str, ended: Iterable[tuple[str, Subject]]) -> int:
    ids: dict[tuple[str, str], list[str]] = {}
    for stage, subject in ended:
        ids.setdefault((stage, subject.kind), []).append(subject.id)
    return sum(
        execute(connection, statement, {"stage": stage, "kind": kind, "ids": listed})
        for (stage, kind), listed in ids.items()
    )


class WaitRow(NamedTuple):
    """What an order, or a part of it, waits for."""

    stage: str
    subject_kind: str
    subject_id: str
    what: str
    counterparty: str
    due_at: datetime
    consequence: str


_WAITS = f"""
SELECT {columns(WaitRow)} FROM work WHERE order_id = %(id)s AND what IS NOT NULL ORDER BY due_at, subject_kind, subject_id
"""


def waits(connection: Connection, order_id: int) -> list[WaitRow]:
    """What the order and its parts wait for, the soonest first."""
    return fetch(connection, WaitRow, _WAITS, {"id": order_id})


class DueRow(NamedTuple):
    """Work of an order or of a part of it; ``attempts`` failed already, the last with ``error``."""

    stage: str
    subject_kind: str
    subject_id: str
    due_at: datetime
    what: str | None
    attempts: int
    retry_at: datetime | None
    error: str | None


def due_of(connection: Connection, order_id: int) -> list[DueRow]:
    """All work of the order and its parts, the soonest first."""
    statement = f"SELECT {columns(DueRow)} FROM work WHERE order_id = %(id)s ORDER BY due_at, stage"
    return fetch(connection, DueRow, statement, {"id": order_id})
