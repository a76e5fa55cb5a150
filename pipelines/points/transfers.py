"""Rows of the ledger (``models.store.ledger.move``) from transfers, and the clawbacks that need the customer's lots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.store import purse
from pipelines.engine.decision import Clawback, LotMove
from pipelines.engine.facts import Facts
from pipelines.rules.lots import OpenLot, Purse, Transfer


def transfer_row(facts: Facts, transfer: LotMove | Transfer, source: str, now: datetime) -> tuple[Any, ...]:
    """The row of a transfer that belongs to an order."""
    return row(facts.shop, facts.customer_id, facts.id, transfer, source, now)


def row(
    shop: str, customer: str, order_id: int | None, transfer: LotMove | Transfer, source: str, now: datetime
) -> tuple[Any, ...]:
    """The row of a transfer of a customer's points; ``source`` makes it happen once."""
    return (
        shop,
        customer,
        order_id,
        transfer.lot,
        transfer.old,
        transfer.new,
        source,
        transfer.kind,
        transfer.debit,
        transfer.credit,
        transfer.amount,
        transfer.change,
        transfer.expires_at,
        now,
    )


def open_lot(columns: Sequence[Any]) -> OpenLot:
    """A lot from the columns that ``models.store.purse.open_lots`` and ``lots`` bring."""
    return OpenLot(*columns[2:11])


def purses(
    connection: Connection, customers: Iterable[tuple[str, str]], earned: Sequence[int]
) -> dict[tuple[str, str], Purse]:
    """The purses of (shop, customer) pairs, with the lots ``earned`` whether they still hold something or not. The
    balances must be locked."""
    found: dict[tuple[str, str], Purse] = {pair: Purse() for pair in customers}
    for columns in (*purse.open_lots(connection, list(found)), *purse.lots(connection, earned)):
        found[columns[0], columns[1]].lots[columns[2]] = open_lot(columns)
    gone = purse.gone(connection, earned)
    for one in found.values():
        one.gone = {lot: gone[lot] for lot in one.lots if lot in gone}
    return found


def clawback_rows(
    connection: Connection, clawbacks: Sequence[tuple[Facts, Clawback]], now: datetime
) -> list[tuple[Any, ...]]:
    """Decide clawbacks (PTS-13) on the customers' lots as they are under the lock of their balances.

    Two of one customer see each other: the second is decided on what the first leaves.
    """
    found = purses(connection, [(f.shop, f.customer_id) for f, _ in clawbacks], [c.lot for _, c in clawbacks])
    return [
        transfer_row(facts, transfer, clawback.source, now)
        for facts, clawback in clawbacks
        for transfer in found[facts.shop, facts.customer_id].claw_back(clawback.lot, clawback.amount, now)
    ]
