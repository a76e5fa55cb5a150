"""Clients' Idempotency-Keys and the requests they stand for."""

from __future__ import annotations

from typing import NamedTuple

from models.inbox import IdempotencyKey
from models.store.statement import columns, insert, reader, values, writer


class ClientKey(NamedTuple):
    """A key that a client sent."""

    client_id: int
    key: str


class KeyRow(NamedTuple):
    """A key that was used, and for what."""

    client_id: int
    key: str
    request_hash: bytes
    shop: str
    number: str


known = reader(
    ClientKey,
    f"""SELECT {columns(KeyRow, "k")} FROM {values(ClientKey, IdempotencyKey)}
        JOIN idempotency_key k USING (client_id, key)""",
    KeyRow,
)
#: Fewer are written where one was used meanwhile.
add = writer(KeyRow, insert(KeyRow, IdempotencyKey, order_by="client_id, key", conflict="(client_id, key) DO NOTHING"))
