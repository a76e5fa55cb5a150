"""Erasures: who is to be forgotten, what must have ended before, and the statements that replace personal data.

What is replaced and what stays is listed in docs/security.md; a test looks for every piece of it in the whole database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.customer import CustomerMark
from models.effect import Effect, Mail
from models.erasure import Erasure
from models.hold import OrderHold
from models.search import PERSONAL
from models.store.customers import CustomerKey
from models.store.deposits import OF_STATEMENT
from models.store.inbox import ERASED
from models.store.statement import columns, execute, fetch, insert, one, scalars, update, values, writer


class ErasureRow(NamedTuple):
    """An erasure as it stands."""

    id: int
    shop: str
    customer_id: str
    asked_at: datetime
    asked_by: str
    try_at: datetime
    waits_for: Sequence[Mapping[str, str]]
    done_at: datetime | None
    erased: Mapping[str, int]


class NewErasureRow(NamedTuple):
    """Somebody is to be forgotten."""

    shop: str
    customer_id: str
    asked_at: datetime
    asked_by: str
    try_at: datetime


#: The first wish stands; a second changes nothing.
add = writer(
    NewErasureRow,
    insert(
        NewErasureRow,
        Erasure,
        constants={"waits_for": "'[]'", "erased": "'{}'"},
        conflict="(shop, customer_id) DO NOTHING",
    ),
)

_ERASURE = f"SELECT {columns(ErasureRow)} FROM erasure WHERE shop = %(shop)s AND customer_id = %(id)s FOR UPDATE"


def erasure(connection: Connection, key: CustomerKey) -> ErasureRow | None:
    """The customer's erasure, which others leave alone until the transaction ends; None if nobody asked for one."""
    return one(connection, ErasureRow, _ERASURE, {"shop": key.shop, "id": key.customer_id})


_ASKED = "SELECT EXISTS (SELECT FROM erasure WHERE shop = %(shop)s AND customer_id = %(id)s)"


def is_asked(connection: Connection, key: CustomerKey) -> bool:
    """Whether somebody asked for the customer to be forgotten. While the customer's balance is locked nobody begins to."""
    return bool(scalars(connection, _ASKED, {"shop": key.shop, "id": key.customer_id})[0])


_DUE = """
SELECT e.shop, e.customer_id FROM erasure e
WHERE (e.done_at IS NULL OR e.waits_for <> '[]'::jsonb) AND e.try_at <= %(now)s
UNION
SELECT e.shop, e.customer_id
FROM shop_order o JOIN erasure e ON e.shop = o.shop AND e.customer_id = o.customer_id JOIN order_document d ON d.order_id = o.id
WHERE o.accepted_at >= %(since)s AND o.customer_id <> '' AND e.done_at IS NOT NULL AND e.try_at <= %(now)s
  AND d.document->'customer'->>'email' <> ''
LIMIT %(limit)s
"""


def due(connection: Connection, now: datetime, since: datetime, limit: int) -> list[CustomerKey]:
    """Whom to forget now: those who were to wait until now, and those of whom an order came in ``since`` although they had
    been forgotten. One that is tried, or set to wait, is not found again."""
    return fetch(connection, CustomerKey, _DUE, {"now": now, "since": since, "limit": limit})


class ErasureEndRow(NamedTuple):
    """How far an erasure came; None keeps what stands."""

    id: int
    try_at: datetime
    waits_for: Sequence[Mapping[str, str]]
    done_at: datetime | None
    erased: Mapping[str, int]


change = writer(ErasureEndRow, update(ErasureEndRow, Erasure, by=("id",)))


class OrderOfRow(NamedTuple):
    """An order of the customer: what it says, and why it cannot be erased yet, if it cannot."""

    id: int
    number: str
    customer: Mapping[str, Any]
    ship_to: Mapping[str, Any]
    remarks: str
    open: str | None


#: SQL: what is due of the order ``o``; of one that was cancelled not the wait for its money, since nothing comes of it any more.
_STILL_DUE: Final = """work w WHERE w.order_id = o.id
              AND NOT (o.state = 'cancelled' AND w.stage = 'authorize' AND coalesce(w.what, '') = 'customer.money')"""
