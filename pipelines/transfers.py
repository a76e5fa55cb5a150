"""Rows of the ledger (``models.store.ledger.move``) from transfers, and the clawbacks that need the customer's lots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.store import purse
from pipelines.rules.lots import OpenLot, Transfer, claw_back
from pipelines.stage import Clawback, Facts, LotMove


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


def clawback_rows(
    connection: Connection, clawbacks: Sequence[tuple[Facts, Clawback]], now: datetime
) -> list[tuple[Any, ...]]:
    """Decide clawbacks (PTS-13) on the customers' lots as they are under the lock of their balances.

    Two of one customer see each other: the second is decided on what the first leaves.
    """
    by_customer: dict[tuple[str, str], dict[int, OpenLot]] = {}
    for columns in purse.open_lots(connection, [(f.shop, f.customer_id) for f, _ in clawbacks]):
        by_customer.setdefault((columns[0], columns[1]), {})[columns[2]] = open_lot(columns)
    ids = [clawback.lot for _, clawback in clawbacks]
    earned = {columns[2]: open_lot(columns) for columns in purse.lots(connection, ids)}
    gone = purse.gone(connection, ids)
    rows = []
    for facts, clawback in clawbacks:
        known = by_customer.setdefault((facts.shop, facts.customer_id), {})
        lot = known.get(clawback.lot) or earned[clawback.lot]
        amount = min(clawback.amount, lot.amount - gone.get(lot.id, 0))  # never more than it ever gave
        gone[lot.id] = gone.get(lot.id, 0) + amount
        for transfer in claw_back(list(known.values()), lot, amount, now, owes=clawback.owes):
            rows.append(transfer_row(facts, transfer, clawback.source, now))
            stands = known.get(transfer.lot) or earned[transfer.lot]
            known[transfer.lot] = _after(stands, transfer)
    return rows


def _after(lot: OpenLot, transfer: Transfer) -> OpenLot:
    """The lot's numbers after a transfer; its state is the database's to draw, and stays what rows name as the old."""
    held = {"held": -transfer.amount}.get(transfer.debit, 0)
    owed = transfer.amount if transfer.kind == "owe" else 0
    return OpenLot(
        lot.id,
        lot.state,
        lot.amount,
        lot.remaining + transfer.change,
        lot.held + held,
        lot.owed + owed,
        lot.limited,
        lot.expires_at,
        lot.at,
    )
