"""The writes of a decided batch. Each function is one statement, takes rows as tuples and does nothing for none.

Called by ``pipelines.engine.run`` alone: it is the only writer of state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from models.database import run

Rows = Sequence[tuple[Any, ...]]


def write_rows(connection: Connection, statement: str, rows: Rows) -> int:
    """Run ``statement`` with the columns of ``rows`` as parameters ``c0``, ``c1``, ...; the number of rows touched."""
    if not rows:
        return 0
    return run(connection, statement, {f"c{i}": list(column) for i, column in enumerate(zip(*rows, strict=True))})


def orders(connection: Connection, rows: Rows) -> int:
    """(id, version, state, condition, hold JSON, moves): raises the version; rows whose version moved on are not touched."""
    return write_rows(
        connection,
        """UPDATE shop_order o SET state = v.state, condition = v.condition, hold = v.hold::jsonb,
                  version = o.version + 1, sequence = o.sequence + v.moves
           FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[],
                       %(c5)b::int[]) AS v(id, version, state, condition, hold, moves)
           WHERE o.id = v.id AND o.version = v.version""",
        rows,
    )


def payments(connection: Connection, rows: Rows) -> int:
    """(order id, state, authorized, captured, refunded, refunded by hand, reference, code, expires_at, gateway,
    instructions JSON, as_of); None keeps what stands."""
    return write_rows(
        connection,
        """UPDATE payment p SET state = coalesce(v.state, p.state),
                  authorized = coalesce(v.authorized, p.authorized), captured = coalesce(v.captured, p.captured),
                  refunded = coalesce(v.refunded, p.refunded),
                  refunded_by_hand = coalesce(v.by_hand, p.refunded_by_hand),
                  reference = coalesce(v.reference, p.reference), code = coalesce(v.code, p.code),
                  expires_at = coalesce(v.expires_at, p.expires_at), gateway = coalesce(v.gateway, p.gateway),
                  instructions = coalesce(v.instructions::jsonb, p.instructions), as_of = coalesce(v.as_of, p.as_of)
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::int[], %(c3)b::int[], %(c4)b::int[], %(c5)b::int[],
                       %(c6)b::text[], %(c7)b::text[], %(c8)b::timestamptz[], %(c9)b::text[], %(c10)b::text[],
                       %(c11)b::timestamptz[])
                AS v(id, state, authorized, captured, refunded, by_hand, reference, code, expires_at, gateway, instructions,
                     as_of)
           WHERE p.order_id = v.id""",
        rows,
    )


def new_shipments(connection: Connection, rows: Rows) -> int:
    """(id, order id, supplier, state, backorder, dispatch_on, instruct_at, arrive_on, because JSON)."""
    return write_rows(
        connection,
        """INSERT INTO shipment (id, order_id, supplier, state, backorder, dispatch_on, instruct_at, arrive_on, because)
           SELECT id, order_id, supplier, state, backorder, dispatch_on, instruct_at, arrive_on, because::jsonb
           FROM unnest(%(c0)b::text[], %(c1)b::bigint[], %(c2)b::text[], %(c3)b::text[], %(c4)b::boolean[],
                       %(c5)b::date[], %(c6)b::timestamptz[], %(c7)b::date[], %(c8)b::text[])
                AS v(id, order_id, supplier, state, backorder, dispatch_on, instruct_at, arrive_on, because)""",
        rows,
    )


def new_shipment_lines(connection: Connection, rows: Rows) -> int:
    """(shipment id, line, quantity)."""
    return write_rows(
        connection,
        """INSERT INTO shipment_line (shipment_id, line, quantity, cancelled, shipped)
           SELECT id, line, quantity, 0, 0
           FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::int[]) AS v(id, line, quantity)""",
        rows,
    )


def shipments(connection: Connection, rows: Rows) -> int:
    """(id, state, dispatch_on, because JSON, plan_as_of, reason); None keeps what stands, and a new plan has its own
    date or none."""
    return write_rows(
        connection,
        """UPDATE shipment s SET state = coalesce(v.state, s.state),
                  dispatch_on = CASE WHEN v.plan_as_of IS NULL THEN s.dispatch_on ELSE v.dispatch_on END,
                  because = coalesce(v.because::jsonb, s.because), plan_as_of = coalesce(v.plan_as_of, s.plan_as_of),
                  reason = coalesce(v.reason, s.reason)
           FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::date[], %(c3)b::text[], %(c4)b::timestamptz[],
                       %(c5)b::text[]) AS v(id, state, dispatch_on, because, plan_as_of, reason)
           WHERE s.id = v.id""",
        rows,
    )


def shipment_lines(connection: Connection, rows: Rows) -> int:
    """(shipment id, line, shipped, cancelled): pieces in all, not added."""
    return write_rows(
        connection,
        """UPDATE shipment_line l SET shipped = coalesce(v.shipped, l.shipped),
                  cancelled = coalesce(v.cancelled, l.cancelled)
           FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::int[], %(c3)b::int[]) AS v(id, line, shipped, cancelled)
           WHERE l.shipment_id = v.id AND l.line = v.line""",
        rows,
    )


def order_lines(connection: Connection, rows: Rows) -> int:
    """(order id, line, shipped, cancelled): pieces in all, not added."""
    return write_rows(
        connection,
        """UPDATE order_line l SET shipped = coalesce(v.shipped, l.shipped),
                  cancelled = coalesce(v.cancelled, l.cancelled)
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::int[], %(c3)b::int[]) AS v(id, line, shipped, cancelled)
           WHERE l.order_id = v.id AND l.line = v.line""",
        rows,
    )


def parcels(connection: Connection, rows: Rows) -> int:
    """(shipment, order id, key, shipped_at, claim JSON, lines JSON, carrier, number, number_as_of, status, status_as_of)."""
    return write_rows(
        connection,
        """INSERT INTO parcel (shipment_id, order_id, key, shipped_at, claim, lines, carrier, tracking_number,
                               number_as_of, tracking_status, status_as_of)
           SELECT s, o, key, shipped_at, claim::jsonb, lines::jsonb, carrier, number, number_as_of, status, status_as_of
           FROM unnest(%(c0)b::text[], %(c1)b::bigint[], %(c2)b::text[], %(c3)b::timestamptz[], %(c4)b::text[],
                       %(c5)b::text[], %(c6)b::text[], %(c7)b::text[], %(c8)b::timestamptz[], %(c9)b::text[],
                       %(c10)b::timestamptz[])
                AS v(s, o, key, shipped_at, claim, lines, carrier, number, number_as_of, status, status_as_of)
           ON CONFLICT (shipment_id, key) DO UPDATE SET
               lines = excluded.lines, carrier = excluded.carrier, tracking_number = excluded.tracking_number,
               number_as_of = excluded.number_as_of, tracking_status = excluded.tracking_status,
               status_as_of = excluded.status_as_of, shipped_at = excluded.shipped_at""",
        rows,
    )


def transitions(connection: Connection, rows: Rows) -> int:
    """(order id, entity, entity id, from, to, cause, at)."""
    return write_rows(
        connection,
        """INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
           SELECT * FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[],
                                %(c5)b::text[], %(c6)b::timestamptz[])""",
        rows,
    )


def mails(connection: Connection, rows: Rows) -> int:
    """(message id, order id, shipment id, template, envelope from, envelope to, packed bytes, at), each due at once."""
    return write_rows(
        connection,
        """WITH new AS (
             INSERT INTO mail (message_id, order_id, shipment_id, template, envelope_from, envelope_to, packed, at, state)
             SELECT v.*, 'queued'
             FROM unnest(%(c0)b::text[], %(c1)b::bigint[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[],
                         %(c5)b::text[], %(c6)b::bytea[], %(c7)b::timestamptz[]) AS v
             ON CONFLICT (message_id) DO NOTHING RETURNING id)
           INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token)
           SELECT 'mail.send', id, now(), 0, 0 FROM new""",
        rows,
    )


def effects(connection: Connection, rows: Rows) -> int:
    """(key, kind, order id, shipment id, payload JSON, wakes), each due at once; a key already there is a no-op."""
    return write_rows(
        connection,
        """WITH new AS (
             INSERT INTO effect (key, kind, order_id, shipment_id, payload, wakes, state)
             SELECT key, kind, order_id, shipment_id, payload::jsonb, wakes, 'pending'
             FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[], %(c3)b::text[], %(c4)b::text[],
                         %(c5)b::text[]) AS v(key, kind, order_id, shipment_id, payload, wakes)
             ON CONFLICT (key) DO NOTHING RETURNING id, kind)
           INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token)
           SELECT kind, id, now(), 0, 0 FROM new""",
        rows,
    )


def events(connection: Connection, rows: Rows) -> int:
    """(event id, state, reason): what became of received events."""
    return write_rows(
        connection,
        """UPDATE inbox_event i SET state = v.state, reason = v.reason
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::text[]) AS v(id, state, reason)
           WHERE i.id = v.id""",
        rows,
    )


def adjustments(connection: Connection, rows: Rows) -> int:
    """(order id, sequence, key, reason, amounts JSON, at): changes of orders; the other columns repeat the amounts."""
    return write_rows(
        connection,
        """INSERT INTO order_adjustment (order_id, sequence, key, kind, reason, amounts, money, points, rank_spend, at)
           SELECT order_id, sequence, key, amounts->>'kind', reason, amounts, (amounts->>'money')::int,
                  (amounts->>'points_returned')::int, (amounts->>'rank_spend')::int, at
           FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(c2)b::text[], %(c3)b::text[], %(c4)b::json[],
                       %(c5)b::timestamptz[]) AS v(order_id, sequence, key, reason, amounts, at)""",
        rows,
    )


def marks(connection: Connection, rows: Rows) -> int:
    """(shop, customer, kind, source, at)."""
    return write_rows(
        connection,
        """INSERT INTO customer_mark (shop, customer_id, kind, source, at)
           SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::timestamptz[])
           ON CONFLICT (source, kind) DO NOTHING""",
        rows,
    )


def return_coupons(connection: Connection, rows: Rows) -> int:
    """(order id, key of the code, reason code, at): coupons that orders, cancelled or priced again, use no longer."""
    return write_rows(
        connection,
        """UPDATE coupon_use u SET returned_at = v.at, returned_because = v.because
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::text[], %(c3)b::timestamptz[])
                AS v(id, code_key, because, at)
           WHERE u.order_id = v.id AND u.code_key = v.code_key AND u.returned_at IS NULL""",
        rows,
    )


def repricings(connection: Connection, rows: Rows) -> int:
    """(order id, sequence, key, reason, by, breakdown JSON, grand total, at): the sums that hold from now on; those that
    held until now are kept."""
    return write_rows(
        connection,
        """WITH v AS (
             SELECT * FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[],
                                  %(c5)b::text[], %(c6)b::int[], %(c7)b::timestamptz[])
               AS v(id, sequence, key, reason, by, breakdown, total, at)),
           orders AS (UPDATE shop_order o SET grand_total = v.total FROM v WHERE o.id = v.id),
           due AS (UPDATE payment p SET amount = v.total FROM v WHERE p.order_id = v.id),
           sums AS (UPDATE order_document d SET breakdown = v.breakdown::json FROM v WHERE d.order_id = v.id)
           INSERT INTO order_repricing (order_id, sequence, key, reason, by, before, at)
           SELECT v.id, v.sequence, v.key, v.reason, v.by, d.breakdown, v.at
           FROM v JOIN order_document d ON d.order_id = v.id""",
        rows,
    )


#: (shop, customer, key of the code, order id, kind, once, at): a coupon that an order uses.
USE_COUPON = """
INSERT INTO coupon_use (shop, customer_id, code_key, order_id, kind, once, at)
SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[], %(c3)b::bigint[], %(c4)b::text[],
                     %(c5)b::boolean[], %(c6)b::timestamptz[])
    AS v(shop, customer, code_key, id, kind, once, at)
ORDER BY shop, customer, code_key
"""


def use_coupons(connection: Connection, rows: Rows) -> int:
    """Rows of ``USE_COUPON``: coupons that orders use from now on. One that another order used up meanwhile is refused by
    the database, and the order is decided again."""
    return write_rows(
        connection,
        USE_COUPON
        + """ON CONFLICT (order_id, code_key) DO UPDATE SET kind = excluded.kind, once = excluded.once,
               at = CASE WHEN coupon_use.returned_at IS NULL THEN coupon_use.at ELSE excluded.at END,
               returned_at = NULL, returned_because = NULL""",
        rows,
    )


def free_unique_items(connection: Connection, rows: Rows) -> int:
    """(order id, sku): one-of-a-kind items of cancelled or returned lines can be sold again."""
    return write_rows(
        connection,
        """DELETE FROM unique_allocation u USING unnest(%(c0)b::bigint[], %(c1)b::text[]) AS v(id, sku)
           WHERE u.order_id = v.id AND u.sku = v.sku""",
        rows,
    )
