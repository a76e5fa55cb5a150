"""Who is asking: Bearer keys, of which only the hash is stored, and webhook secrets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from models.store import clients

#: Seconds a key that was found is remembered; a revoked one stops working after that long at the latest.
REMEMBERED = 10.0


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that proved who it is. ``shops`` empty means every shop."""

    id: int
    kind: str
    name: str
    shops: tuple[str, ...]

    def sees(self, shop: str) -> bool:
        """Whether this client may know of ``shop``."""
        return not self.shops or shop in self.shops


@dataclass(frozen=True, slots=True)
class Partner:
    """A client whose webhooks are checked: its shops and its secrets, newest first."""

    shops: tuple[str, ...]
    secrets: Sequence[str]


def hash_key(key: str) -> bytes:
    """What is stored of a key. Keys are 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class Clients:
    """Looks clients up, remembering for some seconds those it found."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._callers: dict[bytes, tuple[float, Caller]] = {}
        self._partners: dict[tuple[str, str], tuple[float, Partner]] = {}

    def known_caller(self, header: str | None) -> Caller | None:
        """The client of an Authorization header, if it was looked up lately."""
        found = self._callers.get(_bearer(header) or b"")
        return found[1] if found and time.monotonic() - found[0] < REMEMBERED else None

    def caller(self, header: str | None) -> Caller | None:
        """The client of an Authorization header; None for no, a malformed or an unknown key."""
        key_hash = _bearer(header)
        if key_hash is None:
            return None
        with self._engine.connect() as connection:
            row = clients.by_key(connection, key_hash)
        if row is None:
            self._callers.pop(key_hash, None)
            return None
        caller = Caller(row.id, row.kind, row.name, tuple(row.shops))
        self._callers[key_hash] = (time.monotonic(), caller)
        return caller

    def partner(self, kind: str, name: str) -> Partner | None:
        """The partner whose webhooks come in under ``name``."""
        if "\x00" in name:
            return None  # the database would not even look for it
        found = self._partners.get((kind, name))
        if found and time.monotonic() - found[0] < REMEMBERED:
            return found[1]
        with self._engine.connect() as connection:
            row = clients.by_name(connection, kind, name)
        if row is None:
            self._partners.pop((kind, name), None)
            return None
        partner = Partner(tuple(row.shops), tuple(row.webhook_secrets))
        self._partners[kind, name] = (time.monotonic(), partner)
        return partner

    def known_partner(self, kind: str, name: str) -> Partner | None:
        """The partner, if it was looked up lately."""
        found = self._partners.get((kind, name))
        return found[1] if found and time.monotonic() - found[0] < REMEMBERED else None


def _bearer(header: str | None) -> bytes | None:
    scheme, _, key = (header or "").partition(" ")
    return hash_key(key.strip()) if scheme.lower() == "bearer" and key.strip() else None
