"""What leaves today (出荷盤): shipments that are to leave, have left, and cannot leave, by shop and supplier.

Whatever has not ended is due, under way, held or awaits something (`Work`, leases, open holds): these are asked which orders they
are of, so that what is read grows with what is open and not with all orders there ever were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.states import Condition, OrderState, ShipmentState
from models.store.statement import fetch

_S = ShipmentState
_TO_LEAVE: Final = (_S.PLANNED, _S.INSTRUCTED, _S.ACKNOWLEDGED, _S.BACKORDERED, _S.REFUSED)
_STATES: Final = ", ".join(f"'{one}'" for one in _TO_LEAVE)

# An order that is held for several reasons is told with the first of them.
_OPEN: Final = f"""
WITH going AS MATERIALIZED (
  SELECT order_id FROM work WHERE order_id IS NOT NULL
  UNION SELECT order_id FROM order_hold WHERE closed_at IS NULL
  UNION SELECT e.order_id FROM effect_lease l JOIN effect e ON e.id = l.subject_id
        WHERE l.kind <> 'mail.send' AND e.order_id IS NOT NULL
  UNION SELECT i.order_id FROM effect_lease l JOIN effect_item i ON i.effect_id = l.subject_id WHERE l.kind <> 'mail.send'),
held AS (SELECT DISTINCT ON (order_id) order_id, reason FROM order_hold WHERE closed_at IS NULL ORDER BY order_id, id),
leaving AS (
  SELECT o.shop, o.number, o.placed_at, o.state AS order_state, s.id, s.supplier, s.state, s.dispatch_on,
         coalesce(h.reason, CASE WHEN s.state IN ('{_S.REFUSED}', '{_S.BACKORDERED}') THEN s.state
                                 WHEN o.state = '{OrderState.AWAITING_PAYMENT}' THEN o.state END) AS reason
  FROM going g JOIN shop_order o ON o.id = g.order_id JOIN shipment s ON s.order_id = o.id
  LEFT JOIN held h ON h.order_id = o.id
  WHERE o.shop = ANY(%(shops)b::text[]) AND s.state IN ({_STATES}) AND o.state <> '{OrderState.CANCELLED}'
    AND o.condition <> '{Condition.DONE}')
"""


class LeavingRow(NamedTuple):
    """How many shipments of a supplier are to leave: in ``state``, ``day`` late, today or undated, and why they cannot (None:
    nothing keeps them)."""

    shop: str
    supplier: str
    state: str
    day: str
    reason: str | None
    number: int


_LEAVING = f"""{_OPEN}
SELECT shop, supplier, state, CASE WHEN dispatch_on IS NULL THEN 'undated' WHEN dispatch_on < %(today)s THEN 'late' ELSE 'today' END,
       reason, count(*)
FROM leaving WHERE dispatch_on IS NULL OR dispatch_on <= %(today)s GROUP BY 1, 2, 3, 4, 5
"""


def leaving(connection: Connection, shops: Sequence[str], today: date) -> list[LeavingRow]:
    """What of these shops is to leave until ``today``, or has no day yet."""
    return fetch(connection, LeavingRow, _LEAVING, {"shops": list(shops), "today": today})


class LeftRow(NamedTuple):
    """How many shipments of a supplier left for the first time on ``day`` (Japan), of these ``promised`` for a day, and ``kept``: on
    that day or before."""

    shop: str
    supplier: str
    day: date
    number: int
    promised: int
    kept: int


_LEFT = """
SELECT shop, supplier, day, count(*), count(dispatch_on), count(*) FILTER (WHERE day <= dispatch_on)
FROM (SELECT o.shop, s.supplier, s.dispatch_on, (min(p.shipped_at) AT TIME ZONE 'Asia/Tokyo')::date AS day
      FROM parcel p JOIN shipment s ON s.id = p.shipment_id JOIN shop_order o ON o.id = s.order_id
      WHERE p.shipped_at >= %(since)s AND o.shop = ANY(%(shops)b::text[])
      GROUP BY o.shop, s.supplier, s.id, s.dispatch_on) left_first
