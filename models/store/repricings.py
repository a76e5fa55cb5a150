"""Orders that were priced again: their new sums, and the old ones that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.order import OrderDocument, ShopOrder
from models.repricing import OrderRepricing
from models.store.statement import columns, fetch, values, writer


class BasisRow(NamedTuple):
    """What pricing an order again goes by: how often it was done, the customer's rank on the day of purchase, and keys of
    the coupons that the customer's other orders used and did not give back."""

    order_id: int
    times: int
    rank: str | None
    used_coupons: Sequence[str]


def bases(connection: Connection, ids: Sequence[int]) -> list[BasisRow]:
    """What pricing the orders again goes by."""
    return fetch(
        connection,
        BasisRow,
        """SELECT o.id, (SELECT count(*)::int FROM order_repricing p WHERE p.order_id = o.id),
                  (SELECT r.rank FROM customer_rank r
                   WHERE r.shop = o.shop AND r.customer_id = o.customer_id
                     AND r.from_on <= (o.placed_at AT TIME ZONE 'Asia/Tokyo')::date
                   ORDER BY r.from_on DESC, r.id DESC LIMIT 1),
                  ARRAY(SELECT u.code_key FROM coupon_use u
                        WHERE u.shop = o.shop AND u.customer_id = o.customer_id AND u.returned_at IS NULL
                          AND u.order_id <> o.id)
           FROM shop_order o WHERE o.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


class NewRepricingRow(NamedTuple):
    """The sums of an order that hold from now on; yen."""

    order_id: int
    sequence: int
    key: str
    reason: str
    by: str
    breakdown: Mapping[str, Any]
    grand_total: int
    at: datetime


add = writer(
    NewRepricingRow,
    f"""WITH v AS (SELECT * FROM {values(NewRepricingRow, OrderRepricing, OrderDocument, ShopOrder)}),
        orders AS (UPDATE shop_order o SET grand_total = v.grand_total FROM v WHERE o.id = v.order_id),
        due AS (UPDATE payment p SET amount = v.grand_total FROM v WHERE p.order_id = v.order_id),
        sums AS (UPDATE order_document d SET breakdown = v.breakdown::json FROM v WHERE d.order_id = v.order_id)
        INSERT INTO order_repricing (order_id, sequence, key, reason, by, before, at)
        SELECT v.order_id, v.sequence, v.key, v.reason, v.by, d.breakdown, v.at
        FROM v JOIN order_document d ON d.order_id = v.order_id""",
)


class RepricingRow(NamedTuple):
    """One time that an order was priced again, and the total that held before it; yen."""

    reason: str
    by: str
    at: datetime
    grand_total_before: int


_OF_ORDER = f"""
SELECT {columns(RepricingRow, grand_total_before="(before->>'grand_total')::int")} FROM order_repricing
WHERE order_id = %(id)s ORDER BY sequence
"""


def of_order(connection: Connection, order_id: int) -> list[RepricingRow]:
    """The times that the order was priced again, first to last."""
    return fetch(connection, RepricingRow, _OF_ORDER, {"id": order_id})
