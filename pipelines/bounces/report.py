"""What a report says of a mail that was sent: for each recipient what became of it, why, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a report is, of one recipient."""

    BOUNCE = "bounce"
    DELAY = "delay"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"


class Reason(StrEnum):
    """Why a mail did not arrive, or not yet."""

    NO_SUCH_USER = "no_such_user"
    NO_SUCH_HOST = "no_such_host"
    MAILBOX_FULL = "mailbox_full"
    FILTERED = "filtered"
    SENDER_PROBLEM = "sender_problem"
    BLOCKED = "blocked"
    THROTTLED = "throttled"
    TOO_LARGE = "too_large"
    UNREACHABLE = "unreachable"
    UNDEFINED = "undefined"


class Action(StrEnum):
    """What follows from it: the address gets no more, the mail is sent again later, the customer is asked another way, our own
    sending is mended, or nothing."""

    SUPPRESS = "suppress"
    RETRY_LATER = "retry_later"
    HOLD_AND_ASK = "hold_and_ask"
    FIX_SENDER = "fix_sender"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of the mail to ``address``, "" where the report does not name it.

    ``reason`` is a ``Reason``, of a complaint its Feedback-Type (RFC 5965), else the kind. ``status`` is the code of RFC 3463, "" where
    no field has one. ``diagnostic`` is the server's own sentence without addresses.
    """

    address: str
    kind: Kind
    reason: str
    status: str = ""
    hard: bool = False
    action: Action = Action.NONE
    diagnostic: str = ""

    def to_json(self) -> dict[str, Any]:
        """As commands print it."""
        return {
            "address": self.address,
            "kind": self.kind,
            "reason": self.reason,
            "status": self.status,
            "hard": self.hard,
            "action": self.action,
        }


@dataclass(frozen=True, slots=True)
class Original:
    """The mail that a report is about, as far as it says: Message-IDs with their angle brackets, the surest first; ``order`` as
    ``shop/number`` and ``template`` from our own headers, "" where they were not returned."""

    message_ids: Sequence[str] = ()
    order: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What came in; without findings it is no report."""

    original: Original
    findings: Sequence[Finding]

    def to_json(self) -> Mapping[str, Any]:
        """As commands print it."""
        told = {
            "message_id": next(iter(self.original.message_ids), None),
            "recipients": [one.to_json() for one in self.findings],
        }
        return told if self.findings else {**told, "kind": "not_a_report"}
