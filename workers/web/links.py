"""Links that open one page to whoever was sent them: no account, no password, a signed subject and an end.

A token is the base64url of HMAC-SHA256 (its first 128 bits), the end in Unix seconds and the subject. The key is derived
from the installation's secret (``SHUKKA_LINK_SECRET``) and the purpose, so that a token for one kind of page opens no
other. Of several secrets, separated by commas, the first signs and all open; one that is taken out revokes its links.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as entropy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pipelines.errors import Misconfigured, NotFound

LEAST_SECRET: Final = 32
"""Characters of a secret: fewer could be guessed."""
_MAC_BYTES: Final = 16
_END_BYTES: Final = 6
_FILE: Final = "link_secret"


@dataclass(frozen=True, slots=True)
class Links:
    """What signs links and opens them; ``base`` is where customers reach the web process, without a slash at its end."""

    secrets: Sequence[str] = field(repr=False)
    base: str

    def token(self, purpose: str, subject: str, until: datetime) -> str:
        """What opens the page of ``purpose`` about ``subject`` before ``until`` (aware); the same for the same three."""
        told = int(until.timestamp()).to_bytes(_END_BYTES, "big") + subject.encode()
        return base64.urlsafe_b64encode(_mac(self.secrets[0], purpose, told) + told).decode().rstrip("=")

    def url(self, path: str, purpose: str, subject: str, until: datetime) -> str:
        """The whole link: ``base``, ``path`` (``/r/``) and the token."""
        return f"{self.base}{path}{self.token(purpose, subject, until)}"

    def subject(self, purpose: str, token: str, now: datetime) -> str:
        """What the page of ``purpose`` is about. Raises NotFound, always the same, for a token that was forged, has ended at
        ``now`` (aware), is for another purpose, or whose secret was taken out."""
        whole = _bytes(token)
        mac, told = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
        proven = [hmac.compare_digest(mac, _mac(secret, purpose, told)) for secret in self.secrets]
        if not any(proven) or int.from_bytes(told[:_END_BYTES], "big") <= now.timestamp():
            raise NotFound
        return told[_END_BYTES:].decode()


def read_links(secrets: str | None, base: str | None, data: Path) -> Links | None:
    """The links of an installation: the settings' ``secrets``, else the one that ``shukka up`` keeps in ``data``; None for
    neither, or without a ``base``. Raises Misconfigured for a secret that could be guessed."""
    given = [one.strip() for one in (secrets or kept_secret(data) or "").split(",") if one.strip()]
    if any(len(one) < LEAST_SECRET for one in given):
        raise Misconfigured(
            "SHUKKA_LINK_SECRET", f"it needs {LEAST_SECRET} characters, as `openssl rand -hex 32` gives"
        )
    return Links(given, base.rstrip("/")) if given and base else None


def kept_secret(data: Path) -> str | None:
    """The secret that the data directory keeps; None for none that this user may read."""
    try:
        return (data / _FILE).read_text(encoding="ascii").strip()
    except OSError:
        return None


def keep_secret(data: Path) -> str:
    """The secret in the data directory, made where there is none; readable by its owner alone. To rotate it, remove the
    file and start again: links that were sent open nothing any more."""
    if known := kept_secret(data):
        return known
    secret = new_secret()
    path = data / _FILE
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n", encoding="ascii")
    return secret


def new_secret() -> str:
    """A fresh secret of 256 random bits."""
    return entropy.token_hex(32)


def _mac(secret: str, purpose: str, told: bytes) -> bytes:
    key = hmac.digest(secret.encode(), f"shukka link {purpose}".encode(), hashlib.sha256)
    return hmac.digest(key, told, hashlib.sha256)[:_MAC_BYTES]


def _bytes(token: str) -> bytes:
    """What a token spells in its one spelling; nothing for what is no token."""
    try:
        whole = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    return whole if base64.urlsafe_b64encode(whole).decode().rstrip("=") == token else b""
