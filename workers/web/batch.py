"""Reading a batch of orders: one that cannot be read is refused alone, and the others are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.values.storable import storable
from workers.web.body import BadBody, NotJson, parse_json

_BEGINNING: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\"orders\"\s*:\s*\[")
_END: Final = re.compile(rb"\s*\}\s*")
_TOKEN: Final = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|[\[\]{},]", re.DOTALL)
_OPENS, _CLOSES = (b"[", b"{"), (b"]", b"}")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An order of a batch that cannot be read: why, and what it says where that is left out."""

    reason: str
    told: object


def read_batch(raw: bytes) -> object:
    """What the body of a batch says, an Unreadable in the place of each order that cannot be stored as it was sent.

    Raises BadBody(400) where the body as a whole cannot be read.
    """
    try:
        return parse_json(raw)
    except NotJson:
        raise
    except BadBody:
        parts = list(_orders(raw))
        if not parts:
            raise
        return {"orders": [_read(one) for one in parts]}


def _orders(raw: bytes) -> Iterator[bytes]:
    """The text of each order; none where the body is not ``{"orders": [...]}``. Brackets are counted, so that neither depth
    nor length matters."""
    beginning = _BEGINNING.match(raw)
    if beginning is None:
        return
    depth, start, cuts = 0, beginning.end(), list[bytes]()
    for token in _TOKEN.finditer(raw, start):
        mark = token[0]
        if not depth and mark in (b",", b"]"):
            cuts.append(raw[start : token.start()])
            start = token.end()
            if mark == b"]":
                break
        elif mark in _OPENS:
            depth += 1
        elif mark in _CLOSES:
            depth -= 1
    if _END.fullmatch(raw, start):
        yield from cuts


def _read(raw: bytes) -> object:
    try:
        return parse_json(raw)
    except NotJson:
        raise
    except BadBody as why:
        return Unreadable(why.detail, _told(raw))


def _told(raw: bytes) -> object:
    """What an order says, so that its result can name it; None where nobody can tell."""
    try:
        return storable(json.loads(raw, parse_int=lambda digits: 0, parse_float=lambda digits: 0))
    except (ValueError, RecursionError):
        return None
