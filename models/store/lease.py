"""The effect loop's statements: lease with a fencing token, load what is to be performed, record outcomes.

Leases count in the database's own time, so a fast or set Clock never shortens one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from models.database import rows, run
from models.store.write import Rows, write_rows

MAIL = "mail.send"

_LEASE = """
UPDATE effect_lease l SET due_at = clock_timestamp() + make_interval(secs => %(seconds)s), token = l.token + 1,
       attempts = l.attempts + 1
FROM (SELECT kind, subject_id FROM effect_lease WHERE kind = %(kind)s AND due_at <= now()
        AND (attempts = 0 OR due_at > pg_postmaster_start_time() OR now() > pg_postmaster_start_time() + interval '5 s')
      ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS due
WHERE l.kind = due.kind AND l.subject_id = due.subject_id
RETURNING l.subject_id, l.token, l.attempts
"""


def lease(connection: Connection, kind: str, limit: int, seconds: float) -> list[Any]:
    """Take up to ``limit`` due effects of ``kind`` for ``seconds``: (subject id, token, attempts from 1).

    Leases that ran out while the database was away wait some seconds more: whoever held them and is alive has an outcome
    to record.
    """
    return rows(connection, _LEASE, {"kind": kind, "limit": limit, "seconds": seconds})


def load_mails(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(id, message id, envelope from, envelope to, packed bytes)."""
    return rows(
        connection,
        """SELECT id, message_id, envelope_from, envelope_to, packed FROM mail WHERE id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def load_effects(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(id, key, kind, order id, shipment id, payload, shop, number, method, gateway, token, reference, and
    the order's document for what a supplier or a slip is told)."""
    return rows(
        connection,
        """SELECT e.id, e.key, e.kind, e.order_id, e.shipment_id, e.payload, o.shop, o.number,
                  p.method, p.gateway, p.token, p.reference, d.document
           FROM effect e JOIN shop_order o ON o.id = e.order_id JOIN payment p ON p.order_id = e.order_id
           LEFT JOIN order_document d ON d.order_id = e.order_id
                AND (e.kind LIKE 'supplier.%%' OR e.kind = 'payment.register')
           WHERE e.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def load_events(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(id, key, payload, url, webhook secrets) of events to storefronts; one whose client left has no URL."""
    return rows(
        connection,
        """SELECT e.id, e.key, e.payload, c.url, c.webhook_secrets FROM effect e
           LEFT JOIN client c ON c.id = (e.payload->>'client')::bigint AND c.revoked_at IS NULL
           WHERE e.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def load_shipments(connection: Connection, ids: Sequence[str]) -> list[Any]:
    """(shipment id, supplier, dispatch_on, lines as (line, sku, name, open pieces) JSON)."""
    return rows(
        connection,
        """SELECT s.id, s.supplier, s.dispatch_on,
                  json_agg(json_build_object('line', l.line, 'sku', o.sku, 'name', o.name,
                                             'quantity', l.quantity - l.cancelled) ORDER BY l.line)
           FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id
           JOIN order_line o ON o.order_id = s.order_id AND o.line = l.line
           WHERE s.id = ANY(%(ids)b::text[]) GROUP BY s.id""",
        {"ids": list(ids)},
    )


def suppliers(connection: Connection) -> list[Any]:
    """(name, url, webhook secrets) of the suppliers that registered a URL."""
    return rows(
        connection,
        "SELECT name, url, webhook_secrets FROM client WHERE kind = 'supplier' AND revoked_at IS NULL AND url IS NOT NULL",
        {},
    )


def finish_mails(connection: Connection, outcomes: Rows) -> int:
    """(id, token, state, code): record how mails ended, where the token is still current."""
    return write_rows(
        connection,
        """WITH done AS (
             DELETE FROM effect_lease l USING unnest(%(c0)b::bigint[], %(c1)b::bigint[], %(c2)b::text[], %(c3)b::text[])
                    AS v(id, token, state, code)
             WHERE l.kind = 'mail.send' AND l.subject_id = v.id AND l.token = v.token
             RETURNING v.id, v.state, v.code)
           UPDATE mail m SET state = done.state, code = done.code,
                  sent_at = CASE WHEN done.state = 'sent' THEN clock_timestamp() END
           FROM done WHERE m.id = done.id""",
        outcomes,
    )


def finish_effects(connection: Connection, kind: str, outcomes: Rows) -> list[Any]:
    """(id, token, state, outcome JSON): record how effects ended; (order id, stage that waits) of each recorded."""
    if not outcomes:
        return []
    parameters: dict[str, Any] = {f"c{i}": list(column) for i, column in enumerate(zip(*outcomes, strict=True))}
    return rows(
        connection,
        """WITH done AS (
             DELETE FROM effect_lease l USING unnest(%(c0)b::bigint[], %(c1)b::bigint[], %(c2)b::text[], %(c3)b::text[])
                    AS v(id, token, state, outcome)
             WHERE l.kind = %(kind)s AND l.subject_id = v.id AND l.token = v.token
             RETURNING v.id, v.state, v.outcome)
           UPDATE effect e SET state = done.state, outcome = done.outcome::jsonb, finished_at = clock_timestamp()
           FROM done WHERE e.id = done.id RETURNING e.order_id, e.wakes""",
        {"kind": kind, **parameters},
    )


def postpone(connection: Connection, kind: str, retries: Rows) -> int:
    """(subject id, token, seconds): due again later, where the token is still current."""
    if not retries:
        return 0
    return run(
        connection,
        """UPDATE effect_lease l SET due_at = clock_timestamp() + make_interval(secs => v.seconds)
           FROM unnest(%(c0)b::bigint[], %(c1)b::bigint[], %(c2)b::float8[]) AS v(id, token, seconds)
           WHERE l.kind = %(kind)s AND l.subject_id = v.id AND l.token = v.token""",
        {"kind": kind, **{f"c{i}": list(column) for i, column in enumerate(zip(*retries, strict=True))}},
    )
