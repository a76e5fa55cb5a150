"""Writes of the points ledger: every transfer moves its lot and the customer's balance in the same statement.

Balances are locked first, in (shop, customer) order, and lots only under them: two batches never wait for each other in
a circle, and a lot that was read under its balance's lock stands as it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from models.database import Rows, run, write_rows
from models.database import rows as fetch
from models.store import purse


def lock(connection: Connection, customers: Rows, *, opening: bool = False) -> None:
    """Lock the balances of (shop, customer) pairs; ``opening`` makes those that do not exist yet."""
    wanted = sorted({(row[0], row[1]) for row in customers})
    if opening:
        write_rows(
            connection,
            """INSERT INTO point_balance (shop, customer_id, pending, valid, held)
               SELECT shop, customer, 0, 0, 0 FROM unnest(%(c0)b::text[], %(c1)b::text[]) AS v(shop, customer)
               ORDER BY shop, customer
               ON CONFLICT (shop, customer_id) DO NOTHING""",
            wanted,
        )
    purse.lock(connection, customers)


#: Ends a statement whose CTE ``moved`` holds (shop, customer_id, debit, credit, amount): adds them to the balances.
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
    """(shop, customer, order id, source, kind, amount, state, expires_at, at, limited): new lots, once per (shop,
    source). Ordinary ones that are valid at once extend the customer's others (PTS-11) and settle what is owed."""
    if not rows:
        return
    lock(connection, rows, opening=True)
    write_rows(
        connection,
        """WITH lot AS (
             INSERT INTO point_lot (shop, customer_id, order_id, source, kind, limited, amount, remaining, held, owed,
                                    state, expires_at, at)
             SELECT shop, customer, order_id, source, kind, limited, amount, amount, 0, 0, state, expires_at, at
             FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::text[], %(c4)b::text[],
                         %(c5)b::int[], %(c6)b::text[], %(c7)b::timestamptz[], %(c8)b::timestamptz[], %(c9)b::boolean[])
                  AS v(shop, customer, order_id, source, kind, amount, state, expires_at, at, limited)
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
    valid = [row for row in rows if row[6] == "valid"]
    _extend(connection, [(row[0], row[1], row[7], row[8]) for row in valid if row[7] is not None and not row[9]])
    _settle(connection, [(row[0], row[1], row[8]) for row in valid])


def move(connection: Connection, rows: Rows) -> None:
    """(shop, customer, order id, lot id, old state, new state, source, kind, debit, credit, amount, change of what
    remains, expires_at, at): a lot that does not stand in ``old`` is not touched and moves nothing.

    Several rows may move one lot; they then name the same states. Points that come back find their lot used, valid or
    held, whichever it was when they were read: another order may have moved it since. A lot that keeps some of its
    points keeps its state. A transfer that brings ``expires_at`` is an acquisition and extends the customer's other
    ordinary lots (PTS-11); one of the kind ``owe`` is added to what the lot owes. The history of a lot that an order
    earned is written here, from the state in which it really stood.
    """
    if not rows:
        return
    lock(connection, rows)
    write_rows(
        connection,
        """WITH v AS (
             SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::bigint[], %(c4)b::text[],
                                  %(c5)b::text[], %(c6)b::text[], %(c7)b::text[], %(c8)b::text[], %(c9)b::text[],
                                  %(c10)b::int[], %(c11)b::int[], %(c12)b::timestamptz[], %(c13)b::timestamptz[])
               AS v(shop, customer, order_id, lot, old, new, source, kind, debit, credit, amount, change, expires_at, at)),
           step AS (
             SELECT lot, old, min(new) AS new, min(kind) AS kind, max(at) AS at, max(expires_at) AS expires_at,
                    sum(change) AS change,
                    coalesce(sum(amount) FILTER (WHERE credit = 'held'), 0)
                      - coalesce(sum(amount) FILTER (WHERE debit = 'held'), 0) AS held,
                    coalesce(sum(amount) FILTER (WHERE kind = 'owe'), 0) AS owed
             FROM v GROUP BY lot, old),
           lot AS (
             UPDATE point_lot l SET
               remaining = l.remaining + s.change, held = l.held + s.held, owed = l.owed + s.owed,
               state = CASE WHEN l.remaining + s.change > 0
                              THEN CASE WHEN s.new IN ('pending', 'valid') THEN s.new ELSE l.state END
                            WHEN l.held + s.held > 0 THEN 'held'
                            WHEN s.new IN ('pending', 'valid', 'held') THEN 'used' ELSE s.new END,
               expires_at = coalesce(s.expires_at, l.expires_at)
             FROM step s JOIN point_lot b ON b.id = s.lot
             WHERE l.id = s.lot
               AND (l.state = s.old OR (s.change > 0 AND s.new = 'valid' AND l.state IN ('used', 'valid', 'held')))
             RETURNING l.id, l.order_id, b.state AS before, l.state, s.kind, s.at),
           history AS (
             INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
             SELECT order_id, 'lot', id::text, before, state, kind, at FROM lot
             WHERE order_id IS NOT NULL AND before <> state),
           moved AS (
             INSERT INTO point_transfer (shop, customer_id, lot_id, order_id, source, kind, debit, credit, amount, at)
             SELECT v.shop, v.customer, v.lot, v.order_id, v.source, v.kind, v.debit, v.credit, v.amount, v.at
             FROM v JOIN lot ON lot.id = v.lot
             RETURNING shop, customer_id, debit, credit, amount)"""
        + _ADD,
        rows,
    )
    _extend(connection, [(row[0], row[1], row[12], row[13]) for row in rows if row[12] is not None])
    _settle(connection, [(row[0], row[1], row[13]) for row in rows if row[9] == "valid"])


def _extend(connection: Connection, acquired: Rows) -> None:
    """(shop, customer, expires_at, at): ordinary points that are still good last as long as the newest (PTS-11)."""
    write_rows(
        connection,
        """UPDATE point_lot l SET expires_at = v.expires_at
           FROM (SELECT shop, customer, max(expires_at) AS expires_at, max(at) AS at
                 FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::timestamptz[], %(c3)b::timestamptz[])
                      AS v(shop, customer, expires_at, at) GROUP BY shop, customer) AS v
           WHERE l.shop = v.shop AND l.customer_id = v.customer AND (l.remaining > 0 OR l.held > 0) AND NOT l.limited
             AND l.state IN ('valid', 'held') AND l.expires_at > v.at AND l.expires_at < v.expires_at""",
        acquired,
    )


def _settle(connection: Connection, credited: Rows) -> None:
    """(shop, customer, at): what customers owe is taken from their valid points, those spent first first (PTS-12).

    The balance does not change: the point was clawed back when it was owed; now it is known from which lot.
    """
    # Debts and coins are laid end to end on the same line; where two overlap, the coin settles the debt.
    write_rows(
        connection,
        """WITH customer AS (
             SELECT shop, customer_id, max(at) AS at
             FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::timestamptz[]) AS v(shop, customer_id, at)
             GROUP BY shop, customer_id),
           debt AS (
             SELECT l.shop, l.customer_id, l.id, l.owed, c.at,
                    sum(l.owed) OVER (PARTITION BY l.shop, l.customer_id ORDER BY l.id) AS upto
             FROM point_lot l JOIN customer c USING (shop, customer_id) WHERE l.owed > 0),
           coin AS (
             SELECT l.shop, l.customer_id, l.id, l.remaining,
                    sum(l.remaining) OVER (PARTITION BY l.shop, l.customer_id
                                           ORDER BY l.limited DESC, l.expires_at NULLS LAST, l.at, l.id) AS upto
             FROM point_lot l JOIN customer c USING (shop, customer_id)
             WHERE l.state = 'valid' AND l.remaining > 0 AND (l.expires_at IS NULL OR l.expires_at > c.at)
               AND EXISTS (SELECT FROM debt d WHERE d.shop = l.shop AND d.customer_id = l.customer_id)),
           pair AS (
             SELECT d.shop, d.customer_id, d.id AS debt, c.id AS coin, d.at,
                    least(d.upto, c.upto) - greatest(d.upto - d.owed, c.upto - c.remaining) AS amount
             FROM debt d JOIN coin c USING (shop, customer_id)
             WHERE least(d.upto, c.upto) > greatest(d.upto - d.owed, c.upto - c.remaining)),
           part AS (
             SELECT shop, customer_id, coin AS lot, debt AS other, 'settle' AS kind, 'valid' AS debit,
                    'clawed_back' AS credit, amount, at FROM pair
             UNION ALL
             SELECT shop, customer_id, debt, coin, 'repay', 'clawed_back', 'valid', amount, at FROM pair),
           step AS (
             SELECT lot, coalesce(sum(amount) FILTER (WHERE kind = 'settle'), 0) AS taken,
                    coalesce(sum(amount) FILTER (WHERE kind = 'repay'), 0) AS repaid, max(at) AS at
             FROM part GROUP BY lot),
           lot AS (
             UPDATE point_lot l SET remaining = l.remaining - s.taken, owed = l.owed - s.repaid,
               state = CASE WHEN s.taken = 0 OR l.remaining > s.taken THEN l.state
                            WHEN l.held > 0 THEN 'held' ELSE 'used' END
             FROM step s JOIN point_lot b ON b.id = s.lot WHERE l.id = s.lot
             RETURNING l.id, l.order_id, b.state AS before, l.state, s.at),
           history AS (
             INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
             SELECT order_id, 'lot', id::text, before, state, 'settle', at FROM lot
             WHERE order_id IS NOT NULL AND before <> state)
           INSERT INTO point_transfer (shop, customer_id, lot_id, source, kind, debit, credit, amount, at)
           SELECT shop, customer_id, lot, 'settle:' || gen_random_uuid(), kind, debit, credit, amount, at
           FROM part""",
        credited,
    )


def expire(connection: Connection, now: datetime, customers: int) -> int:
    """Expire the valid points whose time is over at ``now``, of up to so many customers; how many lots expired.

    A lot that is partly held keeps its held points. Running it twice expires nothing twice.
    """
    due = fetch(
        connection,
        """SELECT b.shop, b.customer_id FROM point_balance b
           JOIN (SELECT DISTINCT shop, customer_id FROM point_lot
                 WHERE state = 'valid' AND expires_at <= %(now)s
                 ORDER BY shop, customer_id LIMIT %(limit)s) AS due USING (shop, customer_id)
           ORDER BY b.shop, b.customer_id FOR NO KEY UPDATE OF b""",
        {"now": now, "limit": customers},
    )
    if not due:
        return 0
    expired = fetch(
        connection,
        """WITH before AS (
             SELECT l.id, l.remaining FROM point_lot l
             JOIN unnest(%(shops)b::text[], %(customers)b::text[]) AS v(shop, customer)
               ON l.shop = v.shop AND l.customer_id = v.customer
             WHERE l.state = 'valid' AND l.expires_at <= %(now)s),
           lot AS (
             UPDATE point_lot l SET remaining = 0, state = CASE WHEN l.held > 0 THEN 'held' ELSE 'expired' END
             FROM before b WHERE l.id = b.id
             RETURNING l.id, l.shop, l.customer_id, l.order_id, l.state, b.remaining AS amount),
           history AS (
             INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
             SELECT order_id, 'lot', id::text, 'valid', state, 'expire', %(now)s FROM lot WHERE order_id IS NOT NULL),
           moved AS (
             INSERT INTO point_transfer (shop, customer_id, lot_id, source, kind, debit, credit, amount, at)
             SELECT shop, customer_id, id, 'expiry:' || gen_random_uuid(), 'expire', 'valid', 'expired', amount, %(now)s
             FROM lot RETURNING shop, customer_id, amount),
           balance AS (
             UPDATE point_balance b SET valid = b.valid - m.amount
             FROM (SELECT shop, customer_id, sum(amount) AS amount FROM moved GROUP BY shop, customer_id) AS m
             WHERE b.shop = m.shop AND b.customer_id = m.customer_id)
           SELECT count(*) FROM lot""",
        {"shops": [row[0] for row in due], "customers": [row[1] for row in due], "now": now},
    )
    return int(expired[0][0])


def remember_customers(connection: Connection, rows: Rows) -> int:
    """(shop, id, email, name, locale, birth date, registered_at, at): what is None or empty keeps what stands."""
    newest = {(row[0], row[1]): row for row in rows}
    return write_rows(
        connection,
        """INSERT INTO customer AS c (shop, id, email, name, locale, birth_date, registered_at, known_since)
           SELECT v.* FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[],
                                  %(c5)b::date[], %(c6)b::timestamptz[], %(c7)b::timestamptz[])
                  AS v(shop, id, email, name, locale, birth_date, registered_at, at)
           LEFT JOIN customer k ON k.shop = v.shop AND k.id = v.id
           WHERE k.id IS NULL OR (v.email <> '' AND (k.email, k.name, k.locale) IS DISTINCT FROM (v.email, v.name, v.locale))
              OR v.birth_date IS DISTINCT FROM k.birth_date AND v.birth_date IS NOT NULL
              OR v.registered_at IS NOT NULL AND k.registered_at IS NULL
           ORDER BY v.shop, v.id
           ON CONFLICT (shop, id) DO UPDATE SET
             email = CASE WHEN excluded.email <> '' THEN excluded.email ELSE c.email END,
             name = CASE WHEN excluded.name <> '' THEN excluded.name ELSE c.name END,
             locale = CASE WHEN excluded.email <> '' THEN excluded.locale ELSE c.locale END,
             birth_date = coalesce(excluded.birth_date, c.birth_date),
             registered_at = coalesce(c.registered_at, excluded.registered_at)""",
        list(newest.values()),
    )


def open_request(connection: Connection, shop: str, key: str, request_hash: bytes, answer: str) -> bool:
    """Keep a grant's answer (JSON) under its key; False if the key is taken. Waits for whoever holds it just now."""
    return bool(
        run(
            connection,
            """INSERT INTO point_request (shop, key, request_hash, answer)
               VALUES (%(shop)s, %(key)s, %(hash)s, %(answer)s::jsonb) ON CONFLICT (shop, key) DO NOTHING""",
            {"shop": shop, "key": key, "hash": request_hash, "answer": answer},
        )
    )


def open_hold(
    connection: Connection,
    shop: str,
    key: str,
    customer: str,
    request_hash: bytes,
    amount: int,
    reason: str,
    at: datetime,
) -> bool:
    """Keep a hold under its key; False if the key is taken."""
    return bool(
        run(
            connection,
            """INSERT INTO point_hold (shop, key, customer_id, request_hash, amount, reason, at)
               VALUES (%(shop)s, %(key)s, %(customer)s, %(hash)s, %(amount)s, %(reason)s, %(at)s)
               ON CONFLICT (shop, key) DO NOTHING""",
            {"shop": shop, "key": key, "customer": customer, "hash": request_hash, "amount": amount, "reason": reason, "at": at},
        )
    )  # fmt: skip


def close_hold(connection: Connection, shop: str, key: str, outcome: str) -> bool:
    """End a hold with ``valid`` or ``void``; False if it had ended."""
    return bool(
        run(
            connection,
            "UPDATE point_hold SET outcome = %(outcome)s WHERE shop = %(shop)s AND key = %(key)s AND outcome IS NULL",
            {"shop": shop, "key": key, "outcome": outcome},
        )
    )
