"""Effects: asked for by decisions, performed under a lease (``models.store.leases``), ended with their outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.effect import Effect, EffectLease
from models.store import leases
from models.store.statement import columns, fetch, insert, reader, scalars, values, writer


class EffectRow(NamedTuple):
    """An effect of an order, with its outcome once it is known."""

    id: int
    order_id: int
    key: str
    kind: str
    shipment_id: str | None
    payload: Mapping[str, Any]
    state: str
    outcome: Mapping[str, Any] | None


# Two statements: as a union they cost three times as much, since most orders share no effect.
_OF_ORDERS = f"SELECT {columns(EffectRow)} FROM effect WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id"
_SHARED = f"""
SELECT {columns(EffectRow, "i", kind="e.kind", payload="e.payload", id="e.id")}
FROM effect_item i JOIN effect e ON e.id = i.effect_id WHERE i.order_id = ANY(%(ids)b::bigint[])
"""


def of_orders(connection: Connection, ids: Sequence[int], *, alone: bool, shared: bool) -> list[EffectRow]:
    """Effects of the orders, oldest first; an item of an effect that several orders share counts as one of its own. Which kinds of them
    there are is known already: effects that are an order's ``alone``, and ``shared`` ones."""
    own = fetch(connection, EffectRow, _OF_ORDERS, {"ids": ids}) if alone else []
    items = fetch(connection, EffectRow, _SHARED, {"ids": ids}) if shared else []
    return sorted([*own, *items], key=lambda row: row.id) if items else own


class NewEffectRow(NamedTuple):
    """An intent; ``wakes`` is the stage that waits for its outcome."""

    key: str
    kind: str
    order_id: int | None
    shipment_id: str | None
    payload: Mapping[str, Any]
    wakes: str | None


#: Of the effects of the CTE ``new``, what their target is made of, and the target: a supplier, a storefront's client, a gateway.
_NEW = "id, kind, order_id, shipment_id, payload->>'client' AS client"
_TARGET = """coalesce(client, (SELECT s.supplier FROM shipment s WHERE s.id = new.shipment_id),
                        (SELECT p.gateway FROM payment p WHERE p.order_id = new.order_id AND new.kind LIKE 'payment.%%'))"""

#: Each is due at once; one whose key is there already is a no-op.
add = writer(
    NewEffectRow,
    "WITH new AS ("
    + insert(
        NewEffectRow,
        Effect,
        constants={"state": "'pending'"},
        conflict="(key) DO NOTHING",
        returning=_NEW,
    )
    + ") "
    + leases.opened("new", "kind", _TARGET),
)


class OrderEffectRow(NamedTuple):
    """What performing an effect of an order's payment needs; ``document`` is the order's, for what a slip is told."""

    id: int
    key: str
    kind: str
    order_id: int
    payload: Mapping[str, Any]
    shop: str
    number: str
    method: str
    gateway: str | None
    token: str | None
    reference: str | None
    document: Mapping[str, Any] | None


def to_perform(connection: Connection, ids: Sequence[int]) -> list[OrderEffectRow]:
    """The effects with what performing them needs of their orders' payments."""
    return fetch(
        connection,
        OrderEffectRow,
        """SELECT e.id, e.key, e.kind, e.order_id, e.payload, o.shop, o.number, p.method, p.gateway, p.token, p.reference,
                  d.document
           FROM effect e JOIN shop_order o ON o.id = e.order_id JOIN payment p ON p.order_id = e.order_id
           LEFT JOIN order_document d ON d.order_id = e.order_id AND e.kind = 'payment.register'
           WHERE e.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


class StorefrontEventRow(NamedTuple):
    """An event for a storefront, with its client; one whose client left has no URL."""

    id: int
    key: str
    order_id: int | None
    client: str
    payload: Mapping[str, Any]
    url: str | None
    webhook_secrets: Sequence[str] | None
    old_until: datetime | None


def to_announce(connection: Connection, ids: Sequence[int]) -> list[StorefrontEventRow]:
    """The effects that are events for storefronts, with where those are reached."""
    return fetch(
        connection,
        StorefrontEventRow,
        """SELECT e.id, e.key, e.order_id, e.payload->>'client', e.payload, c.url, c.webhook_secrets, c.old_until FROM effect e
           LEFT JOIN client c ON c.id = (e.payload->>'client')::bigint AND c.revoked_at IS NULL
           WHERE e.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


class OutcomeRow(NamedTuple):
    """How an effect ended, under the token it was performed with."""

    id: int
    token: int
    state: str
    outcome: Mapping[str, Any]


class WokenRow(NamedTuple):
    """What an outcome was of, and the stage that waits for it, if one does."""

    order_id: int | None
    shipment_id: str | None
    wakes: str | None


class EndedRow(NamedTuple):
    """An effect that ended: what it was of, the stage that waits for it, and whether it has items."""

    id: int
    order_id: int | None
    shipment_id: str | None
    wakes: str | None
    has_items: bool


_end = reader(
    OutcomeRow,
    f"""WITH done AS (
          DELETE FROM effect_lease l USING {values(OutcomeRow, Effect, EffectLease)}
          WHERE {leases.held_by(OutcomeRow, "id")}
          RETURNING v.id, v.state, v.outcome)
        UPDATE effect e SET state = done.state, outcome = done.outcome::jsonb, finished_at = clock_timestamp()
        FROM done WHERE e.id = done.id 
        RETURNING {columns(EndedRow, "e", has_items="e.batch IS NOT NULL")}""",
    EndedRow,
)


def end(connection: Connection, kind: str, outcomes: Sequence[OutcomeRow]) -> list[EndedRow]:
    """Record how effects of ``kind`` ended, where the token is still current; what each of those was of."""
    return _end(connection, outcomes, kind=kind)


_AGAIN = f"""
WITH new AS (UPDATE effect SET state = 'pending', outcome = NULL, finished_at = NULL
               WHERE id = ANY(%(ids)b::bigint[]) AND state = 'needs_review' RETURNING {_NEW}),
     items AS (UPDATE effect_item i SET state = 'pending', outcome = NULL, finished_at = NULL
               FROM new WHERE i.effect_id = new.id AND i.state = 'needs_review')
{leases.opened("new", "kind", _TARGET, attempts=1)} RETURNING kind
"""


def try_again(connection: Connection, ids: Sequence[int]) -> list[str]:
    """Try effects that were given up again, under their old keys, with those of their items that were; the kind of each that
    was."""
    return scalars(connection, _AGAIN, {"ids": ids})


class TrailRow(NamedTuple):
    """An effect of an order with its way so far; ``attempts`` are those of one that has not ended."""

    id: int
    key: str
    kind: str
    shipment_id: str | None
    payload: Mapping[str, Any]
    state: str
    outcome: Mapping[str, Any] | None
    recorded_at: datetime
    finished_at: datetime | None
    attempts: int | None


#: Both ways to it by an index; with OR between them all effects there are would be read.
_TRAIL = f"""
WITH asked AS (SELECT id FROM effect WHERE order_id = %(id)s UNION SELECT effect_id FROM effect_item WHERE order_id = %(id)s)
SELECT {columns(TrailRow, "e", attempts="l.attempts")} FROM asked JOIN effect e ON e.id = asked.id
LEFT JOIN effect_lease l ON l.kind = e.kind AND l.subject_id = e.id ORDER BY e.id
"""


def trail(connection: Connection, order_id: int) -> list[TrailRow]:
    """What was asked of the world for the order, alone or together with others, the oldest first."""
    return fetch(connection, TrailRow, _TRAIL, {"id": order_id})
