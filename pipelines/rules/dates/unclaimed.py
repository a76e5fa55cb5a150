"""Until when a parcel that is paid on delivery is waited for (代金引換の受取期限; PAY-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from models.states import TrackingState
from pipelines.methods import METHODS
from pipelines.rules.dates.periods import last_day
from pipelines.values.calendar import JST, in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: It may be received yet: it is being brought, or is kept for a redelivery that was booked.
_IS_EXPECTED: Final = frozenset({TrackingState.OUT_FOR_DELIVERY, TrackingState.HELD})


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """The customer is reminded at ``remind_at`` (aware; None: never) to receive the parcel by the day ``receive_by``; at
    ``cancel_at`` the order ends."""

    remind_at: datetime | None
    receive_by: date
    cancel_at: datetime


def unclaimed(
    shop: Shop, method: str, shipped_at: datetime, status: str | None = None, status_as_of: datetime | None = None
) -> Unclaimed | None:
    """When a parcel that left at ``shipped_at`` and was not delivered counts as unclaimed; None where ``method`` collects
    nothing.

    One that the customer may receive yet, by its tracking ``status``, is waited for another ``cod_redelivery_wait_days`` from
    then, or from the last word of it.
    """
    unclaimed_at = METHODS[method].unclaimed_at
    if unclaimed_at is None:
        return None
    at = unclaimed_at(shop, in_japan(shipped_at).date())
    cancel_at = at
    if status in _IS_EXPECTED:
        cancel_at = max(at, status_as_of or at) + timedelta(days=shop.payment.cod_redelivery_wait_days)
    days, receive_by = shop.payment.cod_reminder_days, last_day(at)
    remind_at = datetime.combine(receive_by - timedelta(days=days), shop.payment.remind_at, JST)
    reminds = days > 0 and remind_at > shipped_at
    return Unclaimed(remind_at if reminds else None, receive_by, cancel_at)
