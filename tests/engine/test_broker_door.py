"""The storefronts' way in over a real broker: whatever a message holds, it is accepted or kept, once, and harms nobody."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker

from models.database import INTAKE as INTAKE_LIMITS
from models.database import connect
from pipelines.values.card_number import find_card_number
from tests.conftest import Running
from tests.world import World, a_line, document
from workers.actors import declare_intake
from workers.broker import INTAKE, make_broker
from workers.wiring import House

CARD = "4111 1111 1111 1111"


@pytest.fixture
def broker(running: Running) -> Iterator[dramatiq.Broker]:
    client = redis.Redis.from_url(running.redis_url)
    client.flushall()
    yield make_broker(running.redis_url, consumer=True)
    client.flushall()
    client.close()


@contextmanager
def working(house: House, broker: dramatiq.Broker) -> Iterator[None]:
    """A worker of the house; it must come to the end of the queue."""
    declare_intake(broker, house)
    worker = Worker(broker, worker_timeout=20, worker_threads=2)
    worker.start()
    try:
        yield
        broker.join(INTAKE, timeout=20_000)
    finally:
        worker.stop()


def send(broker: dramatiq.Broker, *arguments: Any, **named: Any) -> None:
    broker.declare_queue(INTAKE)
    broker.enqueue(dramatiq.Message(INTAKE, "orders.accept", arguments, named, {}))


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that any library writes, as a process without our configuration would show it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def kept(world: World) -> list[Any]:
    return list(world.rows("SELECT shop, number, problems, document FROM refused_order ORDER BY id"))


def _with_card_number() -> dict[str, Any]:
    one = document("X-1", remarks=CARD)
    return {**one, "customer": {**one["customer"], "id": CARD}}


#: Arguments of a message, and the fields it is refused for.
STRANGE: dict[str, tuple[tuple[Any, ...], list[str]]] = {
    "nothing": ((), ["order"]),
    "two": ((document("X-1"), document("X-2")), ["order"]),
    "null": ((None,), ["order"]),
    "text": (("an order",), ["order"]),
    "a number": ((5,), ["order"]),
    "a list": (([document("X-1")],), ["order"]),
    "empty": (({},), ["shop", "number", "placed_at", "customer", "lines", "payment"]),
    "null fields": (({**document("X-1"), "lines": None, "customer": None},), ["customer", "lines"]),
    "U+0000": ((document("X-1", remarks="a\x00b"),), ["order"]),
    "U+0000 in the number": ((document("X-\x00"),), ["order"]),
    "half a pair": ((document("X-1", remarks="\ud800"),), ["order"]),
    "half a pair as a name": (({**document("X-1"), "\ud800": 1},), ["order"]),
    "beyond 64 bits": ((document("X-1", a_line(unit_price=2**63)),), ["order"]),
    "beyond all bits": ((document("X-1", a_line(unit_price=10**300)),), ["order"]),
    "no number": ((document("X-1", a_line(unit_price=float("nan"))),), ["order"]),
    "large": ((document("X-1", remarks="x" * 1_100_000),), ["order"]),
    "unknown shop": ((document("X-1", shop="nowhere"),), ["shop"]),
    "a sold item twice": ((document("X-1", *[a_line(str(n), sku="B", availability="unique") for n in (1, 2)]),), ["lines[1].sku"]),
    "a card number": ((_with_card_number(),), ["customer.id", "remarks"]),
    "a card number as a name": (({**document("X-1"), CARD: CARD},), ["****************"]),
}  # fmt: skip


def test_whatever_a_message_holds(world: World, broker: dramatiq.Broker, logged: io.StringIO) -> None:
    """Each strange one is kept with its reasons; good ones before and after it are accepted; no log shows any."""
    world.enrol("storefront", "salon-shop", shops=[], url="https://salon.example/hooks")
    with working(world.house, broker):
        send(broker, document("S-first"))
        for arguments, _ in STRANGE.values():
            send(broker, *arguments)
        send(broker, order=document("S-named"))
        send(broker, document("S-last"))
    assert set(world.states()) == {"S-first", "S-named", "S-last"}
    expected = sorted(json.dumps(sorted(fields)) for _, fields in STRANGE.values())
    assert sorted(json.dumps(sorted(p["field"] for p in row.problems)) for row in kept(world)) == expected
    assert all(p["message"] for row in kept(world) for p in row.problems)
    everything = str([tuple(row) for row in [*kept(world), *world.rows("SELECT * FROM effect")]])
    for text in (everything, logged.getvalue()):
        assert "4111" not in text
        assert not find_card_number(text)
    assert "tok_ok" not in everything, "nobody needs the token of an order that was refused"
    assert "髙橋" not in logged.getvalue()


def test_the_same_again_is_kept_once(world: World, broker: dramatiq.Broker) -> None:
    with working(world.house, broker):
        for _ in range(3):
            send(broker, None)
            send(broker, document("X-1", remarks="\ud800"))
    assert {row.number for row in kept(world)} == {None, "X-1"}
    assert len(kept(world)) == 2


@pytest.mark.parametrize(
    "text",
    ["9" * 5_000, "[" * 100_000 + "]" * 100_000, "{"],
    ids=["thousands of digits", "thousands of brackets", "torn"],
)
def test_what_cannot_be_decoded(world: World, broker: dramatiq.Broker, text: str) -> None:
    """A raw client may push anything; dramatiq's consumer would end on it again and again."""
    assert isinstance(broker, RedisBroker)
    send(broker, document("X-1", remarks="HERE"))
    (identity,) = broker.client.lrange("dramatiq:intake", 0, -1)
    stored = broker.client.hget("dramatiq:intake.msgs", identity)
    broker.client.hset("dramatiq:intake.msgs", identity, stored.replace(b'"HERE"', text.encode()))
    send(broker, document("S-1"))
    with working(world.house, broker):
        pass
    assert set(world.states()) == {"S-1"}
    assert [[p["field"] for p in row.problems] for row in kept(world)] == [["order"]]


