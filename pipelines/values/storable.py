"""What a decoded JSON value must be to be stored as it was sent, whichever door it comes through.

Python's JSON reader lets much pass that other readers, or the database, take differently: NaN, numbers beyond 64 bits,
half of a surrogate pair, U+0000, nesting without end.
"""

from __future__ import annotations

import math
from typing import Final

DEEPEST: Final = 32
GREATEST_INTEGER: Final = (1 << 63) - 1
LEAST_INTEGER: Final = -GREATEST_INTEGER - 1

_INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
_CUT_OFF: Final = "..."


class Unstorable(ValueError):
    """A value cannot be stored; one sentence says why, without repeating it."""


def check(value: object) -> None:
    """Raises Unstorable for more than 32 levels, a text with U+0000 or a lone surrogate, an integer beyond 64 bits, a number
    that is none or infinite, and what JSON does not have."""
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        deeper: list[object] = []
        nested = False
        for one in level:
            # Most of what comes is short ASCII: each event and each outcome comes this way.
            if type(one) is str and one.isascii() and "\x00" not in one:
                continue
            if isinstance(one, dict):
                nested = True
                for name in one:
                    if not isinstance(name, str):
                        raise Unstorable("A field's name is no text.")
                deeper += one
                deeper += one.values()
            elif isinstance(one, list | tuple):
                nested = True
                deeper += one
            elif one is not None:
                _check_plain(one)
        if not nested:
            return
        level = deeper
    raise Unstorable(f"It is nested deeper than {DEEPEST} levels.")


def _check_plain(value: object) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise Unstorable(r"A text holds the character \u0000; leave it out.")
        if not _is_whole(value):
            raise Unstorable("A text holds half of a surrogate pair; write both halves, or the character itself.")
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not LEAST_INTEGER <= value <= GREATEST_INTEGER:
            raise Unstorable("A number does not fit into 64 bits.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Unstorable("A number is infinite, or none at all; leave the field out or write null.")
    else:
        raise Unstorable(f"JSON has no {type(value).__name__}; send what it has.")


def storable(value: object, levels: int = DEEPEST) -> object:
    """A copy of ``value`` that can be stored, to be looked at: what cannot be is replaced by a mark or by its text."""
    if isinstance(value, str):
        whole = value if _is_whole(value) else value.encode("utf-8", "replace").decode("utf-8")
        return whole.replace("\x00", _INSTEAD)
    if isinstance(value, dict | list | tuple):
        if not levels:
            return _CUT_OFF
        if isinstance(value, dict):
            return {str(storable(str(name))): storable(held, levels - 1) for name, held in value.items()}
        return [storable(held, levels - 1) for held in value]
    try:
        _check_plain(value)
    except Unstorable:
        return hex(value) if isinstance(value, int) else str(storable(repr(value)))
    return value


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
