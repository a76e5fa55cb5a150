"""What a month's bill is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.database import rows


def billed_orders(
    connection: Connection, shop: str, customer: str, methods: Sequence[str], since: datetime, until: datetime
) -> list[Any]:
    """(number, placed_at, method, breakdown, amounts of adjustments) of a customer's live orders placed from ``since``
    and before ``until``, oldest first."""
    return rows(
        connection,
        """SELECT o.number, o.placed_at, o.method, d.breakdown,
                  (SELECT json_agg(a.amounts ORDER BY a.sequence) FROM order_adjustment a WHERE a.order_id = o.id)
           FROM shop_order o JOIN order_document d ON d.order_id = o.id
           WHERE o.shop = %(shop)s AND o.customer_id = %(customer)s AND o.customer_id <> ''
             AND o.method = ANY(%(methods)b::text[]) AND o.state <> 'cancelled'
             AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
           ORDER BY o.placed_at, o.id""",
        {"shop": shop, "customer": customer, "methods": list(methods), "since": since, "until": until},
    )
