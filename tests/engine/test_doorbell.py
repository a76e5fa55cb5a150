"""The doorbell for real: bells do not pile up, garbage stops nobody, and a user with few rights is enough."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import dramatiq
import pytest
import redis
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker

from tests.conftest import Running
from tests.world import World, document
from workers import broker as bells
from workers.actors import deciding, declare_intake, declare_stages
from workers.broker import BELL_AGE, INTAKE, MOST_BELLS, WAKE, Bell, make_broker
from workers.draining import Drains
from workers.effects import queues

QUEUES = sorted({WAKE, INTAKE, *queues().values()})


def bell(running: Running) -> Bell:
    return Bell(make_broker(running.redis_url, consumer=False), queues())


def dead(valkey: redis.Redis, queue: str) -> int:
    """Messages of ``queue`` that were given up."""
    return int(valkey.zcard(f"dramatiq:{queue}.XQ"))


def left(valkey: redis.Redis, queue: str) -> tuple[int, int, int]:
    """(waiting, stored, fetched and not acknowledged) of ``queue``."""
    fetched = sum(int(valkey.scard(key)) for key in valkey.scan_iter(f"dramatiq:__acks__.*.{queue}"))
    return int(valkey.llen(f"dramatiq:{queue}")), int(valkey.hlen(f"dramatiq:{queue}.msgs")), fetched


def test_bells_are_bounded_while_nobody_listens(
    running: Running, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock rings for whatever is left, twice a second: a night without workers were a million."""
    monkeypatch.setattr(bells, "_LOOKED", 0.0)
    first, second = bell(running), bell(running)
    for _ in range(MOST_BELLS):
        first.ring(stages=["accept"])
        second.ring(stages=["split"])
    assert left(valkey, WAKE)[0] == MOST_BELLS
    first.ring(effects=["mail.send"])
    assert left(valkey, queues()["mail.send"])[0] == 1, "a full queue keeps nothing from another"


def test_between_two_looks_a_ringer_counts_what_it_sent(running: Running, valkey: redis.Redis) -> None:
    one = bell(running)
    for _ in range(MOST_BELLS + 50):
        one.ring(stages=["accept"])
    assert left(valkey, WAKE)[0] <= MOST_BELLS + 50
    one._room[WAKE] = (one._room[WAKE][0] + 60.0, 0)
    before = left(valkey, WAKE)[0]
    one.ring(stages=["accept"])
    assert left(valkey, WAKE)[0] == before


def working(broker: dramatiq.Broker, *queues_of_it: str) -> None:
    """A worker that goes on until ``queues_of_it`` are empty."""
    worker = Worker(broker, worker_timeout=20, worker_threads=2)
    worker.start()
    try:
        for queue in queues_of_it:
            broker.join(queue, timeout=20_000)
    finally:
        worker.stop()


def test_a_stale_bell_is_no_dead_letter(world: World, running: Running, valkey: redis.Redis) -> None:
    """It was not answered in time, and nothing was lost by that."""
    bell(running).ring(stages=["accept"])
    (identity,) = valkey.lrange(f"dramatiq:{WAKE}", 0, -1)
    message = json.loads(valkey.hget(f"dramatiq:{WAKE}.msgs", identity) or b"")
    message["message_timestamp"] -= BELL_AGE + 1
    valkey.hset(f"dramatiq:{WAKE}.msgs", identity, json.dumps(message))
    world.take(document("S-1"))
    broker = make_broker(running.redis_url, consumer=True)
    declare_stages(broker, deciding(world.house.bell, world.house.runner(), Drains()))
    working(broker, WAKE)
    assert (left(valkey, WAKE), dead(valkey, WAKE)) == ((0, 0, 0), 0)
    assert world.states()["S-1"][0] == "accepted"


