"""What the world must fulfil: the Protocols that adapters in ``workers`` implement and ``pipelines`` rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Verdict(StrEnum):
    """How a touch of the world ended (the vocabulary of River and Oban).

    OK        done, exactly as asked
    DECLINED  a final "no" of the other side; never retried automatically (PAY-04)
    RETRY     surely not done; may be tried again with the same key
    UNKNOWN   may or may not have been done: look up by reference or repeat the SAME key, never guess
    """

    OK = "ok"
    DECLINED = "declined"
    RETRY = "retry"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that an effect yielded, such as a document."""

    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one touch of the world brought.

    ``reference``: the other side's id of the thing (authorization id, SMTP queue id).
    ``code``: its reason code, no personal data.  ``says``: one sentence for an operator.
    ``retry_after``: seconds to wait before a RETRY, None leaves it to the back-off.
    ``data``: JSON-able extras (``amount``, ``expires_at``, ``funding``).
    ``output``: bytes that it yielded, kept together with an OK.
    ``items``: where it was about several things, what became of each, by its key.
    ``answered``: a RETRY or UNKNOWN that is about this one alone: whoever was asked is well and may be asked other things.
    """

    verdict: Verdict
    reference: str | None = None
    code: str | None = None
    says: str = ""
    retry_after: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    output: Output | None = None
    items: Mapping[str, Outcome] = field(default_factory=dict)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class MailIntent:
    """A mail that a stage wants sent.

    ``subject_key`` tells apart mails of one template about different things of an order (a parcel id, a date);
    (order, template, subject_key) makes the key of the mail and its Message-ID.  ``context`` holds plain values
    (str, int, date, aware datetime, dict, list) that the templates read.
    """

    template: str
    to: str
    to_name: str
    locale: str
    context: Mapping[str, Any]
    subject_key: str = ""
    shipment: str | None = None


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail, rendered to bytes once, then only stored and sent.

    ``raw`` is the whole message; bodies in 8bit are encoded when it leaves. ``envelope_to`` is what RCPT TO must say,
    quoted where the local part asks for it (B.7.1).
    """

    message_id: str
    template: str
    envelope_from: str
    envelope_to: str
    subject: str
    raw: bytes


class MailRenderer(Protocol):
    """Turns a MailIntent into bytes; pure, no network. Raises ShukkaError when a template or address cannot be used."""

    def render(self, intent: MailIntent, *, shop: str, number: str) -> RenderedMail:
        """Render ``intent`` for the order ``shop``/``number``."""
        ...


class Clock(Protocol):
    """The one source of time; may be set to start anywhere and run faster (demo, tests)."""

    def now(self) -> datetime:
        """Now, aware, Asia/Tokyo."""
        ...
