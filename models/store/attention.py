"""What waits for a human, and how an effect or mail that was given up is tried again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from models.database import rows

_WAITING = """
SELECT 'order held' AS what, o.shop || '/' || o.number AS id, string_agg((h->>'reason') || coalesce(': ' || (h->>'says'), ''), '; ') AS why
FROM shop_order o, jsonb_array_elements(o.hold) h WHERE o.condition = 'held' GROUP BY o.shop, o.number
UNION ALL
SELECT 'event quarantined', source || ' ' || event_id, type || ': ' || coalesce(reason, '') FROM inbox_event
WHERE state = 'quarantined'
UNION ALL
SELECT 'event waits', source || ' ' || event_id, type || ': names a parcel that is not known yet' FROM inbox_event
WHERE state = 'pending' AND recorded_at < now() - interval '1 hour'
UNION ALL
SELECT 'effect', id::text, kind || ': ' || coalesce(outcome->>'code', '') || ' ' || coalesce(outcome->>'says', '')
FROM effect WHERE state = 'needs_review'
UNION ALL
SELECT 'mail', id::text, template || ': ' || coalesce(code, '') FROM mail WHERE state IN ('needs_review', 'failed')
UNION ALL
SELECT 'work failing', stage || ' of ' || o.shop || '/' || o.number, coalesce(w.error, '') FROM work w
JOIN shop_order o ON o.id = w.order_id WHERE w.attempts > 0
UNION ALL
SELECT 'order refused', coalesce(shop, '?') || '/' || coalesce(number, '?'),
       (SELECT string_agg((p->>'field') || ' ' || (p->>'message'), '; ') FROM jsonb_array_elements(problems) p)
FROM refused_order
"""

_RETRY_EFFECT = """
WITH again AS (UPDATE effect SET state = 'pending', outcome = NULL, finished_at = NULL
               WHERE id = %(id)s AND state = 'needs_review' RETURNING id, kind)
INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) SELECT kind, id, now(), 1, 0 FROM again RETURNING kind
"""
_RETRY_MAIL = """
WITH again AS (UPDATE mail SET state = 'queued', code = NULL
               WHERE id = %(id)s AND state IN ('needs_review', 'failed') RETURNING id)
INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token) SELECT 'mail.send', id, now(), 1, 0 FROM again RETURNING kind
"""


def waiting(connection: Connection) -> list[Any]:
    """(what, which, why) of everything that waits for a human; no personal data."""
    return rows(connection, _WAITING, {})


def retry_effect(connection: Connection, id_: int) -> str | None:
    """Try an effect that was given up again, under its old key; its kind, or None if there is no such effect."""
    found = rows(connection, _RETRY_EFFECT, {"id": id_})
    return found[0][0] if found else None


def retry_mail(connection: Connection, id_: int) -> str | None:
    """Send a mail that was given up again, with its old Message-ID; its kind, or None if there is no such mail."""
    found = rows(connection, _RETRY_MAIL, {"id": id_})
    return found[0][0] if found else None
