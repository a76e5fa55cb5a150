"""Admit: the door through which orders come in, or are kept with the reasons that refused them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.states import OrderState
from models.store import (
    coupons,
    effects,
    idempotency,
    items,
    orders,
    payments,
    posted_coupons,
    search,
    transitions,
    work,
)
from models.store.coupons import CouponUseRow
from models.store.customers import CustomerKey
from models.store.idempotency import KeyRow
from models.store.items import ItemRow
from models.store.orders import NewDocumentRow, NewLineRow, NewOrderRow, OrderIdRow, RefusedOrderRow
from models.store.payments import NewPaymentRow
from models.store.posted_coupons import CodeUseRow
from models.store.search import TermRow
from models.store.transitions import TransitionRow
from models.store.work import of_order
from pipelines.engine import announce
from pipelines.engine.ledger import Ledger
from pipelines.errors import Raced

#: The stage at which an order that was taken in is due.
FIRST_STAGE = "accept"


@dataclass(frozen=True, slots=True)
class AdmittedRows:
    """What is stored of orders that are taken in together. ``loading`` are the customers whose coupons bring points."""

    orders: Sequence[NewOrderRow]
    documents: Sequence[NewDocumentRow]
    lines: Sequence[NewLineRow]
    payments: Sequence[NewPaymentRow]
    items: Sequence[ItemRow]
    keys: Sequence[KeyRow]
    coupons: Sequence[CouponUseRow]
    codes: Sequence[CodeUseRow]
    terms: Sequence[TermRow]
    loading: Sequence[CustomerKey]


def admit(connection: Connection, rows: AdmittedRows, ledger: Ledger, now: datetime) -> None:
    """Write orders with all that belongs to them but their points, announce them, and make them due at the first stage.

    ``ledger`` has afterwards the purses of all whose coupons bring points. Raises Raced.
    """
    _all(orders.add(connection, rows.orders), rows.orders)
    orders.add_documents(connection, rows.documents)
    orders.add_lines(connection, rows.lines)
    payments.add(connection, rows.payments)
    search.add(connection, rows.terms)
    accepted = [
        TransitionRow(one.id, "order", one.number, None, OrderState.ACCEPTED, "intake", now) for one in rows.orders
    ]
    transitions.add(connection, accepted)
    named = [OrderIdRow(one.shop, one.number, one.id) for one in rows.orders]
    effects.add(connection, announce.of_new_orders(named, announce.subscribers(connection), now))
    work.schedule(connection, [of_order(FIRST_STAGE, one.id, now) for one in rows.orders])
    _all(items.take(connection, rows.items), rows.items)
    _all(idempotency.add(connection, rows.keys), rows.keys)
    # Balances before coupons: who waits for a coupon below already has every balance it will ask for.
    ledger.open(rows.loading, opening=True)
    _all(coupons.add(connection, rows.coupons), rows.coupons)
    _all(posted_coupons.use(connection, rows.codes), rows.codes)


def _all(written: int, rows: Sequence[object]) -> None:
    if written < len(rows):
        raise Raced


def keep_keys(connection: Connection, keys: Sequence[KeyRow]) -> None:
    """Keep keys under which orders that are known came again. Raises Raced."""
    _all(idempotency.add(connection, keys), keys)


def keep_refused(connection: Connection, refused: RefusedOrderRow) -> None:
    """Keep an order from the broker that was refused, and tell the storefronts of its shop."""
    orders.add_refused(connection, [refused])
    announced = announce.of_refused(
        refused.content_hash.hex(),
        refused.shop or "",
        refused.number,
        refused.problems,
        announce.subscribers(connection),
        refused.at,
    )
    effects.add(connection, announced)
