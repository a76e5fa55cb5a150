"""Documents of orders as they are issued, looked for and let go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.document import StoredDocument
from models.store.statement import claim, columns, execute, fetch, insert, one, scalars, writer

_COUNTER = """
INSERT INTO document_counter (shop, kind, last) VALUES (%(shop)s, %(kind)s, 1)
ON CONFLICT (shop, kind) DO UPDATE SET last = document_counter.last + 1 RETURNING last
"""


def next_number(connection: Connection, shop: str, kind: str) -> int:
    """The next number of a shop's documents of a kind, from 1. Whoever asks too waits until this transaction ends; one that is
    rolled back has taken none."""
    return int(scalars(connection, _COUNTER, {"shop": shop, "kind": kind})[0])


_ALONE = """
INSERT INTO document_counter (shop, kind, last) VALUES (%(shop)s, %(kind)s, 0)
ON CONFLICT (shop, kind) DO UPDATE SET last = document_counter.last
"""


def alone(connection: Connection, shop: str, kind: str) -> None:
    """Wait until nobody else issues a document of the kind for the shop, and let nobody until this transaction ends."""
    execute(connection, _ALONE, {"shop": shop, "kind": kind})


class NewDocumentRow(NamedTuple):
    """A document that is issued now."""

    public_id: str
    key: str
    shop: str
    kind: str
    sequence: int
    copy: int
    number: str
    order_id: int | None
    subject: str
    content: Mapping[str, Any]
    file: bytes
    digest: bytes
    transaction_on: date
    amount: int | None
    issued_by: str
    issued_at: datetime


add = writer(NewDocumentRow, insert(NewDocumentRow, StoredDocument))


class IssuedRow(NamedTuple):
    """A document that was issued; its bytes are read apart."""

    public_id: str
    shop: str
    kind: str
    sequence: int
    copy: int
    number: str
    order_id: int | None
    subject: str
    transaction_on: date
    amount: int | None
    issued_by: str
    issued_at: datetime


_OF_ORDER = f"SELECT {columns(IssuedRow)} FROM document WHERE order_id = %(id)s ORDER BY id"


def of_order(connection: Connection, order_id: int) -> list[IssuedRow]:
    """Every document of the order, as they were issued."""
    return fetch(connection, IssuedRow, _OF_ORDER, {"id": order_id})


_OF_NO_ORDER = f"""
SELECT {columns(IssuedRow)} FROM document
WHERE shop = %(shop)s AND kind = %(kind)s AND subject = %(subject)s AND order_id IS NULL ORDER BY copy
"""


def of_no_order(connection: Connection, shop: str, kind: str, subject: str) -> list[IssuedRow]:
    """A shop's documents of a kind about what is no single order, the first first."""
    return fetch(connection, IssuedRow, _OF_NO_ORDER, {"shop": shop, "kind": kind, "subject": subject})


class AskedRow(NamedTuple):
    """The document that a request was answered with."""

    public_id: str
    shop: str
    order_id: int | None
    kind: str
    subject: str
    number: str
    copy: int


def claim_key(connection: Connection, key: str) -> None:
    """Wait for whoever else answers the request ``key`` just now, and let nobody until this transaction ends."""
    claim(connection, f"document {key}")


_BY_KEY = f"SELECT {columns(AskedRow)} FROM document WHERE key = %(key)s"


def by_key(connection: Connection, key: str) -> AskedRow | None:
    """What the request ``key`` was answered with; None if it was not."""
    return one(connection, AskedRow, _BY_KEY, {"key": key})


class FileRow(NamedTuple):
    """The bytes of a document, and what they are; empty once they are no longer kept."""

    shop: str
    kind: str
    number: str
    transaction_on: date
    amount: int | None
    issuer: str | None
    title: str | None
    file: bytes
    digest: bytes


_FILE = f"""
SELECT {columns(FileRow, issuer="content->'issuer'->>'name'", title="content->>'title'")} FROM document WHERE public_id = %(id)s
"""


def file_of(connection: Connection, public_id: str) -> FileRow | None:
    """The document of that id; None if there is none."""
    return one(connection, FileRow, _FILE, {"id": public_id})


_CONTENT = "SELECT content FROM document WHERE public_id = %(id)s"


def content_of(connection: Connection, public_id: str) -> Mapping[str, Any]:
    """What is printed on a document, as data; empty once it is no longer kept."""
    found: Mapping[str, Any] = scalars(connection, _CONTENT, {"id": public_id})[0]
    return found


_SEQUENCE = "SELECT sequence FROM document WHERE public_id = %(id)s"


def sequence_of(connection: Connection, public_id: str) -> int:
    """The number that a document shares with its copies."""
    return int(scalars(connection, _SEQUENCE, {"id": public_id})[0])


class FoundRow(NamedTuple):
    """A document that was looked for; ``order`` is the storefront's number, empty where it is of no single order, ``partner``
    whom it is made out to."""

    public_id: str
    shop: str
    kind: str
    number: str
    order: str
    partner: str | None
    transaction_on: date
    amount: int | None
    issued_by: str
    issued_at: datetime


_FIND = """
SELECT d.public_id, d.shop, d.kind, d.number, coalesce(o.number, ''), d.content->'addressee'->>'name', d.transaction_on, d.amount, d.issued_by,
       d.issued_at
FROM document d LEFT JOIN shop_order o ON o.id = d.order_id
WHERE d.shop = %(shop)s AND (%(since)s::date IS NULL OR d.transaction_on >= %(since)s)
  AND (%(until)s::date IS NULL OR d.transaction_on <= %(until)s)
  AND (%(least)s::int IS NULL OR d.amount >= %(least)s) AND (%(most)s::int IS NULL OR d.amount <= %(most)s)
  AND (%(partner)s::text IS NULL OR position(%(partner)s in d.content->'addressee'->>'name') > 0)
  AND (%(order)s::text IS NULL OR o.number = %(order)s)
ORDER BY d.id LIMIT %(limit)s
"""


def find(
    connection: Connection,
    shop: str,
    *,
    order: str | None = None,
    since: date | None = None,
    until: date | None = None,
    least: int | None = None,
    most: int | None = None,
    partner: str | None = None,
    limit: int = 1000,
) -> list[FoundRow]:
    """Documents of a shop by day of the transaction, amount in yen and partner, each a range and any of them together."""
    told = {"shop": shop, "order": order, "since": since, "until": until, "least": least, "most": most}
    return fetch(connection, FoundRow, _FIND, {**told, "partner": partner, "limit": limit})


_END = """
UPDATE document SET file = '', content = '{}' WHERE order_id = ANY(%(ids)b::bigint[]) AND octet_length(file) > 0
"""


def end(connection: Connection, orders: Sequence[int]) -> int:
    """Let go of what the orders' documents say; that they were issued, and under which numbers, stays."""
    return execute(connection, _END, {"ids": list(orders)})
