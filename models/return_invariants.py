"""What must always be true of returns (A.12): part of ``models.invariants``."""

from __future__ import annotations

from models.invariant import Invariant, Over
from models.states import GIVEN_ANEW, LIVE_RETURNS


def _listed(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


RETURNS: tuple[Invariant, ...] = (
    Invariant(
        "pieces_return_once",
        "no piece is in two returns that live, nor in one after it came back",
        Over.ORDERS,
        f"""SELECT l.order_id, l.line, l.shipped, coalesce(a.pieces, 0) AS settled, r.pieces AS returning FROM order_line l
            JOIN (SELECT q.order_id, p.line, sum(p.quantity) AS pieces
                  FROM return_request q JOIN return_line p ON p.return_id = q.id
                  WHERE q.state IN ({_listed(LIVE_RETURNS | GIVEN_ANEW)}) GROUP BY 1, 2) r USING (order_id, line)
            LEFT JOIN (SELECT order_id, piece->>'line' AS line, sum((piece->>'quantity')::int) AS pieces
                       FROM order_adjustment, json_array_elements(amounts->'lines') AS piece
                       WHERE kind IN ('return', 'fault') GROUP BY 1, 2) a USING (order_id, line)
            WHERE r.pieces + coalesce(a.pieces, 0) > l.shipped""",
    ),
    Invariant(
        "refunded_returns_are_booked",
        "a return is refunded exactly if the changes of its order say what went back for it",
        Over.ORDERS,
        """SELECT coalesce(q.id, a.id) AS return, q.state FROM (SELECT id, state FROM return_request WHERE state = 'refunded') q
           FULL JOIN (SELECT DISTINCT split_part(key, ':', 2) AS id FROM order_adjustment WHERE key LIKE 'return:%') a
             ON a.id = q.id
           WHERE q.id IS NULL OR a.id IS NULL""",
    ),
    Invariant(
        "replacements_are_linked",
        "a return is replaced or exchanged exactly while an order stands that leaves for its goods, and each names the other",
        Over.ORDERS,
        f"""SELECT coalesce(q.shop, r.shop) AS shop, coalesce(q.replacement, r.number) AS number, q.id AS return
            FROM (SELECT o.id AS order_id, o.shop, o.number AS first, q.id, q.state, q.replacement
                  FROM return_request q JOIN shop_order o ON o.id = q.order_id
                  WHERE q.state IN ({_listed(GIVEN_ANEW)})) q
            FULL JOIN (SELECT o.shop, o.number, d.document->>'replaces' AS first,
                              o.state = 'cancelled' OR (o.state = 'undelivered' AND coalesce((
                                SELECT sum((piece->>'quantity')::int) FROM order_adjustment a,
                                       json_array_elements(a.amounts->'lines') AS piece
                                WHERE a.order_id = o.id), 0) = (SELECT sum(l.quantity) FROM order_line l
                                                                WHERE l.order_id = o.id))
                              OR coalesce((SELECT sum(t.quantity) FROM return_request b JOIN return_line t ON t.return_id = b.id
                                           WHERE b.order_id = o.id AND b.state = 'refunded'), 0)
                                 + coalesce((SELECT sum(l.cancelled) FROM order_line l WHERE l.order_id = o.id), 0)
                                 = (SELECT sum(l.quantity) FROM order_line l WHERE l.order_id = o.id) AS is_over,
                              coalesce((SELECT sum((piece->>'quantity')::int) FROM order_adjustment a,
                                               json_array_elements(a.amounts->'lines') AS piece
                                        WHERE a.order_id = o.id), 0)
                                 = (SELECT sum(l.quantity) FROM order_line l WHERE l.order_id = o.id) AS is_gone
                       FROM shop_order o JOIN order_document d ON d.order_id = o.id
                       WHERE d.document->>'replaces' IS NOT NULL) r
              ON r.shop = q.shop AND r.number = q.replacement AND r.first = q.first
            WHERE (r.number IS NULL OR CASE WHEN q.id IS NULL THEN NOT (r.is_over OR r.is_gone) ELSE r.is_over END)
              AND NOT EXISTS (SELECT FROM inbox_event e JOIN shop_order f ON f.id = e.order_id
                              WHERE f.shop = r.shop AND f.number = r.first
                                AND e.state IN ('pending', 'quarantined') AND e.type LIKE 'replacement.%')""",
    ),
    Invariant(
        "returns_end",
        "a return that is not over waits for somebody until a moment, or its order is held for it",
        Over.WAITING,
        f"""SELECT o.shop, o.number, q.id, q.state FROM return_request q JOIN shop_order o ON o.id = q.order_id
            WHERE (q.state IN ({_listed(LIVE_RETURNS)})) <> (q.waits_until IS NOT NULL)
               OR (q.waits_until IS NOT NULL
                   AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.stage = 'returns'
                                   AND (w.subject_kind = 'order' OR w.subject_id = q.id))
                   AND NOT EXISTS (SELECT FROM order_hold h WHERE h.order_id = o.id AND h.closed_at IS NULL
                                   AND h.reason = 'return_unsettled' AND h.facts->>'return_id' = q.id))""",
        liveness=True,
    ),
)