#: SQL: why nothing of the order ``o`` may be erased yet, NULL if all of it has ended. An event that its storefront never took names nobody.
OPEN: Final = f"""CASE WHEN o.condition <> 'done' THEN 'it is ' || o.condition
            WHEN EXISTS (SELECT FROM {_STILL_DUE})
              THEN 'something is waited for: ' || (SELECT string_agg(coalesce(w.what, w.stage), ', ') FROM {_STILL_DUE})
            WHEN EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.state IN ('pending', 'needs_review')
                         AND (e.state, e.kind) <> ('needs_review', 'storefront.event'))
              OR EXISTS (SELECT FROM effect_item i WHERE i.order_id = o.id AND i.state IN ('pending', 'needs_review'))
              THEN 'something is under way outside'
            WHEN EXISTS (SELECT FROM mail m WHERE m.order_id = o.id AND m.state = 'queued') THEN 'a mail is on its way'
            WHEN EXISTS (SELECT FROM inbox_event i WHERE i.order_id = o.id AND i.state = 'pending') THEN 'an event waits' END"""
_ORDERS = f"""
SELECT o.id, o.number, d.document->'customer', d.document->'ship_to', d.document->>'remarks', {OPEN}
FROM shop_order o JOIN order_document d ON d.order_id = o.id
WHERE o.shop = %(shop)s AND o.customer_id = %(id)s AND o.customer_id <> '' ORDER BY o.id
"""


def orders_of(connection: Connection, key: CustomerKey) -> list[OrderOfRow]:
    """Every order of the customer."""
    return fetch(connection, OrderOfRow, _ORDERS, {"shop": key.shop, "id": key.customer_id})


_ADDRESSES = "SELECT before FROM order_readdressing WHERE order_id = ANY(%(ids)b::bigint[])"


def former_addresses(connection: Connection, orders: Sequence[int]) -> list[Mapping[str, Any]]:
    """Where the orders were to go before."""
    return scalars(connection, _ADDRESSES, {"ids": list(orders)})


#: SQL: whether a mail of an order, ``m``, went to its customer, wherever that was then; not to a supplier or a store.
_TO_CUSTOMER: Final = "m.template NOT LIKE 'supplier\\_%%' AND m.template <> 'store_notice'"
_MAILED = f"""
SELECT DISTINCT m.envelope_to FROM mail m
WHERE m.order_id = ANY(%(ids)b::bigint[]) AND m.copy_of IS NULL AND m.envelope_to <> '' AND {_TO_CUSTOMER}
"""


def mailed_to(connection: Connection, orders: Sequence[int]) -> list[str]:
    """The addresses at which their customers had mails of the orders; not where a person had one sent again."""
    return scalars(connection, _MAILED, {"ids": list(orders)})


#: What is left of an order's document: what was sold, when, and into which prefecture.
_DOCUMENT: Final = """
UPDATE order_document SET document = (document::jsonb || jsonb_build_object(
  'customer', document::jsonb->'customer' || '{"name": "", "email": ""}',
  'ship_to', document::jsonb->'ship_to'
             || '{"name": "", "postal_code": "", "city": "", "line1": "", "line2": "", "phone": ""}',
  'payment', document::jsonb->'payment' || '{"token": null}',
  'delivery', document::jsonb->'delivery' || '{"slot": null}',
  'remarks', ''))::json
WHERE order_id = ANY(%(ids)b::bigint[]) AND document->'customer'->>'email' <> ''
"""
_NAMES_CUSTOMER: Final = f"(m.envelope_to = ANY(%(emails)b::text[]) OR {_TO_CUSTOMER})"
#: By what is counted: the statement that replaces personal data of the orders ``ids``. What has ended is not read again.
_OF_ORDERS: Final[Mapping[str, str]] = {
    "orders": _DOCUMENT,
    "addresses": """UPDATE order_readdressing SET before = (before::jsonb
                    || '{"name": "", "postal_code": "", "city": "", "line1": "", "line2": "", "phone": ""}')::json, reason = ''
                    WHERE order_id = ANY(%(ids)b::bigint[]) AND before->>'line1' <> ''""",
    "mails": f"""UPDATE mail m SET packed = NULL, envelope_to = CASE WHEN {_NAMES_CUSTOMER} THEN '' ELSE m.envelope_to END
                WHERE m.order_id = ANY(%(ids)b::bigint[]) AND m.state <> 'queued'
                  AND (m.packed IS NOT NULL OR (m.envelope_to <> '' AND {_NAMES_CUSTOMER}))""",
    "events": f"""UPDATE inbox_event SET body = '{ERASED}', reason = CASE WHEN reason IS NOT NULL THEN 'erased' END,
                    state = CASE WHEN state = 'quarantined' THEN 'ignored' ELSE state END
                  WHERE order_id = ANY(%(ids)b::bigint[]) AND state <> 'pending' AND body <> '{ERASED}'""",
    "payments": """UPDATE payment SET token = NULL, instructions = NULL
                   WHERE order_id = ANY(%(ids)b::bigint[]) AND (token IS NOT NULL OR instructions IS NOT NULL)""",
    "return_photos": "DELETE FROM return_photo WHERE order_id = ANY(%(ids)b::bigint[])",
    "terms": f"DELETE FROM order_term WHERE order_id = ANY(%(ids)b::bigint[]) AND left(term, 1) = ANY(string_to_array('{PERSONAL}', NULL))",
    "refund_accounts": "DELETE FROM refund_account WHERE order_id = ANY(%(ids)b::bigint[])",
    "notes": "UPDATE order_note SET text = '' WHERE order_id = ANY(%(ids)b::bigint[]) AND text <> ''",
    "outputs": """UPDATE effect_output t SET content = ''
                  WHERE octet_length(content) > 0 AND effect_id IN (
                    SELECT id FROM effect WHERE order_id = ANY(%(ids)b::bigint[])
                    UNION SELECT effect_id FROM effect_item WHERE order_id = ANY(%(ids)b::bigint[]))""",
    "files": """UPDATE supplier_file SET content = ''
                WHERE order_ids && %(ids)b::bigint[] AND octet_length(content) > 0""",
}


