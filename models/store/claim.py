"""Claim due work together with its orders, and put away what could not be decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.database import rows, run

_CLAIM = """
SELECT o.id, o.shop, o.number, o.customer_id, o.locale, o.state, o.condition, o.hold, o.method,
       o.grand_total, o.placed_at, o.accepted_at, d.document::text, d.breakdown::text, o.version, o.sequence
FROM work w JOIN shop_order o ON o.id = w.order_id JOIN order_document d ON d.order_id = w.order_id
WHERE w.stage = %(stage)s AND w.due_at <= %(now)s AND (w.retry_at IS NULL OR w.retry_at <= now())
  AND (%(only)b::bigint[] IS NULL OR w.order_id = ANY(%(only)b::bigint[]))
ORDER BY w.due_at
LIMIT %(limit)s
FOR UPDATE OF w SKIP LOCKED
FOR NO KEY UPDATE OF o SKIP LOCKED
"""


def claim(
    connection: Connection, stage: str, now: datetime, limit: int, only: Sequence[int] | None = None
) -> list[Any]:
    """Lock up to ``limit`` due orders of ``stage``; orders another batch holds are skipped, never waited for."""
    return rows(
        connection,
        _CLAIM,
        {"stage": stage, "now": now, "limit": limit, "only": None if only is None else list(only)},
    )


_SET_ASIDE = """
UPDATE work SET attempts = attempts + 1, error = v.error,
       retry_at = now() + make_interval(secs => least(3600, 2 ^ least(attempts, 12)))
FROM unnest(%(ids)b::bigint[], %(errors)b::text[]) AS v(order_id, error)
WHERE work.stage = %(stage)s AND work.order_id = v.order_id
"""


def set_aside(connection: Connection, stage: str, failures: Sequence[tuple[int, str]]) -> None:
    """Back off the work of orders whose decision failed; ``failures`` is (order id, error without personal data)."""
    run(
        connection,
        _SET_ASIDE,
        {"stage": stage, "ids": [f[0] for f in failures], "errors": [f[1] for f in failures]},
    )


_DUE = """
SELECT stage FROM unnest(%(stages)b::text[]) AS stage
WHERE EXISTS (SELECT FROM work w WHERE w.stage = stage.stage AND w.due_at <= %(now)s
              AND (w.retry_at IS NULL OR w.retry_at <= now()))
"""
_DUE_EFFECTS = """
SELECT kind FROM unnest(%(kinds)b::text[]) AS kind
WHERE EXISTS (SELECT FROM effect_lease l WHERE l.kind = kind.kind AND l.due_at <= now()
              AND (l.attempts = 0 OR l.due_at > pg_postmaster_start_time()
                   OR now() > pg_postmaster_start_time() + interval '5 s'))
"""


def due_stages(connection: Connection, stages: Sequence[str], now: datetime) -> list[str]:
    """Which of ``stages`` have work due now."""
    return [r[0] for r in rows(connection, _DUE, {"stages": list(stages), "now": now})]


def due_effects(connection: Connection, kinds: Sequence[str]) -> list[str]:
    """Which kinds of effect wait to be performed."""
    return [r[0] for r in rows(connection, _DUE_EFFECTS, {"kinds": list(kinds)})]


_LATER = """
INSERT INTO work (stage, order_id, due_at, attempts)
SELECT stage, order_id, due_at, 0
FROM unnest(%(stages)b::text[], %(ids)b::bigint[], %(due)b::timestamptz[]) AS v(stage, order_id, due_at)
ORDER BY stage, order_id
ON CONFLICT (stage, order_id) DO UPDATE
SET due_at = least(work.due_at, excluded.due_at), attempts = 0, retry_at = NULL, error = NULL
"""


def schedule(connection: Connection, work: Sequence[tuple[str, int, datetime]]) -> None:
    """Make (stage, order id) due at a moment of the Clock; an earlier moment already there stands."""
    if work:
        unique: dict[tuple[str, int], datetime] = {}
        for stage, order_id, due in work:
            known = unique.get((stage, order_id))
            unique[stage, order_id] = due if known is None else min(known, due)
        run(
            connection,
            _LATER,
            {
                "stages": [k[0] for k in unique],
                "ids": [k[1] for k in unique],
                "due": list(unique.values()),
            },
        )


_FINISH = "DELETE FROM work WHERE stage = %(stage)s AND order_id = ANY(%(ids)b::bigint[])"


def finish(connection: Connection, stage: str, order_ids: Sequence[int]) -> None:
    """Remove decided work."""
    run(connection, _FINISH, {"stage": stage, "ids": list(order_ids)})
