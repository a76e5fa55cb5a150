"""The chart of a backtest: orders by the days until they left, before and after, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from pipelines.backtest import Comparison, by_days, percent

_HEIGHT: Final = 200
_BAR: Final = 22
_GROUP: Final = 60
_LEFT: Final = 50
_TOP: Final = 72
_COLOURS: Final = {"before": "#9aa5b1", "after": "#0b57a4"}


def chart(found: Comparison, title: str) -> str:
    """``found`` drawn: two bars a day, with their counts; ``title`` above it."""
    before, after = by_days(found.before), by_days(found.after)
    highest = max([1, *before.values(), *after.values()])
    width = _LEFT * 2 + _GROUP * len(before)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + _TOP + 60}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" fill="#ffffff"/><text x="{_LEFT}" y="24" font-size="16">{escape(title)}</text>',
        *_legend(found),
    ]
    for index, days in enumerate(before):
        left = _LEFT + index * _GROUP
        parts += _bar(left, before[days], highest, "before")
        parts += _bar(left + _BAR + 2, after[days], highest, "after")
        named = "no day" if days == "-" else days
        parts.append(f'<text x="{left + _BAR}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{named}</text>')
    parts.append(f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 40}">days from order to dispatch</text></svg>')
    return "\n".join(parts) + "\n"


def _bar(left: int, count: int, highest: int, which: str) -> Iterator[str]:
    height = _HEIGHT * count // highest
    top = _TOP + _HEIGHT - height
    yield f'<rect x="{left}" y="{top}" width="{_BAR}" height="{height}" fill="{_COLOURS[which]}"/>'
    if count:
        yield f'<text x="{left + _BAR // 2}" y="{top - 4}" text-anchor="middle" font-size="10">{count}</text>'


def _legend(found: Comparison) -> Iterator[str]:
    for index, (which, tally) in enumerate({"before": found.before, "after": found.after}.items()):
        left, says = _LEFT + index * 220, f"{which}: same day {percent(tally.same_day, tally.orders)}"
        yield f'<rect x="{left}" y="34" width="12" height="12" fill="{_COLOURS[which]}"/>'
        yield f'<text x="{left + 18}" y="45">{says}</text>'
