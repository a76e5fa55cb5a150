"""Marks of customers (INT-14, INT-15): what of the past a shop counts, in which window, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

UNDELIVERED: Final = "undelivered_returns"
"""A parcel that came back: nobody was there for too long, or it was refused (RET-08)."""
RETURNED: Final = "customer_returns"
"""Goods that the customer sent back for a reason of their own."""
CANCELLED: Final = "customer_cancels"
"""An order that was cancelled at the customer's wish, or paid for on delivery and not received (INT-15)."""
SAME_MAILBOX: Final = "same_mailbox"
"""The order brought a new customer whose mailbox another account had (INT-01); ``source`` is the order's own."""
DECIDED: Final = "methods_decided"
"""An operator decided which payment methods the customer may use: cancels count anew from there (INT-15)."""
KEPT: Final = timedelta(days=3660)
"""How far back marks are looked at: as far as the longest window a profile may have."""
COUNTED: Final = (UNDELIVERED, RETURNED, CANCELLED)


class Mark(NamedTuple):
    """Something that later orders of a customer must know of; once by ``source``."""

    kind: str
    at: datetime
    source: str = ""


@dataclass(frozen=True, slots=True)
class Counters:
    """How often each of ``COUNTED`` happened in the last ``days`` days before ``at``, and from which number on an order waits for a
    human (0: never)."""

    days: int
    at: datetime
    counts: Mapping[str, int]
    limits: Mapping[str, int]

    @property
    def first(self) -> date:
        """The day on which the window begins, in Japan."""
        return in_japan(self.at - timedelta(days=self.days)).date()

    @property
    def last(self) -> date:
        """The day on which it ends."""
        return in_japan(self.at).date()

    def reached(self, *kinds: str) -> bool:
        """Whether one of ``kinds`` (any, if none is named) has reached its limit."""
        return any(0 < self.limits[kind] <= self.counts[kind] for kind in kinds or COUNTED)

    def figures(self) -> dict[str, str | int]:
        """What a hold's sentence says of them."""
        return {"days": self.days, "since": self.first.isoformat(), **self.counts}


def counters(marks: Iterable[Mark], shop: Shop, at: datetime) -> Counters:
    """What the shop counts of a customer at the moment ``at``: marks of its window, which ends then."""
    intake = shop.intake
    since = at - timedelta(days=intake.marks_window_days)
    within = [mark for mark in marks if since <= mark.at <= at]
    decided = max((mark.at for mark in within if mark.kind == DECIDED), default=since)
    found = [mark.kind for mark in within if mark.kind != CANCELLED or mark.at >= decided]
    return Counters(
        intake.marks_window_days,
        at,
        {kind: found.count(kind) for kind in COUNTED},
        {
            UNDELIVERED: intake.max_undelivered_returns,
            RETURNED: intake.max_customer_returns,
            CANCELLED: intake.max_customer_cancels,
        },
    )


def proposed_methods(counted: Counters, shop: Shop) -> Sequence[str]:
    """The payment methods that an operator is proposed to leave the customer (INT-15); none while nothing is proposed."""
    if not counted.reached(CANCELLED):
        return ()
    return [method for method in shop.intake.methods_after_cancels if method in shop.payment.allowed]


def mailbox_mark(shop: str, number: str) -> str:
    """The ``source`` of the mark that an order's new customer has a mailbox of another's (INT-01)."""
    return f"{shop}/{number}:mailbox"
