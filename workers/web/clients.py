"""Who is asking: Bearer keys, of which only the hash is stored, and webhook secrets.

Nothing is remembered: a key that is revoked counts for nothing from that moment on, in every process. Requests that come in
while others are looked up are looked up together, so that many of them cost one statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from models.database import glance
from models.store import clients
from models.store.clients import KeyRow, NameRow
from pipelines.ports import Clock
from workers.allowance import Allowance
from workers.grouping import Group
from workers.http.signing import standing
from workers.patience import patiently


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that proved who it is. ``shops`` empty means every shop."""

    id: int
    kind: str
    name: str
    shops: tuple[str, ...]
    may: Allowance

    def sees(self, shop: str) -> bool:
        """Whether this client may know of ``shop``."""
        return not self.shops or shop in self.shops


@dataclass(frozen=True, slots=True)
class Partner:
    """A client whose webhooks are checked: its shops and those of its secrets that count, newest first."""

    id: int
    may: Allowance
    shops: tuple[str, ...]
    secrets: Sequence[str]


def hash_key(key: str) -> bytes:
    """What is stored of a key. Keys are 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class Clients:
    """Looks clients up, as they stand in the database and by the Clock at that moment."""

    def __init__(self, engine: Engine, clock: Clock, may: Allowance) -> None:
        """``may``: how much a client may ask that has no limits of its own."""
        self._engine = engine
        self._clock = clock
        self.may = may
        self._callers = Group(self._find_callers)
        self._partners = Group(self._find_partners)

    async def caller(self, header: str | None) -> Caller | None:
        """The client of an Authorization header; None for no, a malformed or an unknown key, and for one that was revoked or
        whose time after it was replaced is over."""
        key_hash = _bearer(header)
        return None if key_hash is None else await self._callers.submit(key_hash)

    async def partner(self, kind: str, name: str) -> Partner | None:
        """The partner whose webhooks come in under ``name``."""
        if "\x00" in name:
            return None  # the database would not even look for it
        return await self._partners.submit(NameRow(kind, name))

    def _find_callers(self, keys: Sequence[bytes]) -> list[Caller | None]:
        asked = [KeyRow(key) for key in set(keys)]

        def look() -> dict[bytes, Caller]:
            with glance(self._engine) as connection:
                rows = clients.by_keys(connection, asked, now=self._clock.now())
            return {
                bytes(row.shown): Caller(
                    row.id,
                    row.kind,
                    row.name,
                    tuple(row.shops),
                    self._allowed(row.requests_per_minute, row.orders_per_minute, row.burst_seconds),
                )
                for row in rows
            }

        found = patiently(lambda again: look())
        return [found.get(key) for key in keys]

    def _find_partners(self, names: Sequence[NameRow]) -> list[Partner | None]:
        asked = list(set(names))

        def look() -> dict[NameRow, Partner]:
            with glance(self._engine) as connection:
                rows = clients.by_names(connection, asked)
            now = self._clock.now()
            return {
                NameRow(row.kind, row.name): Partner(
                    row.id,
                    self._allowed(row.requests_per_minute, None, row.burst_seconds),
                    tuple(row.shops),
                    tuple(standing(row.webhook_secrets, row.old_until, now)),
                )
                for row in rows
            }

        found = patiently(lambda again: look())
        return [found.get(name) for name in names]

    def _allowed(self, *own: int | None) -> Allowance:
        return Allowance(*(each if mine is None else mine for mine, each in zip(own, self.may, strict=True)))


def _bearer(header: str | None) -> bytes | None:
    scheme, _, key = (header or "").partition(" ")
    return hash_key(key.strip()) if scheme.lower() == "bearer" and key.strip() else None
