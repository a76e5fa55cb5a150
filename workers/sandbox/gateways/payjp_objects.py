"""What the fake PAY.JP keeps of a charge, and how the reference shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

_JST: Final = timezone(timedelta(hours=9))


@dataclass
class Charge:
    """A charge; amounts are yen, moments aware. ``tds``: how 3-D Secure stands, None without it."""

    id: str
    amount: int
    created: datetime
    expires_at: datetime
    metadata: dict[str, str]
    customer: str | None = None
    paid: bool = False
    captured_at: datetime | None = None
    refunded: bool = False
    amount_refunded: int = 0
    refund_reason: str | None = None
    failure_code: str | None = None
    tds: str | None = None
    is_disputed: bool = False
    is_released: bool = False

    @property
    def captured(self) -> bool:
        """Whether its money was taken."""
        return self.captured_at is not None

    @property
    def holds(self) -> bool:
        """Whether its amount was held and neither taken nor given back."""
        return self.paid and not self.captured and not self.refunded

    @property
    def waits(self) -> bool:
        """Whether the buyer is still to pass 3-D Secure."""
        return self.tds == "unverified" and not self.paid

    def shown(self) -> dict[str, Any]:
        """As an answer has it."""
        return {
            "id": self.id,
            "object": "charge",
            "livemode": False,
            "created": seconds(self.created),
            "amount": self.amount,
            "currency": "jpy",
            "paid": self.paid,
            "captured": self.captured,
            "captured_at": seconds(self.captured_at),
            "expired_at": seconds(self.expires_at) if self.paid and not self.captured else None,
            "refunded": self.refunded,
            "amount_refunded": self.amount_refunded,
            "refund_reason": self.refund_reason,
            "failure_code": self.failure_code,
            "failure_message": None,
            "customer": self.customer,
            "card": {"object": "card", "brand": "Visa", "last4": "4242", "three_d_secure_status": None},
            "three_d_secure_status": self._three_d_secure(),
            "metadata": dict(self.metadata),
            "fee_rate": "3.00",
        }

    def _three_d_secure(self) -> str | None:
        """On hold until it is finished, whatever the buyer did."""
        return "unverified" if self.tds is not None and not self.paid and not self.failure_code else self.tds


def event(name: str, kind: str, charge: Charge, now: datetime) -> dict[str, Any]:
    """An event about a charge as it stands."""
    return {
        "id": name,
        "object": "event",
        "type": kind,
        "created": seconds(now),
        "livemode": False,
        "pending_webhooks": 1,
        "data": charge.shown(),
    }


def last_second(now: datetime, days: int) -> datetime:
    """23:59:59 in Japan of the last of ``days`` days, today the first."""
    start = now.astimezone(_JST).replace(hour=0, minute=0, second=0, microsecond=0)
    return start + timedelta(days=days) - timedelta(seconds=1)


def seconds(at: datetime | None) -> int | None:
    """Unix seconds."""
    return int(at.timestamp()) if at is not None else None
