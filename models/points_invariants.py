"""What must always be true of the points ledger (A.8); each query reads its tables once, whatever their size."""

from __future__ import annotations

from models.invariant import Invariant, Over

POINTS: tuple[Invariant, ...] = (
    Invariant(
        "points_balance",
        "a customer's balance is the sum of the ledger",
        Over.CUSTOMERS,
        """SELECT b.shop, b.customer_id, b.pending, b.valid, b.held, t.pending AS pending_sum, t.valid AS valid_sum,
                  t.held AS held_sum
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
        "what is in the lots is the balance, less what is owed",
        Over.CUSTOMERS,
        """SELECT shop, customer_id, b.pending, lots.pending AS pending_in_lots, b.valid, lots.valid AS valid_in_lots,
                  b.held, lots.held AS held_in_lots
           FROM point_balance b FULL JOIN (
             SELECT shop, customer_id, sum(CASE WHEN state = 'pending' THEN remaining ELSE 0 END) AS pending,
                    sum(CASE WHEN state = 'valid' THEN remaining ELSE 0 END) - sum(owed) AS valid, sum(held) AS held
             FROM point_lot GROUP BY shop, customer_id) lots USING (shop, customer_id)
           WHERE coalesce(b.pending, 0) <> coalesce(lots.pending, 0) OR coalesce(b.valid, 0) <> coalesce(lots.valid, 0)
              OR coalesce(b.held, 0) <> coalesce(lots.held, 0)""",
    ),
    Invariant(
        "points_lot_ledger",
        "what is in a lot is the sum of its transfers, and it was granted once, whole",
        Over.CUSTOMERS,
        """SELECT coalesce(l.id, t.lot_id) AS id, l.amount, l.remaining, l.held, l.owed, t.*
           FROM point_lot l FULL JOIN (
             SELECT lot_id,
                    sum(CASE WHEN debit = 'granted' THEN amount ELSE 0 END) AS granted,
                    sum(CASE WHEN credit IN ('pending', 'valid') THEN amount ELSE 0 END)
                      - sum(CASE WHEN debit IN ('pending', 'valid') THEN amount ELSE 0 END) AS standing,
                    sum(CASE WHEN credit = 'held' THEN amount WHEN debit = 'held' THEN -amount ELSE 0 END) AS held
             FROM point_transfer GROUP BY lot_id) t ON t.lot_id = l.id
           WHERE l.amount IS DISTINCT FROM t.granted OR l.remaining - l.owed IS DISTINCT FROM t.standing
              OR l.held IS DISTINCT FROM t.held""",
    ),
    Invariant(
        "points_earned_as_priced",
        "an order that was priced once earns the points of its breakdown, once (PTS-04)",
        Over.ORDERS,
        """SELECT l.order_id, sum(l.amount) AS earned, (d.breakdown->>'points_earned')::int AS priced
           FROM point_lot l JOIN order_document d USING (order_id)
           WHERE l.kind = 'purchase' AND l.source !~ '^order:.*:again:earn'
             AND NOT EXISTS (SELECT FROM order_repricing r WHERE r.order_id = l.order_id)
           GROUP BY l.order_id, d.breakdown->>'points_earned'
           HAVING sum(l.amount) <> (d.breakdown->>'points_earned')::int""",
    ),
    Invariant(
        "points_gone",
        "what is gone of an order's lots expired, became void or was taken back on the order's account",
        Over.CUSTOMERS,
        """SELECT coalesce(l.of, t.of) AS of, l.gone, t.points FROM (
             SELECT coalesce(order_id, -id) AS of, sum(gone) AS gone FROM point_lot WHERE gone > 0 GROUP BY 1) l
           FULL JOIN (
             SELECT of, sum(amount) AS points FROM (
               SELECT coalesce(l.order_id, -l.id) AS of, t.amount FROM point_transfer t JOIN point_lot l ON l.id = t.lot_id
               WHERE t.credit IN ('expired', 'void')
               UNION ALL
               SELECT order_id, amount FROM point_transfer
               WHERE kind IN ('clawback', 'owe') AND order_id IS NOT NULL) g GROUP BY of) t USING (of)
           WHERE l.gone IS DISTINCT FROM t.points""",
    ),
    Invariant(
        "points_taken_back_once",
        "no more points are taken back on an order's account than it ever earned, or left of an exchange (PTS-13)",
        Over.CUSTOMERS,
        """SELECT t.order_id, t.taken, l.earned FROM (
             SELECT order_id, sum(amount) AS taken FROM point_transfer
             WHERE kind IN ('clawback', 'owe') AND order_id IS NOT NULL GROUP BY order_id) t
           LEFT JOIN (SELECT order_id, sum(amount) AS earned FROM point_lot WHERE kind IN ('purchase', 'exchange') GROUP BY order_id) l
             USING (order_id)
           WHERE t.taken > coalesce(l.earned, 0)""",
    ),
    Invariant(
        "points_negative_by_clawback",
        "nobody owes points without a clawback, or while having valid ones (PTS-13)",
        Over.CUSTOMERS,
        """SELECT d.shop, d.customer_id, d.owed FROM (
             SELECT shop, customer_id, sum(owed) AS owed FROM point_lot WHERE owed > 0 GROUP BY shop, customer_id) d
           WHERE d.owed > (SELECT coalesce(sum(amount), 0) FROM point_transfer t
                           WHERE t.shop = d.shop AND t.customer_id = d.customer_id AND t.kind = 'owe')
              OR EXISTS (SELECT FROM point_lot l WHERE l.shop = d.shop AND l.customer_id = d.customer_id
                         AND l.state = 'valid'
                         AND (l.expires_at IS NULL OR l.expires_at > (
                           SELECT max(at) FROM point_transfer t
                           WHERE t.shop = d.shop AND t.customer_id = d.customer_id)))""",
    ),
    Invariant(
        "points_activated_once",
        "pending points become valid at most once, and a cancelled order keeps none but what others gave back to its lot",
        Over.CUSTOMERS,
        """SELECT order_id, lot_id, 'twice' AS fault FROM point_transfer WHERE kind = 'activate'
           GROUP BY order_id, lot_id HAVING count(*) > 1
           UNION ALL
           SELECT l.order_id, l.id, 'cancelled' FROM point_lot l JOIN shop_order o ON o.id = l.order_id
           WHERE o.state = 'cancelled' AND l.kind = 'purchase' AND (l.remaining > 0 OR l.held > 0)
             AND l.remaining + l.held > (SELECT coalesce(sum(t.amount), 0) FROM point_transfer t
                                         WHERE t.shop = l.shop AND t.customer_id = l.customer_id
                                           AND t.lot_id = l.id AND t.kind = 'return')""",
    ),
    Invariant(
        "points_final",
        "expired and void points never come back: nothing leaves those accounts (PTS-05)",
        Over.CUSTOMERS,
        """SELECT id, lot_id, debit FROM point_transfer WHERE debit IN ('expired', 'void')""",
    ),
    Invariant(
        "points_closed",
        "a customer who withdrew has no points, and nobody else's balance is closed (CON-06)",
        Over.CUSTOMERS,
        """SELECT b.shop, b.customer_id, b.closed, c.withdrawn_at, l.points FROM point_balance b
           LEFT JOIN customer c ON c.shop = b.shop AND c.id = b.customer_id
           LEFT JOIN LATERAL (SELECT sum(remaining + held) AS points FROM point_lot
                              WHERE b.closed AND shop = b.shop AND customer_id = b.customer_id
                                AND (remaining > 0 OR held > 0 OR owed > 0)) l ON b.closed
           WHERE b.closed <> (c.withdrawn_at IS NOT NULL) OR l.points > 0""",
    ),
    Invariant(
        "points_returned_once",
        "an order gets back no more points of a lot than it used, those granted anew included",
        Over.CUSTOMERS,
        """WITH kept AS (SELECT order_id, lot_id, sum(CASE kind WHEN 'use' THEN amount ELSE -amount END) AS points
                         FROM point_transfer WHERE kind IN ('use', 'return') GROUP BY order_id, lot_id)
           SELECT order_id, lot_id FROM kept WHERE points < 0
           UNION ALL
           SELECT order_id, NULL FROM (SELECT order_id, sum(points) AS points FROM kept GROUP BY order_id) used
           JOIN (SELECT order_id, sum(amount) AS points FROM point_lot WHERE kind = 'regrant' GROUP BY order_id) again
             USING (order_id)
           WHERE again.points > used.points""",
    ),
    Invariant(
        "points_used_within_order",
        "an order used the points its breakdown says, within the cap that held (PTS-07); those of a sale that stands again aside",
        Over.CUSTOMERS,
        """SELECT t.order_id, t.used, (d.breakdown->>'points_used')::int AS priced FROM (
             SELECT order_id, sum(amount) AS used FROM point_transfer
             WHERE kind = 'use' AND order_id IS NOT NULL AND source <> 'order:' || order_id || ':use:again'
             GROUP BY order_id) t
           JOIN order_document d USING (order_id)
           WHERE t.used <> (d.breakdown->>'points_used')::int""",
    ),
    Invariant(
        "posted_code_once",
        "a code that was posted is used by one order of its customer at most, and that order alone has it (CUT-05)",
        Over.WAITING,
        """SELECT p.id, p.used_order_id, array_agg(u.order_id) AS entered FROM posted_coupon p
           LEFT JOIN coupon_use u ON u.shop = p.shop AND u.code_key = p.code_key
           LEFT JOIN shop_order o ON o.id = p.used_order_id
           GROUP BY p.id, p.used_order_id, o.customer_id
           HAVING count(u.order_id) > 1 OR min(u.order_id) IS DISTINCT FROM p.used_order_id
               OR o.customer_id <> p.customer_id""",
    ),
    Invariant(
        "posted_code_or_points",
        "a code brings its points when it is entered and never before, and nobody got points in its place (CUT-05, PTS-15)",
        Over.CUSTOMERS,
        """SELECT p.id, p.used_order_id, l.id AS lot, l.amount FROM posted_coupon p
           LEFT JOIN point_lot l ON l.shop = p.shop AND l.customer_id = p.customer_id AND l.kind = 'coupon'
             AND l.source = 'coupon:' || replace(replace(p.customer_id, chr(37), chr(37) || '25'), ':', chr(37) || '3A') || ':' || p.code_key
           WHERE (l.id IS NULL) <> (p.used_order_id IS NULL) OR l.amount <> p.points
           UNION ALL
           SELECT p.id, p.used_order_id, l.id, l.amount FROM posted_coupon p
           JOIN point_lot l ON l.shop = p.shop AND l.source = 'thanks:' || p.customer_id""",
    ),
)
