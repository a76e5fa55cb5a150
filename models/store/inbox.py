"""Received events: stored once, read by the stages that consume them, ended with what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.inbox import InboxEvent
from models.store.statement import columns, execute, fetch, insert, reader, scalars, update, writer

#: What is kept of what an event said, once its content is no longer kept.
ERASED: Final = '{"erased": true}'


class EventRow(NamedTuple):
    """An event that waits for an order."""

    order_id: int
    id: int
    source: str
    event_id: str
    type: str
    shipment_id: str | None
    body: Mapping[str, Any]
    at: datetime


_PENDING = f"""
SELECT {columns(EventRow)} FROM inbox_event
WHERE order_id = ANY(%(ids)b::bigint[]) AND state = 'pending' AND type = ANY(%(types)b::text[]) ORDER BY id
"""


def pending(connection: Connection, ids: Sequence[int], types: Sequence[str]) -> list[EventRow]:
    """Events of ``types`` that wait for the orders, in the order they arrived."""
    return fetch(connection, EventRow, _PENDING, {"ids": list(ids), "types": list(types)})


class NewEventRow(NamedTuple):
    """An event that came in; ``reason`` is why it goes to the operator, if it does."""

    source: str
    event_id: str
    type: str
    order_id: int | None
    shipment_id: str | None
    body: Mapping[str, Any]
    at: datetime
    state: str
    reason: str | None


class StoredEventRow(NamedTuple):
    """An event that was new."""

    source: str
    event_id: str


add = reader(
    NewEventRow,
    insert(
        NewEventRow,
        InboxEvent,
        order_by="source, event_id",
        conflict="(source, event_id) DO NOTHING",
        returning=columns(StoredEventRow),
    ),
    StoredEventRow,
)


class EventEndRow(NamedTuple):
    """What became of an event."""

    id: int
    state: str
    reason: str | None


end = writer(EventEndRow, update(EventEndRow, InboxEvent, by=("id",)))


def body_of(connection: Connection, source: str, event_id: str) -> Any | None:
    """What an event that was received under this id says, or ``{"erased": true}``; None if there is none."""
    found = scalars(
        connection,
        "SELECT body FROM inbox_event WHERE source = %(source)s AND event_id = %(id)s",
        {"source": source, "id": event_id},
    )
    return next(iter(found), None)


_KNOWN = "SELECT event_id FROM inbox_event WHERE source = %(source)s AND event_id = ANY(%(ids)b::text[])"


def known(connection: Connection, source: str, event_ids: Sequence[str]) -> set[str]:
    """Those of the ids under which something of the source was received."""
    return set(scalars(connection, _KNOWN, {"source": source, "ids": list(event_ids)}))


class ReceivedRow(NamedTuple):
    """An event that came in about an order, and what became of it; ``body`` is what its sender wrote."""

    source: str
    event_id: str
    type: str
    shipment_id: str | None
    body: Mapping[str, Any]
    state: str
    reason: str | None
    at: datetime


def of_order(connection: Connection, order_id: int) -> list[ReceivedRow]:
    """What came in about the order, in the order in which it arrived."""
    statement = f"SELECT {columns(ReceivedRow)} FROM inbox_event WHERE order_id = %(id)s ORDER BY id"
    return fetch(connection, ReceivedRow, statement, {"id": order_id})


class AgainRow(NamedTuple):
    """An event that waits for its order once more."""

    order_id: int
    shipment_id: str | None
    type: str


_AGAIN = f"""
UPDATE inbox_event SET state = 'pending', reason = NULL
WHERE id = ANY(%(ids)b::bigint[]) AND state = 'quarantined' AND order_id IS NOT NULL AND type = ANY(%(types)b::text[])
RETURNING {columns(AgainRow)}
"""


def try_again(connection: Connection, ids: Sequence[int], types: Sequence[str]) -> list[AgainRow]:
    """Let quarantined events of ``types`` that name an order wait for it again; those that do."""
    return fetch(connection, AgainRow, _AGAIN, {"ids": ids, "types": list(types)})


_OVERTAKEN = """
UPDATE inbox_event SET state = 'ignored', reason = %(reason)s
WHERE source = %(source)s AND type = %(type)s AND state = 'quarantined' AND shipment_id = ANY(%(shipments)b::text[])
"""


def overtake(connection: Connection, source: str, type_: str, shipments: Sequence[str], reason: str) -> int:
    """What the source said of the shipments by events of ``type_`` needs nobody any more; how many waited."""
    told = {"source": source, "type": type_, "shipments": list(shipments), "reason": reason}
    return execute(connection, _OVERTAKEN, told) if shipments else 0
