"""Due work: claimed together with its orders, made due, put away where it could not be decided, finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.orders import ORDER, OrderRow
from models.store.statement import execute, fetch, insert, scalars, values, writer
from models.work import Work


class WorkRow(NamedTuple):
    """An order that is due at a stage, at a moment of the Clock."""

    stage: str
    order_id: int
    due_at: datetime


_CLAIM = f"""
SELECT {ORDER} FROM work w JOIN shop_order o ON o.id = w.order_id JOIN order_document d ON d.order_id = w.order_id
WHERE w.stage = %(stage)s AND w.due_at <= %(now)s AND (w.retry_at IS NULL OR w.retry_at <= now())
  AND (%(only)b::bigint[] IS NULL OR w.order_id = ANY(%(only)b::bigint[]))
ORDER BY w.due_at
LIMIT %(limit)s
FOR UPDATE OF w SKIP LOCKED
FOR NO KEY UPDATE OF o SKIP LOCKED
"""


def claim(
    connection: Connection, stage: str, now: datetime, limit: int, only: Sequence[int] | None = None
) -> list[OrderRow]:
    """Lock up to ``limit`` due orders of ``stage``; orders another batch holds are skipped, never waited for."""
    only = None if only is None else list(only)
    return fetch(connection, OrderRow, _CLAIM, {"stage": stage, "now": now, "limit": limit, "only": only})


class FailureRow(NamedTuple):
    """An order whose decision failed; ``error`` carries no personal data."""

    order_id: int
    error: str


_set_aside = writer(
    FailureRow,
    f"""UPDATE work SET attempts = attempts + 1, error = v.error,
               retry_at = now() + make_interval(secs => least(3600, 2 ^ least(attempts, 12)))
        FROM {values(FailureRow, Work)} WHERE work.stage = %(stage)s AND work.order_id = v.order_id""",
)


def set_aside(connection: Connection, stage: str, failures: Sequence[FailureRow]) -> None:
    """Back off the work of orders whose decision failed."""
    _set_aside(connection, failures, stage=stage)


_DUE = """
SELECT stage FROM unnest(%(stages)b::text[]) AS stage
WHERE EXISTS (SELECT FROM work w WHERE w.stage = stage.stage AND w.due_at <= %(now)s
              AND (w.retry_at IS NULL OR w.retry_at <= now()))
"""


def due_stages(connection: Connection, stages: Sequence[str], now: datetime) -> list[str]:
    """Which of ``stages`` have work due now."""
    return scalars(connection, _DUE, {"stages": list(stages), "now": now})


_schedule = writer(
    WorkRow,
    insert(
        WorkRow,
        Work,
        constants={"attempts": "0"},
        order_by="stage, order_id",
        conflict="""(stage, order_id) DO UPDATE
            SET due_at = least(work.due_at, excluded.due_at), attempts = 0, retry_at = NULL, error = NULL""",
    ),
)


def schedule(connection: Connection, rows: Iterable[WorkRow]) -> None:
    """Make orders due at stages; an earlier moment already there stands."""
    earliest: dict[tuple[str, int], WorkRow] = {}
    for row in rows:
        known = earliest.setdefault((row.stage, row.order_id), row)
        if row.due_at < known.due_at:
            earliest[row.stage, row.order_id] = row
    _schedule(connection, list(earliest.values()))


_FINISH = "DELETE FROM work WHERE stage = %(stage)s AND order_id = ANY(%(ids)b::bigint[])"


def finish(connection: Connection, stage: str, order_ids: Sequence[int]) -> None:
    """Remove decided work."""
    execute(connection, _FINISH, {"stage": stage, "ids": list(order_ids)})
