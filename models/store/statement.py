"""Set-based statements, made once at import from the shape of a row and the columns of its table.

A row shape is a ``NamedTuple`` in the store's file of its noun: it is the tuple that the driver takes and gives, so names
cost nothing, and mypy sees every column between the pipelines and the tables. What a shape's fields are called, the table's
columns are called too; casts, placeholders and column lists follow from that and are written nowhere by hand.

JSON and lists of text are plain values in a row that is written (``dict``, ``list``, any Mapping) and in one that is read,
unless its statement asks for the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from psycopg import RawCursor
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeEngine

from models.arrays import PACKERS, sendable
from models.database import run

R = TypeVar("R", bound=NamedTuple)
F = TypeVar("F", bound=NamedTuple)
W_contra = TypeVar("W_contra", bound=NamedTuple, contravariant=True)


class Writer(Protocol[W_contra]):
    """A statement that writes rows; how many it touched. Nothing is run for none."""

    def __call__(self, connection: Connection, rows: Sequence[W_contra], /, **parameters: Any) -> int: ...


class Reader(Protocol[W_contra, F]):
    """A statement that is asked with rows and answers with others. Nothing is run for none."""

    def __call__(self, connection: Connection, rows: Sequence[W_contra], /, **parameters: Any) -> list[F]: ...


#: PostgreSQL's name of each column type; the first that fits counts.
_CASTS: Final[tuple[tuple[type[TypeEngine[Any]], str], ...]] = (
    (BigInteger, "bigint"),
    (Integer, "int"),
    (Boolean, "boolean"),
    (DateTime, "timestamptz"),
    (Date, "date"),
    (LargeBinary, "bytea"),
    (Numeric, "numeric"),
    (JSONB, "jsonb"),
    (JSON, "json"),
    (ARRAY, "text[]"),
    (String, "text"),
)
#: What travels as JSON text, and how it becomes what its column is: an array of arrays would lose its rows.
_FROM_JSON: Final = {
    "json": "{}::json",
    "jsonb": "{}::jsonb",
    "text[]": "ARRAY(SELECT jsonb_array_elements_text({}::jsonb))",
}


def _run(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> RawCursor[Any]:
    sent = sendable(statement)
    return run(connection, sent.text, sent.values(parameters))


def fetch(
    connection: Connection, shape: type[R], statement: str, parameters: Mapping[str, Any] | None = None
) -> list[R]:
    """Run a statement whose columns are ``shape``'s, in its order, and read its rows as that shape.

    Arrays are written ``%(name)b::type[]``: sent in binary (``models.arrays``), since building them as text cost 24 ms for
    500 JSON documents and 60 ms for 100 mails, against 0.2 ms.
    """
    # From the driver itself: its tuples become rows at once, without a row of SQLAlchemy's between.
    return list(map(shape._make, _run(connection, statement, parameters or {}).fetchall()))


def fetch_pairs(
    connection: Connection, left: type[R], right: type[F], statement: str, parameters: Mapping[str, Any]
) -> list[tuple[R, F]]:
    """As ``fetch``, of a statement whose columns are those of two shapes, one after the other."""
    width = len(left._fields)
    found = _run(connection, statement, parameters).fetchall()
    return [(left._make(row[:width]), right._make(row[width:])) for row in found]


def one(connection: Connection, shape: type[R], statement: str, parameters: Mapping[str, Any]) -> R | None:
    """The first row that a statement finds, or None."""
    return next(iter(fetch(connection, shape, statement, parameters)), None)


def scalars(connection: Connection, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
    """The values of a statement with one column."""
    return [value for (value,) in _run(connection, statement, parameters or {}).fetchall()]


def execute(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> int:
    """Run a statement that brings no rows; how many it touched."""
    return _run(connection, statement, parameters).rowcount


def claim(connection: Connection, name: str) -> None:
    """Wait for whoever else has claimed ``name``, and let nobody until this transaction ends."""
    execute(connection, "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))", {"name": name})


def columns(shape: type[R], alias: str = "", **instead: str) -> str:
    """The select list of ``shape``: each field as a column of ``alias``, or as the expression given for it."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(instead.get(name, f"{prefix}{name}") for name in shape._fields)


def values(shape: type[R], *tables: type[DeclarativeBase], alias: str = "v", **types: str) -> str:
    """``unnest(...) AS v(...)`` with a column for each field of ``shape``: of the type that the first of ``tables`` with
    a column of that name gives it, or that ``types`` names. JSON and lists of text arrive in it as text."""
    sent = ", ".join(array(shape, name, types.get(name) or _type_of(name, tables)) for name in shape._fields)
    return f"unnest({sent}) AS {alias}({', '.join(shape._fields)})"


