"""Counting periods as the shops word them (B.10). Every answer is a date; a period ends when its last day ends."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta

from pipelines.values.calendar import JST, BusinessCalendar


def exclusive(start: date, days: int) -> date:
    """Last day of "within ``days`` days from ``start``": the first day is not counted (Civil Code 140)."""
    return start + timedelta(days=days)


def inclusive(start: date, days: int) -> date:
    """Last day of a period that counts ``start`` as its first day."""
    return start + timedelta(days=days - 1)


def elapsed(start: date, days: int) -> date:
    """First day on which ``days`` full days have gone by since ``start`` (PAY-09)."""
    return start + timedelta(days=days)


def inclusive_business_days(start: date, days: int, calendar: BusinessCalendar) -> date:
    """Last of ``days`` business days that count the order's day; a closed ``start`` counts from the next open one."""
    return calendar.add_business_days(calendar.next_open(start), days - 1)


def same_day_months_later(start: date, months: int) -> date:
    """The same day of the month ``months`` later, or that month's last day: 2028-02-29 and 12 give 2029-02-28."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month0 + 1, min(start.day, monthrange(year, month0 + 1)[1]))


def end_of(day: date) -> datetime:
    """The moment ``day`` is over: 00:00 of the next day, Asia/Tokyo."""
    return datetime.combine(day + timedelta(days=1), time(), JST)


def last_day(until: datetime) -> date:
    """The last day that is over by ``until``, Asia/Tokyo; what ``end_of`` was made from."""
    return (until.astimezone(JST) - timedelta(microseconds=1)).date()
