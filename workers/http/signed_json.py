"""Signed JSON that comes in: proven by Standard Webhooks over the raw bytes first, then read strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from workers.http.signing import ID, SIGNATURE, TIMESTAMP, SignatureRefused, verify
from workers.web.body import parse_json


def read_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> tuple[str, object]:
    """The webhook-id and what the body says.

    ``headers`` by name, those that were sent more than once joined by a comma and a space; ``now`` (aware) is real time.
    Raises SignatureRefused, then BadBody(400).
    """
    return proven(headers, body, secrets, now), parse_json(body)


def proven(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """The webhook-id of what is signed, whatever it says; as `read_signed`. Raises SignatureRefused."""
    if any(", " in headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE)):
        raise SignatureRefused("A signature header was sent more than once.")
    return verify(secrets, headers, body, now=int(now.timestamp()))
