"""SendGrid's signed event webhook: ECDSA over timestamp and body; several events a request, in no order (mail-bounces.md 4)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field, field_validator

from pipelines.bounces.reasons import bounced, complained
from pipelines.bounces.report import Finding, Kind, Reason, Report
from workers.bounces.provider import Heard, MailProvider, digest_of, original_of, text_of, unread
from workers.http.signing import SignatureRefused
from workers.web.body import parse_proven

if TYPE_CHECKING:  # the library is loaded by those who have a key: it is large
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_SIGNATURE: Final = "x-twilio-email-event-webhook-signature"
_TIMESTAMP: Final = "x-twilio-email-event-webhook-timestamp"
#: Why SendGrid did not even try.
_DROPPED: Final = {"Bounced Address": Reason.NO_SUCH_USER, "Invalid": Reason.NO_SUCH_USER}


class Settings(BaseModel):
    """Whose events are believed."""

    sendgrid_webhook_key: str = Field(default="", description="the verification key that SendGrid shows, base64")

    @field_validator("sendgrid_webhook_key")
    @classmethod
    def _is_key(cls, given: str) -> str:
        if given:
            _key(given)
        return given


def read(headers: Mapping[str, str], body: bytes, settings: Settings, now: datetime) -> Sequence[Heard]:
    """The failures among the events, and what is no event; what else they tell is passed over."""
    verify(settings.sendgrid_webhook_key, headers, body)
    told, fault = parse_proven(body)
    if fault is not None:
        return [unread(digest_of(body), fault)]
    return list(_heard(told if isinstance(told, list) else [told]))


def verify(key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise SignatureRefused unless ``key`` signed timestamp and body."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    signed, timestamp = headers.get(_SIGNATURE, ""), headers.get(_TIMESTAMP, "")
    if not signed or not timestamp:
        raise SignatureRefused(f"The headers {_SIGNATURE} and {_TIMESTAMP} are needed.")
    try:
        signature = base64.b64decode(signed, validate=True)
        _key(key).verify(signature, timestamp.encode() + body, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        raise SignatureRefused(f"{_SIGNATURE} is not that of the body.") from None


def _key(given: str) -> EllipticCurvePublicKey:
    """The key; raises ValueError for what is none."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = load_der_public_key(base64.b64decode(given, validate=True))
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("is no key of an elliptic curve")
    return key


def _heard(events: Sequence[Any]) -> Iterator[Heard]:
    for one in events:
        finding, event_id = (
            _finding(one),
            text_of(one, "sg_event_id") or digest_of(json.dumps(one, sort_keys=True).encode()),
        )
        if finding is not None:
            yield Heard(event_id, Report(original_of(text_of(one, "smtp-id")), [finding]))
        elif not isinstance(one, dict):
            yield unread(event_id, "It is no event of SendGrid.")


def _finding(event: Any) -> Finding | None:
    kind, address = text_of(event, "event"), text_of(event, "email")
    status, said = text_of(event, "status"), text_of(event, "reason") or text_of(event, "response")
    if kind == "bounce":
        refused = text_of(event, "type") == "blocked"
        return bounced(address, Kind.BOUNCE, status, said, otherwise=Reason.BLOCKED if refused else Reason.NO_SUCH_USER)
    if kind == "dropped":
        if said == "Spam Reporting Address":
            return complained(address, "abuse")
        return bounced(address, Kind.BOUNCE, status, said, otherwise=_DROPPED.get(said, Reason.UNDEFINED))
    if kind == "deferred":
        return bounced(address, Kind.DELAY, status, said, otherwise=Reason.THROTTLED)
    return complained(address, "abuse") if kind == "spamreport" else None


MAIL_PROVIDER = MailProvider("sendgrid", Settings, read)
