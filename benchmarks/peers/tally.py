"""What stands in the books: counted by the same statement for Shukka and for every peer that keeps them in Shukka's tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

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


def tally(connection: Connection) -> Tally:
    """By an order's number, how many rows of what; orders that only warmed up are left out."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for number, what, many in connection.execute(text(_ROWS), {"warm": f"{WARM}%"}):
        found[number][what] = many
    return found
