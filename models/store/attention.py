"""How much waits, of the service and for a human; what waits for a human is in ``models.store.review``."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store import posted_coupons
from models.store.circuits import FORGOTTEN
from models.store.review import UNANSWERED_MINUTES
from models.store.statement import fetch

#: Open circuits that are told of at a time: partners are few, the domains of mails are whoever orders.
MOST_CIRCUITS: Final = 100
#: What is counted of what waits for a human.
ATTENTION: Final = (
    "quarantined",
    "failing",
    "held",
    "bounced",
    "sender_refused",
    "erasures",
    "effects",
    "mails",
    "postings",
    "payments",
)


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
UNION ALL (SELECT 'circuit', kind || ' ' || target, 1, 0 FROM circuit WHERE probe_at > now() - interval '{FORGOTTEN} s'
           ORDER BY kind = 'mail.send', opened_at LIMIT {MOST_CIRCUITS})
UNION ALL SELECT 'attention', 'quarantined', count(*), 0 FROM inbox_event WHERE state = 'quarantined'
UNION ALL SELECT 'attention', 'failing', count(*), 0 FROM work WHERE attempts > 0
UNION ALL SELECT 'attention', 'held', count(DISTINCT order_id), 0 FROM order_hold WHERE closed_at IS NULL
UNION ALL SELECT 'attention', 'bounced', count(*), 0 FROM mail_bounce WHERE needs_human AND seen_at IS NULL
UNION ALL SELECT 'attention', 'sender_refused', count(*), 0 FROM mail_bounce
          WHERE needs_human AND seen_at IS NULL AND action = 'fix_sender'
UNION ALL SELECT 'attention', 'erasures', count(*), 0 FROM erasure WHERE done_at IS NULL
UNION ALL SELECT 'attention', 'effects', count(*), 0 FROM effect WHERE given_up
UNION ALL SELECT 'attention', 'mails', count(*), 0 FROM mail WHERE given_up AND packed IS NOT NULL
UNION ALL SELECT 'attention', 'payments', count(*), 0 FROM effect_lease l JOIN effect e ON e.id = l.subject_id
          WHERE l.kind LIKE 'payment.%%' AND e.recorded_at < now() - interval '{UNANSWERED_MINUTES} minutes'
UNION ALL SELECT 'gone', what, sum(gone)::bigint, 0 FROM retention_mark GROUP BY 2
UNION ALL SELECT 'attention', 'postings', count(*), 0 FROM posted_coupon p
          LEFT JOIN customer c ON c.shop = p.shop AND c.id = p.customer_id
          WHERE {posted_coupons.OPEN}
"""


def counts(connection: Connection, now: datetime) -> list[CountRow]:
    """How much there is of due work by stage, of effects not ended by kind, of what needs a human, of what went since it was kept
    long enough; which circuits are open; and for how long the first of them is late at ``now``, the Clock's."""
    return fetch(connection, CountRow, _COUNTS, {"now": now})
