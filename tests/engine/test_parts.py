"""What is written together: one that cannot be written takes no neighbour with it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors as pg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from models.database import connect, is_away, is_passing
from pipelines.engine.parts import in_parts


@given(st.lists(st.booleans(), max_size=40))
def test_each_has_its_own_answer(sound: list[bool]) -> None:
    """Whichever raise, the others are answered, in their places, and nothing is attempted twice that stood."""
    stood: list[int] = []

    def attempt(part: Sequence[int]) -> list[str]:
        if not all(sound[one] for one in part):
            raise ValueError
        stood.extend(part)
        return [f"{one} stands" for one in part]

    answers = in_parts(range(len(sound)), attempt, lambda one, error: f"{one} fails")
    assert answers == [f"{n} {'stands' if good else 'fails'}" for n, good in enumerate(sound)]
    assert stood == [n for n, good in enumerate(sound) if good]


def test_a_database_that_is_away_is_nobodys_fault() -> None:
    tried: list[int] = []

    def attempt(part: Sequence[int]) -> list[str]:
        tried.append(len(part))
        raise OperationalError("SELECT 1", {}, pg.ConnectionException())

    with pytest.raises(OperationalError):
        in_parts([1, 2, 3], attempt, lambda one, error: "fails")
    assert tried == [3]


@pytest.mark.parametrize(
    ("statement", "away", "passing"),
    [
        ("SELECT 1/0", False, False),
        ("SELECT no_such_column", False, False),
        ("SELECT 'x'::integer", False, False),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(1)", False, True),
        ("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(1)", False, True),
        ("DO $$ BEGIN RAISE 'lock' USING ERRCODE = '55P03';END $$", False, True),
        ("DO $$ BEGIN RAISE 'deadlock' USING ERRCODE = '40P01';END $$", False, True),
        ("DO $$ BEGIN RAISE 'serialization' USING ERRCODE = '40001';END $$", False, True),
        ("DO $$ BEGIN RAISE 'larger than an index takes' USING ERRCODE = '54000';END $$", False, False),
        ("SET TRANSACTION READ ONLY; CREATE TABLE a (b integer)", True, True),
        ("SELECT pg_terminate_backend(pg_backend_pid())", True, True),
    ],
)
def test_what_away_and_passing_mean(engine: Engine, statement: str, away: bool, passing: bool) -> None:
    *before, refused = statement.split("; ")
    with engine.begin() as connection:
        for one in before:
            connection.execute(text(one))
        with pytest.raises(DBAPIError) as raised:
            connection.execute(text(refused))
        connection.rollback()
    assert (is_away(raised.value), is_passing(raised.value)) == (away, passing)


def test_a_server_that_is_not_there_is_away() -> None:
    nowhere = connect("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(OperationalError) as raised:
        nowhere.connect()
    assert (is_away(raised.value), is_passing(raised.value)) == (True, True)
    assert (is_away(ValueError()), is_passing(ValueError())) == (False, False)
