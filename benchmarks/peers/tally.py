"""What stands in the books: counted by one statement for Shukka and every peer that keeps them in Shukka's tables, and by another for the one that
has its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from benchmarks.peers.job import WARM, Tally

#: Rows by order: (number, what, how many). A mail counts with its rendered bytes alone.
_ROWS: Final = """
SELECT o.number, rows.what, rows.many FROM shop_order o JOIN LATERAL (
              SELECT 'order' AS what, 1 AS many
    UNION ALL SELECT 'ends ' || o.state || ', ' || o.condition || ', ' || p.state, 1 FROM payment p WHERE p.order_id = o.id
    UNION ALL SELECT 'document', count(*) FROM order_document d WHERE d.order_id = o.id
    UNION ALL SELECT 'line', count(*) FROM order_line l WHERE l.order_id = o.id
    UNION ALL SELECT 'payment', count(*) FROM payment p WHERE p.order_id = o.id
    UNION ALL SELECT 'payment entry', count(*) FROM payment_entry e WHERE e.order_id = o.id
    UNION ALL SELECT 'shipment', count(*) FROM shipment s WHERE s.order_id = o.id
    UNION ALL SELECT 'shipment line', count(*) FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id WHERE s.order_id = o.id
    UNION ALL SELECT 'parcel', count(*) FROM parcel p WHERE p.order_id = o.id
    UNION ALL SELECT 'lot', count(*) FROM point_lot l WHERE l.order_id = o.id
    UNION ALL SELECT 'points moved', count(*) FROM point_lot l JOIN point_transfer t ON t.lot_id = l.id WHERE l.order_id = o.id
    UNION ALL SELECT 'move ' || entity || ' ' || coalesce(from_state, '') || '>' || to_state, count(*) FROM transition t
              WHERE t.order_id = o.id GROUP BY entity, from_state, to_state
    UNION ALL SELECT 'mail ' || template, count(*) FROM mail m WHERE m.order_id = o.id AND length(m.packed) > 100 GROUP BY template
) rows ON rows.many > 0
WHERE o.number NOT LIKE :warm"""


#: The same of django-oscar's tables and of those beside them: a status is a move, and the last of them the condition.
_OSCAR: Final = """
SELECT o.number, rows.what, rows.many FROM oscar.order_order o JOIN LATERAL (
              SELECT 'order' AS what, 1 AS many
    UNION ALL SELECT 'ends ' || CASE WHEN o.status = 'done' THEN 'shipped, done, ' ELSE o.status || ', running, ' END ||
              CASE WHEN s.amount_debited = o.total_incl_tax THEN 'captured' ELSE 'authorized' END, 1
              FROM oscar.payment_source s WHERE s.order_id = o.id
    UNION ALL SELECT 'document', count(*) FROM oscar.oscar_shop_document d WHERE d.order_id = o.id
    UNION ALL SELECT 'line', count(*) FROM oscar.order_line l WHERE l.order_id = o.id
    UNION ALL SELECT 'payment', count(*) FROM oscar.payment_source s WHERE s.order_id = o.id
    UNION ALL SELECT 'payment entry', count(*) FROM oscar.payment_source s JOIN oscar.payment_transaction t ON t.source_id = s.id WHERE s.order_id = o.id
    UNION ALL SELECT 'shipment', count(*) FROM oscar.oscar_shop_shipment s WHERE s.order_id = o.id
    UNION ALL SELECT 'shipment line', count(*) FROM oscar.oscar_shop_shipment s JOIN oscar.oscar_shop_shipmentline l ON l.shipment_id = s.id WHERE s.order_id = o.id
    UNION ALL SELECT 'parcel', count(*) FROM oscar.oscar_shop_shipment s JOIN oscar.oscar_shop_parcel p ON p.shipment_id = s.id WHERE s.order_id = o.id
    UNION ALL SELECT 'lot', count(*) FROM oscar.oscar_shop_lot l WHERE l.order_id = o.id
    UNION ALL SELECT 'points moved', count(*) FROM oscar.oscar_shop_lot l JOIN oscar.oscar_shop_pointsmoved t ON t.lot_id = l.id WHERE l.order_id = o.id
    UNION ALL SELECT 'move ' || entity || ' ' || from_state || '>' || to_state, count(*) FROM oscar.oscar_shop_move m
              WHERE m.order_id = o.id GROUP BY entity, from_state, to_state
    UNION ALL SELECT CASE new_status WHEN 'done' THEN 'move condition running>done' ELSE 'move order ' || old_status || '>' || new_status END,
              count(*) FROM oscar.order_orderstatuschange c WHERE c.order_id = o.id GROUP BY old_status, new_status
    UNION ALL SELECT 'mail ' || template, count(*) FROM oscar.oscar_shop_mail m WHERE m.order_id = o.id AND length(m.packed) > 100 GROUP BY template
) rows ON rows.many > 0
WHERE o.number NOT LIKE :warm"""


class Books(NamedTuple):
    """Where a contender's orders stand: statements for the rows of all, for how many are done, and for the ids of those that are there,
    whose numbers are LIKE ``which``."""

    rows: str
    done: str
    ids: str


OURS: Final = Books(
    _ROWS,
    "SELECT count(*) FROM shop_order WHERE condition = 'done' AND number LIKE :which",
    "SELECT id FROM shop_order WHERE number LIKE :which ORDER BY id",
)
OSCAR: Final = Books(
    _OSCAR,
    "SELECT count(*) FROM oscar.order_order WHERE status = 'done' AND number LIKE :which",
    "SELECT id FROM oscar.order_order WHERE number LIKE :which ORDER BY id",
)


def tally(connection: Connection, books: Books = OURS) -> Tally:
    """By an order's number, how many rows of what; orders that only warmed up are left out."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number, what, many in connection.execute(text(books.rows), {"warm": f"{WARM}%"}):
        found[number][what] = many
    return found
