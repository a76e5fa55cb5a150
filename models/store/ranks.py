"""Ranks and what decides them, set-based: spend by customer and day, histories, and who is to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.rank import CustomerRank
from models.store.customers import CustomerKey
from models.store.statement import columns, fetch, insert, reader, values


class SpendRow(NamedTuple):
    """Yen that a customer's orders of a day count for ranks, and the last of these orders."""

    shop: str
    customer_id: str
    day: date
    spend: int
    order_id: int


#: Frozen with the order, less what was taken out since; a cancelled order counts nothing. From ``since`` on, oldest first.
spend_by_day = reader(
    CustomerKey,
    f"""SELECT o.shop, o.customer_id, (o.placed_at AT TIME ZONE 'Asia/Tokyo')::date AS day,
               sum((d.breakdown->>'rank_spend')::bigint - coalesce(a.gone, 0))::bigint AS spend, max(o.id) AS order_id
        FROM shop_order o JOIN order_document d ON d.order_id = o.id
        CROSS JOIN LATERAL (SELECT sum(rank_spend) AS gone FROM order_adjustment WHERE order_id = o.id) a
        WHERE o.state <> 'cancelled' AND o.customer_id <> '' AND o.placed_at >= %(since)s
          AND (o.shop, o.customer_id) IN (SELECT * FROM {values(CustomerKey, CustomerRank)})
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    SpendRow,
)


class StandingRow(NamedTuple):
    """An entry of a customer's history: the rank from a day on."""

    shop: str
    customer_id: str
    rank: str
    previous: str
    from_on: date
    cause: str
    spend: int


#: Oldest first.
histories = reader(
    CustomerKey,
    f"""SELECT {columns(StandingRow, "r")} FROM customer_rank r
        WHERE (r.shop, r.customer_id) IN (SELECT * FROM {values(CustomerKey, CustomerRank)})
        ORDER BY r.shop, r.customer_id, r.from_on, r.id""",
    StandingRow,
)


class CustomerDay(NamedTuple):
    """A customer on a day."""

    shop: str
    customer_id: str
    day: date


class DayRankRow(NamedTuple):
    """The rank in force on a day."""

    shop: str
    customer_id: str
    day: date
    rank: str


#: For those that have a history by then.
on_days = reader(
    CustomerDay,
    f"""SELECT DISTINCT ON (v.shop, v.customer_id, v.day) v.shop, v.customer_id, v.day, r.rank
        FROM {values(CustomerDay, CustomerRank, day="date")}
        JOIN customer_rank r ON r.shop = v.shop AND r.customer_id = v.customer_id AND r.from_on <= v.day
        ORDER BY v.shop, v.customer_id, v.day, r.from_on DESC, r.id DESC""",
    DayRankRow,
)


def buyers(connection: Connection, shops: Sequence[str], since: datetime) -> list[CustomerKey]:
    """Customers with an order that was accepted or changed from ``since`` on."""
    return fetch(
        connection,
        CustomerKey,
        """SELECT o.shop, o.customer_id FROM shop_order o
           WHERE o.shop = ANY(%(shops)b::text[]) AND o.customer_id <> ''
             AND (o.accepted_at >= %(since)s
                  OR EXISTS (SELECT FROM order_adjustment a WHERE a.order_id = o.id AND a.at >= %(since)s)
                  OR EXISTS (SELECT FROM order_repricing p WHERE p.order_id = o.id AND p.at >= %(since)s))
           GROUP BY 1, 2 ORDER BY 1, 2""",
        {"shops": list(shops), "since": since},
    )


def cancelled(connection: Connection, shops: Sequence[str], since: datetime) -> list[CustomerKey]:
    """Customers with a history of ranks, of whose orders one was cancelled from ``since`` on."""
    return fetch(
        connection,
        CustomerKey,
        """SELECT DISTINCT o.shop, o.customer_id FROM customer_rank r
           JOIN shop_order o ON o.shop = r.shop AND o.customer_id = r.customer_id AND o.customer_id <> ''
           WHERE r.shop = ANY(%(shops)b::text[]) AND o.state = 'cancelled'
             AND EXISTS (SELECT FROM transition t WHERE t.order_id = o.id AND t.entity = 'order'
                         AND t.to_state = 'cancelled' AND t.at >= %(since)s)
           ORDER BY 1, 2""",
        {"shops": list(shops), "since": since},
    )


class ShopDay(NamedTuple):
    """A shop on a day."""

    shop: str
    day: date


#: Customers whose newest entry begins before the day given for the shop, or on it by a purchase of the eve.
ranked_before = reader(
    ShopDay,
    f"""SELECT r.shop, r.customer_id FROM customer_rank r JOIN {values(ShopDay, CustomerRank, day="date")} USING (shop)
        GROUP BY r.shop, r.customer_id, v.day
        HAVING max(r.from_on) < v.day OR (max(r.from_on) = v.day AND bool_and(r.from_on < v.day OR r.cause = 'spend'))
        ORDER BY 1, 2""",
    CustomerKey,
)


class NewRankRow(NamedTuple):
    """An entry to keep; ``order_id`` is the order that reached the threshold, if one did."""

    shop: str
    customer_id: str
    rank: str
    previous: str
    from_on: date
    cause: str
    spend: int
    order_id: int | None
    at: datetime


class KeptRankRow(NamedTuple):
    """An entry that was new."""

    order_id: int | None
    cause: str


add = reader(
    NewRankRow,
    insert(
        NewRankRow,
        CustomerRank,
        order_by="shop, customer_id, from_on",
        conflict="(shop, customer_id, from_on, rank) DO NOTHING",
        returning=columns(KeptRankRow),
    ),
    KeptRankRow,
)


class PromotionRow(NamedTuple):
    """A rise that an order brought its customer."""

    order_id: int
    previous: str
    rank: str
    from_on: date


_PROMOTIONS = f"""
SELECT {columns(PromotionRow, "r")} FROM customer_rank r LEFT JOIN customer c ON c.shop = r.shop AND c.id = r.customer_id
WHERE r.order_id = ANY(%(ids)b::bigint[]) AND r.cause = 'spend' AND c.withdrawn_at IS NULL AND c.mail_consent IS NOT FALSE
ORDER BY r.id
"""


def promotions(connection: Connection, ids: Sequence[int]) -> list[PromotionRow]:
    """The rises that the orders brought, to tell of: not to customers who want no mails beside those of their orders (CON-02),
    or withdrew (CON-06)."""
    return fetch(connection, PromotionRow, _PROMOTIONS, {"ids": list(ids)})
