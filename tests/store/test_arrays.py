"""Columns sent as binary arrays arrive as what the driver's own dumper would have sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.arrays import PACKERS
from models.store.statement import scalars

JST = timezone(timedelta(hours=9))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "float8": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    "bytea": st.binary(max_size=20),
    "date": st.dates(),
    "tid": st.builds("({},{})".format, st.integers(0, 2**32 - 1), st.integers(1, 2**16 - 1)),
    "timestamptz": st.datetimes(timezones=st.sampled_from([UTC, JST])).filter(lambda one: 2 <= one.year <= 9998),
}


def test_every_type_that_can_be_packed_is_tried() -> None:
    assert set(PACKERS) == {*VALUES, "json"}


@pytest.mark.parametrize("kind", VALUES)
def test_what_is_sent_comes_back(engine: Engine, kind: str) -> None:
    statement = f"SELECT * FROM unnest(%(sent)b::{kind}[])"

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.none() | VALUES[kind], max_size=8))
    def comes_back(sent: Sequence[Any]) -> None:
        assert scalars(connection, statement, {"sent": sent}) == sent
        assert scalars(connection, statement, {"sent": tuple(sent)}) == sent

    with engine.connect() as connection:
        assert scalars(connection, f"SELECT %(sent)b::{kind}[] IS NULL", {"sent": None}) == [True]

    with engine.connect() as connection:
        comes_back()


@pytest.mark.parametrize(
    ("kind", "wrong", "error"),
    [
        ("bigint", 2**63, OverflowError),
        ("int", -(2**31) - 1, OverflowError),
        ("timestamptz", datetime(2026, 11, 25, tzinfo=UTC).replace(tzinfo=None), TypeError),
        ("text", "\ud800", UnicodeEncodeError),
    ],
)
def test_what_cannot_be_sent_is_refused_before_it_is(kind: str, wrong: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        PACKERS[kind]([wrong])


def test_a_day_is_no_moment_of_the_driver(engine: Engine) -> None:
    """The array's type is declared, so that the server needs no cast and every batch is one prepared statement."""
    with engine.connect() as connection:
        assert scalars(
            connection, "SELECT pg_typeof(%(days)b)::text", {"days": PACKERS["date"]([date(2026, 11, 25)])}
        ) == ["date[]"]
