"""Cells of a CSV that a person opens in a spreadsheet: what begins like a formula must not become one (CWE-1236)."""

from __future__ import annotations

from typing import Final

BOM: Final = "\ufeff"
"""Before the first cell: without it Excel reads UTF-8 as the computer's own encoding."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def inert(text: str) -> str:
    """``text``, behind an apostrophe where a spreadsheet would calculate it."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip(" \u3000").startswith(_FORMULA) else text


def cell(value: object) -> object:
    """``value`` as it may stand in a cell: a number as it is, nothing for None, any text `inert`."""
    return value if isinstance(value, int) else "" if value is None else inert(str(value))
