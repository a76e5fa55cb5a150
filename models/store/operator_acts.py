"""What operators did in the console, and what they noted about orders."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.operator import OperatorAct, OrderNote
from models.store.statement import columns, execute, fetch, insert, writer


class NewActRow(NamedTuple):
    """An act; of an order with the ``version`` that was seen and the event that it becomes."""

    account_id: int
    operator: str
    act: str
    order_id: int | None
    version: int | None
    source: str | None
    event_id: str | None
    outcome: str
    at: datetime


#: Fewer where it was recorded before, or another act on the same version of its order is under way.
record = writer(NewActRow, insert(NewActRow, OperatorAct, conflict="DO NOTHING"))

# What its stage made of an act is known from its event. One without an event after a minute never became any: its process died.
_FOLLOW = """
UPDATE operator_act a SET outcome = coalesce(e.state, 'lost')
FROM operator_act b LEFT JOIN inbox_event e ON e.source = b.source AND e.event_id = b.event_id
WHERE a.id = b.id AND b.order_id = %(order)s AND b.outcome = 'asked'
  AND (e.state <> 'pending' OR (e.state IS NULL AND b.recorded_at < now() - interval '1 minute'))
"""


def claim(connection: Connection, act: NewActRow) -> bool:
    """Take the version of an order for an act; False where another act on the same version is under way, or this one was taken
    before."""
    execute(connection, _FOLLOW, {"order": act.order_id})
    return bool(record(connection, [act]))


class ActRow(NamedTuple):
    """An act on an order, with what came of it by now."""

    operator: str
    act: str
    outcome: str
    event_id: str | None
    at: datetime


_OF_ORDER = f"""
SELECT {columns(ActRow, "a", outcome="CASE WHEN a.outcome = 'asked' AND e.state <> 'pending' THEN e.state ELSE a.outcome END")}
FROM operator_act a LEFT JOIN inbox_event e ON e.source = a.source AND e.event_id = a.event_id
WHERE a.order_id = %(id)s ORDER BY a.id
"""


def of_order(connection: Connection, order_id: int) -> list[ActRow]:
    """Acts on the order as they were done."""
    return fetch(connection, ActRow, _OF_ORDER, {"id": order_id})


class NoteRow(NamedTuple):
    """A note; ``key`` is that of the form that it was written in."""

    order_id: int
    author: str
    text: str
    key: str
    at: datetime


#: The same form again adds nothing.
add_note = writer(NoteRow, insert(NoteRow, OrderNote, conflict="(key) DO NOTHING"))

_NOTES = f"SELECT {columns(NoteRow)} FROM order_note WHERE order_id = %(id)s AND text <> '' ORDER BY id"


def notes_of(connection: Connection, order_id: int) -> list[NoteRow]:
    """Notes about the order as they were written, those that were not erased."""
    return fetch(connection, NoteRow, _NOTES, {"id": order_id})
