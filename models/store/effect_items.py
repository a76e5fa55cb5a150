"""Effects that stand for several items, and effects that yield bytes.

Items of one batch join the effect that is open for it; it is closed when it is first performed, so that what is sent again
under its key is the same again. Each item ends with an outcome of its own and wakes its own order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.effect import Effect, EffectItem, EffectLease, EffectOutput
from models.states import PaymentState
from models.store.effects import WokenRow
from models.store.leases import held_by
from models.store.statement import columns, execute, fetch, reader, values, writer

#: Seconds (of the database) before a new batch is performed, so that what is decided side by side shares it.
GATHERING = 2


class NewItemRow(NamedTuple):
    """An item for the open effect of ``batch``; ``payload`` is the same for the whole batch."""

    batch: str
    kind: str
    payload: Mapping[str, Any]
    key: str
    order_id: int
    shipment_id: str | None
    wakes: str | None


#: An item that is known already is a no-op. The effect is named by its first item: a name that no other one can take.
join = writer(
    NewItemRow,
    f"""WITH fresh AS (SELECT * FROM {values(NewItemRow, Effect, EffectItem)}
                       WHERE NOT EXISTS (SELECT FROM effect_item known WHERE known.key = v.key)),
         opened AS (
           INSERT INTO effect (key, kind, payload, state, batch)
           SELECT batch || '/' || min(key), kind, min(payload)::jsonb, 'pending', batch FROM fresh
           GROUP BY batch, kind ORDER BY batch
           ON CONFLICT (batch) WHERE batch IS NOT NULL AND closed_at IS NULL DO UPDATE SET batch = excluded.batch
           RETURNING id, kind, batch),
         leased AS (
           INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token)
           SELECT kind, id, clock_timestamp() + interval '{GATHERING} s', 0, 0 FROM opened
           ON CONFLICT (kind, subject_id) DO NOTHING)
         INSERT INTO effect_item (key, effect_id, order_id, shipment_id, wakes, state)
         SELECT f.key, o.id, f.order_id, f.shipment_id, f.wakes, 'pending' FROM fresh f JOIN opened o USING (batch)
         ORDER BY f.key""",
)


def close(connection: Connection, ids: Sequence[int]) -> None:
    """Let no more items join these effects; waits for whoever is just adding one."""
    execute(
        connection,
        """UPDATE effect SET closed_at = clock_timestamp()
           WHERE id = ANY(%(ids)b::bigint[]) AND batch IS NOT NULL AND closed_at IS NULL""",
        {"ids": list(ids)},
    )


class InstructionRow(NamedTuple):
    """What one supplier is to be told of one shipment; ``key`` is the item's, or the effect's where it is about one
    shipment only. ``lines`` are the pieces that were not cancelled, nor had left where it was asked for anew; ``again`` is how often that was;
    ``document`` is the order's."""

    effect_id: int
    effect_key: str
    is_item: bool
    payload: Mapping[str, Any]
    key: str
    shipment_id: str
    order_id: int
    shop: str
    number: str
    placed_at: datetime
    supplier: str
    dispatch_on: date | None
    arrive_on: date | None
    backorder: bool
    again: int
    lines: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]


class _AskedRow(NamedTuple):
    effect_id: int
    effect_key: str
    is_item: bool
    payload: Mapping[str, Any]
    key: str
    shipment_id: str


class _ToldRow(NamedTuple):
    shipment_id: str
    order_id: int
    shop: str
    number: str
    placed_at: datetime
    supplier: str
    dispatch_on: date | None
    arrive_on: date | None
    backorder: bool
    again: int
    lines: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]


_ASKED = """
SELECT e.id, e.key, i.key IS NOT NULL, e.payload, coalesce(i.key, e.key), coalesce(i.shipment_id, e.shipment_id)
FROM effect e LEFT JOIN effect_item i ON i.effect_id = e.id AND i.state = 'pending'
WHERE e.id = ANY(%(ids)b::bigint[]) ORDER BY e.id, i.key
"""
# Lines are gathered for the whole batch: one at a time, a plan made while the tables were small read all of them for each.
_TOLD = """
WITH piece AS (
  SELECT l.shipment_id, l.line, p.sku, p.name,
         l.quantity - l.cancelled - CASE WHEN s.again > 0 THEN l.shipped ELSE 0 END AS quantity
  FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
  JOIN order_line p ON p.order_id = s.order_id AND p.line = l.line
  WHERE l.shipment_id = ANY(%(ids)b::text[])),
line AS (
  SELECT shipment_id, json_agg(json_build_object('line', line, 'sku', sku, 'name', name, 'quantity', quantity) ORDER BY length(line), line) AS lines
  FROM piece WHERE quantity > 0 GROUP BY shipment_id)
SELECT s.id, s.order_id, o.shop, o.number, o.placed_at, s.supplier, s.dispatch_on, s.arrive_on, s.backorder, s.again,
       coalesce(line.lines, '[]'::json), d.document
FROM shipment s JOIN shop_order o ON o.id = s.order_id JOIN order_document d ON d.order_id = s.order_id
LEFT JOIN line ON line.shipment_id = s.id
WHERE s.id = ANY(%(ids)b::text[])
"""


