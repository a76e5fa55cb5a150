"""A customer's statement of points: what they have and may use, in which lots, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.store import customers, point_reports, points
from models.store.customers import CustomerKey
from models.store.point_reports import EntryRow
from models.store.points import BalanceRow
from pipelines.engine.ledger_rows import lot_of
from pipelines.rules.lots import Lot, spending_order
from pipelines.rules.purse import Purse


@dataclass(frozen=True, slots=True)
class Statement:
    """``usable`` points can be spent now. ``lots`` hold something and come as they will be spent; ``entries`` are a page of
    the ledger, newest first, and ``next`` is where the one after it begins, None after the last."""

    balance: BalanceRow
    usable: int
    lots: Sequence[Lot]
    entries: Sequence[EntryRow]
    next: int | None


def statement(
    connection: Connection, shop: str, customer: str, now: datetime, *, before: int | None = None, limit: int = 50
) -> Statement | None:
    """The customer's points and the transfers before the one with the id ``before``; None for one nobody knows."""
    balance = points.balance(connection, shop, customer)
    if balance is None and customers.customer(connection, shop, customer) is None:
        return None
    lots = [lot_of(row) for row in points.lots_of(connection, [CustomerKey(shop, customer)])]
    entries = point_reports.page(connection, shop, customer, before, limit)
    return Statement(
        balance=balance or BalanceRow(shop, customer, 0, 0, 0),
        usable=max(0, Purse(lots).usable(now)),
        lots=sorted((lot for lot in lots if lot.remaining or lot.held), key=spending_order),
        entries=entries,
        next=next((entry.id for entry in entries[limit - 1 :]), None),
    )
