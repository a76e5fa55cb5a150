"""Clients of the interface: who may ask, whose webhooks are checked, who listens and who ships."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.partner import Client
from models.store.statement import columns, execute, fetch, insert, reader, values, writer


class KeyRow(NamedTuple):
    """A key that was shown, as its hash."""

    key_hash: bytes


class CallerRow(NamedTuple):
    """A client that asks, by the key it showed; ``shops`` empty means every shop."""

    shown: bytes
    id: int
    kind: str
    name: str
    shops: Sequence[str]
    requests_per_minute: int | None
    orders_per_minute: int | None
    burst_seconds: int | None


#: Who showed the keys, at a moment ``now`` of the Clock: none that were revoked, and a replaced one while it counts.
by_keys = reader(
    KeyRow,
    f"""
    SELECT {columns(CallerRow, "c", shown="v.key_hash")} FROM {values(KeyRow, Client)}
    JOIN client c ON c.key_hash = v.key_hash OR (c.old_key_hash = v.key_hash AND c.old_until > %(now)s)
    WHERE c.revoked_at IS NULL
    """,
    CallerRow,
)


class NameRow(NamedTuple):
    """A client as others name it; one of each kind and name at a time."""

    kind: str
    name: str


class PartnerRow(NamedTuple):
    """A client whose webhooks are checked; its secrets newest first, those behind the newest until ``old_until``."""

    id: int
    kind: str
    name: str
    shops: Sequence[str]
    webhook_secrets: Sequence[str]
    old_until: datetime | None
    requests_per_minute: int | None
    burst_seconds: int | None


#: The clients of these names, unless they were revoked.
by_names = reader(
    NameRow,
    f"""
    SELECT {columns(PartnerRow, "c")} FROM {values(NameRow, Client)}
    JOIN client c ON c.kind = v.kind AND c.name = v.name WHERE c.revoked_at IS NULL
    """,
    PartnerRow,
)


class SupplierRow(NamedTuple):
    """A supplier and how it is reached."""

    name: str
    url: str | None
    mail: str | None
    webhook_secrets: Sequence[str]
    old_until: datetime | None


_SUPPLIERS = f"SELECT {columns(SupplierRow)} FROM client WHERE kind = 'supplier' AND revoked_at IS NULL"


def suppliers(connection: Connection) -> list[SupplierRow]:
    """Suppliers that registered. Few rows, whatever the batch."""
    return fetch(connection, SupplierRow, _SUPPLIERS)


class ListenerRow(NamedTuple):
    """A storefront that hears events; ``shops`` empty means every shop."""

    id: int
    shops: Sequence[str]


_LISTENERS = f"""
SELECT {columns(ListenerRow)} FROM client WHERE kind = 'storefront' AND url IS NOT NULL AND revoked_at IS NULL
"""


def listeners(connection: Connection) -> list[ListenerRow]:
    """The storefronts that registered a URL for events."""
    return fetch(connection, ListenerRow, _LISTENERS)


class NewClientRow(NamedTuple):
    """A client as it is made."""

    kind: str
    name: str
    shops: Sequence[str]
    key_hash: bytes
    webhook_secrets: Sequence[str]
    url: str | None
    mail: str | None


#: Nothing is added where a client of that kind and name stands.
add = writer(NewClientRow, insert(NewClientRow, Client, conflict="(kind, name) WHERE revoked_at IS NULL DO NOTHING"))


class ListedRow(NamedTuple):
    """A client as it is shown to those who keep the house: no key, no secret."""

    id: int
    kind: str
    name: str
    shops: Sequence[str]
    url: str | None
    mail: str | None
    requests_per_minute: int | None
    orders_per_minute: int | None
    burst_seconds: int | None
    recorded_at: datetime
    old_until: datetime | None
    revoked_at: datetime | None


_LISTED = f"SELECT {columns(ListedRow)} FROM client ORDER BY revoked_at IS NOT NULL, kind, name, id"


def listed(connection: Connection) -> list[ListedRow]:
    """Every client there is or was, those that count first."""
    return fetch(connection, ListedRow, _LISTED)


_NAMED = f"""
SELECT {columns(ListedRow)} FROM client WHERE name = %(name)s AND revoked_at IS NULL ORDER BY kind FOR UPDATE
"""


def named(connection: Connection, name: str) -> list[ListedRow]:
    """The clients of any kind that have this name and count; they stay as they are until the transaction ends."""
    return fetch(connection, ListedRow, _NAMED, {"name": name})


class ReplacedRow(NamedTuple):
    """A client's new key and secret; those it had count until ``old_until``."""

    id: int
    key_hash: bytes
    secret: str
    old_until: datetime


_REPLACE = """
UPDATE client SET old_key_hash = key_hash, key_hash = %(key_hash)s, old_until = %(old_until)s,
                  webhook_secrets = ARRAY[%(secret)s, webhook_secrets[1]]
WHERE id = %(id)s
"""


def replace(connection: Connection, row: ReplacedRow) -> None:
    """Give a client a new key and secret."""
    execute(connection, _REPLACE, row._asdict())


def revoke(connection: Connection, client: int, now: datetime) -> None:
    """Let a client count for nothing from ``now`` on."""
    execute(connection, "UPDATE client SET revoked_at = %(now)s WHERE id = %(id)s", {"id": client, "now": now})


def reach(connection: Connection, client: int, url: str | None, mail: str | None) -> None:
    """Where a client is reached from now on; None for nowhere."""
    execute(
        connection,
        "UPDATE client SET url = %(url)s, mail = %(mail)s WHERE id = %(id)s",
        {"id": client, "url": url, "mail": mail},
    )


class LimitsRow(NamedTuple):
    """How much a client may ask from now on; None for what every client may."""

    id: int
    requests_per_minute: int | None
    orders_per_minute: int | None
    burst_seconds: int | None


_LIMIT = """
UPDATE client SET requests_per_minute = %(requests_per_minute)s, orders_per_minute = %(orders_per_minute)s,
                  burst_seconds = %(burst_seconds)s
WHERE id = %(id)s
"""


def limit(connection: Connection, row: LimitsRow) -> None:
    """Let a client ask as much as ``row`` says."""
    execute(connection, _LIMIT, row._asdict())
