"""Clients of the interface: who may ask, whose webhooks are checked, who listens and who ships."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, fetch, one


class ClientRow(NamedTuple):
    """A client that asks; ``shops`` empty means every shop."""

    id: int
    kind: str
    name: str
    shops: Sequence[str]


_BY_KEY = f"SELECT {columns(ClientRow)} FROM client WHERE key_hash = %(hash)s AND revoked_at IS NULL"


def by_key(connection: Connection, key_hash: bytes) -> ClientRow | None:
    """The client of a key, unless it was revoked."""
    return one(connection, ClientRow, _BY_KEY, {"hash": key_hash})


class PartnerRow(NamedTuple):
    """A client whose webhooks are checked; its secrets newest first."""

    id: int
    shops: Sequence[str]
    webhook_secrets: Sequence[str]


_BY_NAME = f"""
SELECT {columns(PartnerRow)} FROM client WHERE kind = %(kind)s AND name = %(name)s AND revoked_at IS NULL
"""


def by_name(connection: Connection, kind: str, name: str) -> PartnerRow | None:
    """The client of a kind and name, unless it was revoked."""
    return one(connection, PartnerRow, _BY_NAME, {"kind": kind, "name": name})


class SupplierRow(NamedTuple):
    """A supplier and how it is reached."""

    name: str
    url: str | None
    mail: str | None
    webhook_secrets: Sequence[str]


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
