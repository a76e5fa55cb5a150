"""What must always be true of payments, beside what their entries say: part of ``models.invariants``."""

from __future__ import annotations

from models.invariant import Invariant, Over

PAYMENTS: tuple[Invariant, ...] = (
    Invariant(
        "payment_history_agrees",
        "the last transition of every payment leads to its state; one without is pending",
        Over.ORDERS,
        """SELECT p.order_id, p.state, t.to_state FROM payment p
           LEFT JOIN LATERAL (SELECT to_state FROM transition WHERE order_id = p.order_id AND entity = 'payment'
                              ORDER BY id DESC LIMIT 1) t ON true
           WHERE coalesce(t.to_state, 'pending') <> p.state""",
    ),
    Invariant(
        "payment_state_fits_sums",
        "a payment's state is what was held, taken and given back comes to; of one in review nobody knows",
        Over.ORDERS,
        """SELECT p.order_id, p.state, p.amount, p.authorized, p.captured, p.refunded
           FROM payment p JOIN shop_order o ON o.id = p.order_id
           LEFT JOIN (SELECT order_id, sum(money) AS money FROM order_adjustment GROUP BY order_id) a USING (order_id)
           WHERE CASE p.state
             WHEN 'captured' THEN p.refunded > 0 OR (p.captured = 0 AND p.amount > coalesce(a.money, 0))
             WHEN 'partly_refunded' THEN p.refunded = 0 OR p.refunded = p.captured
             WHEN 'refunded' THEN p.captured = 0 OR p.refunded <> p.captured
             WHEN 'pending' THEN p.captured > 0 AND o.state NOT IN ('accepted', 'awaiting_payment')
             WHEN 'authorized' THEN p.captured > 0 OR p.authorized = 0
             WHEN 'needs_review' THEN false
             ELSE p.captured > 0 END""",
    ),
)
