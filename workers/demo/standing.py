"""Where the orders of a trial stand, read from the database: counts, reasons, what they wait for, what took longest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from models.states import ALL_LEFT, OrderState
from pipelines.values.calendar import JST


@dataclass(frozen=True, slots=True)
class Standing:
    """A glance: orders by state (in the route's order), mails sent, events received, what is due at this moment, and how many
    seconds of the Clock what is due longest has waited."""

    by_state: Mapping[str, int]
    mails: int
    events: int
    due: int
    behind: float


def glance(connection: Connection, now: datetime) -> Standing:
    """Where things stand; ``due`` counts work due by ``now`` (what failed and is set aside is not) and open effects."""
    counted = dict(_pairs(connection, "SELECT state, count(*) FROM shop_order GROUP BY state"))
    row = connection.execute(
        text(
            """SELECT (SELECT count(*) FROM mail WHERE state = 'sent'), (SELECT count(*) FROM inbox_event),
                      (SELECT count(*) FROM work WHERE due_at <= :now AND attempts = 0) + (SELECT count(*) FROM effect_lease),
                      (SELECT coalesce(greatest(extract(epoch FROM :now - min(due_at)), 0), 0)::float8
                       FROM work WHERE attempts = 0)"""
        ),
        {"now": now},
    ).one()
    return Standing({s.value: counted[s] for s in OrderState if s in counted}, *row)


def replacing(connection: Connection) -> Mapping[str, int]:
    """State -> orders that leave for goods that came back: the house made them, and no storefront placed them."""
    asked = """SELECT o.state, count(*) FROM shop_order o JOIN order_document d ON d.order_id = o.id
               WHERE d.document->>'replaces' IS NOT NULL GROUP BY 1"""
    return dict(_pairs(connection, asked))


class Taken(NamedTuple):
    """The money of one method, in yen: held at some time, taken, given back."""

    method: str
    orders: int
    authorized: int
    captured: int
    refunded: int


def taken(connection: Connection) -> list[Taken]:
    """Money by payment method, as the books have it."""
    found = connection.execute(
        text(
            """SELECT p.method, count(*), sum(p.authorized)::bigint, sum(p.captured)::bigint, sum(p.refunded)::bigint
               FROM payment p GROUP BY 1 ORDER BY 2 DESC, 1"""
        )
    )
    return [Taken(*row) for row in found]


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


_WAITS = """
SELECT w.what, w.counterparty, count(DISTINCT w.order_id), min(w.due_at), max(w.due_at)
FROM work w JOIN shop_order o ON o.id = w.order_id
WHERE w.what IS NOT NULL
  AND CASE WHEN o.state = 'cancelled' THEN w.stage IN ('collect', 'pull_in')
           ELSE o.condition <> 'done' OR w.stage IN ('notify', 'collect', 'pull_in', 'returns') END
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


class Awaited(NamedTuple):
    """How many orders wait for ``what`` from ``counterparty``: the first until ``soonest``, the last until ``latest``."""

    what: str
    counterparty: str
    orders: int
    soonest: datetime
    latest: datetime


def awaited(connection: Connection) -> list[Awaited]:
    """What orders wait for, as an order shows it (contract: ``awaits``), what most wait for first."""
    return [
        Awaited(what, counterparty, orders, soonest.astimezone(JST), latest.astimezone(JST))
        for what, counterparty, orders, soonest, latest in connection.execute(text(_WAITS))
    ]


_RETURNED = """
SELECT o.shop, count(*), q.remedy, l.reason, q.state
FROM return_request q JOIN shop_order o ON o.id = q.order_id
JOIN LATERAL (SELECT string_agg(DISTINCT reason, ', ') AS reason FROM return_line WHERE return_id = q.id) l ON true
GROUP BY 1, 3, 4, 5
UNION ALL
SELECT o.shop, count(DISTINCT o.id), 'refund', 'nothing arrived', 'settled'
FROM order_adjustment a JOIN shop_order o ON o.id = a.order_id
WHERE a.kind IN ('return', 'fault') AND a.key NOT LIKE 'return:%' GROUP BY 1
ORDER BY 1, 3, 4, 5
"""


class Returned(NamedTuple):
    """How many ``returns`` of a shop for one ``remedy`` and ``reason`` stand so; what came to nothing on its way is among them."""

    shop: str
    returns: int
    remedy: str
    reason: str
    became: str


def returned(connection: Connection) -> list[Returned]:
    """What came back, or never arrived, and what became of it."""
    return [Returned(*row) for row in connection.execute(text(_RETURNED))]


_SIGHTED = """
SELECT substr(e.source, 9), count(DISTINCT (e.shipment_id, e.body->>'tracking_number'))
FROM inbox_event e WHERE e.source LIKE 'carrier:%' AND e.state = 'applied' GROUP BY 1 ORDER BY 1
"""


def sighted(connection: Connection) -> list[tuple[str, int]]:
    """(carrier, parcels of which it was asked and told something new)."""
    return [(str(name), int(parcels)) for name, parcels in connection.execute(text(_SIGHTED))]


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


_RICHEST = """
SELECT o.shop, o.number FROM shop_order o
ORDER BY (SELECT count(*) FROM parcel p WHERE p.order_id = o.id) DESC,
         (SELECT count(*) FROM mail m WHERE m.order_id = o.id) DESC, o.sequence DESC, o.id
LIMIT 1
"""


def richest(connection: Connection) -> tuple[str, str] | None:
    """(shop, number) of the order with most to tell: parcels, then mails, then moves; None where there is no order."""
    row = connection.execute(text(_RICHEST)).one_or_none()
    return None if row is None else (row.shop, row.number)


def intake_behind(connection: Connection) -> float:
    """How many seconds of the Clock an order was taken in after it was placed, at most."""
    query = "SELECT coalesce(extract(epoch FROM max(accepted_at - placed_at)), 0)::float8 FROM shop_order"
    return float(connection.execute(text(query)).scalar_one())
