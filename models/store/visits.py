"""Orders whose customers visit the store on another day; the days before are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, fetch, values, writer
from models.visit import VisitChange


class NewVisitRow(NamedTuple):
    """The day on which an order's customer visits the store from now on."""

    order_id: int
    key: str
    by: str
    visit_on: date
    at: datetime


add = writer(
    NewVisitRow,
    f"""WITH v AS (SELECT * FROM {values(NewVisitRow, VisitChange, visit_on="date")}),
        put_off AS (UPDATE order_document d
                    SET document = jsonb_set(d.document::jsonb, '{{pickup,visit_on}}', to_jsonb(v.visit_on::text))::json
                    FROM v WHERE d.order_id = v.order_id)
        INSERT INTO visit_change (order_id, key, by, before, at)
        SELECT v.order_id, v.key, v.by, (d.document->'pickup'->>'visit_on')::date, v.at
        FROM v JOIN order_document d ON d.order_id = v.order_id""",
)


class VisitRow(NamedTuple):
    """One time that the day of a visit changed, and the day that it was."""

    by: str
    at: datetime
    before: date


_OF_ORDER: Final = f"SELECT {columns(VisitRow)} FROM visit_change WHERE order_id = %(id)s ORDER BY id"


def of_order(connection: Connection, order_id: int) -> Sequence[VisitRow]:
    """The times that the day of the order's visit changed, first to last."""
    return fetch(connection, VisitRow, _OF_ORDER, {"id": order_id})


class FormerVisitRow(NamedTuple):
    """A day on which an order's customer was to visit the store."""

    order_id: int
    before: date


_FORMER: Final = (
    f"SELECT {columns(FormerVisitRow)} FROM visit_change WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id"
)


def former(connection: Connection, ids: Sequence[int]) -> Sequence[FormerVisitRow]:
    """The days of the orders' visits before those that stand, first to last."""
    return fetch(connection, FormerVisitRow, _FORMER, {"ids": list(ids)})
