"""Statements made from shapes of rows: what their text is, and that a row comes back as it went in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from sqlalchemy import JSON, BigInteger, Engine, LargeBinary, Numeric, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from models.base import Moment
from models.store.statement import columns, fetch, insert, one, reader, scalars, update, values, writer


class _Base(DeclarativeBase):
    """Apart from the house's own tables."""


class Crate(_Base):
    """A column of every type there is."""

    __tablename__ = "crate"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    pieces: Mapped[int]
    closed: Mapped[bool]
    packed_on: Mapped[date | None]
    sent_at: Mapped[Moment | None]
    share: Mapped[Decimal | None] = mapped_column(Numeric(6, 4))
    seal: Mapped[bytes | None] = mapped_column(LargeBinary)
    marks: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    notes: Mapped[Any | None] = mapped_column(JSONB)
    label: Mapped[Any | None] = mapped_column(JSON)


class CrateKey(NamedTuple):
    """Which crate."""

    id: int


class CrateRow(NamedTuple):
    """A crate, whole."""

    id: int
    name: str
    pieces: int
    closed: bool
    packed_on: date | None
    sent_at: datetime | None
    share: Decimal | None
    seal: bytes | None
    marks: Sequence[str]
    notes: Any
    label: Any


class Piece(NamedTuple):
    """A few columns, one of them JSON."""

    id: int
    pieces: int | None
    notes: Mapping[str, Any] | None


BUILT = {
    "the select list is the fields": (
        columns(Piece),
        "id, pieces, notes",
    ),
    "of an alias, or what stands instead": (
        columns(Piece, "c", notes="c.notes::text"),
        "c.id, c.pieces, c.notes::text",
    ),
    "rows travel as arrays of their columns' types, JSON as text": (
        values(Piece, Crate),
        "unnest(%(c0)b::bigint[], %(c1)b::int[], %(json2)b::text[]) AS v(id, pieces, notes)",
    ),
    "a field that no table has names its type": (
        values(CrateKey, alias="k", id="float8"),
        "unnest(%(c0)b::float8[]) AS k(id)",
    ),
    "insert": (
        insert(Piece, Crate),
        "INSERT INTO crate (id, pieces, notes) SELECT v.id, v.pieces, v.notes::jsonb "
        "FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(json2)b::text[]) AS v(id, pieces, notes)",
    ),
    "insert with all there is": (
        insert(
            CrateKey,
            Crate,
            constants={"pieces": "0"},
            overriding="SYSTEM VALUE",
            order_by="id",
            conflict="(id) DO NOTHING",
            returning="id",
        ),
        "INSERT INTO crate (id, pieces) OVERRIDING SYSTEM VALUE SELECT v.id, 0 "
        "FROM unnest(%(c0)b::bigint[]) AS v(id) ORDER BY id ON CONFLICT (id) DO NOTHING RETURNING id",
    ),
    "update keeps what None says nothing of": (
        update(Piece, Crate, by=("id",)),
        "UPDATE crate t SET pieces = coalesce(v.pieces, t.pieces), notes = coalesce(v.notes::jsonb, t.notes) "
        "FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(json2)b::text[]) AS v(id, pieces, notes) WHERE t.id = v.id",
    ),
    "update with all there is": (
        update(Piece, Crate, by=("id",), also="closed = true", only="t.pieces > 0", instead={"notes": "NULL"}),
        "UPDATE crate t SET pieces = coalesce(v.pieces, t.pieces), notes = NULL, closed = true "
        "FROM unnest(%(c0)b::bigint[], %(c1)b::int[], %(json2)b::text[]) AS v(id, pieces, notes) "
        "WHERE t.id = v.id AND t.pieces > 0",
    ),
}


@pytest.mark.parametrize(("built", "expected"), BUILT.values(), ids=BUILT)
def test_what_is_built(built: str, expected: str) -> None:
    assert built == expected


def test_a_field_without_a_column_is_named_at_once() -> None:
    class Strange(NamedTuple):
        weight: int

    with pytest.raises(LookupError, match="no column weight in crate"):
        insert(Strange, Crate)


AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
FULL = CrateRow(
    1, "木箱", 2**31 - 1, True, date(2026, 11, 20), AT, Decimal("0.0125"), b"\x00\xff", ["a", "b,c"], {"k": [1]}, [2]
)
EMPTY = CrateRow(2, "", 0, False, None, None, None, None, [], None, None)


@pytest.fixture
def crates(engine: Engine) -> Engine:
    with engine.begin() as connection:
        _Base.metadata.create_all(connection)
    return engine


def test_a_row_comes_back_as_it_went_in(crates: Engine) -> None:
    write = writer(CrateRow, insert(CrateRow, Crate))
    with crates.begin() as connection:
        assert write(connection, [FULL, EMPTY]) == 2
        found = fetch(connection, CrateRow, f"SELECT {columns(CrateRow)} FROM crate ORDER BY id")
    assert found == [FULL, EMPTY]
    assert all(type(row) is CrateRow for row in found)


def test_json_of_any_mapping_of_any_value_and_of_none(crates: Engine) -> None:
    """A text is JSON too; None is no document, not the document null."""
    put = writer(CrateRow, insert(CrateRow, Crate))
    documents = [MappingProxyType({"a": MappingProxyType({})}), "text", 7, (1, 2), None]
    with crates.begin() as connection:
        put(connection, [EMPTY._replace(id=i, notes=document) for i, document in enumerate(documents)])
        found = scalars(connection, "SELECT notes::text FROM crate ORDER BY id")
    assert found == ['{"a": {}}', '"text"', "7", "[1, 2]", None]


def test_statements_with_rows_and_parameters(crates: Engine) -> None:
    put = writer(CrateRow, insert(CrateRow, Crate))
    ask = reader(
        CrateKey,
        f"SELECT c.id, c.pieces, c.notes FROM {values(CrateKey, Crate)} JOIN crate c USING (id) "
        "WHERE c.pieces > %(least)s",
        Piece,
    )
    change = writer(Piece, update(Piece, Crate, by=("id",), only="t.name = %(name)s"))
    with crates.begin() as connection:
        put(connection, [FULL, EMPTY])
        assert ask(connection, [CrateKey(1), CrateKey(2)], least=0) == [Piece(1, FULL.pieces, {"k": [1]})]
        assert change(connection, [Piece(1, None, {}), Piece(2, 5, None)], name="木箱") == 1
        assert one(connection, Piece, "SELECT id, pieces, notes FROM crate WHERE id = %(id)s", {"id": 1}) == Piece(
            1, FULL.pieces, {}
        )
        assert one(connection, Piece, "SELECT id, pieces, notes FROM crate WHERE id = %(id)s", {"id": 9}) is None


def test_nothing_is_asked_for_no_rows(crates: Engine) -> None:
    """Not even a statement that could not run."""
    with crates.begin() as connection:
        assert writer(CrateKey, "no statement")(connection, []) == 0
        assert reader(CrateKey, "no statement", CrateKey)(connection, []) == []
        assert connection.execute(text("SELECT 1")).scalar() == 1
