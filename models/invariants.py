"""What must always be true of the database: each invariant is a query that finds nothing (``shukka check``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from models.invariant import Invariant, Over
from models.payment_invariants import PAYMENTS
from models.points_invariants import POINTS
from models.return_invariants import RETURNS
from models.states import ALLOWED_MOVES
from models.store.circuits import FORGOTTEN
from models.store.suppressions import SHOP_OF, mailbox_of

_ALLOWED = ", ".join(
    f"('{entity}', '{old}', '{new}')"
    for entity, moves in ALLOWED_MOVES.items()
    for old, after in moves.items()
    for new in sorted(after)
)

INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "order_has_payment",
        "every order has exactly one payment over its total",
        Over.ORDERS,
        """SELECT o.id FROM shop_order o LEFT JOIN payment p ON p.order_id = o.id
           WHERE p.order_id IS NULL OR p.amount <> o.grand_total""",
    ),
    Invariant(
        "goods_go_for_money",
        "goods go out, and went, for money that is held, taken or yet to be collected, unless a human has the order",
        Over.ORDERS,
        """SELECT o.id, o.shop, o.number, o.state, p.state AS payment FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE o.condition <> 'held' AND p.state IN ('voided', 'expired', 'failed')
             AND o.state IN ('authorized', 'released', 'partly_shipped', 'shipped', 'delivered', 'undelivered')
             AND p.method NOT IN ('cod', 'none') AND p.amount > coalesce((
               SELECT sum(a.money) FROM order_adjustment a WHERE a.order_id = o.id), 0)""",
    ),
    Invariant(
        "payment_entries",
        "what is held, taken, given back and kept of an order is the sum of its entries",
        Over.ORDERS,
        """SELECT p.order_id, p.authorized, p.captured, p.refunded, p.fee, e.* FROM payment p LEFT JOIN (
             SELECT order_id AS of, sum(authorized) AS held, sum(captured) AS taken, sum(refunded) AS back, sum(fee) AS kept
             FROM payment_entry GROUP BY 1) e ON e.of = p.order_id
           WHERE p.authorized <> coalesce(e.held, 0) OR p.captured <> coalesce(e.taken, 0)
              OR p.refunded <> coalesce(e.back, 0) OR p.fee <> coalesce(e.kept, 0)""",
    ),
    Invariant(
        "documents_numbered",
        "the documents of a shop and kind are numbered without gaps, and a copy has its first",
        Over.WAITING,
        """SELECT c.shop, c.kind, c.last, d.* FROM document_counter c FULL JOIN (
             SELECT shop AS of, kind AS what, count(*) FILTER (WHERE copy = 1) AS firsts, max(sequence) AS newest,
                    count(DISTINCT sequence) AS numbers
             FROM document GROUP BY 1, 2) d ON d.of = c.shop AND d.what = c.kind
           WHERE (c.last, c.last, c.last) IS DISTINCT FROM (d.firsts, d.newest, d.numbers)""",
    ),
    Invariant(
        "repriced_payment",
        "the payment of an order is over the total of its breakdown, also where it was priced again",
        Over.ORDERS,
        """SELECT p.order_id, p.amount, (d.breakdown->>'grand_total')::int AS priced
           FROM payment p JOIN order_document d USING (order_id)
           WHERE p.amount <> (d.breakdown->>'grand_total')::int""",
    ),
    Invariant(
        "history_agrees",
        "the last transition of every order leads to its state",
        Over.ORDERS,
        """SELECT o.id, o.state, t.to_state FROM shop_order o
           LEFT JOIN LATERAL (SELECT to_state FROM transition WHERE order_id = o.id AND entity = 'order'
                              ORDER BY id DESC LIMIT 1) t ON true
           WHERE t.to_state IS DISTINCT FROM o.state""",
    ),
    Invariant(
        "history_is_a_chain",
        "every transition starts where the one before ended, and a condition is entered once",
        Over.ORDERS,
        """SELECT order_id, entity, entity_id, from_state, before FROM (
             SELECT order_id, entity, entity_id, from_state, to_state,
                    lag(to_state) OVER (PARTITION BY order_id, entity, entity_id ORDER BY id) AS before
             FROM transition) AS chain
           WHERE before IS NOT NULL AND (from_state IS DISTINCT FROM before
             OR (entity = 'condition' AND to_state = before))""",
    ),
    Invariant(
        "history_is_allowed",
        "every move that was recorded is one that the tables of states allow",
        Over.ORDERS,
        f"""SELECT t.order_id, t.entity, t.entity_id, t.from_state, t.to_state, count(*) AS times FROM transition t
            LEFT JOIN (VALUES {_ALLOWED}) AS allowed (entity, old, new)
              ON t.entity = allowed.entity AND t.from_state = allowed.old AND t.to_state = allowed.new
            WHERE t.entity <> 'condition' AND t.from_state IS NOT NULL AND allowed.entity IS NULL
            GROUP BY 1, 2, 3, 4, 5""",
    ),
    Invariant(
        "history_is_numbered",
        "every transition of an order has its number",
        Over.ORDERS,
        """SELECT o.id, o.sequence, t.moves FROM shop_order o
           JOIN (SELECT order_id, count(*) AS moves FROM transition GROUP BY order_id) t ON t.order_id = o.id
           WHERE o.sequence < t.moves""",
    ),
    Invariant(
        "captured_goods_left",
        "an authorization is captured only for an order that ships",
        Over.ORDERS,
        """SELECT o.id FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE p.captured > 0 AND p.refunded < p.captured
             AND EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.kind = 'payment.authorize')
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.payload ? 'early')
             AND o.state NOT IN ('partly_shipped', 'shipped', 'delivered', 'undelivered')
             AND NOT EXISTS (SELECT FROM parcel g WHERE g.order_id = o.id)""",
    ),
    Invariant(
        "cancelled_money_returned",
        "a cancelled order keeps no money, unless an effect or a human is about to give it back",
        Over.ORDERS,
        """SELECT o.id, p.state FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE o.state = 'cancelled' AND o.condition = 'done'
             AND (p.state = 'authorized' OR p.captured > p.refunded)
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id)""",
    ),
    Invariant(
        "rests_without_money_out",
        "an order that rests once its goods have left waits for no money: what was held is taken or let go, what is paid on delivery came in",
        Over.ORDERS,
        """SELECT o.id, o.shop, o.number, o.state, p.method, p.state AS payment FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE o.state IN ('shipped', 'delivered', 'undelivered') AND o.condition = 'done'
             AND (p.state = 'authorized' OR (p.state = 'pending' AND p.method = 'cod' AND p.amount > 0))
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.what IS NULL)""",
    ),
    Invariant(
        "adjustments_agree_with_lines",
        "the pieces taken out of a live order are those of its adjustments",
        Over.ORDERS,
        """SELECT l.order_id, l.line, l.cancelled, coalesce(a.pieces, 0) AS adjusted
           FROM order_line l JOIN shop_order o ON o.id = l.order_id
           LEFT JOIN (SELECT order_id, piece->>'line' AS line, sum((piece->>'quantity')::int) AS pieces
                      FROM order_adjustment, json_array_elements(amounts->'lines') AS piece
                      WHERE kind IN ('cancel', 'short') GROUP BY 1, 2) a USING (order_id, line)
           WHERE o.state <> 'cancelled' AND (l.cancelled > 0 OR a.pieces > 0) AND l.cancelled <> coalesce(a.pieces, 0)""",
    ),
    Invariant(
        "returned_goods_left",
        "no more pieces came back, or came to nothing, than had left",
        Over.ORDERS,
        """SELECT l.order_id, l.line, l.shipped, a.pieces
           FROM order_line l
           JOIN (SELECT order_id, piece->>'line' AS line, sum((piece->>'quantity')::int) AS pieces
                 FROM order_adjustment, json_array_elements(amounts->'lines') AS piece
                 WHERE kind IN ('return', 'fault') GROUP BY 1, 2) a USING (order_id, line)
           WHERE a.pieces > l.shipped""",
    ),
    Invariant(
        "adjustments_within_order",
        "all adjustments of an order together give back no more money and points than were paid",
        Over.ORDERS,
        """SELECT a.order_id, sum(a.money) AS money, sum(a.points) AS points
           FROM order_adjustment a JOIN payment p USING (order_id) JOIN order_document d USING (order_id)
           GROUP BY a.order_id, p.amount, (d.breakdown->>'points_used')::int
           HAVING sum(a.money) > p.amount OR sum(a.points) > (d.breakdown->>'points_used')::int""",
    ),
    Invariant(
        "adjusted_money",
        "what was captured less what was refunded is what the order comes to after its adjustments, unless more went back in the gateway's dashboard",
        Over.ORDERS,
        """SELECT p.order_id, p.captured, p.refunded, p.amount - coalesce(a.money, 0) AS due
           FROM payment p JOIN shop_order o ON o.id = p.order_id
           LEFT JOIN (SELECT order_id, sum(money) AS money FROM order_adjustment GROUP BY order_id) a USING (order_id)
           WHERE p.reference IS NOT NULL AND p.captured > 0 AND o.condition <> 'held' AND o.state <> 'cancelled'
             AND (a.money IS NOT NULL OR (o.condition = 'done' AND o.state IN ('shipped', 'delivered', 'undelivered')))
             AND p.captured - p.refunded <> p.amount - coalesce(a.money, 0)
             AND NOT (p.captured - p.refunded < p.amount - coalesce(a.money, 0) AND p.refunded - p.refunded_by_hand > (
               SELECT coalesce(sum((e.payload->>'amount')::int), 0) FROM effect e
               WHERE e.order_id = o.id AND e.kind = 'payment.refund' AND e.state = 'done'))
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.what IS NULL)""",
    ),
    Invariant(
        "shipments_cover_lines",
        "the shipments of a released order hold every piece of every line once",
        Over.ORDERS,
        """SELECT l.order_id, l.line, l.quantity, sum(s.quantity) AS planned
           FROM order_line l JOIN shipment h ON h.order_id = l.order_id
           LEFT JOIN shipment_line s ON s.shipment_id = h.id AND s.line = l.line
           GROUP BY l.order_id, l.line, l.quantity HAVING coalesce(sum(s.quantity), 0) <> l.quantity""",
    ),
    Invariant(
        "lines_agree_with_shipments",
        "pieces shipped of a line are the pieces shipped in its shipments",
        Over.ORDERS,
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
        Over.ORDERS,
        """SELECT DISTINCT o.id FROM shop_order o JOIN shipment s ON s.order_id = o.id AND s.state <> 'cancelled'
           JOIN shipment_line l ON l.shipment_id = s.id
           WHERE o.state IN ('shipped', 'delivered', 'undelivered') AND l.shipped + l.cancelled < l.quantity""",
    ),
    Invariant(
        "parcels_told",
        "every parcel has its mail, but for goods that were set aside in the store in which they lay (STO-01)",
        Over.ORDERS,
        """SELECT p.order_id, p.shipment_id, p.key FROM parcel p
           WHERE (SELECT count(*) FROM parcel q WHERE q.shipment_id = p.shipment_id)
               > (SELECT count(*) FROM mail m WHERE m.order_id = p.order_id AND m.shipment_id = p.shipment_id
                  AND m.template = 'shipment_shipped')
             AND NOT EXISTS (SELECT FROM shipment s JOIN order_document d ON d.order_id = s.order_id
                             WHERE s.id = p.shipment_id AND d.document->'pickup'->>'store' = s.supplier)""",
    ),
    Invariant(
        "told_after_the_end",
        "nobody is promised anything of an order after it was said to be cancelled (CAN-03)",
        Over.ORDERS,
        """SELECT m.order_id, m.template FROM mail m JOIN shop_order o ON o.id = m.order_id
           JOIN (SELECT order_id, min(id) AS id FROM mail c WHERE template = 'order_cancelled' AND NOT EXISTS (
                   SELECT FROM mail r WHERE r.order_id = c.order_id AND r.template = 'order_reopened' AND r.id > c.id)
                 GROUP BY 1) c USING (order_id)
           WHERE m.id > c.id AND m.copy_of IS NULL AND o.state = 'cancelled'
             AND m.template IN ('order_accepted', 'payment_instructions', 'payment_reminder', 'dispatch_planned')""",
    ),
    Invariant(
        "ends_told",
        "each end of an order is told, of one that stood again the next one too (CAN-05)",
        Over.ORDERS,
        """SELECT e.order_id, e.ends FROM (SELECT order_id, count(*) AS ends FROM transition
                                           WHERE entity = 'order' AND to_state = 'cancelled' GROUP BY 1) e
           JOIN shop_order o ON o.id = e.order_id JOIN order_document d ON d.order_id = o.id
           WHERE o.state = 'cancelled' AND d.document->'customer'->>'email' <> ''
             AND e.ends > (SELECT count(*) FROM mail m WHERE m.order_id = e.order_id AND m.copy_of IS NULL
                           AND m.template IN ('order_cancelled', 'payment_failed'))""",
    ),
    Invariant(
        "coupons_recorded",
        "every coupon of a member's live order is recorded as used by that customer, and did not come back",
        Over.ORDERS,
        """SELECT o.id, u.uses FROM shop_order o JOIN order_document d ON d.order_id = o.id
           LEFT JOIN (SELECT order_id, shop, customer_id, count(*) AS uses FROM coupon_use
                      WHERE returned_at IS NULL GROUP BY order_id, shop, customer_id) u
             ON u.order_id = o.id AND u.shop = o.shop AND u.customer_id = o.customer_id
           WHERE o.customer_id <> '' AND o.state <> 'cancelled' AND coalesce(u.uses, 0)
             <> (SELECT count(DISTINCT btrim(lower(normalize(c->>'code', NFKC))))
                 FROM json_array_elements(d.breakdown->'coupons') AS c WHERE c->>'kind' <> 'exchange')""",
    ),
    Invariant(
        "coupon_points_credited",
        "the points of a coupon were credited once, as the order was priced (PTS-15)",
        Over.CUSTOMERS,
        """SELECT order_id, l.points, (d.breakdown->>'coupon_points')::int AS priced
           FROM (SELECT DISTINCT order_id FROM coupon_use WHERE kind = 'points') u
           FULL JOIN (SELECT order_id, sum(amount) AS points FROM point_lot WHERE kind = 'coupon' GROUP BY order_id) l
             USING (order_id)
           LEFT JOIN order_document d USING (order_id)
           WHERE u.order_id IS NULL OR coalesce(l.points, 0) IS DISTINCT FROM (d.breakdown->>'coupon_points')::int""",
    ),
    *PAYMENTS,
    *POINTS,
    *RETURNS,
    Invariant(
        "effects_reachable",
        "everything that waits has a lease row, and every lease row something that waits",
        Over.EFFECTS,
        """SELECT coalesce(e.id, l.subject_id) AS id, l.kind FROM
             (SELECT id, kind FROM effect WHERE state = 'pending'
              UNION ALL SELECT id, 'mail.send' FROM mail WHERE state = 'queued') e
             FULL JOIN effect_lease l ON l.subject_id = e.id AND l.kind = e.kind
           WHERE e.id IS NULL OR l.subject_id IS NULL""",
    ),
    Invariant(
        "suppressed_get_no_mail",
        "nothing is sent to an address that is suppressed, but for what was on its way just then",
        Over.EFFECTS,
        f"""SELECT m.id, m.template, s.id AS suppression FROM mail_suppression s
           JOIN mail m ON {mailbox_of("m.envelope_to")} = s.mailbox
             AND m.sent_at > s.recorded_at + interval '5 minutes'
             AND m.sent_at < least(coalesce(s.released_at, 'infinity'), coalesce(s.ends_at, 'infinity'))
             AND (s.scope = 'all' OR m.order_id IS NULL)
           LEFT JOIN shop_order o ON o.id = m.order_id WHERE {SHOP_OF} = s.shop""",
    ),
    Invariant(
        "bounced_for_a_reason",
        "a mail that bounced, or was kept back, has a report that says why",
        Over.EFFECTS,
        """SELECT m.id, m.order_id, m.state FROM mail m WHERE m.state IN ('bounced', 'suppressed')
             AND NOT EXISTS (SELECT FROM mail_bounce b WHERE b.mail_id = m.id)""",
    ),
    Invariant(
        "effects_attempted",
        "what is due is attempted within the hour, unless its target's circuit is open and somebody probes it",
        Over.WAITING,
        f"""SELECT l.kind, l.subject_id, l.due_at, l.target FROM effect_lease l
           WHERE l.due_at < now() - interval '1 hour'
             AND NOT EXISTS (SELECT FROM circuit c WHERE c.kind = l.kind AND c.target = l.target
                             AND c.probe_at > now() - interval '{FORGOTTEN} s')""",
    ),
    Invariant(
        "leases_end",
        "nothing stays leased at its first attempt for an hour: an attempt has its total time, and a lease is given back",
        Over.WAITING,
        """SELECT l.kind, l.subject_id, l.due_at, l.target, e.recorded_at FROM effect_lease l
           JOIN effect e ON e.id = l.subject_id AND e.kind = l.kind
           WHERE l.attempts = 1 AND l.due_at BETWEEN now() + interval '3 s' AND now() + interval '1 minute'
             AND e.recorded_at < now() - interval '1 hour'""",
    ),
    Invariant(
        "effects_end_with_their_items",
        "an effect of several items waits while one of them does, and no longer",
        Over.WAITING,
        """SELECT e.id, e.state, count(i.key) FILTER (WHERE i.state = 'pending') AS open FROM effect e
           JOIN effect_item i ON i.effect_id = e.id GROUP BY e.id
           HAVING (e.state = 'pending') <> bool_or(i.state = 'pending')""",
    ),
    Invariant(
        "unique_items_live",
        "a one-of-a-kind item belongs to a live order, or to a cancelled one whose parcel is not back yet",
        Over.ORDERS,
        """SELECT u.shop, u.sku FROM unique_allocation u JOIN shop_order o ON o.id = u.order_id
           WHERE o.state = 'cancelled'
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.stage = 'collect' AND w.what IS NULL)
             AND NOT EXISTS (SELECT FROM parcel p WHERE p.order_id = o.id AND p.tracking_status IS DISTINCT FROM 'returned')""",
    ),
    Invariant(
        "held_for_a_reason",
        "an order is held exactly while something holds it",
        Over.WAITING,
        """SELECT coalesce(o.id, h.order_id) AS order_id, o.id IS NOT NULL AS held, h.reasons
           FROM (SELECT id FROM shop_order WHERE condition = 'held') o
           FULL JOIN (SELECT order_id, count(*) AS reasons FROM order_hold WHERE closed_at IS NULL GROUP BY 1) h
             ON h.order_id = o.id
           WHERE o.id IS NULL OR h.order_id IS NULL""",
    ),
    Invariant(
        "nothing_forgotten",
        "an order that is neither final nor held is due, has an effect under way that wakes it, or awaits something with a date",
        Over.WAITING,
        """SELECT o.id, o.shop, o.number, o.state FROM shop_order o
           WHERE o.condition = 'running'
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id)
             AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending' AND e.wakes IS NOT NULL)
             AND NOT EXISTS (SELECT FROM effect_item i WHERE i.order_id = o.id AND i.state = 'pending')""",
        liveness=True,
    ),
    Invariant(
        "shipments_watched",
        "every shipment of a running order that has not left is due, being told, or its supplier owes something by a date",
        Over.WAITING,
        """SELECT o.id AS order_id, o.shop, o.number, s.id, s.state FROM shop_order o JOIN shipment s ON s.order_id = o.id
           WHERE o.condition = 'running' AND s.state IN ('planned', 'backordered', 'instructed', 'acknowledged')
             AND EXISTS (SELECT FROM shipment_line l WHERE l.shipment_id = s.id AND l.shipped + l.cancelled < l.quantity)
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.stage IN ('split', 'dispatch')
                             AND (w.subject_kind = 'order' OR w.subject_id = s.id))
             AND NOT EXISTS (SELECT FROM effect e WHERE e.shipment_id = s.id AND e.state = 'pending')
             AND NOT EXISTS (SELECT FROM effect_item i WHERE i.shipment_id = s.id AND i.state = 'pending')""",
        liveness=True,
    ),
    Invariant(
        "parcels_watched",
        "every parcel on its way of an order that nobody holds is awaited, or somebody was asked about it",
        Over.ORDERS,
        """SELECT p.order_id, p.shipment_id, p.key FROM parcel p JOIN shop_order o ON o.id = p.order_id
           WHERE o.state IN ('partly_shipped', 'shipped') AND o.condition <> 'held'
             AND (p.tracking_status IS NULL OR p.tracking_status NOT IN ('delivered', 'returned', 'lost', 'damaged'))
             AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND CASE
                               WHEN p.tracking_status = 'at_store' THEN w.stage IN ('pull_in', 'notify', 'dispatch')
                               ELSE w.stage = 'notify' AND w.subject_id IN (o.id::text, p.shipment_id) END)
             AND NOT EXISTS (SELECT FROM order_hold h WHERE h.shipment_id = p.shipment_id
                             AND h.reason = 'delivery_overdue')""",
    ),
)

#: Those by which nothing waits unwatched: whatever breaks one will never move.
LIVENESS: tuple[Invariant, ...] = tuple(one for one in INVARIANTS if one.liveness)


def counted(connection: Connection, among: Sequence[Invariant]) -> dict[str, int]:
    """How many rows break each of the invariants, by its name."""
    queries = " UNION ALL ".join(f"SELECT '{one.name}', count(*) FROM ({one.query}) broken" for one in among)
    rows = connection.execute(text(queries)).all()
    return {str(row[0]): int(row[1]) for row in rows}


def violations(
    connection: Connection, among: Sequence[Invariant] = INVARIANTS
) -> Iterator[tuple[Invariant, Sequence[Any]]]:
    """Ask the invariants in one snapshot; those that fail with the rows that break them."""
    return failing(connection.execution_options(isolation_level="REPEATABLE READ"), among)


def failing(
    connection: Connection,
    among: Sequence[Invariant] = INVARIANTS,
    *,
    query: Callable[[Invariant], str] = attrgetter("query"),
    asked: Callable[[str, int, int], None] = lambda name, number, of: None,
) -> Iterator[tuple[Invariant, Sequence[Any]]]:
    """As `violations`, in the transaction that is open. ``query`` is what is asked of one (``models.checking`` asks less of what is long
    settled); ``asked`` is told before each its name, its number, from 1, and how many there are."""
    for number, invariant in enumerate(among, 1):
        asked(invariant.name, number, len(among))
        found = connection.execute(text(query(invariant))).mappings().fetchmany(1000)
        if found:
            yield invariant, found
