"""The terms that lead to an order: its number, who ordered, where it goes and what it has."""

from __future__ import annotations

from datetime import datetime

from models.store.search import TermRow
from pipelines.rules.order import Order, ShipTo
from pipelines.values.search_term import CUSTOMER, MAIL, NAME, NUMBER, PHONE, SKU


def terms_of(order: Order, order_id: int) -> list[TermRow]:
    """All of them; what is said twice comes once."""
    found = {
        NUMBER.term(order.number),
        CUSTOMER.term(order.customer.id),
        NAME.term(order.customer.name),
        MAIL.term(order.customer.email),
        *_of_address(order.ship_to),
        *(SKU.term(line.sku) for line in order.lines),
    }
    return _rows(found, order.shop, order.placed_at, order_id)


def terms_of_address(ship_to: ShipTo, shop: str, placed_at: datetime, order_id: int) -> list[TermRow]:
    """Those of another address of an order."""
    return _rows(_of_address(ship_to), shop, placed_at, order_id)


def _of_address(ship_to: ShipTo) -> set[str | None]:
    return {NAME.term(ship_to.name), PHONE.term(ship_to.phone)}


def _rows(terms: set[str | None], shop: str, placed_at: datetime, order_id: int) -> list[TermRow]:
    return [TermRow(shop, term, placed_at, order_id) for term in terms if term is not None]
