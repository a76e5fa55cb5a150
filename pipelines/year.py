"""A year of a shop's dispatch days as a picture (SVG): which days are open, why others are closed, and where the cutoff differs."""

from __future__ import annotations

from calendar import Calendar
from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from typing import Final
from xml.sax.saxutils import escape

from pipelines.shops import Shop
from pipelines.values.calendar import is_national_holiday
from pipelines.values.dispatch_days import DispatchDays

_CELL: Final = 22
_MONTH: Final = (_CELL * 7 + 24, _CELL * 7 + 34)
_TOP: Final = 70
_KINDS: Final = {
    "open": ("#e8f1fb", "dispatch"),
    "other_cutoff": ("#a9cdf2", "dispatch, another cutoff"),
    "weekday": ("#eceff1", "closed weekday"),
    "holiday": ("#f7c8c8", "national holiday"),
    "closed": ("#d98880", "closed by the shop, its supplier or the pickup"),
}


def kind_of(day: date, leaves: DispatchDays, usual: frozenset[int], cutoff: time) -> str:
    """What ``day`` is; ``usual`` are the weekdays on which goods leave as a rule, ``cutoff`` is the one they have then."""
    if leaves.calendar.is_open(day):
        return "open" if leaves.cutoff_on(day) == cutoff else "other_cutoff"
    if day.weekday() not in usual:
        return "weekday"
    return "holiday" if is_national_holiday(day) else "closed"


def draw(shop: Shop, supplier: str, year: int) -> str:
    """The days of ``year`` on which goods of ``supplier`` leave."""
    leaves = shop.dispatch_days(supplier)
    days = [day for month in range(1, 13) for day in Calendar().itermonthdates(year, month) if day.month == month]
    usual = frozenset(day.weekday() for day in days if leaves.calendar.is_open(day) and _often(day, days, leaves))
    cutoff = Counter(leaves.cutoff_on(day) for day in days).most_common(1)[0][0]
    width, height = 4 * _MONTH[0] + 24, _TOP + 3 * _MONTH[1]
    title = f"{shop.name_en or shop.name}, {supplier}: dispatch in {year}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="sans-serif" font-size="10">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="24" y="26" font-size="16">{escape(title)}</text>',
        *_legend(),
    ]
    for month in range(1, 13):
        parts += _month(year, month, leaves, usual, cutoff)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _often(day: date, days: list[date], leaves: DispatchDays) -> bool:
    same = [one for one in days if one.weekday() == day.weekday()]
    return 2 * sum(map(leaves.calendar.is_open, same)) > len(same)


def _legend() -> Iterator[str]:
    left = 24
    for colour, says in _KINDS.values():
        yield f'<rect x="{left}" y="40" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{left + 17}" y="50">{says}</text>'
        left += 40 + 5 * len(says)


def _month(year: int, month: int, leaves: DispatchDays, usual: frozenset[int], cutoff: time) -> Iterator[str]:
    left, top = 24 + (month - 1) % 4 * _MONTH[0], _TOP + (month - 1) // 4 * _MONTH[1]
    yield f'<text x="{left}" y="{top + 12}" font-size="12">{year}-{month:02}</text>'
    for row, week in enumerate(Calendar().monthdatescalendar(year, month)):
        for column, day in enumerate(week):
            if day.month == month:
                x, y = left + column * _CELL, top + 18 + row * _CELL
                kind = kind_of(day, leaves, usual, cutoff)
                says = f"{day}: {_KINDS[kind][1]}"
                if leaves.calendar.is_open(day):
                    says += f", until {leaves.cutoff_on(day):%H:%M}"
                yield (
                    f'<g><title>{says}</title><rect x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}" '
                    f'fill="{_KINDS[kind][0]}"/><text x="{x + 10}" y="{y + 14}" text-anchor="middle">{day.day}</text></g>'
                )
