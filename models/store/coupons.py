"""Coupons that customers' orders use, and what made them come back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.coupon import CouponUse
from models.store.statement import fetch, insert, reader, values, writer


class CouponKey(NamedTuple):
    """A customer's coupon, by its code without its spelling."""

    shop: str
    customer_id: str
    code_key: str


used = reader(
    CouponKey,
    f"""SELECT u.shop, u.customer_id, u.code_key FROM {values(CouponKey, CouponUse)}
        JOIN coupon_use u USING (shop, customer_id, code_key) WHERE u.returned_at IS NULL""",
    CouponKey,
)


class OrderCouponRow(NamedTuple):
    """A coupon that an order uses; ``unpaid`` is how often other orders of the customer gave the same one back because
    they were not paid for."""

    order_id: int
    code_key: str
    kind: str
    unpaid: int


def of_orders(connection: Connection, ids: Sequence[int], unpaid: Sequence[str]) -> list[OrderCouponRow]:
    """Coupons that the orders used and did not give back; ``unpaid`` are the reason codes that are counted."""
    return fetch(
        connection,
        OrderCouponRow,
        """SELECT u.order_id, u.code_key, u.kind, (
             SELECT count(*)::int FROM coupon_use e
             WHERE e.shop = u.shop AND e.customer_id = u.customer_id AND e.code_key = u.code_key
               AND e.returned_because = ANY(%(unpaid)b::text[]))
           FROM coupon_use u
           WHERE u.order_id = ANY(%(ids)b::bigint[]) AND u.returned_at IS NULL ORDER BY u.order_id, u.code_key""",
        {"ids": list(ids), "unpaid": list(unpaid)},
    )


class BackCouponRow(NamedTuple):
    """A coupon that an order gave back; ``spent``: it was good once, and another order of the customer uses it now."""

    order_id: int
    code_key: str
    spent: bool


def given_back(connection: Connection, ids: Sequence[int], because: Sequence[str]) -> list[BackCouponRow]:
    """Coupons that the orders gave back for one of the reason codes ``because``."""
    return fetch(
        connection,
        BackCouponRow,
        """SELECT u.order_id, u.code_key, u.once AND EXISTS (
             SELECT FROM coupon_use e WHERE e.shop = u.shop AND e.customer_id = u.customer_id AND e.code_key = u.code_key
               AND e.once AND e.returned_at IS NULL)
           FROM coupon_use u
           WHERE u.order_id = ANY(%(ids)b::bigint[]) AND u.returned_because = ANY(%(because)b::text[])
           ORDER BY u.order_id, u.code_key""",
        {"ids": list(ids), "because": list(because)},
    )


class CouponUseRow(NamedTuple):
    """A coupon that an order uses; ``once``: the customer may use its code in no other order."""

    shop: str
    customer_id: str
    code_key: str
    order_id: int
    kind: str
    once: bool
    at: datetime


_IN_ORDER: Final = "shop, customer_id, code_key"
#: Coupons of orders that come in: fewer are written where one was used up meanwhile.
add = writer(
    CouponUseRow,
    insert(
        CouponUseRow,
        CouponUse,
        order_by=_IN_ORDER,
        conflict="(shop, customer_id, code_key) WHERE once AND returned_at IS NULL DO NOTHING",
    ),
)
#: Coupons of orders that were priced again. One that another order used up meanwhile is refused by the database, and the
#: order is decided again.
put = writer(
    CouponUseRow,
    insert(
        CouponUseRow,
        CouponUse,
        order_by=_IN_ORDER,
        conflict="""(order_id, code_key) DO UPDATE SET kind = excluded.kind, once = excluded.once,
            at = CASE WHEN coupon_use.returned_at IS NULL THEN coupon_use.at ELSE excluded.at END,
            returned_at = NULL, returned_because = NULL""",
    ),
)


class ReturnedCouponRow(NamedTuple):
    """A coupon that an order, cancelled or priced again, uses no longer, with the reason code."""

    order_id: int
    code_key: str
    returned_because: str
    returned_at: datetime


give_back = writer(
    ReturnedCouponRow,
    f"""UPDATE coupon_use t SET returned_at = v.returned_at, returned_because = v.returned_because
        FROM {values(ReturnedCouponRow, CouponUse)}
        WHERE t.order_id = v.order_id AND t.code_key = v.code_key AND t.returned_at IS NULL""",
)


class CouponAgainRow(NamedTuple):
    """A coupon that an order gave back and uses after all."""

    order_id: int
    code_key: str


#: One that was good once and that another order uses meanwhile is refused by the database, and the order is decided again.
use_again = writer(
    CouponAgainRow,
    f"""UPDATE coupon_use t SET returned_at = NULL, returned_because = NULL
        FROM {values(CouponAgainRow, CouponUse)} WHERE t.order_id = v.order_id AND t.code_key = v.code_key""",
)