def array(shape: type[R], name: str, kind: str) -> str:
    """The array of ``kind`` in which ``values`` of ``shape`` sends the column ``name``."""
    index = shape._fields.index(name)
    return f"%(json{index})b::text[]" if kind in _FROM_JSON else f"%(c{index})b::{kind}[]"


def insert(
    shape: type[R],
    table: type[DeclarativeBase],
    *,
    constants: Mapping[str, str] | None = None,
    overriding: str = "",
    order_by: str = "",
    conflict: str = "",
    returning: str = "",
) -> str:
    """INSERT of rows of ``shape`` into ``table``. ``constants`` are SQL for columns that every row shares; ``order_by``
    is the order in which rows are locked; ``overriding`` and ``conflict`` what follows OVERRIDING and ON CONFLICT."""
    fixed = constants or {}
    listed = ", ".join((*shape._fields, *fixed))
    selected = ", ".join((*(_selected(name, table) for name in shape._fields), *fixed.values()))
    given = f" OVERRIDING {overriding}" if overriding else ""
    tail = [
        f"ORDER BY {order_by}" if order_by else "",
        f"ON CONFLICT {conflict}" if conflict else "",
        f"RETURNING {returning}" if returning else "",
    ]
    return " ".join(
        (
            f"INSERT INTO {_name(table)} ({listed}){given} SELECT {selected} FROM {values(shape, table)}",
            *filter(None, tail),
        )
    )


def update(
    shape: type[R],
    table: type[DeclarativeBase],
    *,
    by: Sequence[str],
    also: str = "",
    only: str = "",
    instead: Mapping[str, str] | None = None,
) -> str:
    """UPDATE of the rows of ``table`` whose columns ``by`` are those of ``shape``; None keeps what stands.

    ``also`` is further SQL of the SET list, ``only`` of the condition, ``instead`` what columns become where it is not
    that; ``t`` is the table, ``v`` the row.
    """
    special = instead or {}
    sets = [
        f"{name} = {special.get(name, f'coalesce({_selected(name, table)}, t.{name})')}"
        for name in shape._fields
        if name not in by
    ]
    where = " AND ".join([f"t.{name} = v.{name}" for name in by] + ([only] if only else []))
    return (
        f"UPDATE {_name(table)} t SET {', '.join([*sets, *([also] if also else [])])} "
        f"FROM {values(shape, table)} WHERE {where}"
    )


def writer(shape: type[R], statement: str) -> Writer[R]:
    """A function that runs ``statement`` with rows of ``shape`` and answers how many it touched; nothing for none."""
    parameters_of = _sender(statement)

    def write(connection: Connection, rows: Sequence[R], /, **parameters: Any) -> int:
        if not rows:
            return 0
        return execute(connection, statement, parameters_of(rows, parameters))

    write.__doc__ = f"Write rows of {shape.__name__}; how many were touched."
    return write


def reader(asked: type[R], statement: str, found: type[F]) -> Reader[R, F]:
    """A function that runs ``statement`` with rows of ``asked`` and answers rows of ``found``; none for none."""
    parameters_of = _sender(statement)

    def read(connection: Connection, rows: Sequence[R], /, **parameters: Any) -> list[F]:
        return fetch(connection, found, statement, parameters_of(rows, parameters)) if rows else []

    read.__doc__ = f"Ask with rows of {asked.__name__}; rows of {found.__name__}."
    return read


def _sender(statement: str) -> Callable[[Sequence[Any], dict[str, Any]], dict[str, Any]]:
    """What turns rows into the parameters that ``values`` wrote into ``statement``: their columns as arrays."""
    sent = sendable(statement)
    packed_here = {sent.names[place] for place, _ in sent.arrays}
    json = {int(index) for index in re.findall(r"%\(json(\d+)\)b", statement)}

    def parameters_of(rows: Sequence[Any], parameters: dict[str, Any]) -> dict[str, Any]:
        for index, column in enumerate(zip(*rows, strict=True)):
            if index in json:
                parameters[f"json{index}"] = PACKERS["json"](column)
            else:
                parameters[f"c{index}"] = column if f"c{index}" in packed_here else list(column)
        return parameters

    return parameters_of


def _name(table: type[DeclarativeBase]) -> str:
    return str(table.__tablename__)


def _selected(name: str, table: type[DeclarativeBase]) -> str:
    return _FROM_JSON.get(_type_of(name, (table,)), "{}").format(f"v.{name}")


def _type_of(name: str, tables: Sequence[type[DeclarativeBase]]) -> str:
    for table in tables:
        mapped = table.__table__
        assert isinstance(mapped, Table)
        if name in mapped.columns:
            kind = mapped.columns[name].type
            return next(sql for python, sql in _CASTS if isinstance(kind, python))
    raise LookupError(f"no column {name} in {', '.join(_name(table) for table in tables)}")
