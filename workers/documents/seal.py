"""A square company seal (角印) as SVG outlines, so that its characters do not stand in the document's text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from fontTools.misc.transform import Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

from workers.documents.fonts import MISSING, paths

#: Vermilion (朱).
COLOUR: Final = "#c8321f"
_SIDE: Final = 100.0
_EDGE: Final = 8.0
#: The part of its cell that a character fills.
_FILL: Final = 0.88


@lru_cache(maxsize=64)
def seal(columns: tuple[str, ...]) -> str:
    """The seal of ``columns``, read from right to left, as the text of an SVG file; a character that the font lacks is 〓."""
    with TTFont(paths()[1], lazy=True) as font:
        outlines = "".join(_outlines(font, columns))
    frame = (
        f'<rect x="2.5" y="2.5" width="{_SIDE - 5}" height="{_SIDE - 5}" rx="6" fill="none" '
        f'stroke="{COLOUR}" stroke-width="4"/>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}">{frame}'
        f'<path fill="{COLOUR}" d="{outlines}"/></svg>'
    )


def _outlines(font: TTFont, columns: Sequence[str]) -> Iterator[str]:
    glyphs, names = font.getGlyphSet(), font.getBestCmap()
    inner = _SIDE - 2 * _EDGE
    width = inner / len(columns)
    for column, characters in enumerate(reversed(columns)):
        height = inner / len(characters)
        for row, character in enumerate(characters):
            centre = (_EDGE + width * (column + 0.5), _EDGE + height * (row + 0.5))
            glyph = glyphs[names.get(ord(character)) or names[ord(MISSING)]]
            yield _placed(glyphs, glyph, centre, (width * _FILL, height * _FILL))


def _placed(glyphs: Any, glyph: Any, centre: tuple[float, float], room: tuple[float, float]) -> str:
    """The outline of ``glyph``, filling its room as a carver would."""
    bounds = BoundsPen(glyphs)
    glyph.draw(bounds)
    if bounds.bounds is None:
        return ""
    left, bottom, right, top = bounds.bounds
    # Thin characters (一, ー) keep their proportions within half as much again.
    even = min(room[0] / max(right - left, 1), room[1] / max(top - bottom, 1))
    across, up = (min(room[at] / max(size, 1), even * 1.5) for at, size in ((0, right - left), (1, top - bottom)))
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:.2f}".rstrip("0").rstrip("."))
    x, y = centre
    move = Transform(across, 0, 0, -up, x - across * (left + right) / 2, y + up * (bottom + top) / 2)
    glyph.draw(TransformPen(pen, move))
    return str(pen.getCommands())
