"""What a command prints: texts from outside as they are, never as markup, and nothing that a terminal would obey."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

#: Columns where no terminal sets a width: what is piped into a file or a filter is not cut.
_WIDE = 10_000

out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_KEPT = frozenset("\n\t")


def plain(value: object, style: str = "") -> Text:
    """``value`` as text: brackets mean nothing, control and direction characters are shown as their code points."""
    return Text("".join(_visible(character) for character in str(value)), style=style)


def _visible(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in ("Cc", "Cf", "Cs"):
        return character
    return f"\\u{ord(character):04x}"


def table(headings: Iterable[str | Column], rows: Iterable[Iterable[object]], *, title: str | None = None) -> Table:
    """A table of plain texts; what is None is left empty, and what is too long for its column goes on in the next line."""
    columns = (Column(one, overflow="fold") if isinstance(one, str) else one for one in headings)
    made = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*("" if value is None else plain(value) for value in row))
    return made
