"""The history of every entity: append-only."""

from __future__ import annotations

from collections.abc import Sequence
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


class EndRow(NamedTuple):
    """The cancel of an order, its last where there were several: why and when."""

    order_id: int
    cause: str
    at: datetime


_CANCELS = f"""SELECT DISTINCT ON (order_id) {columns(EndRow)} FROM transition
    WHERE order_id = ANY(%(ids)s) AND entity = 'order' AND to_state = 'cancelled' ORDER BY order_id, id DESC"""


def cancels(connection: Connection, ids: Sequence[int]) -> list[EndRow]:
    """How those of the orders ended that were cancelled."""
    return fetch(connection, EndRow, _CANCELS, {"ids": list(ids)})