def erase_orders(connection: Connection, orders: Sequence[int], emails: Sequence[str]) -> dict[str, int]:
    """Replace what the orders say of a person; how many rows of what."""
    told = {"ids": list(orders), "emails": list(emails)}
    return {what: execute(connection, statement, told) for what, statement in _OF_ORDERS.items()} if orders else {}


#: Texts of people about an order, by table and the column that names the order.
_TEXTS: Final = (
    ("transition", "cause", "order_id"),
    ("order_adjustment", "reason", "order_id"),
    ("order_repricing", "reason", "order_id"),
    ("return_request", "answer", "order_id"),
    ("shipment", "reason", "order_id"),
    ("work", "error", "order_id"),
    ("review_note", "says", "order_id"),
)


class PieceRow(NamedTuple):
    """Something that names a person, in what is said of an order."""

    order_id: int
    piece: str


_REPLACED: Final = tuple(
    writer(
        PieceRow,
        f"""UPDATE {table} t SET {column} = replace(t.{column}, v.piece, '…')
            FROM {values(PieceRow, OrderHold, piece="text")} WHERE t.{key} = v.order_id AND position(v.piece in t.{column}) > 0""",
    )
    for table, column, key in _TEXTS
)


def replace_in_texts(connection: Connection, pieces: Sequence[PieceRow]) -> int:
    """Take the pieces, one an order, out of what people wrote about the orders; of how many texts."""
    return sum(replace(connection, pieces) for replace in _REPLACED)


def replace_in_reasons(connection: Connection, key: CustomerKey, piece: str) -> int:
    """Take ``piece`` out of why the customer's points are held; of how many reasons."""
    return execute(
        connection,
        """UPDATE point_hold SET reason = replace(reason, %(piece)s, '…')
           WHERE shop = %(shop)s AND customer_id = %(id)s AND position(%(piece)s in reason) > 0""",
        {"shop": key.shop, "id": key.customer_id, "piece": piece},
    )


class FactsRow(NamedTuple):
    """What a hold of an order says."""

    id: int
    order_id: int
    facts: Mapping[str, Any]


def facts_of(connection: Connection, orders: Sequence[int]) -> list[FactsRow]:
    """What the holds of the orders say."""
    statement = f"SELECT {columns(FactsRow)} FROM order_hold WHERE order_id = ANY(%(ids)b::bigint[])"
    return fetch(connection, FactsRow, statement, {"ids": list(orders)})


change_facts = writer(FactsRow, update(FactsRow, OrderHold, by=("id", "order_id")))


