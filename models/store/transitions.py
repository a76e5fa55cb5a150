"""The history of every entity: append-only."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, fetch, insert, writer
from models.transition import Transition


class TransitionRow(NamedTuple):
    """One move of an entity of an order; ``at`` is the Clock's time."""

    order_id: int
    entity: str
    entity_id: str
    from_state: str | None
    to_state: str
    cause: str
    at: datetime


add = writer(TransitionRow, insert(TransitionRow, Transition))

_OF_ORDER = f"SELECT {columns(TransitionRow)} FROM transition WHERE order_id = %(id)s ORDER BY id"


def of_order(connection: Connection, order_id: int) -> list[TransitionRow]:
    """The order's moves as they happened."""
    return fetch(connection, TransitionRow, _OF_ORDER, {"id": order_id})
