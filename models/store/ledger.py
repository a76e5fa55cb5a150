"""Writes of the points ledger: every transfer moves its lot and the customer's balance in the same statement.

Balances are touched in (shop, customer) order, so that two batches never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from models.engine import rows as fetch
from models.store.write import Rows, write_rows


def _open_accounts(connection: Connection, rows: Rows, shop: int, customer: int) -> None:
    """A balance row for each customer, locked in order; an upsert's CHECK looks at the row it would insert."""
    write_rows(
        connection,
        """INSERT INTO point_balance (shop, customer_id, pending, valid, held)
           SELECT DISTINCT shop, customer, 0, 0, 0 FROM unnest(%(c0)b::text[], %(c1)b::text[]) AS v(shop, customer)
           ORDER BY shop, customer
           ON CONFLICT (shop, customer_id) DO NOTHING""",
        sorted({(row[shop], row[customer]) for row in rows}),
    )


def _lock_accounts(connection: Connection, rows: Rows) -> None:
    write_rows(
        connection,
        """SELECT 1 FROM point_balance b
           JOIN (SELECT DISTINCT * FROM unnest(%(c0)b::text[], %(c1)b::text[])) AS v(shop, customer)
             ON b.shop = v.shop AND b.customer_id = v.customer
           ORDER BY b.shop, b.customer_id FOR NO KEY UPDATE OF b""",
        [row[:2] for row in rows],
    )


_ADD = """
, change AS (
  SELECT shop, customer_id,
    coalesce(sum(amount) FILTER (WHERE credit = 'pending'), 0) - coalesce(sum(amount) FILTER (WHERE debit = 'pending'), 0) AS pending,
    coalesce(sum(amount) FILTER (WHERE credit = 'valid'), 0) - coalesce(sum(amount) FILTER (WHERE debit = 'valid'), 0) AS valid,
    coalesce(sum(amount) FILTER (WHERE credit = 'held'), 0) - coalesce(sum(amount) FILTER (WHERE debit = 'held'), 0) AS held
  FROM moved GROUP BY shop, customer_id),
locked AS (
  SELECT shop, customer_id FROM point_balance JOIN change USING (shop, customer_id)
  ORDER BY shop, customer_id FOR NO KEY UPDATE OF point_balance)
UPDATE point_balance b SET pending = b.pending + c.pending, valid = b.valid + c.valid, held = b.held + c.held
FROM change c JOIN locked USING (shop, customer_id)
WHERE b.shop = c.shop AND b.customer_id = c.customer_id
"""


def lots_by_source(connection: Connection, shops: Sequence[str], sources: Sequence[str]) -> dict[str, int]:
    """Lot ids by their source."""
    found = fetch(
        connection,
        """SELECT l.source, l.id FROM point_lot l
           JOIN unnest(%(shops)b::text[], %(sources)b::text[]) AS v(shop, source)
             ON l.shop = v.shop AND l.source = v.source""",
        {"shops": list(shops), "sources": list(sources)},
    )
    return {row[0]: row[1] for row in found}


def grant(connection: Connection, rows: Rows) -> None:
    """(shop, customer, order id, source, kind, amount, state, expires_at, at): new lots, once per (shop, source)."""
    if not rows:
        return
    _open_accounts(connection, rows, 0, 1)
    write_rows(
        connection,
        """WITH lot AS (
             INSERT INTO point_lot (shop, customer_id, order_id, source, kind, amount, remaining, state, expires_at, at)
             SELECT shop, customer, order_id, source, kind, amount, amount, state, expires_at, at
             FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::text[], %(c4)b::text[],
                         %(c5)b::int[], %(c6)b::text[], %(c7)b::timestamptz[], %(c8)b::timestamptz[])
                  AS v(shop, customer, order_id, source, kind, amount, state, expires_at, at)
             ON CONFLICT (shop, source) DO NOTHING RETURNING *),
           history AS (
             INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
             SELECT order_id, 'lot', id::text, NULL, state, kind, at FROM lot WHERE order_id IS NOT NULL),
           moved AS (
             INSERT INTO point_transfer (shop, customer_id, lot_id, order_id, source, kind, debit, credit, amount, at)
             SELECT shop, customer_id, id, order_id, source, 'grant', 'granted', state, amount, at FROM lot
             RETURNING shop, customer_id, debit, credit, amount)"""
        + _ADD,
        rows,
    )


def move(connection: Connection, rows: Rows) -> None:
    """(shop, customer, order id, lot id, old state, new state, source, kind, debit, credit, amount, change of what
    remains, expires_at, at): a lot that does not stand in ``old`` is not touched and moves nothing.

    Several rows may move one lot; they then name the same new state. Points that come back find their lot used or valid,
    whichever it was when they were read: another order may have moved it since.
    """
    if not rows:
        return
    # Balances before lots, as intake does: the other way round the two would wait for each other in a circle.
    _lock_accounts(connection, rows)
    write_rows(
        connection,
        """WITH v AS (
             SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::bigint[], %(c4)b::text[],
                                  %(c5)b::text[], %(c6)b::text[], %(c7)b::text[], %(c8)b::text[], %(c9)b::text[],
                                  %(c10)b::int[], %(c11)b::int[], %(c12)b::timestamptz[], %(c13)b::timestamptz[])
               AS v(shop, customer, order_id, lot, old, new, source, kind, debit, credit, amount, change, expires_at, at)),
           lot AS (
             UPDATE point_lot l SET state = s.new, remaining = l.remaining + s.change,
                    expires_at = coalesce(s.expires_at, l.expires_at)
             FROM (SELECT lot, old, min(new) AS new, sum(change) AS change, max(expires_at) AS expires_at
                   FROM v GROUP BY lot, old) AS s
             WHERE l.id = s.lot AND (l.state = s.old OR (s.change > 0 AND s.new = 'valid' AND l.state IN ('used', 'valid')))
             RETURNING l.id),
           moved AS (
             INSERT INTO point_transfer (shop, customer_id, lot_id, order_id, source, kind, debit, credit, amount, at)
             SELECT v.shop, v.customer, v.lot, v.order_id, v.source, v.kind, v.debit, v.credit, v.amount, v.at
             FROM v JOIN lot ON lot.id = v.lot
             RETURNING shop, customer_id, debit, credit, amount)"""
        + _ADD,
        rows,
    )
