"""Days in which a customer must pay, with a reminder before and a grace after (PAY-07, PAY-08, B.6.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.methods import Terms
from pipelines.rules.dates.periods import end_of, exclusive
from pipelines.values.calendar import JST, in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop


def days_to_pay(shop: Shop, placed_at: datetime, days: int, reminder_days: int, grace_hours: int = 0) -> Terms:
    """So many days after the order's day in Japan, to the end of the last.

    The reminder comes ``reminder_days`` before the last day at the shop's time of day; 0, or a moment before the order:
    never. The unpaid order is cancelled ``grace_hours`` after the last day has ended.
    """
    pay_by = exclusive(in_japan(placed_at).date(), days)
    remind_at = datetime.combine(pay_by - timedelta(days=reminder_days), shop.payment.remind_at, JST)
    reminds = reminder_days > 0 and remind_at > placed_at
    return Terms(pay_by, remind_at if reminds else None, end_of(pay_by) + timedelta(hours=grace_hours))
