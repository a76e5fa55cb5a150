"""Until when a delivery (お届け) is waited for, and from when a parcel that nobody can follow counts as delivered (TRK-01)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from models.states import TrackingState
from pipelines.carriers import CARRIERS
from pipelines.rules.dates.periods import end_of
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: What happens then: it counts as delivered, or a human has it.
DELIVERED: Final = "delivered"
OPERATOR: Final = "operator"


def arrival(dispatch_on: date, arrive_on: date, shipped_at: datetime) -> date:
    """The day on which a parcel should arrive: as was planned, later by as many days as it left later."""
    return arrive_on + max(in_japan(shipped_at).date() - dispatch_on, timedelta())


def counts_as_delivered_at(shop: Shop, arrives_on: date) -> datetime:
    """When a parcel without a number that should arrive on ``arrives_on`` counts as delivered: after the last of the days that the
    profile gives it."""
    return end_of(arrives_on + timedelta(days=shop.delivery.delivered_after_days))


def receive_by(carrier: str | None, status: str, since: datetime) -> date | None:
    """The last day on which a parcel can be received that nobody received on ``since`` (aware), that day included (B.4.5); None where
    the carrier's time is not known, or it is being brought."""
    days = CARRIERS[carrier].storage_days if carrier is not None and carrier in CARRIERS else None
    if days is None or status not in (TrackingState.ATTEMPT_FAILED, TrackingState.HELD):
        return None
    return in_japan(since).date() + timedelta(days=days - 1)


def overdue_at(shop: Shop, arrives_on: date, last_heard: datetime) -> datetime:
    """When a parcel that nobody reports delivered goes before a human: the profile's days after it should have arrived, and
    after the last news of it (aware)."""
    day = max(arrives_on, in_japan(last_heard).date())
    return end_of(day + timedelta(days=shop.delivery.overdue_after_days))
