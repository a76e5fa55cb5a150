"""Orders that go to another address than they were placed with; the old ones are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.readdressing import OrderReaddressing
from models.store.statement import columns, fetch, values, writer


class NewReaddressingRow(NamedTuple):
    """Where an order goes from now on: ``ship_to`` as its document has it."""

    order_id: int
    key: str
    reason: str
    by: str
    ship_to: Mapping[str, Any]
    at: datetime


add = writer(
    NewReaddressingRow,
    f"""WITH v AS (SELECT * FROM {values(NewReaddressingRow, OrderReaddressing, ship_to="json")}),
        addressed AS (UPDATE order_document d SET document = jsonb_set(d.document::jsonb, '{{ship_to}}', v.ship_to::jsonb)::json
                      FROM v WHERE d.order_id = v.order_id)
        INSERT INTO order_readdressing (order_id, key, reason, by, before, at)
        SELECT v.order_id, v.key, v.reason, v.by, d.document->'ship_to', v.at
        FROM v JOIN order_document d ON d.order_id = v.order_id""",
)


class ReaddressingRow(NamedTuple):
    """One time that an order's address changed, and the region that it left."""

    reason: str
    by: str
    at: datetime
    region_before: str


_OF_ORDER: Final = f"""
SELECT {columns(ReaddressingRow, region_before="before->>'region'")} FROM order_readdressing WHERE order_id = %(id)s ORDER BY id
"""


def of_order(connection: Connection, order_id: int) -> list[ReaddressingRow]:
    """The times that the order's address changed, first to last."""
    return fetch(connection, ReaddressingRow, _OF_ORDER, {"id": order_id})
