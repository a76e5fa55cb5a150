"""Customers of shops: who they are and where they are reached, and what of their past later orders must know (INT-14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.customer import Customer, CustomerMark
from models.store.statement import columns, execute, fetch, insert, one, reader, values, writer


class CustomerKey(NamedTuple):
    """A customer of a shop."""

    shop: str
    customer_id: str


class MarkRow(NamedTuple):
    """Something that later orders of a customer must know of; ``source`` makes it count once."""

    shop: str
    customer_id: str
    kind: str
    source: str
    at: datetime


_marks = f"""
SELECT {columns(MarkRow, "m")} FROM customer_mark m
JOIN (SELECT DISTINCT * FROM {values(CustomerKey, CustomerMark)}) AS v USING (shop, customer_id)
WHERE m.at >= %(since)s
"""
#: The marks of customers that were made from ``since`` on.
marks = reader(CustomerKey, _marks, MarkRow)
add_marks = writer(MarkRow, insert(MarkRow, CustomerMark, conflict="(source, kind) DO NOTHING"))


class MemberRow(NamedTuple):
    """What an order says of its customer; an empty email says nothing."""

    shop: str
    id: str
    email: str
    mailbox: str
    name: str
    locale: str
    known_since: datetime


#: Keeps customers that are new, and what is new of those whose address the storefront never told by itself; each is named once.
remember = writer(
    MemberRow,
    f"""INSERT INTO customer AS c ({columns(MemberRow)})
        SELECT {columns(MemberRow, "v")} FROM {values(MemberRow, Customer)}
        LEFT JOIN customer k ON k.shop = v.shop AND k.id = v.id
        WHERE k.id IS NULL OR (v.email <> '' AND k.email_told_at IS NULL
          AND (k.email, k.mailbox, k.name, k.locale) IS DISTINCT FROM (v.email, v.mailbox, v.name, v.locale))
        ORDER BY v.shop, v.id
        ON CONFLICT (shop, id) DO UPDATE SET email = excluded.email, mailbox = excluded.mailbox, name = excluded.name,
          locale = excluded.locale
        WHERE excluded.email <> '' AND c.email_told_at IS NULL""",
)


class CustomerRow(NamedTuple):
    """A customer as it stands; empty texts and None are not known."""

    shop: str
    id: str
    email: str
    mailbox: str
    email_told_at: datetime | None
    name: str
    locale: str
    birth_date: date | None
    registered_at: datetime | None
    known_since: datetime
    postal_stop: bool
    mail_consent: bool | None
    withdrawn_at: datetime | None
    allowed_methods: Sequence[str] | None


_CUSTOMER: Final = f"SELECT {columns(CustomerRow)} FROM customer WHERE shop = %(shop)s AND id = %(id)s"


def customer(connection: Connection, shop: str, customer_id: str, *, lock: bool = False) -> CustomerRow | None:
    """A customer, or None for one nobody knows; ``lock`` keeps others from changing it until the transaction ends."""
    statement = f"{_CUSTOMER} FOR NO KEY UPDATE" if lock else _CUSTOMER
    return one(connection, CustomerRow, statement, {"shop": shop, "id": customer_id})


_CHANGE: Final = f"""
UPDATE customer SET {", ".join(f"{name} = %({name})s" for name in CustomerRow._fields if name not in ("shop", "id"))}
WHERE shop = %(shop)s AND id = %(id)s
"""


def change(connection: Connection, row: CustomerRow) -> None:
    """Let a customer, who was read under its lock, be ``row``."""
    chosen = row.allowed_methods
    execute(connection, _CHANGE, {**row._asdict(), "allowed_methods": None if chosen is None else list(chosen)})


class AccountRow(NamedTuple):
    """What decides whether an order of a customer may come in, and with which methods."""

    shop: str
    customer_id: str
    withdrawn_at: datetime | None
    allowed_methods: Sequence[str] | None


#: Those of the customers that are known.
accounts = reader(
    CustomerKey,
    f"""SELECT {columns(AccountRow, "c", customer_id="c.id")} FROM customer c
        JOIN (SELECT DISTINCT * FROM {values(CustomerKey, CustomerMark)}) AS v ON v.shop = c.shop AND v.customer_id = c.id""",
    AccountRow,
)


class MailboxRow(NamedTuple):
    """A mailbox at a shop (INT-01)."""

    shop: str
    mailbox: str


class OwnerRow(NamedTuple):
    """An account that has a mailbox."""

    shop: str
    mailbox: str
    customer_id: str


#: The accounts that have one of the mailboxes; those that were withdrawn have none.
owners = reader(
    MailboxRow,
    f"""SELECT {columns(OwnerRow, "c", customer_id="c.id")} FROM customer c
        JOIN (SELECT DISTINCT * FROM {values(MailboxRow, Customer)}) AS v USING (shop, mailbox)
        WHERE c.mailbox <> '' AND c.withdrawn_at IS NULL ORDER BY 1, 2, 3""",
    OwnerRow,
)


class _LockedRow(NamedTuple):
    locked: str


_lock_mailboxes = reader(
    MailboxRow,
    f"""SELECT pg_advisory_xact_lock(k.key)::text FROM (
          SELECT DISTINCT hashtextextended(v.shop || chr(10) || v.mailbox, 0) AS key FROM {values(MailboxRow, Customer)}
          ORDER BY 1) k""",
    _LockedRow,
)


def lock_mailboxes(connection: Connection, mailboxes: Sequence[MailboxRow]) -> None:
    """Let nobody else give these mailboxes to accounts until the transaction ends. Before any balance is locked."""
    _lock_mailboxes(connection, mailboxes)


class ToldRow(NamedTuple):
    """What the storefront told of a customer that mails go by: the address since when, and when the customer withdrew."""

    shop: str
    customer_id: str
    email: str
    email_told_at: datetime | None
    withdrawn_at: datetime | None


#: Of the customers those whose address the storefront told by itself, and those who withdrew.
told = reader(
    CustomerKey,
    f"""SELECT {columns(ToldRow, "c", customer_id="c.id")} FROM customer c
        JOIN (SELECT DISTINCT * FROM {values(CustomerKey, CustomerMark)}) AS v ON v.shop = c.shop AND v.customer_id = c.id
        WHERE (c.email_told_at IS NOT NULL AND c.email <> '') OR c.withdrawn_at IS NOT NULL""",
    ToldRow,
)


class GoodsRow(NamedTuple):
    """Goods that left for a customer, and the product that the storefront named for them."""

    sku: str
    product: str | None


_SHIPPED_GOODS = """
SELECT DISTINCT l.sku, (SELECT said->>'product' FROM json_array_elements(d.document->'lines') said
                        WHERE said->>'line' = l.line LIMIT 1)
FROM shop_order o JOIN order_line l ON l.order_id = o.id JOIN order_document d ON d.order_id = o.id
WHERE o.shop = %(shop)s AND o.customer_id = %(id)s AND l.shipped > 0
"""


def shipped_goods(connection: Connection, shop: str, customer: str) -> list[GoodsRow]:
    """What of the customer's orders has left (PTS-10)."""
    return fetch(connection, GoodsRow, _SHIPPED_GOODS, {"shop": shop, "id": customer})
