"""Amazon SES through SNS: bounces and complaints as notifications or as published events (mail-bounces.md 4).

SES gives each mail a Message-ID of its own: switch "include original headers" on, so that ours is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field

from pipelines.bounces.reasons import bounced, complained
from pipelines.bounces.report import Finding, Kind, Original, Reason, Report
from workers.bounces.provider import Heard, MailProvider, original_of, rows_of, softened, text_of, unread
from workers.http.signing import SignatureRefused
from workers.http.sns import Messages
from workers.web.body import NotJson, parse_proven, parse_told

_MESSAGES: Final = Messages()
_FAILURES: Final = ("Bounce", "Complaint", "DeliveryDelay")
_SUBTYPES: Final = {
    "MailboxFull": Reason.MAILBOX_FULL,
    "MessageTooLarge": Reason.TOO_LARGE,
    "ContentRejected": Reason.BLOCKED,
    "AttachmentRejected": Reason.BLOCKED,
}


class Settings(BaseModel):
    """Whose notifications are believed."""

    ses_topics: str = Field(
        default="",
        pattern=r"^(\s*arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]+:[\w.-]+( https?://[^\s,]+)?\s*(,|$))*$",
        description="ARNs of the SNS topics (arn:aws:sns:REGION:ACCOUNT:NAME), by commas",
    )


def read(headers: Mapping[str, str], body: bytes, settings: Settings, now: datetime) -> Sequence[Heard]:
    """What SNS brings: a subscription is confirmed, a notification of a bounce or complaint read; any other is passed over."""
    envelope, _ = parse_proven(body)
    if not isinstance(envelope, dict):
        raise SignatureRefused("It is no message of SNS.")
    topics = [one.strip() for one in settings.ses_topics.split(",") if one.strip()]
    if not _MESSAGES.tell(envelope, topics):
        return []
    event_id = text_of(envelope, "MessageId")
    try:
        told, fault = parse_told(text_of(envelope, "Message").encode())
    except NotJson:  # SES greets a topic in words
        return []
    found = findings(told)
    if fault is None and not found and _kind(told) in _FAILURES:
        fault = "It names no recipient."
    if fault is not None:
        return [unread(event_id, fault)]
    return [Heard(event_id, Report(_original(told), found))] if found else []


def findings(told: Any) -> Sequence[Finding]:
    """What a notification says of each recipient; none where it is about no failure."""
    kind = _kind(told)
    if kind == "Bounce":
        return [_bounced(told, one) for one in rows_of(told, "bounce", "bouncedRecipients")]
    if kind == "Complaint":
        feedback = text_of(told, "complaint", "complaintFeedbackType")
        recipients = rows_of(told, "complaint", "complainedRecipients")
        return [complained(text_of(one, "emailAddress"), feedback) for one in recipients]
    if kind == "DeliveryDelay":
        recipients = rows_of(told, "deliveryDelay", "delayedRecipients")
        return [_failed(one, Kind.DELAY, Reason.UNREACHABLE) for one in recipients]
    return []


def _kind(told: Any) -> str:
    return text_of(told, "notificationType") or text_of(told, "eventType")


def _bounced(told: Any, recipient: Any) -> Finding:
    kind, subtype = text_of(told, "bounce", "bounceType"), text_of(told, "bounce", "bounceSubType")
    if kind == "Permanent":
        return _failed(recipient, Kind.BOUNCE, _SUBTYPES.get(subtype, Reason.NO_SUCH_USER))
    otherwise = _SUBTYPES.get(subtype, Reason.UNREACHABLE if kind == "Transient" else Reason.UNDEFINED)
    return softened(_failed(recipient, Kind.BOUNCE, otherwise))


def _failed(recipient: Any, kind: Kind, otherwise: Reason) -> Finding:
    said = text_of(recipient, "diagnosticCode").removeprefix("smtp; ")
    return bounced(text_of(recipient, "emailAddress"), kind, text_of(recipient, "status"), said, otherwise=otherwise)


def _original(told: Any) -> Original:
    rows = rows_of(told, "mail", "headers")
    headers = {text_of(one, "name").lower(): text_of(one, "value") for one in reversed(rows)}
    return original_of(text_of(told, "mail", "commonHeaders", "messageId"), headers=headers)


MAIL_PROVIDER = MailProvider("ses", Settings, read, reads_afar=True)
