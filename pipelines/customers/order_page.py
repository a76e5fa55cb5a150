"""The signed link by which a customer without an account sees one order: what it is about, and how long it opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pipelines.errors import NotFound
from pipelines.shops import Shop

PURPOSE: Final = "order"
PATH: Final = "/o/"


class OrderPass(NamedTuple):
    """What a link opens: the order ``number`` of ``shop``."""

    shop: str
    number: str

    @property
    def subject(self) -> str:
        """As it is signed; the number comes last, since it may hold anything."""
        return f"{self.shop}/{self.number}"


def order_pass(subject: str) -> OrderPass:
    """What a signed ``subject`` says. Raises NotFound for one that says nothing."""
    shop, slash, number = subject.partition("/")
    if not (shop and slash and number):
        raise NotFound
    return OrderPass(shop, number)


def page_link(shop: Shop, number: str, placed_at: datetime) -> dict[str, Any] | None:
    """What a mail's link to the page is signed of; None where the shop has no such pages. ``placed_at`` is aware: the end counts
    from it, so that each mail of an order has the same link."""
    if not shop.order_page_days:
        return None
    until = placed_at + timedelta(days=shop.order_page_days)
    return {"path": PATH, "purpose": PURPOSE, "subject": OrderPass(shop.key, number).subject, "until": until}
