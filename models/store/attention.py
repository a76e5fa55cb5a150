"""What waits for a human, over all tables, and how much waits at all."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.bounces import UNSEEN
from models.store.circuits import FORGOTTEN
from models.store.deposits import UNASSIGNED
from models.store.statement import fetch

_WAITING = f"""
SELECT 'event quarantined', id::text, source || ' ' || event_id || ', ' || type || ': ' || coalesce(reason, '')
FROM inbox_event
WHERE state = 'quarantined' AND NOT ({UNASSIGNED})
UNION ALL
SELECT 'transfer', id::text, coalesce((body->>'amount') || ' yen in', (body->>'taken_back') || ' yen taken back', 'no amount')
       || ', ' || to_char(at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD') || ': ' || coalesce(reason, '')
FROM inbox_event WHERE {UNASSIGNED}
UNION ALL
SELECT 'event waits', source || ' ' || event_id, type || ': names a parcel that is not known yet' FROM inbox_event
WHERE state = 'pending' AND recorded_at < now() - interval '1 hour'
UNION ALL
SELECT 'effect', id::text, kind || ': ' || coalesce(outcome->>'code', '') || ' ' || coalesce(outcome->>'says', '')
FROM effect WHERE state = 'needs_review'
UNION ALL
SELECT 'mail', id::text, template || ': ' || coalesce(code, '') FROM mail
WHERE state IN ('needs_review', 'failed') AND packed IS NOT NULL
UNION ALL
SELECT 'mail bounced', u.id::text, u.about || ': ' || u.templates || ' did not arrive (' || u.reasons || ')' FROM ({UNSEEN}) u
UNION ALL
SELECT 'erasure waits', shop || '/' || customer_id, 'asked for on ' || to_char(asked_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD')
       || ', waits for ' || (SELECT string_agg((w->>'order') || ' (' || (w->>'why') || ')', ', ') FROM jsonb_array_elements(waits_for) w)
FROM erasure WHERE done_at IS NULL AND try_at > asked_at + interval '30 days'
UNION ALL
SELECT 'work failing', stage || ' of ' || coalesce(o.shop || '/' || o.number, w.subject_kind || ' ' || w.subject_id),
       coalesce(w.error, '')
FROM work w LEFT JOIN shop_order o ON o.id = w.order_id WHERE w.attempts > 0
UNION ALL
SELECT 'return', r.id, o.shop || '/' || o.number || ': ' || r.state || ', until '
       || to_char(r.waits_until AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI')
FROM return_request r JOIN shop_order o ON o.id = r.order_id
WHERE r.waits_until IS NOT NULL AND r.state <> 'awaiting_goods'
UNION ALL
SELECT 'circuit open', kind || ' ' || target, failures || ' failures on end, the last ' || code FROM circuit
WHERE probe_at > now() - interval '{FORGOTTEN} s'
UNION ALL
SELECT 'order refused', coalesce(shop, '?') || '/' || coalesce(number, '?'),
       (SELECT string_agg((p->>'field') || ' ' || (p->>'message'), '; ') FROM jsonb_array_elements(problems) p)
FROM refused_order
"""


class WaitingRow(NamedTuple):
    """Something that waits for a human: what it is, which, and why; of people nothing but what they wrote into the remarks."""

    what: str
    id: str
    why: str


def waiting(connection: Connection) -> list[WaitingRow]:
    """Everything that waits for a human but holds of orders (``models.store.holds.waiting``)."""
    return fetch(connection, WaitingRow, _WAITING)


class CountRow(NamedTuple):
    """How many there are of ``name``, which is of ``what``: work, effect, circuit, gone or attention; ``late``: real seconds for which
    the first of them has been due."""

    what: str
    name: str
    number: int
    late: float


# Work is due by the Clock, effects are by the database's own time. What failed is tried again later: it is not late.
_COUNTS = f"""
SELECT 'work', stage, count(*), greatest(0, extract(epoch FROM %(now)s - min(due_at) FILTER (WHERE attempts = 0)))::float8
FROM work GROUP BY 2
UNION ALL SELECT 'effect', kind, count(*), greatest(0, extract(epoch FROM now() - min(due_at)))::float8
          FROM effect_lease GROUP BY 2
UNION ALL SELECT 'circuit', kind || ' ' || target, 1, 0 FROM circuit WHERE probe_at > now() - interval '{FORGOTTEN} s'
UNION ALL SELECT 'attention', 'quarantined', count(*), 0 FROM inbox_event WHERE state = 'quarantined'
UNION ALL SELECT 'attention', 'failing', count(*), 0 FROM work WHERE attempts > 0
UNION ALL SELECT 'attention', 'held', count(DISTINCT order_id), 0 FROM order_hold WHERE closed_at IS NULL
UNION ALL SELECT 'attention', 'bounced', count(*), 0 FROM mail_bounce WHERE needs_human AND seen_at IS NULL
UNION ALL SELECT 'attention', 'sender_refused', count(*), 0 FROM mail_bounce
          WHERE needs_human AND seen_at IS NULL AND action = 'fix_sender'
UNION ALL SELECT 'attention', 'erasures', count(*), 0 FROM erasure WHERE done_at IS NULL
UNION ALL SELECT 'gone', what, sum(gone)::bigint, 0 FROM retention_mark GROUP BY 2
UNION ALL SELECT 'attention', 'postings', count(*), 0 FROM posted_coupon p
          LEFT JOIN customer c ON c.shop = p.shop AND c.id = p.customer_id
          WHERE p.way = 'post' AND p.posted_at IS NULL AND c.withdrawn_at IS NULL AND c.postal_stop IS NOT TRUE
"""


def counts(connection: Connection, now: datetime) -> list[CountRow]:
    """How much there is of due work by stage, of effects not ended by kind, of what needs a human, of what went since it was kept
    long enough; which circuits are open; and for how long the first of them is late at ``now``, the Clock's."""
    return fetch(connection, CountRow, _COUNTS, {"now": now})


# No index finds them: one on their state would make every change of it dearer.
_GIVEN_UP = """
SELECT 'attention', 'effects', count(*), 0 FROM effect WHERE state = 'needs_review'
UNION ALL SELECT 'attention', 'mails', count(*), 0 FROM mail
          WHERE state IN ('needs_review', 'failed') AND packed IS NOT NULL
"""


def given_up(connection: Connection) -> list[CountRow]:
    """How many effects and mails were given up. Reads both tables whole."""
    return fetch(connection, CountRow, _GIVEN_UP)
