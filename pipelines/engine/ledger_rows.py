"""Lots and transfers between their rows and the rules: a purse knows no customer, a row no rule."""

from __future__ import annotations

from models.states import LotState
from models.store.customers import CustomerKey
from models.store.points import BalanceRow, LotChangeRow, LotRow, TransferRow
from pipelines.rules.lots import Lot, Transfer
from pipelines.rules.purse import Purse


def lot_of(row: LotRow) -> Lot:
    """The lot of a row."""
    return Lot(
        id=row.id,
        order_id=row.order_id,
        kind=row.kind,
        line=row.line,
        repriced=row.repriced,
        limited=row.limited,
        amount=row.amount,
        remaining=row.remaining,
        held=row.held,
        owed=row.owed,
        gone=row.gone,
        state=row.state,
        expires_at=row.expires_at,
        at=row.at,
    )


def new_rows(customer: CustomerKey, purse: Purse) -> list[LotRow]:
    """The rows of the lots that were granted, as they stand by now."""
    return [
        LotRow(
            id=lot.id,
            shop=customer.shop,
            customer_id=customer.customer_id,
            order_id=lot.order_id,
            source=new.source,
            kind=lot.kind,
            line=lot.line,
            repriced=lot.repriced,
            replaces=new.replaces,
            limited=lot.limited,
            amount=lot.amount,
            remaining=lot.remaining,
            held=lot.held,
            owed=lot.owed,
            gone=lot.gone,
            state=lot.state,
            expires_at=lot.expires_at,
            at=lot.at,
        )
        for new, lot in ((new, purse.lots[number]) for new, number in purse.granted)
    ]


def change_row(lot: Lot) -> LotChangeRow:
    """How a lot stands from now on."""
    return LotChangeRow(
        id=lot.id,
        remaining=lot.remaining,
        held=lot.held,
        owed=lot.owed,
        gone=lot.gone,
        state=lot.state,
        expires_at=lot.expires_at,
    )


def transfer_row(customer: CustomerKey, transfer: Transfer) -> TransferRow:
    """The row of a transfer of the customer's points."""
    return TransferRow(
        shop=customer.shop,
        customer_id=customer.customer_id,
        lot_id=transfer.lot,
        order_id=transfer.order_id,
        source=transfer.source,
        kind=transfer.kind,
        debit=transfer.debit,
        credit=transfer.credit,
        amount=transfer.amount,
        at=transfer.at,
    )


def balance_row(customer: CustomerKey, purse: Purse) -> BalanceRow:
    """What all transfers of a purse add to its customer's accounts."""
    added = dict.fromkeys((LotState.PENDING, LotState.VALID, LotState.HELD), 0)
    for transfer in purse.transfers:
        for account, amount in ((transfer.debit, -transfer.amount), (transfer.credit, transfer.amount)):
            if account in added:
                added[LotState(account)] += amount
    return BalanceRow(
        shop=customer.shop,
        customer_id=customer.customer_id,
        pending=added[LotState.PENDING],
        valid=added[LotState.VALID],
        held=added[LotState.HELD],
    )
