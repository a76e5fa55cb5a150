"""Cursors of lists: where a page ended, as one word that clients hand back and do not read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: The largest number that the database keeps.
_MOST: Final = 9_223_372_036_854_775_807


class Cursor(NamedTuple):
    """A moment (aware), and what tells those of one moment apart."""

    at: datetime
    rest: Sequence[str | int]

    def written(self) -> str:
        """The word."""
        told = orjson.dumps([(self.at - _EPOCH) // _MICROSECOND, *self.rest])
        return base64.urlsafe_b64encode(told).decode().rstrip("=")


def read_cursor(word: str, *kinds: type[str | int]) -> Cursor:
    """What ``word`` says, if `Cursor.written` wrote it with values of ``kinds``; raises ValueError for anything else."""
    try:
        told: list[Any] = orjson.loads(base64.urlsafe_b64decode(word.encode("ascii") + b"=" * (-len(word) % 4)))
        number, *rest = told
        cursor = Cursor(_EPOCH + number * _MICROSECOND, rest)
    except (ValueError, TypeError, OverflowError, binascii.Error):
        raise ValueError("is no cursor") from None
    fits = [type(one) for one in rest] == list(kinds) and all(_storable(one) for one in rest)
    if not fits or cursor.written() != word:
        raise ValueError("is no cursor")
    return cursor


def _storable(one: str | int) -> bool:
    return abs(one) <= _MOST if isinstance(one, int) else "\x00" not in one
