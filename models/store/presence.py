"""What a batch of orders says, and what there is beside it at all: asked in one statement, so that what most orders have none of is not
read. For a decision it comes after the one that locked the orders, and sees them as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, fetch_pairs


class PresenceRow(NamedTuple):
    """Whether any of some orders has such rows, by the table they are in. ``told``: its customer told another mail address, or withdrew."""

    told: bool
    shipments: bool
    parcels: bool
    lots: bool
    transfers: bool
    balances: bool
    events: bool
    effects: bool
    items: bool
    mails: bool
    adjustments: bool
    returns: bool
    promotions: bool
    coupons: bool
    marks: bool
    releases: bool


class DocumentRow(NamedTuple):
    """What an order says and what it costs, both as JSON text: most decisions never read them."""

    order_id: int
    document: str
    breakdown: str


def _any(table: str, only: str = "true") -> str:
    return f"EXISTS (SELECT FROM {table} t WHERE t.order_id = ANY(%(ids)b::bigint[]) AND {only})"


def _of_customer(table: str, customer: str = "customer_id", only: str = "true") -> str:
    return (
        f"EXISTS (SELECT FROM asked a JOIN {table} t ON t.shop = a.shop AND t.{customer} = a.customer_id WHERE {only})"
    )


_ASKED = {
    "told": _of_customer("customer", "id", "t.email_told_at IS NOT NULL OR t.withdrawn_at IS NOT NULL"),
    "shipments": _any("shipment"),
    "parcels": _any("parcel"),
    "lots": _any("point_lot"),
    "transfers": _of_customer("point_transfer", only="t.order_id = a.id"),
    "balances": _of_customer("point_balance"),
    "events": _any("inbox_event", "t.state = 'pending'"),
    "effects": _any("effect"),
    "items": _any("effect_item"),
    "mails": _any("mail"),
    "adjustments": _any("order_adjustment"),
    "returns": _any("return_request"),
    "promotions": _any("customer_rank"),
    "coupons": _any("coupon_use"),
    "marks": _of_customer("customer_mark"),
    "releases": _any("order_hold", "t.closed_at IS NOT NULL"),
}
_PRESENT = f"""
WITH asked AS (SELECT id, shop, customer_id FROM shop_order WHERE id = ANY(%(ids)b::bigint[]) AND customer_id <> '')
SELECT {columns(PresenceRow, **_ASKED)}, {columns(DocumentRow, "d", document="d.document::text", breakdown="d.breakdown::text")}
FROM order_document d WHERE d.order_id = ANY(%(ids)b::bigint[])
"""


def present(connection: Connection, ids: Sequence[int]) -> tuple[PresenceRow, list[DocumentRow]]:
    """What any of the orders ``ids`` has, and what each of them says; there is at least one."""
    found = fetch_pairs(connection, PresenceRow, DocumentRow, _PRESENT, {"ids": list(ids)})
    return found[0][0], [said for _, said in found]
