"""When an order may be released for its payment method, and when an unpaid one is reminded and cancelled (A.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipelines.rules.dates.periods import elapsed, end_of, exclusive, inclusive_business_days
from pipelines.values.calendar import JST, in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

RELEASE_WHEN: Final = {
    "card": "authorized",
    "paypay": "authorized",
    "amazon_pay": "authorized",
    "konbini": "paid",  # PAY-08
    "bank_transfer": "paid",  # PAY-07
    "loan": "approved",  # PAY-10
    "cod": "at_once",  # PAY-09
    "direct_debit": "at_once",  # PAY-12
    "claims_offset": "at_once",  # PAY-12
    "none": "at_once",  # PAY-13
}
"""What has to happen before goods are released, by payment method."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``pay_by`` is the last day to pay (or get approved); ``cancel_at`` the moment an unpaid order is cancelled."""

    method: str
    release_when: str
    pay_by: date | None = None
    remind_at: datetime | None = None
    cancel_at: datetime | None = None


def terms(method: str, shop: Shop, placed_at: datetime) -> Terms:
    """The terms of an order placed at ``placed_at`` (aware). A zero-amount order has the method ``none`` (PAY-13).

    Bank transfer and konbini: so many days after the order's day, to the end of the last (PAY-07, PAY-08); konbini
    waits a grace for a late notice (B.6.5). Loan: business days that include the order's day (PAY-10).
    """
    release_when = RELEASE_WHEN[method]
    placed_on = in_japan(placed_at).date()
    rules = shop.payment
    if method == "bank_transfer":
        pay_by = exclusive(placed_on, rules.bank_transfer_days)
        remind_at = _reminder(shop, pay_by, rules.bank_transfer_reminder_days, placed_at)
        return Terms(method, release_when, pay_by, remind_at, end_of(pay_by))
    if method == "konbini":
        pay_by = exclusive(placed_on, rules.konbini_days)
        remind_at = _reminder(shop, pay_by, rules.konbini_reminder_days, placed_at)
        return Terms(
            method, release_when, pay_by, remind_at, end_of(pay_by) + timedelta(hours=rules.konbini_grace_hours)
        )
    if method == "loan":
        pay_by = inclusive_business_days(placed_on, rules.loan_business_days, shop.business_calendar)
        return Terms(method, release_when, pay_by, None, end_of(pay_by))
    return Terms(method, release_when)


def _reminder(shop: Shop, pay_by: date, days_before: int, placed_at: datetime) -> datetime | None:
    if days_before == 0:
        return None
    at = datetime.combine(pay_by - timedelta(days=days_before), shop.payment.remind_at, JST)
    return at if at > placed_at else None


def cod_unclaimed_at(dispatched_on: date, shop: Shop) -> datetime:
    """From when a parcel that was not delivered counts as unclaimed: so many days after dispatch, 00:00 (PAY-09)."""
    return datetime.combine(elapsed(dispatched_on, shop.payment.cod_unclaimed_days), datetime.min.time(), JST)
