"""A database that is silent, full of others or read-only: how long it is waited for, and that it is used again once it is back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from psycopg import errors as pg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from benchmarks.wire import ANSWERS, ASKS, POSTGRES_COMMIT, SILENCE, Wire
from models.database import CONNECT, DECIDE, EFFECTS, INTAKE, OPERATOR, PING, DatabaseSilent, Limits, connect, is_away

SOON = replace(INTAKE, statement=1.0, lock=0.3, idle=1.0, free=0.5, connections=1, more=0)


@pytest.fixture
def wire(database_url: str) -> Iterator[Wire]:
    with Wire.before(database_url) as wire:
        yield wire


@pytest.fixture
def hurt(wire: Wire, database_url: str) -> Iterator[Engine]:
    """Connections over the wire that have little patience."""
    engine = connect(wire.through(database_url), SOON)
    yield engine
    engine.dispose()


def one(engine: Engine, statement: str = "SELECT 1") -> object:
    with engine.begin() as connection:
        return connection.execute(text(statement)).scalar_one_or_none()


def refused(act: Callable[[], object]) -> tuple[SQLAlchemyError, float]:
    """What ``act`` raises, and after how many seconds."""
    begun = time.monotonic()
    with pytest.raises(SQLAlchemyError) as caught:
        act()
    return caught.value, time.monotonic() - begun


@pytest.mark.parametrize("limits", [INTAKE, DECIDE, EFFECTS, OPERATOR], ids=["intake", "decide", "effects", "operator"])
def test_each_role_has_its_limits_at_the_server_and_on_the_wire(database_url: str, limits: Limits) -> None:
    engine = connect(database_url, limits)
    with engine.connect() as connection:
        shown = {name: connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in limits.settings}
        line = connection.connection.driver_connection
        assert line is not None
        told = line.info.get_parameters()
    engine.dispose()
    plans = {name: shown.pop(name) for name in ("plan_cache_mode", "enable_seqscan") if name in shown}
    assert {name: _seconds(value) for name, value in shown.items()} == {
        "statement_timeout": limits.statement,
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    assert list(plans.values()) == (["force_generic_plan", "off"] if limits.keyed else [])
    assert int(told["keepalives_idle"]) > 0
    assert 0 < int(told["tcp_user_timeout"]) <= limits.silence * 1000
    assert limits.lock <= limits.statement < limits.silence


def _seconds(shown: str) -> float:
    number, unit = (shown[:-3], 60) if shown.endswith("min") else (shown[:-1], 1)
    return float(number) * unit


def test_a_silent_connection_is_replaced_before_it_is_used(hurt: Engine, wire: Wire) -> None:
    """A pooled connection over which nothing comes is not waited on for a statement's whole time; neither is a new one."""
    one(hurt)
    wire.freeze()
    error, took = refused(lambda: one(hurt))
    assert is_away(error)
    assert took < PING + CONNECT + SOON.silence
    wire.heal()
    assert one(hurt) == 1


def test_a_database_that_falls_silent_in_a_statement_is_given_up(hurt: Engine, wire: Wire) -> None:
    with hurt.connect() as connection:
        connection.execute(text("SELECT 1"))
        wire.freeze(ANSWERS)
        error, took = refused(lambda: connection.execute(text("SELECT 2")))
        assert isinstance(error, DBAPIError)
        assert isinstance(error.orig, DatabaseSilent)
        assert is_away(error)
        assert took < SOON.silence + PING
    wire.heal()
    assert one(hurt) == 1


def test_a_commit_that_is_never_answered_is_given_up_too(hurt: Engine, wire: Wire) -> None:
    strike = wire.strike("COMMIT", ASKS, POSTGRES_COMMIT, SILENCE)
    error, _ = refused(lambda: one(hurt))
    assert is_away(error)
    assert strike.struck == 1
    assert one(hurt) == 1


@pytest.mark.parametrize("hurts", [Wire.cut, Wire.refuse, Wire.freeze])
def test_whatever_happened_the_same_engine_goes_on_when_the_database_is_back(
    hurt: Engine, wire: Wire, hurts: Callable[[Wire], object]
) -> None:
    one(hurt)
    hurts(wire)
    wire.heal()
    assert one(hurt) == 1


def test_what_was_used_just_now_is_believed_where_whoever_uses_it_comes_again(wire: Wire, database_url: str) -> None:
    """Workers ask so often that a look before each would cost more than what they ask."""
    trusting = connect(wire.through(database_url), replace(SOON, rest=60.0))
    try:
        one(trusting)
        wire.cut()
        error, _ = refused(lambda: one(trusting))
        assert is_away(error)
        assert one(trusting) == 1
    finally:
        trusting.dispose()


def test_where_all_connections_are_taken_one_is_waited_for_and_not_for_ever(hurt: Engine) -> None:
    with hurt.connect():
        error, took = refused(lambda: one(hurt))
        assert is_away(error)
        assert took >= SOON.free
    assert one(hurt) == 1


def test_who_waits_for_a_lock_is_told_and_the_database_is_not_away(hurt: Engine, engine: Engine) -> None:
    with engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE shop_order")
        error, _ = refused(lambda: one(hurt, "SELECT count(*) FROM shop_order"))
    assert isinstance(error, DBAPIError)
    assert isinstance(error.orig, pg.LockNotAvailable)
    assert not is_away(error)


def test_a_transaction_whose_process_went_silent_holds_no_locks_for_long(
    hurt: Engine, wire: Wire, engine: Engine
) -> None:
    """The network forgets a client without a word: the server ends what it had begun."""
    lost = hurt.connect()
    lost.exec_driver_sql("LOCK TABLE shop_order")
    wire.freeze()
    begun = time.monotonic()
    assert one(engine, "SELECT count(*) FROM shop_order") == 0
    assert time.monotonic() - begun < DECIDE.lock
    wire.heal()
    error, _ = refused(lost.close)
    assert is_away(error)
    assert one(hurt) == 1


#: What a database says that takes nothing in, by SQLSTATE: whether the same again succeeds once it is over.
SAID = {
    "25006": True,  # read-only
    "53100": True,  # disk full
    "53200": True,  # out of memory
    "53300": True,  # too many connections
    "25P03": True,  # idle in a transaction
    "57P01": True,  # ended by its administrator
    "57P03": True,  # starting up
    "08006": True,  # connection failure
    "57014": False,  # a statement took too long
    "55P03": False,  # a lock was waited for too long
    "40P01": False,  # deadlock
    "40001": False,  # serialization failure
    "23505": False,  # unique violation
}


@pytest.mark.parametrize("state", SAID)
def test_what_the_database_says_tells_whether_it_is_away(engine: Engine, state: str) -> None:
    error, _ = refused(lambda: one(engine, f"DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '{state}'; END $$"))
    assert is_away(error) is SAID[state]
