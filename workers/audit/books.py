"""The books: what the database says of each order, read in one snapshot, for judges to compare with the journals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Row, text

from workers.audit.journals import Key, name_of


class Move(NamedTuple):
    """The ``number``-th move of an order, from 1, of ``entity`` (``id`` where there are several), and why."""

    number: int
    entity: str
    id: str
    old: str | None
    new: str
    cause: str
    at: datetime


class Line(NamedTuple):
    """Pieces of a line: ordered, and taken out since."""

    sku: str
    quantity: int
    cancelled: int = 0
    is_unique: bool = False


class Money(NamedTuple):
    """A payment, in yen. ``adjusted`` is what later changes of the order took off its amount."""

    gateway: str | None = None
    amount: int = 0
    captured: int = 0
    refunded: int = 0
    refunded_by_hand: int = 0
    adjusted: int = 0
    state: str = "pending"
    was_instructed: bool = False


class Change(NamedTuple):
    """A change after the order: its kind, and yen taken off."""

    kind: str
    money: int


class ShipmentBook(NamedTuple):
    """A shipment as the database has it; ``again``: how often it was asked for anew."""

    id: str
    supplier: str
    state: str
    again: int
    lines: Mapping[str, int]


class ParcelBook(NamedTuple):
    """A parcel as the database has it; ``is_kept``: it never travels, since it lay in the store that it is called to (STO-01)."""

    shipment: str
    number: str | None
    status: str | None
    is_kept: bool = False


class News(NamedTuple):
    """A received event, what became of it, when it was said, and when the house had it, by the database's clock."""

    source: str
    event_id: str
    type: str
    state: str
    at: datetime | None = None
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """One order. ``emails`` are those at which its customer may be written to; ``is_busy`` while an effect or a decision of it is
    under way; ``is_early`` where its money was taken before the goods left, since the authorization was ending. ``reasons``
    are open holds, ``held`` those that ever were. ``is_pickup``: its goods are called to a store (STO-01). ``replaces``: the number of
    the order of which it replaces goods; nobody placed it."""

    key: Key
    state: str = "accepted"
    condition: str = "running"
    method: str = "card"
    emails: frozenset[str] = frozenset()
    lines: Mapping[str, Line] = field(default_factory=dict)
    money: Money = field(default_factory=Money)
    moves: Sequence[Move] = ()
    changes: Sequence[Change] = ()
    shipments: Sequence[ShipmentBook] = ()
    parcels: Sequence[ParcelBook] = ()
    news: Sequence[News] = ()
    reasons: frozenset[str] = frozenset()
    held: Counter[str] = field(default_factory=Counter)
    held_at_once: bool = False
    repriced: int = 0
    readdressed: int = 0
    is_pickup: bool = False
    replaces: str | None = None
    mailed_instructions: int = 0
    is_busy: bool = False
    is_early: bool = False

    @property
    def name(self) -> str:
        """``<shop>/<number>``."""
        return name_of(self.key)

    @property
    def due(self) -> int:
        """Yen that the shop may keep."""
        return 0 if self.state == "cancelled" else self.money.amount - self.money.adjusted

    def moved(self, entity: str, new: str) -> list[Move]:
        """Its moves of ``entity`` to ``new``."""
        return [one for one in self.moves if (one.entity, one.new) == (entity, new)]


@dataclass(frozen=True, slots=True)
class Books:
    """What the database knows: its orders (several of one name would be a fault), and mails by Message-ID with their template,
    those it calls sent and all. ``members`` counts mails about no order that are due, by (customer's address, template)."""

    orders: Sequence[OrderBook] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    mails: Mapping[str, str] = field(default_factory=dict)
    copies: frozenset[str] = frozenset()
    listened: frozenset[str] = frozenset()
    """Shops whose storefront registered a URL for events."""
    members: Mapping[tuple[str, str], int] = field(default_factory=dict)
    news: Mapping[str, str] = field(default_factory=dict)
    """Id of a supplier's event -> what became of it."""
    said: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How often suppliers spoke, by (shipment, type)."""

    @property
    def by_key(self) -> dict[Key, OrderBook]:
        """Each order by its name."""
        return {one.key: one for one in self.orders}

    @classmethod
    def read(cls, connection: Connection) -> Self:
        """All of it in one snapshot, which the caller's transaction gives."""
        mails = connection.execute(text("SELECT message_id, template, state, copy_of FROM mail")).all()
        return cls(
            orders=_orders(connection),
            sent={one.message_id: one.template for one in mails if one.state == "sent"},
            mails={one.message_id: one.template for one in mails},
            copies=frozenset(one.message_id for one in mails if one.copy_of is not None),
            listened=_listened(connection),
            news={one.event_id: one.state for one in connection.execute(text(_EVENTS))},
            said={(one.shipment_id, one.type): one.times for one in connection.execute(text(_SAID))},
            members={
                (row.email, row.template): row.mails for row in connection.execute(text(_MEMBERS)) if row.email != ""
            },
        )


