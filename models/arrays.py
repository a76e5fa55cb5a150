"""Columns of rows as PostgreSQL's arrays in binary, a whole column at a time.

The driver's own dumper asks every item of a list for its type and its bytes; that was a sixth of a worker's processor time.
A statement names the type of each array (``%(c0)b::bigint[]``), so that a column is packed at once. Standard: the binary
form of ``array_send`` in PostgreSQL (dimensions, flags, element type; then each item with its length, -1 for NULL).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from struct import Struct, error
from typing import Any, Final

import orjson
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format


class Array(bytes):
    """A column as it is sent; each type of item has a class of its own, by which the driver knows the array's type."""


class _Sent(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> Buffer:
        return obj


Packed = Callable[[Sequence[Any]], Array]

_HEAD: Final = Struct("!iiIii").pack
_LENGTH: Final = Struct("!i").pack
_NULL: Final = _LENGTH(-1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(2000, 1, 1).toordinal()


def _number(form: str, size: int) -> Callable[[Sequence[Any]], list[bytes]]:
    pack = Struct(f"!i{form}").pack

    def items(column: Sequence[Any]) -> list[bytes]:
        try:
            return [_NULL if one is None else pack(size, one) for one in column]
        except error:
            raise OverflowError(f"a number does not fit into {size} bytes") from None

    return items


def _texts(column: Sequence[Any]) -> list[bytes]:
    """States, stages and names are the same word over and over: each is written once."""
    words = set(column)
    if 2 * len(words) > len(column):
        return [_NULL if one is None else _LENGTH(len(sent := one.encode())) + sent for one in column]
    written = dict(zip(words, _texts(tuple(words)), strict=True))
    return [written[one] for one in column]


def _documents(column: Sequence[Any]) -> list[bytes]:
    """JSON as text: an array of arrays would lose its rows."""
    sent = (None if one is None else orjson.dumps(one, default=_plain) for one in column)
    return [_NULL if one is None else _LENGTH(len(one)) + one for one in sent]


def _plain(value: object) -> dict[Any, Any]:
    """orjson knows dictionaries; any other Mapping is copied into one."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _bytes(column: Sequence[Any]) -> list[bytes]:
    return [_NULL if one is None else _LENGTH(len(one)) + one for one in column]


def _booleans(column: Sequence[Any]) -> list[bytes]:
    return [_NULL if one is None else b"\0\0\0\1\1" if one else b"\0\0\0\1\0" for one in column]


def _dates(column: Sequence[Any]) -> list[bytes]:
    pack = Struct("!ii").pack
    return [_NULL if one is None else pack(4, one.toordinal() - _EPOCH_DAY) for one in column]


def _moments(column: Sequence[Any]) -> list[bytes]:
    """Microseconds since 2000; the rows of a batch often share one moment."""
    return list(_each_moment(column))


def _each_moment(column: Sequence[Any]) -> Iterator[bytes]:
    pack = Struct("!iq").pack
    last, sent = None, _NULL
    for one in column:
        if one is not last:
            last = one
            if one is None:
                sent = _NULL
            else:
                since = one - _EPOCH
                sent = pack(8, (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds)
        yield sent


def _places(column: Sequence[Any]) -> list[bytes]:
    """Where rows lie, as the driver reads a ctid: ``(block,offset)``."""
    pack = Struct("!iIH").pack
    return [_NULL if one is None else pack(6, *map(int, one[1:-1].split(","))) for one in column]


#: By PostgreSQL's name of the item: its oid, its array's oid (pg_type.dat), and how items are packed.
_TYPES: Final[Mapping[str, tuple[int, int, Callable[[Sequence[Any]], list[bytes]]]]] = {
    "bigint": (20, 1016, _number("q", 8)),
    "int": (23, 1007, _number("i", 4)),
    "float8": (701, 1022, _number("d", 8)),
    "boolean": (16, 1000, _booleans),
    "text": (25, 1009, _texts),
    "bytea": (17, 1001, _bytes),
    "date": (1082, 1182, _dates),
    "timestamptz": (1184, 1185, _moments),
    "json": (25, 1009, _documents),
    "tid": (27, 1010, _places),
}


def _packer(kind: str) -> Packed:
    item, array, items_of = _TYPES[kind]
    made: type[Array] = type(f"{kind.capitalize()}Array", (Array,), {})
    psycopg.adapters.register_dumper(made, type(f"{kind.capitalize()}ArrayDumper", (_Sent,), {"oid": array}))
    empty = made(Struct("!iiI").pack(0, 0, item))

    def pack(column: Sequence[Any]) -> Array:
        if not column:
            return empty
        items = items_of(column)
        return made(b"".join((_HEAD(1, _NULL in items, item, len(items), 1), *items)))

    return pack


#: A function for each type of item that packs a column: list or tuple, None for NULL. ``json`` packs documents as text. Raises
#: OverflowError for a number that is too large, TypeError for a naive moment.
PACKERS: Final[Mapping[str, Packed]] = {kind: _packer(kind) for kind in _TYPES}

_NAMED: Final = re.compile(r"%\((\w+)\)(?:b::(\w+)\[\]|[bst])|%%")


@dataclass(frozen=True, slots=True)
class Sendable:
    """A statement as the server takes it: ``text`` with ``$1`` and so on for what is named ``names``; ``arrays`` are the places of those
    that are arrays, from 0, and what packs each."""

    text: bytes
    names: Sequence[str]
    arrays: Sequence[tuple[int, Packed]]

    def values(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order, with arrays as they are sent; None is no array, and one that is packed stays."""
        values = [parameters[name] for name in self.names]
        for place, pack in self.arrays:
            value = values[place]
            if value is not None and not isinstance(value, Array):
                values[place] = pack(value)
        return values


@lru_cache(maxsize=2048)
def sendable(statement: str) -> Sendable:
    """A statement that names its parameters, ``%(name)s``, and ``%(name)b::type[]`` for arrays, made ready once. A type without a packer
    is left to the driver."""
    arrays: dict[int, Packed] = {}
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        name, kind = found.groups()
        if name is None:
            return "%"
        at = places.setdefault(name, len(places))
        if kind in PACKERS:
            arrays[at] = PACKERS[kind]
        return f"${at + 1}::{kind}[]" if kind else f"${at + 1}"

    text = _NAMED.sub(place, statement)
    return Sendable(text.encode(), list(places), list(arrays.items()))