GROUP BY 1, 2, 3
"""


def left(connection: Connection, shops: Sequence[str], since: datetime) -> list[LeftRow]:
    """What of these shops left since a moment."""
    return fetch(connection, LeftRow, _LEFT, {"shops": list(shops), "since": since})


class HeldRow(NamedTuple):
    """How many orders of a shop are held for a reason."""

    shop: str
    reason: str
    orders: int


_HELD = """
SELECT o.shop, h.reason, count(DISTINCT h.order_id) FROM order_hold h JOIN shop_order o ON o.id = h.order_id
WHERE h.closed_at IS NULL AND o.shop = ANY(%(shops)b::text[]) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""


def held(connection: Connection, shops: Sequence[str]) -> list[HeldRow]:
    """What of these shops waits for a human, the most frequent reason first."""
    return fetch(connection, HeldRow, _HELD, {"shops": list(shops)})


class ListedRow(NamedTuple):
    """A shipment behind a figure; of an order that is held before it was split, ``shipment`` and ``supplier`` are None."""

    shop: str
    number: str
    placed_at: datetime
    order_state: str
    shipment: str | None
    supplier: str | None
    state: str | None
    dispatch_on: date | None
    reason: str | None


#: What stands behind each figure, of ``leaving``.
FIGURES: Final[Mapping[str, str]] = {
    "due": "dispatch_on = %(today)s",
    "planned": f"dispatch_on <= %(today)s AND state = '{_S.PLANNED}'",
    "instructed": f"dispatch_on <= %(today)s AND state = '{_S.INSTRUCTED}'",
    "acknowledged": f"dispatch_on <= %(today)s AND state = '{_S.ACKNOWLEDGED}'",
    "late": "dispatch_on < %(today)s",
    "stuck": "dispatch_on <= %(today)s AND reason IS NOT NULL",
    "undated": "dispatch_on IS NULL",
}
_LISTED = """
SELECT shop, number, placed_at, order_state, id, supplier, state, dispatch_on, reason FROM leaving
WHERE {where} AND (%(supplier)s::text IS NULL OR supplier = %(supplier)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
ORDER BY dispatch_on, shop, supplier, id LIMIT %(limit)s
"""
_LISTED_LEFT = """
SELECT o.shop, o.number, o.placed_at, o.state, s.id, s.supplier, s.state, s.dispatch_on, NULL
FROM parcel p JOIN shipment s ON s.id = p.shipment_id JOIN shop_order o ON o.id = s.order_id
WHERE p.shipped_at >= %(since)s AND o.shop = ANY(%(shops)b::text[])
  AND (%(supplier)s::text IS NULL OR s.supplier = %(supplier)s) AND %(reason)s::text IS NULL
GROUP BY o.id, s.id ORDER BY s.id LIMIT %(limit)s
"""
_LISTED_HELD = """
SELECT DISTINCT o.shop, o.number, o.placed_at, o.state, s.id, s.supplier, s.state, s.dispatch_on, h.reason
FROM order_hold h JOIN shop_order o ON o.id = h.order_id LEFT JOIN shipment s ON s.id = h.shipment_id
WHERE h.closed_at IS NULL AND o.shop = ANY(%(shops)b::text[]) AND (%(supplier)s::text IS NULL OR s.supplier = %(supplier)s)
  AND (%(reason)s::text IS NULL OR h.reason = %(reason)s)
ORDER BY o.placed_at, o.number LIMIT %(limit)s
"""
_LISTS: Final = {
    **{name: _OPEN + _LISTED.format(where=where) for name, where in FIGURES.items()},
    "left": _LISTED_LEFT,
    "held": _LISTED_HELD,
}
LISTS: Final = tuple(_LISTS)
"""Lists that there are: one behind each figure."""


def listed(
    connection: Connection,
    what: str,
    shops: Sequence[str],
    today: date,
    since: datetime,
    *,
    supplier: str | None,
    reason: str | None,
    limit: int,
) -> list[ListedRow]:
    """The first ``limit`` of the list ``what`` (`LISTS`) at these shops; of one supplier or reason where it is named. ``since`` is
    the beginning of ``today``."""
    told = {
        "shops": list(shops),
        "today": today,
        "since": since,
        "supplier": supplier,
        "reason": reason,
        "limit": limit,
    }
    return fetch(connection, ListedRow, _LISTS[what], told)