def to_instruct(connection: Connection, ids: Sequence[int]) -> list[InstructionRow]:
    """Instructions of these effects that have not ended, in the order of their effects and keys."""
    asked = fetch(connection, _AskedRow, _ASKED, {"ids": ids})
    shipments = {row.shipment_id for row in asked}
    told = {row.shipment_id: row for row in fetch(connection, _ToldRow, _TOLD, {"ids": list(shipments)})}
    return [InstructionRow._make((*row, *told[row.shipment_id][1:])) for row in asked]


class OnDeliveryRow(NamedTuple):
    """What an order is to pay on delivery: its breakdown, the amounts of its changes (None for none), the shipments that collect it,
    their parcels that have left as JSON (None for none), and whether the money is in."""

    order_id: int
    breakdown: Mapping[str, Any]
    adjustments: Sequence[Mapping[str, Any]] | None
    collecting: Sequence[str]
    left: Sequence[Mapping[str, Any]] | None
    is_in: bool


_ON_DELIVERY = f"""
SELECT d.order_id, d.breakdown,
       (SELECT json_agg(a.amounts ORDER BY a.sequence) FROM order_adjustment a WHERE a.order_id = d.order_id),
       ARRAY(SELECT s.id FROM shipment s WHERE s.order_id = d.order_id AND s.collects),
       (SELECT json_agg(json_build_object('key', p.key, 'shipped_at', p.shipped_at, 'tracking_status', p.tracking_status,
                                          'status_as_of', p.status_as_of))
        FROM parcel p JOIN shipment s ON s.id = p.shipment_id WHERE p.order_id = d.order_id AND s.collects),
       y.state <> '{PaymentState.PENDING}'
FROM order_document d JOIN payment y ON y.order_id = d.order_id WHERE d.order_id = ANY(%(ids)b::bigint[])
"""


def on_delivery(connection: Connection, order_ids: Sequence[int]) -> list[OnDeliveryRow]:
    """What is to be collected for these orders; nothing is asked for no order."""
    return fetch(connection, OnDeliveryRow, _ON_DELIVERY, {"ids": list(order_ids)}) if order_ids else []


class ItemOutcomeRow(NamedTuple):
    """How one item ended, under the token its effect was performed with."""

    effect_id: int
    token: int
    key: str
    state: str
    outcome: Mapping[str, Any]


_end = reader(
    ItemOutcomeRow,
    f"""WITH held AS (
          SELECT v.* FROM {values(ItemOutcomeRow, EffectItem, EffectLease)}
          JOIN effect_lease l ON {held_by(ItemOutcomeRow, "effect_id")}
          FOR UPDATE OF l)
        UPDATE effect_item i SET state = held.state, outcome = held.outcome::jsonb, finished_at = clock_timestamp()
        FROM held WHERE i.key = held.key AND i.effect_id = held.effect_id AND i.state = 'pending'
        RETURNING {columns(WokenRow, "i")}""",
    WokenRow,
)


def end(connection: Connection, kind: str, outcomes: Sequence[ItemOutcomeRow]) -> list[WokenRow]:
    """Record how items of effects of ``kind`` ended, where the token of their effect is still current."""
    return _end(connection, outcomes, kind=kind)


_END_WITH = f"""
UPDATE effect_item i SET state = e.state, outcome = e.outcome, finished_at = e.finished_at
FROM effect e WHERE e.id = ANY(%(ids)b::bigint[]) AND e.state <> 'pending' AND i.effect_id = e.id AND i.state = 'pending'
RETURNING {columns(WokenRow, "i")}
"""


def end_with(connection: Connection, ids: Sequence[int]) -> list[WokenRow]:
    """Give the items that still stood open the outcome of their effects, where those have ended."""
    return fetch(connection, WokenRow, _END_WITH, {"ids": ids}) if ids else []


class OutputRow(NamedTuple):
    """Bytes that an effect yielded, with their SHA-256, under the token it was performed with."""

    effect_id: int
    token: int
    media_type: str
    content: bytes
    digest: bytes


_keep = writer(
    OutputRow,
    f"""INSERT INTO effect_output (effect_id, media_type, content, digest)
        SELECT v.effect_id, v.media_type, v.content, v.digest FROM {values(OutputRow, EffectOutput, EffectLease)}
        JOIN effect_lease l ON {held_by(OutputRow, "effect_id")}
        ON CONFLICT (effect_id) DO NOTHING""",
)


def keep(connection: Connection, kind: str, outputs: Sequence[OutputRow]) -> None:
    """Keep what effects of ``kind`` yielded, where the token is still current: before their end is recorded."""
    _keep(connection, outputs, kind=kind)
