"""What the fake Amazon Pay keeps of permissions, charges and refunds, and how the reference shows each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

HOLD: Final = timedelta(days=30)
"""How long a charge stays authorized."""


@dataclass
class Permission:
    """What a buyer agreed to: yen in all, and what came of it."""

    limit: int
    closes_at: datetime | None = None
    charges: int = 0
    charged: int = 0
    is_closed: bool = False
    acts: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Charge:
    """A charge on a permission; amounts are yen."""

    id: str
    permission: str
    order: str
    amount: int
    state: str
    created: datetime
    updated: datetime
    reason: str | None = None
    captured: int = 0
    asked: int = 0
    refunded: int = 0
    refunding: int = 0

    def shown(self) -> dict[str, Any]:
        """As an answer has it."""
        return {
            "chargeId": self.id,
            "chargePermissionId": self.permission,
            "chargeAmount": price(self.amount),
            "captureAmount": price(self.captured) if self.captured else None,
            "refundedAmount": price(self.refunded),
            "softDescriptor": "AMZ*SHUKKA",
            "merchantMetadata": {"merchantReferenceId": self.order},
            "creationTimestamp": _text(self.created),
            "expirationTimestamp": _text(self.created + HOLD),
            "statusDetails": _status(self.state, self.reason, self.updated),
            "releaseEnvironment": "Sandbox",
        }


@dataclass
class Refund:
    """A refund of a charge."""

    id: str
    charge: str
    amount: int
    state: str
    created: datetime
    updated: datetime
    reason: str | None = None

    def shown(self) -> dict[str, Any]:
        """As an answer has it."""
        return {
            "refundId": self.id,
            "chargeId": self.charge,
            "refundAmount": price(self.amount),
            "creationTimestamp": _text(self.created),
            "statusDetails": _status(self.state, self.reason, self.updated),
            "releaseEnvironment": "Sandbox",
        }


def price(yen: int) -> dict[str, str]:
    """An amount as a text with its currency."""
    return {"amount": str(yen), "currencyCode": "JPY"}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _status(state: str, reason: str | None, updated: datetime) -> dict[str, Any]:
    return {
        "state": state,
        "reasonCode": reason,
        "reasonDescription": None,
        "lastUpdatedTimestamp": _text(updated),
    }
