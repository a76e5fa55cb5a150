"""A wished delivery day (配達希望日): a day, the last one (～まで, by), the first one (～以降, from), or a range (DLV-01, DLV-02).

A day that is over, one further ahead than the shop plans, another than the order's own field names, and, where the profile
says so, a closed day whose weekday the customer did not write, are left to a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pipelines.rules.remarks.claim import Claim, DeliveryWindow
from pipelines.rules.remarks.days import Day, days_in, same_month
from pipelines.rules.remarks.recogniser import Recogniser, Remark
from pipelines.rules.remarks.words import DELIVERY, PARTICLES
from pipelines.values.calendar import in_japan

_TO: Final = re.compile(r"\s?(?:[~–—-]|から|より|to|until|till|through|and)\s?", re.IGNORECASE)
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
    for found in _EARLIEST.finditer(remark.text):
        yield Claim(found.start(), found.end(), RECOGNISER.kind, DeliveryWindow())
    days = list(days_in(remark.text, in_japan(remark.order.placed_at).date()))
    while days:
        claim = _window(remark, days)
        if claim is not None:
            yield claim


def _window(remark: Remark, days: list[Day]) -> Claim | None:
    """The claim that begins with the first of ``days``; takes those it uses."""
    text, first = remark.text, days.pop(0)
    if first.day is None:
        return None
    start, end, last = first.start, first.end, first
    before = text[max(0, start - _BEFORE) : start]
    if to := _TO.match(text, end):
        if days and days[0].start == to.end():
            last = days.pop(0)
            end = last.end
        elif number := _LAST_NUMBER.match(text, to.end()):
            last = Day(to.end(), number.end(), same_month(first.day, int(number[1])), first.full, first.certain_weekday)
            end = number.end()
        if last is not first:
            window = DeliveryWindow(first.day, last.day)
            if between := _BETWEEN.search(before):
                start -= len(between[0])
            if last.day is None or last.day <= first.day:
                return None
            return _claim(remark, start, end, window, (first, last))
    if bound := _UNTIL.match(text, end):
        if latest := _AT_THE_LATEST.search(before):
            start -= len(latest[0])
        return _claim(remark, start, bound.end(), DeliveryWindow(None, first.day), (first,))
    if bound := _SINCE.match(text, end):
        return _claim(remark, start, bound.end(), DeliveryWindow(first.day, None), (first,))
    if by := _BY.search(before):
        return _claim(remark, start - len(by[0]), end, DeliveryWindow(None, first.day), (first,))
    if since := _FROM.search(before):
        return _claim(remark, start - len(since[0]), end, DeliveryWindow(first.day, None), (first,))
    said = _ON.match(text, end)
    return _claim(
        remark,
        start,
        said.end() if said else end,
        DeliveryWindow(first.day, first.day),
        (first,),
        said=said is not None,
    )


def _claim(
    remark: Remark, start: int, end: int, window: DeliveryWindow, days: tuple[Day, ...], *, said: bool = False
) -> Claim | None:
    """The claim, unless a person must ask."""
    if not _is_plain(remark, window, days):
        return None
    return Claim(start, end, RECOGNISER.kind, window, wish="said" if said else "may" if days[0].full else "must")


def _is_plain(remark: Remark, window: DeliveryWindow, days: tuple[Day, ...]) -> bool:
    order, shop = remark.order, remark.shop
    placed_on = in_japan(order.placed_at).date()
    known = [day for day in (window.first, window.last) if day is not None]
    if min(known) < placed_on or (order.delivery_date is not None and not window.holds(order.delivery_date)):
        return False
    furthest = shop.delivery.max_days_ahead
    if furthest and max(known) > placed_on + timedelta(days=furthest):
        return False
    if remark.rule.closed_days == "take" or window.first != window.last or days[0].certain_weekday:
        return True
    return all(shop.business_calendar.is_open(day) for day in known)


RECOGNISER: Final = Recogniser("desired_date", "supplier", recognise, (*DELIVERY, *PARTICLES))