class ExchangedRow(NamedTuple):
    """What an effect of an order was asked with, and its outcome."""

    id: int
    order_id: int
    payload: Mapping[str, Any]
    outcome: Mapping[str, Any] | None


def exchanged(connection: Connection, orders: Sequence[int]) -> list[ExchangedRow]:
    """What was asked of the world for the orders."""
    statement = f"SELECT {columns(ExchangedRow)} FROM effect WHERE order_id = ANY(%(ids)b::bigint[])"
    return fetch(connection, ExchangedRow, statement, {"ids": list(orders)})


change_exchanged = writer(ExchangedRow, update(ExchangedRow, Effect, by=("id", "order_id")))


class StrayMailRow(NamedTuple):
    """A mail that is about no order."""

    id: int
    packed: bytes


_STRAY = """
SELECT id, packed FROM mail
WHERE order_id IS NULL AND envelope_to = ANY(%(emails)b::text[]) AND packed IS NOT NULL AND state <> 'queued'
"""


def stray_mails(connection: Connection, emails: Sequence[str]) -> list[StrayMailRow]:
    """Mails to one of the addresses that are about no order."""
    return fetch(connection, StrayMailRow, _STRAY, {"emails": list(emails)})


class MailIdRow(NamedTuple):
    """A mail."""

    id: int


erase_mails = writer(
    MailIdRow,
    f"UPDATE mail t SET packed = NULL, envelope_to = '' FROM {values(MailIdRow, Mail)} WHERE t.id = v.id",
)

#: Events that are about no order and refused orders, by who or what they name; money that no order has stays
#: (``deposits.erase_payers``). Each pattern is of a text within JSON.
_STRAY_EVENTS = f"""
UPDATE inbox_event SET body = '{ERASED}', reason = 'erased', state = CASE WHEN state = 'quarantined' THEN 'ignored' ELSE state END
WHERE order_id IS NULL AND state <> 'pending' AND NOT {OF_STATEMENT}
  AND EXISTS (SELECT FROM unnest(%(marks)b::text[]) m WHERE position(m in lower(body::text)) > 0)
"""
_REFUSED = """
UPDATE refused_order SET document = jsonb_build_object('shop', shop, 'number', number)
WHERE document <> jsonb_build_object('shop', shop, 'number', number)
  AND ((shop = %(shop)s AND document->'customer'->>'id' = %(id)s)
       OR EXISTS (SELECT FROM unnest(%(marks)b::text[]) m WHERE position(m in lower(document::text)) > 0))
"""


def erase_strays(connection: Connection, key: CustomerKey, marks: Sequence[str]) -> dict[str, int]:
    """Replace events of no order, and refused orders, that name the customer; ``marks`` are texts in small letters that are
    nobody else's, as JSON writes them."""
    told = {"shop": key.shop, "id": key.customer_id, "marks": list(marks)}
    return {
        "stray_events": execute(connection, _STRAY_EVENTS, told),
        "refused_orders": execute(connection, _REFUSED, told),
    }


#: The account itself; from ``email_told_at`` on no order changes it.
_ACCOUNT = """
UPDATE customer SET email = '', mailbox = '', email_told_at = %(now)s, name = '', birth_date = NULL, registered_at = NULL,
  mail_consent = false, postal_stop = true, withdrawn_at = coalesce(withdrawn_at, %(now)s), allowed_methods = NULL
WHERE shop = %(shop)s AND id = %(id)s AND (withdrawn_at IS NULL OR email <> '' OR name <> '' OR birth_date IS NOT NULL)
"""
#: Codes that nobody can enter any more. One that an order has used stays, as the order's own.
_CODES = """
UPDATE posted_coupon SET code = 'erased-' || id, code_key = 'erased-' || id
WHERE shop = %(shop)s AND customer_id = %(id)s AND used_order_id IS NULL AND code <> 'erased-' || id
"""
_MARKS = f"DELETE FROM {CustomerMark.__tablename__} WHERE shop = %(shop)s AND customer_id = %(id)s"


def erase_account(connection: Connection, key: CustomerKey, now: datetime) -> dict[str, int]:
    """Leave of an account its number alone, as one that was withdrawn; how many rows of what."""
    told = {"shop": key.shop, "id": key.customer_id, "now": now}
    statements = {"accounts": _ACCOUNT, "coupons": _CODES, "marks": _MARKS}
    return {what: execute(connection, statement, told) for what, statement in statements.items()}
