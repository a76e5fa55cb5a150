"""A wished delivery day (配達希望日): a day, the last one (～まで, by), the first one (～以降, from), or a range (DLV-01, DLV-02).

A day that is over, one further ahead than the shop plans, another than the order's own field names, and, where the profile
says so, a closed day whose weekday the customer did not write, are left to a person.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pipelines.rules.remarks.claim import Claim, DeliveryWindow
from pipelines.rules.remarks.days import Day, days_in, same_month
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.words import DELIVERY, PARTICLES
from pipelines.values.calendar import in_japan

_TO: Final = re.compile(r"\s?(?:[~–—-]|から|より|to|until|till|through|(?P<and>and))\s?", re.IGNORECASE)
_LAST_NUMBER: Final = re.compile(r"(\d{1,2})(?:\s?日|(?:st|nd|rd|th))?(?![\d/:.時]|\s?月)", re.IGNORECASE)
_UNTIL: Final = re.compile(
    r"\s?(?:まで(?:の間)?に?(?:は(?!不|休))?|迄に?|以前に?|(?:at the latest|or (?:earlier|before))(?![A-Za-z]))",
    re.IGNORECASE,
)
_SINCE: Final = re.compile(r"\s?(?:以降に?|以後に?|(?:or (?:later|after)|onwards?)(?![A-Za-z]))", re.IGNORECASE)
_AT_THE_LATEST: Final = re.compile(r"遅くとも\s?$")
_ON: Final = re.compile(r"\s?(?:必着|当日|中に?(?!止|旬)|(?:いずれか|どれか))")
_BY: Final = re.compile(
    r"(?<![A-Za-z])(?:by|until|no later than|not later than|on or before)\s(?:the\s)?$", re.IGNORECASE
)
_FROM: Final = re.compile(r"(?<![A-Za-z])(?:from|on or after|not before|no earlier than)\s(?:the\s)?$", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"(?<![A-Za-z])(?:between|from)\s(?:the\s)?$", re.IGNORECASE)
_EARLIEST: Final = re.compile(
    r"最短(?:日時?)?(?:着|で)?|大?至急|(?:なる(?:べく)?|出来る|できる)(?:だけ|限り)?お?(?:早く|早め(?:に|の)?|早い)(?!時間)|早急に?"
    r"|お?急ぎ(?:で)?|一日も早く|(?<![A-Za-z])(?:as soon as (?:possible|you can)|asap|(?:the )?(?:earliest|soonest)(?: possible)?(?: date)?|urgent(?:ly)?)(?![A-Za-z])",
    re.IGNORECASE,
)
#: Longest English word group that may stand before a day and bound it.
_BEFORE: Final = 24


def recognise(remark: Remark) -> Iterator[Claim]:
    """Every day that is read, and every "as soon as possible"."""
    if remark.order.delivery_date is None:
        for found in _EARLIEST.finditer(remark.text):
            yield Claim(found.start(), found.end(), RECOGNISER.kind, DeliveryWindow())
    days = deque(days_in(remark.text, in_japan(remark.order.placed_at).date()))
    while days:
        first = days.popleft()
        if first.day is not None:
            last = _last(remark, first, days)
            claim = _bounded(remark, first) if last is None else _range(remark, first, last)
            if claim is not None:
                yield claim


def _last(remark: Remark, first: Day, days: deque[Day]) -> Day | None:
    """The day that ends a range from ``first``, taken from ``days`` or a bare number; None without a range."""
    to = _TO.match(remark.text, first.end)
    if to is None or (to["and"] and not _BETWEEN.search(_before(remark, first))):
        return None
    if days and days[0].start == to.end():
        return days.popleft()
    number = _LAST_NUMBER.match(remark.text, to.end())
    if number is None or first.day is None:
        return None
    return Day(to.end(), number.end(), same_month(first.day, int(number[1])), first.full, first.certain_weekday)


def _range(remark: Remark, first: Day, last: Day) -> Claim | None:
    if first.day is None or last.day is None or last.day <= first.day:
        return None
    between = _BETWEEN.search(_before(remark, first))
    start = first.start - (len(between[0]) if between else 0)
    return _claim(remark, start, last.end, DeliveryWindow(first.day, last.day), first)


def _before(remark: Remark, day: Day) -> str:
    return remark.text[max(0, day.start - _BEFORE) : day.start]


def _bounded(remark: Remark, first: Day) -> Claim | None:
    """A claim of one day: it, the last, or the first."""
    text, start, end, before = remark.text, first.start, first.end, _before(remark, first)
    if bound := _UNTIL.match(text, end):
        latest = _AT_THE_LATEST.search(before)
        return _claim(
            remark, start - (len(latest[0]) if latest else 0), bound.end(), DeliveryWindow(None, first.day), first
        )
    if bound := _SINCE.match(text, end):
        return _claim(remark, start, bound.end(), DeliveryWindow(first.day, None), first)
    if by := _BY.search(before):
        return _claim(remark, start - len(by[0]), end, DeliveryWindow(None, first.day), first)
    if since := _FROM.search(before):
        return _claim(remark, start - len(since[0]), end, DeliveryWindow(first.day, None), first)
    on = DeliveryWindow(first.day, first.day)
    if said := _ON.match(text, end):
        return _claim(remark, start, said.end(), on, first, said=True)
    return _claim(remark, start, end, on, first)


def _claim(
    remark: Remark, start: int, end: int, window: DeliveryWindow, spelled: Day, *, said: bool = False
) -> Claim | None:
    """The claim, unless a person must ask. ``spelled``: how its day, or its first, is written."""
    if not _is_certain(remark, window, spelled):
        return None
    bare = not spelled.full and window.day is not None  # 25日 may be anything, 25日以降 hardly
    return Claim(start, end, RECOGNISER.kind, window, wish="said" if said else "must" if bare else "may")


def _is_certain(remark: Remark, window: DeliveryWindow, spelled: Day) -> bool:
    order, shop = remark.order, remark.shop
    placed_on = in_japan(order.placed_at).date()
    known = [day for day in (window.first, window.last) if day is not None]
    if min(known) < placed_on or (order.delivery_date is not None and not window.holds(order.delivery_date)):
        return False
    furthest = shop.delivery.max_days_ahead
    if furthest and max(known) > placed_on + timedelta(days=furthest):
        return False
    if remark.rule.closed_days == "take" or window.day is None or spelled.certain_weekday:
        return True
    return shop.business_calendar.is_open(window.day)


RECOGNISER: Final = Recogniser("desired_date", "supplier", recognise, (*DELIVERY, *PARTICLES))
