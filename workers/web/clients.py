"""Who is asking: Bearer keys, of which only the hash is stored, and webhook secrets."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Engine

from models.store import clients

Key = TypeVar("Key")
Found = TypeVar("Found")

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


class _Lately(Generic[Key, Found]):
    """What was found in the last seconds."""

    def __init__(self) -> None:
        self._found: dict[Key, tuple[float, Found]] = {}

    def get(self, key: Key) -> Found | None:
        until, found = self._found.get(key, (0.0, None))
        return found if time.monotonic() < until else None

    def put(self, key: Key, found: Found | None) -> Found | None:
        """Remember ``found``, or forget what is there no longer."""
        if found is None:
            self._found.pop(key, None)
        else:
            self._found[key] = (time.monotonic() + REMEMBERED, found)
        return found


class Clients:
    """Looks clients up, remembering for some seconds those it found."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._callers = _Lately[bytes, Caller]()
        self._partners = _Lately[tuple[str, str], Partner]()

    def known_caller(self, header: str | None) -> Caller | None:
        """The client of an Authorization header, if it was looked up lately."""
        return self._callers.get(_bearer(header) or b"")

    def caller(self, header: str | None) -> Caller | None:
        """The client of an Authorization header; None for no, a malformed or an unknown key."""
        key_hash = _bearer(header)
        if key_hash is None:
            return None
        with self._engine.connect() as connection:
            row = clients.by_key(connection, key_hash)
        return self._callers.put(key_hash, row and Caller(row.id, row.kind, row.name, tuple(row.shops)))

    def known_partner(self, kind: str, name: str) -> Partner | None:
        """The partner, if it was looked up lately."""
        return self._partners.get((kind, name))

    def partner(self, kind: str, name: str) -> Partner | None:
        """The partner whose webhooks come in under ``name``."""
        if "\x00" in name:
            return None  # the database would not even look for it
        if (found := self.known_partner(kind, name)) is not None:
            return found
        with self._engine.connect() as connection:
            row = clients.by_name(connection, kind, name)
        return self._partners.put((kind, name), row and Partner(tuple(row.shops), tuple(row.webhook_secrets)))


def _bearer(header: str | None) -> bytes | None:
    scheme, _, key = (header or "").partition(" ")
    return hash_key(key.strip()) if scheme.lower() == "bearer" and key.strip() else None
