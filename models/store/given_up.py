"""What was given up and may be tried again: effects, mails and quarantined events, told apart by what a fault has in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, fetch


class Which(NamedTuple):
    """Which of them are meant; None is any. ``since`` and ``until`` are real times, aware: given up at or after, and before."""

    what: str | None = None
    kind: str | None = None
    target: str | None = None
    shop: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class GroupRow(NamedTuple):
    """Those that were given up alike: how many, and the first and the last moment, in real time."""

    what: str
    kind: str
    target: str
    shop: str
    reason: str
    number: int
    first: datetime
    last: datetime


class GivenUpRow(NamedTuple):
    """One of them."""

    what: str
    id: int


# An effect's target as leases have it; a storefront's by its name, and the shop of an order that was refused by what it is told. A mail has no moment of its own at which it was given up:
# the one at which it was queued counts.
_GIVEN_UP: Final = """
SELECT 'effect' AS what, e.id, e.kind, coalesce(o.shop, e.payload->'data'->>'shop', '') AS shop, coalesce(nullif(e.outcome->>'code', ''), '') AS reason,
       coalesce((SELECT c.name FROM client c WHERE c.id::text = e.payload->>'client'), e.payload->>'client',
                (SELECT s.supplier FROM shipment s WHERE s.id = e.shipment_id),
                (SELECT p.gateway FROM payment p WHERE p.order_id = e.order_id AND e.kind LIKE 'payment.%%'), '') AS target,
       coalesce(e.finished_at, e.recorded_at) AS at
FROM effect e LEFT JOIN shop_order o ON o.id = e.order_id WHERE e.given_up
UNION ALL
SELECT 'mail', m.id, m.template, coalesce(o.shop, ''), coalesce(m.code, ''), lower(substring(m.envelope_to from '[^@]*$')),
       m.at
FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id WHERE m.given_up AND m.packed IS NOT NULL
UNION ALL
SELECT 'event', i.id, i.type, coalesce(o.shop, ''), coalesce(i.reason, ''), i.source, i.recorded_at
FROM inbox_event i JOIN shop_order o ON o.id = i.order_id
WHERE i.state = 'quarantined' AND i.type = ANY(%(types)b::text[])"""

_MEANT: Final = """
    (%(what)s::text IS NULL OR what = %(what)s) AND (%(kind)s::text IS NULL OR kind = %(kind)s)
AND (%(target)s::text IS NULL OR target = %(target)s) AND (%(shop)s::text IS NULL OR shop = %(shop)s)
AND (%(reason)s::text IS NULL OR strpos(reason, %(reason)s) = 1)
AND (%(since)s::timestamptz IS NULL OR at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR at < %(until)s)"""

_GROUPS: Final = f"""
SELECT what, kind, target, shop, reason, count(*), min(at), max(at) FROM ({_GIVEN_UP}) g WHERE {_MEANT}
GROUP BY what, kind, target, shop, reason ORDER BY count(*) DESC, what, kind, target, shop, reason
"""
_LISTED: Final = f"SELECT {columns(GivenUpRow)} FROM ({_GIVEN_UP}) g WHERE {_MEANT} ORDER BY at, what, id"


def groups(connection: Connection, which: Which, types: Sequence[str]) -> list[GroupRow]:
    """How many there are of ``which`` by what they have in common, most first; of events, those of ``types`` that name an order.

    ``reason`` means all that begin with it.
    """
    return fetch(connection, GroupRow, _GROUPS, {**which._asdict(), "types": list(types)})


def listed(connection: Connection, which: Which, types: Sequence[str]) -> list[GivenUpRow]:
    """Each of ``which``, those given up first first."""
    return fetch(connection, GivenUpRow, _LISTED, {**which._asdict(), "types": list(types)})