GARBAGE = {
    "no JSON": b"\xff\x00{",
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "a list": b'["accept.decide"]',
    "no actor": b'{"queue_name": "wake", "args": [], "kwargs": {}, "options": {}, "message_id": "ID"}',
    "its id and no more": b'"ID"',
    "an unknown actor": b'{"queue_name": "wake", "actor_name": "x", "args": [], "kwargs": {}, "message_timestamp": 0,'
    b' "options": {"redis_message_id": "ID"}, "message_id": "ID"}',
    "an actor that is none": b'{"queue_name": "wake", "actor_name": 7, "args": [], "kwargs": {}, "message_timestamp": 0,'
    b' "options": {"redis_message_id": "ID"}, "message_id": "ID"}',
}


@pytest.mark.parametrize("queue", [WAKE, INTAKE])
def test_garbage_in_a_queue_stops_no_order(world: World, running: Running, valkey: redis.Redis, queue: str) -> None:
    """Each between good ones, twice as many as are fetched at a time; and an id that nothing is stored under."""
    broker = make_broker(running.redis_url, consumer=True)
    declare_stages(broker, deciding(world.house.bell, world.house.runner(), Drains()))
    declare_intake(broker, replace(world.house, bell=bell(running)))
    for number, raw in enumerate(GARBAGE.values()):
        identity = f"garbage-{number}"
        valkey.hset(f"dramatiq:{queue}.msgs", identity, raw.replace(b"ID", identity.encode()))
        valkey.rpush(f"dramatiq:{queue}", identity, f"nothing-{number}")
        broker.enqueue(dramatiq.Message(INTAKE, "orders.accept", (document(f"S-{number}"),), {}, {}))
    started = threading.active_count()
    working(broker, INTAKE, WAKE)
    assert threading.active_count() <= started
    assert {f"S-{number}" for number in range(len(GARBAGE))} == set(world.states())
    assert {state for state, _ in world.states().values()} != {"new"}
    waiting, stored, _ = left(valkey, queue)
    assert (waiting, stored <= 1) == (0, True)
    assert dead(valkey, queue) >= len(GARBAGE) - 1, "kept for whoever wants to know what it was"


@pytest.fixture
def careful(running: Running, valkey: redis.Redis) -> Iterator[str]:
    """The URL of a user who may do nothing that is dangerous, KEYS among it."""
    valkey.execute_command("ACL", "SETUSER", "shukka", "on", ">pass", "~dramatiq*", "+@all", "-@dangerous")
    yield running.redis_url.replace("unix://", "unix://shukka:pass@")
    valkey.execute_command("ACL", "DELUSER", "shukka")


def test_a_user_who_may_not_call_keys_is_enough(world: World, valkey: redis.Redis, careful: str) -> None:
    """A worker that died left a message: maintenance gives it back, and forgets the worker once nothing is left of it."""
    with pytest.raises(redis.exceptions.NoPermissionError):
        redis.Redis.from_url(careful).keys()
    broker = make_broker(careful, consumer=True)
    assert isinstance(broker, RedisBroker)
    broker.maintenance_chance = 1_000_000
    declare_intake(broker, replace(world.house, bell=Bell(make_broker(careful, consumer=False), queues())))
    broker.enqueue(dramatiq.Message(INTAKE, "orders.accept", (document("S-1"),), {}, {}))
    identity = valkey.lpop(f"dramatiq:{INTAKE}")
    valkey.sadd(f"dramatiq:__acks__.died.{INTAKE}", identity)
    valkey.sadd("dramatiq:__acks__.holds.another", "x")
    valkey.zadd("dramatiq:__heartbeats__", {"died": 1, "holds": 1})
    working(broker, INTAKE)
    assert set(world.states()) == {"S-1"}
    known = {name.decode() for name in valkey.zrange("dramatiq:__heartbeats__", 0, -1)}
    assert ("died" in known, "holds" in known) == (False, True)
    assert Bell(broker, queues()).check() is None  # type: ignore[func-returns-value]