def test_what_the_database_refuses_is_kept(world: World, broker: dramatiq.Broker, logged: io.StringIO) -> None:
    """A fault that no rule foresees is the order's alone: it is not tried for ever, and not lost."""
    world.refuse("shop_order", when="NEW.number = 'X-1'")
    with working(world.house, broker):
        send(broker, document("X-1"))
        send(broker, document("S-1"))
    assert set(world.states()) == {"S-1"}
    assert [(row.number, [p["field"] for p in row.problems]) for row in kept(world)] == [("X-1", ["order"])]
    assert "髙橋" not in logged.getvalue()


def test_a_database_that_is_away_is_waited_for(world: World, broker: dramatiq.Broker, database_url: str) -> None:
    """The message stays until the order is stored; it is the one thing that is tried again."""
    world.execute(
        """CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('refusals') <= 3 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$"""
    )
    world.execute("CREATE SEQUENCE refusals")
    world.execute("CREATE TRIGGER away BEFORE INSERT ON shop_order FOR EACH ROW EXECUTE FUNCTION away()")
    with working(replace(world.house), broker):
        send(broker, document("S-1"))
    assert set(world.states()) == {"S-1"}
    assert world.value("SELECT last_value FROM refusals") == 4
    assert kept(world) == []


def test_a_refused_order_in_whose_way_others_are_is_kept_when_they_are_gone(
    world: World, broker: dramatiq.Broker, database_url: str
) -> None:
    """Its message is given back to nobody: whoever holds the table for longer than a lock is waited for only delays it."""
    hasty = connect(database_url, replace(INTAKE_LIMITS, lock=0.2))
    with world.engine.begin() as other:
        other.exec_driver_sql("LOCK TABLE refused_order IN EXCLUSIVE MODE")
        with working(replace(world.house, engine=hasty), broker):
            send(broker, document("S-1", totals={"grand_total": 1}))
            time.sleep(1.0)
            other.rollback()
    assert [row.number for row in kept(world)] == ["S-1"]
    hasty.dispose()
