"""What must always be true of the database: each invariant is a query that finds nothing (``shukka check``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Invariant:
    """``query`` lists the rows that break it; ``says`` is the sentence for an operator."""

    name: str
    says: str
    query: str


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "order_has_payment",
        "every order has exactly one payment over its total",
        """SELECT o.id FROM shop_order o LEFT JOIN payment p ON p.order_id = o.id
           WHERE p.order_id IS NULL OR p.amount <> o.grand_total""",
    ),
    Invariant(
        "history_agrees",
        "the last transition of every order leads to its state",
        """SELECT o.id, o.state, t.to_state FROM shop_order o
           LEFT JOIN LATERAL (SELECT to_state FROM transition WHERE order_id = o.id AND entity = 'order'
                              ORDER BY id DESC LIMIT 1) t ON true
           WHERE t.to_state IS DISTINCT FROM o.state""",
    ),
    Invariant(
        "history_is_a_chain",
        "every transition starts where the one before ended",
        """SELECT order_id, entity, entity_id, from_state, before FROM (
             SELECT order_id, entity, entity_id, from_state,
                    lag(to_state) OVER (PARTITION BY order_id, entity, entity_id ORDER BY id) AS before
             FROM transition WHERE entity <> 'condition') AS chain
           WHERE before IS NOT NULL AND from_state IS DISTINCT FROM before""",
    ),
    Invariant(
        "captured_goods_left",
        "an authorization is captured only for an order that ships",
        """SELECT o.id FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE p.captured > 0 AND p.gateway IS NOT NULL AND p.refunded < p.captured
             AND o.state NOT IN ('partly_shipped', 'shipped', 'delivered')""",
    ),
    Invariant(
        "cancelled_money_returned",
        "a cancelled order keeps no money, unless an effect or a human is about to give it back",
        """SELECT o.id, p.state FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE o.state = 'cancelled' AND o.condition = 'done'
             AND p.state IN ('authorized', 'captured', 'partly_refunded')
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id)""",
    ),
    Invariant(
        "shipments_cover_lines",
        "the shipments of a released order hold every piece of every line once",
        """SELECT l.order_id, l.line, l.quantity, sum(s.quantity) AS planned
           FROM order_line l JOIN shipment h ON h.order_id = l.order_id
           LEFT JOIN shipment_line s ON s.shipment_id = h.id AND s.line = l.line
           GROUP BY l.order_id, l.line, l.quantity HAVING coalesce(sum(s.quantity), 0) <> l.quantity""",
    ),
    Invariant(
        "lines_agree_with_shipments",
        "pieces shipped of a line are the pieces shipped in its shipments",
        """SELECT l.order_id, l.line, l.shipped, sum(s.shipped) AS in_shipments
           FROM order_line l JOIN shipment h ON h.order_id = l.order_id
           JOIN shipment_line s ON s.shipment_id = h.id AND s.line = l.line
           JOIN shop_order o ON o.id = l.order_id
           WHERE o.state <> 'cancelled'
           GROUP BY l.order_id, l.line, l.shipped HAVING sum(s.shipped) <> l.shipped""",
    ),
    Invariant(
        "shipped_is_complete",
        "a shipped order has no open piece in a live shipment",
        """SELECT DISTINCT o.id FROM shop_order o JOIN shipment s ON s.order_id = o.id AND s.state <> 'cancelled'
           JOIN shipment_line l ON l.shipment_id = s.id
           WHERE o.state IN ('shipped', 'delivered') AND l.shipped + l.cancelled < l.quantity""",
    ),
    Invariant(
        "parcels_told",
        "every parcel has its mail",
        """SELECT p.order_id, p.shipment_id, p.key FROM parcel p
           WHERE (SELECT count(*) FROM parcel q WHERE q.shipment_id = p.shipment_id)
               > (SELECT count(*) FROM mail m WHERE m.order_id = p.order_id AND m.shipment_id = p.shipment_id
                  AND m.template = 'shipment_shipped')""",
    ),
    Invariant(
        "points_balance",
        "a customer's balance is the sum of the ledger",
        """SELECT b.shop, b.customer_id, b.pending, b.valid, b.held, t.pending AS pending_sum, t.valid AS valid_sum
           FROM point_balance b FULL JOIN (
             SELECT shop, customer_id,
                    sum(CASE WHEN credit = 'pending' THEN amount WHEN debit = 'pending' THEN -amount ELSE 0 END) AS pending,
                    sum(CASE WHEN credit = 'valid' THEN amount WHEN debit = 'valid' THEN -amount ELSE 0 END) AS valid,
                    sum(CASE WHEN credit = 'held' THEN amount WHEN debit = 'held' THEN -amount ELSE 0 END) AS held
             FROM point_transfer GROUP BY shop, customer_id) t USING (shop, customer_id)
           WHERE coalesce(b.pending, 0) <> coalesce(t.pending, 0) OR coalesce(b.valid, 0) <> coalesce(t.valid, 0)
              OR coalesce(b.held, 0) <> coalesce(t.held, 0)""",
    ),
    Invariant(
        "points_lots",
        "what remains of the valid and pending lots is the balance",
        """SELECT shop, customer_id, b.valid, lots.valid AS in_lots, b.pending, lots.pending AS pending_in_lots
           FROM point_balance b LEFT JOIN (
             SELECT shop, customer_id, sum(remaining) FILTER (WHERE state = 'valid') AS valid,
                    sum(remaining) FILTER (WHERE state = 'pending') AS pending
             FROM point_lot GROUP BY shop, customer_id) lots USING (shop, customer_id)
           WHERE b.valid <> coalesce(lots.valid, 0) OR b.pending <> coalesce(lots.pending, 0)""",
    ),
    Invariant(
        "points_activated_once",
        "pending points of an order become valid at most once, and only after it shipped",
        """SELECT t.order_id FROM point_transfer t JOIN shop_order o ON o.id = t.order_id
           WHERE t.kind = 'activate' GROUP BY t.order_id, t.lot_id, o.state
           HAVING count(*) > 1 OR o.state NOT IN ('shipped', 'delivered')""",
    ),
    Invariant(
        "effects_reachable",
        "everything that waits has a lease row, and every lease row something that waits",
        """SELECT coalesce(e.id, l.subject_id) AS id, l.kind FROM
             (SELECT id, kind FROM effect WHERE state = 'pending'
              UNION ALL SELECT id, 'mail.send' FROM mail WHERE state = 'queued') e
             FULL JOIN effect_lease l ON l.subject_id = e.id AND l.kind = e.kind
           WHERE e.id IS NULL OR l.subject_id IS NULL""",
    ),
    Invariant(
        "unique_items_live",
        "a one-of-a-kind item belongs to a live order",
        """SELECT u.shop, u.sku FROM unique_allocation u JOIN shop_order o ON o.id = u.order_id
           WHERE o.state = 'cancelled'""",
    ),
    Invariant(
        "nothing_forgotten",
        "a running order has work due, an effect under way, or goods or money on their way",
        """SELECT o.id, o.state FROM shop_order o
           WHERE o.condition = 'running' AND o.state IN ('accepted', 'authorized')
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id)
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')""",
    ),
)


def violations(connection: Connection) -> Iterator[tuple[Invariant, Sequence[Any]]]:
    """Run every invariant in one snapshot; those that fail with the rows that break them."""
    connection = connection.execution_options(isolation_level="REPEATABLE READ")
    for invariant in INVARIANTS:
        found = connection.execute(text(invariant.query)).mappings().fetchmany(1000)
        if found:
            yield invariant, found
