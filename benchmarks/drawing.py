"""Figures as a picture for the README: SVG that is written here, one bar a figure, with no library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

#: (part, figure, what it says) of the picture; a figure that was not taken is left out.
DRAWN: Final = (
    ("engine", "mails rendered and stored", "engine: orders/s to points valid"),
    ("engine", "mails delivered over SMTP", "engine: orders/s, every mail delivered"),
    ("path", "done at saturation", "whole path: orders/s, HTTP, mail and all"),
    ("intake", "an order a request, 64 connections", "intake: orders/s over HTTP"),
    ("intake", "100 orders a request, 16 connections", "intake in arrays: orders/s"),
    ("growth", "engine at 1,000,000", "engine: orders/s over 1,000,000 finished orders"),
    ("cutoff", "suppliers told", "a night's orders: suppliers told a second"),
)
_ROW: Final = 30
_NAMES: Final = 330
_WIDTH: Final = 760
_NUMBERS: Final = 110
_TOP: Final = 44


def draw(parts: Sequence[Mapping[str, Any]]) -> str:
    """The picture of what ``make bench --json`` keeps. The whisker on a bar is the spread of several runs; nothing drawn is also told as text."""
    figures = {(part["part"], one["name"]): one for part in parts for one in part["figures"]}
    rows = [(says, figures[part, name]) for part, name, says in DRAWN if (part, name) in figures]
    highest = max((one["value"] for _, one in rows), default=1.0)
    height = _TOP + _ROW * len(rows) + 12
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" font-family="sans-serif" font-size="13">',
        "<title>Shukka: what was measured, in orders a second</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="15" font-weight="bold" fill="#1b2733">Orders a second, one machine (make bench)</text>',
    ]
    for index, (says, one) in enumerate(rows):
        drawn += _row(_TOP + index * _ROW, says, one, highest)
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _row(top: int, says: str, one: Mapping[str, Any], highest: float) -> list[str]:
    scale = (_WIDTH - _NAMES - _NUMBERS) / highest
    length, half = max(1, round(one["value"] * scale)), round(one["value"] * (one["spread"] or 0) / 2 * scale)
    row = [
        f'<text x="16" y="{top + 17}" fill="#1b2733">{escape(says)}</text>',
        f'<rect x="{_NAMES}" y="{top + 4}" width="{length}" height="{_ROW - 10}" fill="#1f6f8b"/>',
        f'<text x="{_NAMES + length + half + 10}" y="{top + 17}" fill="#1b2733">{one["value"]:,.0f}</text>',
    ]
    if half:
        middle = top + _ROW // 2 - 1
        row.append(f'<path d="M{_NAMES + length - half} {middle}h{2 * half}" stroke="#f2b134" stroke-width="2"/>')
    return row
