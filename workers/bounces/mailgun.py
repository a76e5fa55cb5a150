"""Mailgun's webhooks (mail-bounces.md 4): the signature is of a timestamp and a token, not of what is told.

So the token is the event's id: what comes under one that was kept already changes nothing, whatever it says. Mailgun repeats for eight
hours under the first timestamp.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from pipelines.bounces.reasons import bounced, complained
from pipelines.bounces.report import Finding, Kind, Reason, Report
from workers.bounces.provider import Heard, MailProvider, original_of, text_of, unread
from workers.http.signing import SignatureRefused
from workers.web.body import parse_told

_OLDEST: Final = 9 * 3600
"""Seconds for which a timestamp counts."""
_AHEAD: Final = 300
_REASONS: Final = {"suppress-bounce": Reason.NO_SUCH_USER, "bounce": Reason.UNDEFINED, "old": Reason.UNREACHABLE}


class Settings(BaseModel):
    """Whose events are believed."""

    mailgun_webhook_key: str = Field(default="", repr=False, description="the HTTP webhook signing key")


def read(headers: Mapping[str, str], body: bytes, settings: Settings, now: datetime) -> Sequence[Heard]:
    """The one event in ``body``; what is no failure is kept as no report, so that its token counts once."""
    told, fault = parse_told(body)
    token = verify(settings.mailgun_webhook_key, told, int(now.timestamp()))
    if fault is not None:
        return [unread(token, fault)]
    event = told.get("event-data") if isinstance(told, dict) else None
    finding = _finding(event)
    message_id = text_of(event, "message", "headers", "message-id")
    return [Heard(token, Report(original_of(message_id), [finding] if finding else []))]


def verify(key: str, told: Any, now: int) -> str:
    """The token, once ``key`` signed it; raises SignatureRefused."""
    timestamp, token = text_of(told, "signature", "timestamp"), text_of(told, "signature", "token")
    given = text_of(told, "signature", "signature")
    expected = hmac.digest(key.encode(), (timestamp + token).encode("utf-8", "surrogatepass"), hashlib.sha256).hex()
    if not token or not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass")):
        raise SignatureRefused("signature is not that of the timestamp and token.")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureRefused("timestamp must be whole seconds since 1970.")
    if not -_OLDEST <= int(timestamp) - now <= _AHEAD:
        raise SignatureRefused("timestamp is too far from this server's time.")
    return token


def _finding(event: Any) -> Finding | None:
    kind, address = text_of(event, "event"), text_of(event, "recipient")
    if kind == "complained":
        return complained(address, "abuse")
    if kind != "failed":
        return None
    if text_of(event, "reason") == "suppress-complaint":
        return complained(address, "abuse")
    said = text_of(event, "delivery-status", "message") or text_of(event, "delivery-status", "description")
    status = text_of(event, "delivery-status", "enhanced-code") or text_of(event, "delivery-status", "code")
    failed = Kind.BOUNCE if text_of(event, "severity") == "permanent" else Kind.DELAY
    return bounced(address, failed, status, said, otherwise=_REASONS.get(text_of(event, "reason"), Reason.UNDEFINED))


MAIL_PROVIDER = MailProvider("mailgun", Settings, read)
