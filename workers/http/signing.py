"""Signing and verifying webhooks as the Standard Webhooks specification says (version 1, HMAC-SHA256).

What is signed is ``<webhook-id>.<webhook-timestamp>.<body>`` with the body's bytes as they travel, so a body is
verified before anything parses it. A secret is ``whsec_`` and base64; while one is being replaced, the sender signs
with both and the receiver accepts either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as entropy
from collections.abc import Mapping, Sequence
from datetime import datetime

from pipelines.errors import Misconfigured, ShukkaError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_VERSION = "v1"
WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,255}")
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureRefused(ShukkaError):
    """A webhook is not proven to come from a holder of the secret, or not proven to be recent (HTTP 401).

    ``reason`` is one sentence for the sender; it tells nothing about the secret or the expected signature.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def new_secret() -> str:
    """A fresh secret of 256 random bits: ``whsec_<base64>``."""
    return _PREFIX + base64.b64encode(entropy.token_bytes(_SECRET_BYTES)).decode("ascii")


def derived_secret(purpose: str, key: str) -> str:
    """The secret that both who have ``key`` know for a ``purpose``, the same whenever it is asked for."""
    digest = hmac.digest(key.encode(), purpose.encode(), hashlib.sha256)
    return _PREFIX + base64.b64encode(digest).decode("ascii")


def standing(secrets: Sequence[str], old_until: datetime | None, now: datetime) -> Sequence[str]:
    """Those of ``secrets``, newest first, that count at ``now``: the ones that were replaced until ``old_until``."""
    return secrets if old_until is not None and now < old_until else secrets[:1]


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The signature ``v1,<base64>`` of ``body``; ``timestamp`` in Unix seconds.

    Raises Misconfigured for a secret that is none.
    """
    content = f"{webhook_id}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return f"{_VERSION},{base64.b64encode(digest).decode('ascii')}"


def signed_headers(secrets: Sequence[str], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of an outgoing webhook, signed once with each of ``secrets``."""
    signatures = " ".join(sign(secret, webhook_id, timestamp, body) for secret in secrets)
    return {ID: webhook_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: int, tolerance: int = 300) -> str:
    """The ``webhook-id``, once any signature in ``headers`` is that of any of ``secrets`` and at most ``tolerance``
    seconds lie between its timestamp and ``now`` (Unix seconds).

    Header names match in any case. Signatures of other versions are passed over. Raises SignatureRefused for whatever
    a sender can get wrong, Misconfigured for a secret of ours that is none.
    """
    webhook_id, timestamp, given = _announced(headers, now, tolerance)
    expected = [sign(secret, webhook_id, timestamp, body) for secret in secrets]
    # No early end: which secret or which signature matched must not show in the time this takes.
    matches = [hmac.compare_digest(theirs, ours) for theirs in given.split(" ") for ours in expected]
    if not any(matches):
        raise SignatureRefused(f"No signature in {SIGNATURE} matches the body.")
    return webhook_id


def check_announced(headers: Mapping[str, str], *, now: int, tolerance: int = 300) -> None:
    """Raise SignatureRefused for what ``verify`` would refuse whatever the body is, so that nobody waits for one."""
    _announced(headers, now, tolerance)


def _announced(headers: Mapping[str, str], now: int, tolerance: int) -> tuple[str, int, str]:
    """The webhook's id, timestamp and signatures, if the timestamp is recent."""
    webhook_id, timestamp, given = _read(headers)
    if abs(now - timestamp) > tolerance:
        raise SignatureRefused(f"{TIMESTAMP} is more than {tolerance} seconds away from this server's time.")
    return webhook_id, timestamp, given


def _read(headers: Mapping[str, str]) -> tuple[str, int, str]:
    """The webhook's id, timestamp and signatures; raises SignatureRefused unless each is there once and well-formed."""
    found: dict[str, str] = {}
    for raw_name, value in headers.items():
        name = raw_name.lower()
        if name not in (ID, TIMESTAMP, SIGNATURE):
            continue
        if name in found:
            raise SignatureRefused(f"The header {name} was sent more than once.")
        found[name] = value
    for name in (ID, TIMESTAMP, SIGNATURE):
        if not found.get(name):
            raise SignatureRefused(f"The header {name} is missing.")
    if not WEBHOOK_ID.fullmatch(found[ID]):
        raise SignatureRefused(f"{ID} must be 1 to 255 visible ASCII characters.")
    if not _UNIX_SECONDS.fullmatch(found[TIMESTAMP]):
        raise SignatureRefused(f"{TIMESTAMP} must be whole seconds since 1970.")
    if not found[SIGNATURE].isascii():
        raise SignatureRefused(f"{SIGNATURE} must be {_VERSION},<base64>.")
    return found[ID], int(found[TIMESTAMP]), found[SIGNATURE]


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or not secret.startswith(_PREFIX):
        raise Misconfigured("webhook secret", f"it must be {_PREFIX} followed by base64; make a new one")
    return key
