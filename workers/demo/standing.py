"""Where the orders of a trial stand, read from the database: counts, reasons, what is stuck, what took longest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from models.states import ALL_LEFT, OrderState


@dataclass(frozen=True, slots=True)
class Standing:
    """A glance: orders by state (in the route's order), mails sent, events received, and what is due at this moment."""

    by_state: Mapping[str, int]
    mails: int
    events: int
    due: int


def glance(connection: Connection, now: datetime) -> Standing:
    """Where things stand; ``due`` counts work due by ``now`` (what failed and is set aside is not) and open effects."""
    counted = dict(_pairs(connection, "SELECT state, count(*) FROM shop_order GROUP BY state"))
    row = connection.execute(
        text(
            """SELECT (SELECT count(*) FROM mail WHERE state = 'sent'), (SELECT count(*) FROM inbox_event),
                      (SELECT count(*) FROM work WHERE due_at <= :now AND attempts = 0) + (SELECT count(*) FROM effect_lease)"""
        ),
        {"now": now},
    ).one()
    return Standing({s.value: counted[s] for s in OrderState if s in counted}, *row)


_GROUPS = """
SELECT o.state, o.condition, h.reason, t.cause, p.state, count(*), min(s.dispatch_on)
FROM shop_order o
JOIN payment p ON p.order_id = o.id
LEFT JOIN LATERAL (SELECT cause FROM transition WHERE order_id = o.id AND entity = 'order' AND to_state = 'cancelled'
                   ORDER BY id DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT reason FROM order_hold WHERE order_id = o.id AND closed_at IS NULL ORDER BY id LIMIT 1) h ON true
LEFT JOIN LATERAL (SELECT min(dispatch_on) AS dispatch_on FROM shipment
                   WHERE order_id = o.id AND state IN ('planned', 'backordered')) s ON true
GROUP BY 1, 2, 3, 4, 5 ORDER BY 6 DESC
"""

_WHY = {
    OrderState.ACCEPTED: "being authorized",
    OrderState.AWAITING_PAYMENT: "the customer has not paid yet",
    OrderState.RELEASED: "the supplier has it and has not shipped yet",
    OrderState.PARTLY_SHIPPED: "some goods left, the rest follows",
    OrderState.SHIPPED: "parcels on their way",
    OrderState.DELIVERED: "everything arrived",
    OrderState.UNDELIVERED: "nothing arrived",
}


def reasons(connection: Connection) -> Mapping[str, Sequence[tuple[int, str]]]:
    """State -> (orders, why they stand there), the commonest reason first, in the route's order."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for state, condition, hold, cause, money, count, dispatch_on in connection.execute(text(_GROUPS)):
        if condition == "held":
            why = f"waits for a human: {hold}"
        elif state == OrderState.CANCELLED:
            why = str(cause)
        elif state == OrderState.AUTHORIZED:
            why = "planned for a later day" + (f", from {dispatch_on}" if dispatch_on else "")
        elif state in ALL_LEFT and money == "authorized":
            why = "shipped, the capture is under way"
        else:
            why = _WHY[OrderState(state)]
        found[state][why] = found[state].get(why, 0) + count
    return {s.value: sorted(((n, why) for why, n in found[s].items()), reverse=True) for s in OrderState if s in found}


_UNMOVED = """
SELECT o.shop, o.number, o.state FROM shop_order o
WHERE o.condition = 'running'
  AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id)
  AND NOT EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending')
  AND NOT EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id AND s.state IN ('instructed', 'acknowledged'))
  AND NOT EXISTS (SELECT FROM parcel p WHERE p.order_id = o.id AND p.tracking_status IS DISTINCT FROM 'delivered')
ORDER BY 1, 2
"""
_UNDECIDED = """
SELECT o.shop, o.number, w.stage, w.error FROM work w JOIN shop_order o ON o.id = w.order_id
WHERE w.attempts > 0 OR w.due_at <= :until
ORDER BY 1, 2
"""
_OPEN = """
SELECT o.shop, o.number, l.kind, l.attempts FROM effect_lease l
LEFT JOIN effect e ON e.id = l.subject_id AND l.kind <> 'mail.send'
LEFT JOIN mail m ON m.id = l.subject_id AND l.kind = 'mail.send'
JOIN shop_order o ON o.id = coalesce(e.order_id, m.order_id)
WHERE l.attempts > 2 AND l.kind <> 'supplier.instruct'
ORDER BY 1, 2
"""
_FOR_REVIEW = """
SELECT o.shop, o.number, e.kind FROM effect e JOIN shop_order o ON o.id = e.order_id WHERE e.state = 'needs_review'
UNION ALL
SELECT o.shop, o.number, m.template FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE m.state = 'needs_review'
ORDER BY 1, 2
"""


def stuck(connection: Connection, until: datetime) -> list[str]:
    """What nothing will ever move, one sentence each, once all had time to settle what was due by ``until``.

    Running orders without work, effect, goods at a supplier or parcels on their way (an unpaid order has work: its
    deadline); decisions that fail or that nobody took; effects that were tried again and again (a supplier's apart: he
    may have gone home), and those whose outcome nobody could find out.
    """
    return list(_stuck(connection, until))


def _stuck(connection: Connection, until: datetime) -> Iterator[str]:
    for shop, number, state in connection.execute(text(_UNMOVED)):
        yield f"{shop}/{number}: is {state}, and nothing will ever move it"
    for shop, number, stage, error in connection.execute(text(_UNDECIDED), {"until": until}):
        yield f"{shop}/{number}: {stage} fails with {error}" if error else f"{shop}/{number}: {stage} is not decided"
    for shop, number, kind, attempts in connection.execute(text(_OPEN)):
        yield f"{shop}/{number}: {kind} was tried {attempts} times and is still open"
    for shop, number, what in connection.execute(text(_FOR_REVIEW)):
        yield f"{shop}/{number}: the outcome of {what} is unknown"


_SLOWEST = """
SELECT o.shop, o.number, o.method, extract(epoch FROM a.recorded_at - o.recorded_at)::float8
FROM shop_order o JOIN transition a ON a.order_id = o.id AND a.entity = 'order' AND a.to_state = 'authorized'
WHERE o.method <> 'bank_transfer' ORDER BY 4 DESC LIMIT :limit
"""


def slowest(connection: Connection, limit: int = 3) -> list[tuple[str, str, float]]:
    """(order, method, real seconds from its acceptance to its authorization), the longest first."""
    found = connection.execute(text(_SLOWEST), {"limit": limit})
    return [(f"{shop}/{number}", method, seconds) for shop, number, method, seconds in found]


def _pairs(connection: Connection, query: str) -> list[tuple[Any, Any]]:
    return [(one, other) for one, other in connection.execute(text(query))]