_ORDERS = """
SELECT o.id, o.shop, o.number, o.state, o.condition, o.method, d.document->'customer'->>'email' AS ordered_by,
       c.email AS told_by, p.gateway, p.amount, p.captured, p.refunded, p.refunded_by_hand, p.state AS money_state,
       p.instructions IS NOT NULL AS was_instructed,
       (SELECT count(*) FROM order_repricing r WHERE r.order_id = o.id) AS repriced,
       (SELECT count(*) FROM order_readdressing r WHERE r.order_id = o.id) AS readdressed,
 (d.document->'pickup') IS NOT NULL AS is_pickup, d.document->>'replaces' AS replaces,
       (SELECT count(*) FROM effect e WHERE e.order_id = o.id AND e.kind = 'supplier.instruct' AND e.state = 'done'
          AND e.payload->>'channel' IN ('mail', 'portal')) AS mailed_instructions,
       EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state = 'pending' AND e.kind <> 'storefront.event')
         OR EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.what IS NULL) AS is_busy,
       EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.payload ? 'early') AS is_early
FROM shop_order o JOIN payment p ON p.order_id = o.id JOIN order_document d ON d.order_id = o.id
LEFT JOIN customer c ON c.shop = o.shop AND c.id = o.customer_id AND o.customer_id <> ''
ORDER BY o.id
"""
_LINES = "SELECT order_id, line, sku, quantity, cancelled, availability FROM order_line ORDER BY order_id, line"
_MOVES = """
SELECT order_id, row_number() OVER (PARTITION BY order_id ORDER BY id) AS number, entity, entity_id, from_state, to_state,
       cause, at FROM transition ORDER BY id
"""
_CHANGES = "SELECT order_id, kind, money FROM order_adjustment ORDER BY order_id, sequence"
_SHIPMENTS = """
SELECT s.order_id, s.id, s.supplier, s.state, s.again, json_object_agg(l.line, l.quantity) AS lines
FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id GROUP BY s.id ORDER BY s.id
"""
_PARCELS = """
SELECT p.order_id, p.shipment_id, p.tracking_number, p.tracking_status,
       coalesce(d.document->'pickup'->>'store' = s.supplier, false) AS is_kept
FROM parcel p JOIN shipment s ON s.id = p.shipment_id JOIN order_document d ON d.order_id = p.order_id ORDER BY p.id
"""
_NEWS = """
SELECT order_id, source, event_id, type, state, at, recorded_at FROM inbox_event WHERE order_id IS NOT NULL ORDER BY id
"""
_HOLDS = "SELECT order_id, reason, opened_by, closed_at IS NULL AS is_open FROM order_hold"
_EVENTS = "SELECT event_id, state FROM inbox_event WHERE source LIKE 'supplier:%'"
_SAID = """
SELECT shipment_id, type, count(*) AS times FROM inbox_event WHERE source LIKE 'supplier:%' AND shipment_id IS NOT NULL GROUP BY 1, 2
"""
_MEMBERS = """
SELECT c.email, 'coupon_issued' AS template, count(*) AS mails
FROM posted_coupon p JOIN customer c ON c.shop = p.shop AND c.id = p.customer_id
WHERE p.posted_by = 'mail' AND c.withdrawn_at IS NULL GROUP BY 1
"""
_LISTENERS = "SELECT shops FROM client WHERE kind = 'storefront' AND url IS NOT NULL AND revoked_at IS NULL"


def _listened(connection: Connection) -> frozenset[str]:
    every = [row.shop for row in connection.execute(text("SELECT DISTINCT shop FROM shop_order"))]
    listeners = [row.shops or every for row in connection.execute(text(_LISTENERS))]
    return frozenset(shop for shops in listeners for shop in shops)


def _orders(connection: Connection) -> list[OrderBook]:
    def grouped(query: str) -> dict[int, list[Row[Any]]]:
        found: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(text(query)):
            found[row.order_id].append(row)
        return found

    lines, moves, changes = grouped(_LINES), grouped(_MOVES), grouped(_CHANGES)
    shipments, parcels, news, holds = grouped(_SHIPMENTS), grouped(_PARCELS), grouped(_NEWS), grouped(_HOLDS)
    return [
        OrderBook(
            key=(row.shop, row.number),
            state=row.state,
            condition=row.condition,
            method=row.method,
            emails=frozenset(one for one in (row.ordered_by, row.told_by) if one),
            lines={
                one.line: Line(one.sku, one.quantity, one.cancelled, one.availability == "unique")
                for one in lines[row.id]
            },
            money=_money(row, changes[row.id]),
            moves=[
                Move(m.number, m.entity, m.entity_id, m.from_state, m.to_state, m.cause, m.at) for m in moves[row.id]
            ],
            changes=[Change(one.kind, one.money) for one in changes[row.id]],
            shipments=[ShipmentBook(s.id, s.supplier, s.state, s.again, s.lines) for s in shipments[row.id]],
            parcels=[
                ParcelBook(p.shipment_id, p.tracking_number, p.tracking_status, p.is_kept) for p in parcels[row.id]
            ],
            news=[News(one.source, one.event_id, one.type, one.state, one.at, one.recorded_at) for one in news[row.id]],
            reasons=frozenset(one.reason for one in holds[row.id] if one.is_open),
            held=Counter(one.reason for one in holds[row.id]),
            held_at_once=any(one.opened_by.startswith("accept: ") for one in holds[row.id]),
            repriced=row.repriced,
            readdressed=row.readdressed,
            is_pickup=row.is_pickup,
            replaces=row.replaces,
            mailed_instructions=row.mailed_instructions,
            is_busy=row.is_busy,
            is_early=row.is_early,
        )
        for row in connection.execute(text(_ORDERS))
    ]


def _money(row: Row[Any], changes: Iterable[Row[Any]]) -> Money:
    return Money(
        row.gateway,
        row.amount,
        row.captured,
        row.refunded,
        row.refunded_by_hand,
        sum(one.money for one in changes),
        row.money_state,
        row.was_instructed,
    )
