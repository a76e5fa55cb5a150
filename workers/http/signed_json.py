"""Signed JSON that comes in: proven by Standard Webhooks over the raw bytes first, then read, whatever JSON it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from workers.http.signing import ID, SIGNATURE, TIMESTAMP, SignatureRefused, verify
from workers.web.body import parse_told


def read_signed(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> tuple[str, object, str | None]:
    """The webhook-id, what the body says, and why it cannot be acted on, if it cannot (``workers.web.body.parse_told``).

    ``headers`` by name, those that were sent more than once joined by a comma and a space; ``now`` (aware) is real time.
    Raises SignatureRefused, then NotJson (400).
    """
    return (proven(headers, body, secrets, now), *parse_told(body))


def proven(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """The webhook-id of what is signed, whatever it says; as `read_signed`. Raises SignatureRefused."""
    if any(", " in headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE)):
        raise SignatureRefused("A signature header was sent more than once.")
    return verify(secrets, headers, body, now=int(now.timestamp()))
