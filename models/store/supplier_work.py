"""What one supplier has to do: its shipments with all that an instruction says of them, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.states import Condition
from models.store.statement import fetch


class WorkRow(NamedTuple):
    """A shipment that its supplier was told of.

    ``lines`` are (line, sku, name, ``quantity``: pieces to send in all, ``open``: those that have not left). ``told_at`` is
    None until its supplier had the instruction.
    """

    order_id: int
    shop: str
    number: str
    placed_at: datetime
    shipment_id: str
    supplier: str
    state: str
    dispatch_on: date | None
    arrive_on: date | None
    backorder: bool
    instruct_at: datetime | None
    told_at: datetime | None
    again: int
    call_off: str | None
    lines: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]


# The page is cut first: joins are made for its rows alone.
_WORK = """
WITH page AS ({page} ORDER BY {order} LIMIT %(limit)s),
line AS (
  SELECT l.shipment_id, json_agg(json_build_object('line', l.line, 'sku', p.sku, 'name', p.name,
                                                   'quantity', l.quantity - l.cancelled,
                                                   'open', l.quantity - l.cancelled - l.shipped) ORDER BY length(l.line), l.line) AS lines
  FROM shipment_line l JOIN page s ON s.id = l.shipment_id
  JOIN order_line p ON p.order_id = s.order_id AND p.line = l.line
  WHERE l.cancelled < l.quantity GROUP BY l.shipment_id)
SELECT s.order_id, o.shop, o.number, o.placed_at, s.id, s.supplier, s.state, s.dispatch_on, s.arrive_on, s.backorder,
       s.instruct_at, s.told_at, s.again, s.call_off, coalesce(line.lines, '[]'::json), d.document
FROM page s JOIN shop_order o ON o.id = s.order_id JOIN order_document d ON d.order_id = s.order_id
LEFT JOIN line ON line.shipment_id = s.id ORDER BY s.id
"""
_HIS = "s.supplier = %(supplier)s AND o.shop = ANY(%(shops)b::text[])"
_IS_ASKED = """s.state = ANY(%(states)b::text[]) AND s.id > %(after)s
    AND (%(call_offs)b::text[] IS NULL OR s.call_off = ANY(%(call_offs)b::text[]))
    AND (%(until)s::date IS NULL OR s.dispatch_on <= %(until)s)"""
_IN_STATE = _WORK.format(
    order="s.id", page=f"SELECT s.* FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE {_HIS} AND {_IS_ASKED}"
)
# From the orders that live to their shipments, one by one: all that ever left are many times as many.
_OPEN = _WORK.format(
    order="CASE WHEN %(soonest)s::boolean THEN s.dispatch_on END NULLS LAST, s.id",
    page=f"""SELECT s.* FROM shop_order o CROSS JOIN LATERAL (SELECT * FROM shipment WHERE order_id = o.id OFFSET 0) s
             WHERE o.condition <> '{Condition.DONE}' AND {_HIS} AND {_IS_ASKED}""",
)
_NAMED = _WORK.format(
    order="s.id",
    page=f"SELECT s.* FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE {_HIS} AND s.id = ANY(%(ids)b::text[])",
)


def in_states(
    connection: Connection,
    supplier: str,
    shops: Sequence[str],
    states: Sequence[str],
    *,
    call_offs: Sequence[str] | None = None,
    live: bool,
    until: date | None = None,
    soonest: bool = False,
    after: str = "",
    limit: int,
) -> list[WorkRow]:
    """The supplier's shipments of these shops in one of ``states``, by id, those behind ``after``; with ``call_offs`` only those of
    which it was asked so (``models.states.CallOff``). ``live``: the states are such that their orders are not done. ``until``: only those that are
    to leave by that day. ``soonest``: where there are more than ``limit`` that live, those that leave first instead of those with the first ids."""
    asked = {
        "supplier": supplier,
        "shops": list(shops),
        "states": list(states),
        "call_offs": None if call_offs is None else list(call_offs),
        "until": until,
        "soonest": soonest,
        "after": after,
        "limit": limit,
    }
    return fetch(connection, WorkRow, _OPEN if live else _IN_STATE, asked)


def named(connection: Connection, supplier: str, shops: Sequence[str], ids: Sequence[str]) -> list[WorkRow]:
    """Those of the shipments ``ids`` that are the supplier's at these shops."""
    asked = {"supplier": supplier, "shops": list(shops), "ids": list(ids), "limit": len(ids)}
    return fetch(connection, WorkRow, _NAMED, asked)
