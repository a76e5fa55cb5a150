"""What storefronts are told of an order that is no move of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.store import effects
from models.store.orders import OrderIdRow, OrderRow
from pipelines.engine import announce


def tell(connection: Connection, row: OrderRow, type_: str, about: str, data: Mapping[str, Any], now: datetime) -> None:
    """Announce something about an order that is locked; ``about`` makes it one of its ``type_``, once."""
    order, listening = OrderIdRow(row.shop, row.number, row.id), announce.subscribers(connection)
    effects.add(connection, list(announce.of_happening(order, row.sequence, type_, about, data, listening, now)))
