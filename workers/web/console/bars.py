"""Numbers of names drawn as bars: SVG that the server writes, in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

_LONGEST: Final = 28
_ROW: Final = 26
_NAMES: Final = 190
_WIDTH: Final = 460
_NUMBERS: Final = 60


def bars(rows: Sequence[tuple[str, float]]) -> str:
    """A bar a row with its number; empty for no rows. Hidden from readers of screens, who have the table beside it."""
    if not rows:
        return ""
    highest = max(1e-9, *(number for _, number in rows))
    parts = [f'<svg class="bars" viewBox="0 0 {_WIDTH} {_ROW * len(rows)}" aria-hidden="true" focusable="false">']
    for index, (name, number) in enumerate(rows):
        top = index * _ROW
        length = round((_WIDTH - _NAMES - _NUMBERS) * number / highest)
        parts.append(f'<text x="0" y="{top + 18}">{escape(name[:_LONGEST])}</text>')
        parts.append(f'<rect x="{_NAMES}" y="{top + 4}" width="{max(1, length)}" height="{_ROW - 8}"/>')
        parts.append(f'<text x="{_NAMES + length + 6}" y="{top + 18}">{number:g}</text>')
    return "".join([*parts, "</svg>"])
