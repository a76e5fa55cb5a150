"""Bells: Redis is a doorbell; whatever it loses, the pacemaker rings for again."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import pytest
import redis
from dramatiq import Worker

from pipelines.route import ROUTE
from tests.conftest import Running
from tests.world import World, document
from workers.actors import deciding, declare_effects, declare_intake, declare_stages, performing
from workers.broker import WAKE, Bell, make_broker
from workers.draining import Drains
from workers.effects import queues
from workers.effects.loop import EffectLoop
from workers.grouping import Group
from workers.lookout import Lookout
from workers.pacemaker import PERIOD, Pacemaker
from workers.wiring import House


@pytest.fixture
def house(world: World, running: Running) -> House:
    """The world's house with a real doorbell."""
    return replace(world.house, bell=Bell(make_broker(running.redis_url, consumer=False), queues()))


def rung(client: redis.Redis) -> int:
    """Messages that wait for the decide stages."""
    return int(client.llen(f"dramatiq:{WAKE}"))


def test_a_flushed_redis_is_rung_again(world: World, house: House, valkey: redis.Redis) -> None:
    world.take(document("S-1"))
    house.bell.ring(stages=["accept"])
    assert rung(valkey) == 1
    valkey.flushall()
    assert Pacemaker(house).look() == ({"accept"}, set())
    assert rung(valkey) == 1


def test_nothing_due_rings_nobody(world: World, house: House, valkey: redis.Redis) -> None:
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    assert world.value("SELECT count(*) FROM work") == 1, "the reminder is due some day"
    assert Pacemaker(house).look() == (set(), set())
    assert rung(valkey) == 0


def test_it_rings_for_effects_and_once_in_a_while_only(world: World, house: House, valkey: redis.Redis) -> None:
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    pacemaker = Pacemaker(house)
    assert pacemaker.look() == (set(), {"payment.authorize", "mail.send"})
    assert pacemaker.look() == (set(), set())


def test_a_dead_doorbell_is_no_error_and_loses_nothing(world: World, house: House, valkey: redis.Redis) -> None:
    dead = Bell(make_broker("unix:///nowhere/socket", consumer=False), queues())
    world.take(document("S-1"))
    dead.ring(stages=["accept"], effects=["mail.send"])
    assert Pacemaker(replace(house, bell=dead)).look() == ({"accept"}, set())
    assert rung(valkey) == 0
    assert Pacemaker(house).look() == ({"accept"}, set()), "it is still due when the doorbell works again"
    assert rung(valkey) == 1


def test_nothing_that_the_database_says_ends_the_clock(world: World, house: House, valkey: redis.Redis) -> None:
    """Not even what is no absence of it."""
    world.take(document("S-1"))
    world.execute("ALTER TABLE work RENAME TO hidden")
    stop = threading.Event()
    clock = threading.Thread(target=Pacemaker(house).run, args=(stop,))
    clock.start()
    try:
        time.sleep(3 * PERIOD)
        world.execute("ALTER TABLE hidden RENAME TO work")
        deadline = time.monotonic() + 10
        while not rung(valkey) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert rung(valkey) >= 1
    finally:
        stop.set()
        clock.join()


def test_workers_and_pacemaker_carry_an_order_although_redis_forgets_everything(
    world: World, house: House, running: Running, valkey: redis.Redis
) -> None:
    broker = make_broker(running.redis_url, consumer=True)
    declare_stages(broker, deciding(house.bell, world.runner, Drains()))
    declare_effects(broker, performing(lambda: world.loop))
    declare_intake(broker, house)
    worker = Worker(broker, worker_timeout=50, worker_threads=4)
    broker.emit_before("process_boot")
    worker.start()
    stop = threading.Event()
    pacemaker = threading.Thread(target=Pacemaker(house).run, args=(stop,))
    pacemaker.start()
    try:
        world.take(document("S-1"))
        deadline = time.monotonic() + 20
        while world.states()["S-1"][0] != "released" and time.monotonic() < deadline:
            valkey.flushall()
            time.sleep(0.1)
    finally:
        stop.set()
        pacemaker.join()
        worker.stop()
        broker.emit_after("worker_shutdown", worker)
        broker.close()
    assert world.states() == {"S-1": ("released", "running")}


def test_orders_go_on_within_seconds_while_redis_is_dead(
    world: World, house: House, running: Running, valkey: redis.Redis
) -> None:
    """No bell, no clock: the worker looks for itself, and at once where a ring of its own was lost."""
    world.loop = EffectLoop(world.engine, world.clock, house.bell, world.performers)
    decide, perform = deciding(house.bell, replace(world.runner), Drains()), performing(lambda: world.loop)
    broker = make_broker(running.redis_url, consumer=True)
    declare_stages(broker, decide)
    declare_effects(broker, perform)
    worker = Worker(broker, worker_timeout=50, worker_threads=4)
    broker.emit_before("process_boot")
    worker.start()
    stop = threading.Event()
    lookout = threading.Thread(target=Lookout(house, decide, perform).run, args=(stop,))
    lookout.start()
    os.kill(running.engines.pids()["valkey"], signal.SIGKILL)
    try:
        waited = []
        for number in ("S-1", "S-2", "S-3"):
            world.take(document(number))
            began = time.monotonic()
            while world.states()[number][0] != "released" and time.monotonic() - began < 20:
                time.sleep(0.02)
            waited.append(time.monotonic() - began)
    finally:
        stop.set()
        lookout.join()
        running.engines.ensure()
        worker.stop()
        broker.emit_after("worker_shutdown", worker)
        broker.close()
    assert max(waited) < 5
    assert {state for state, _ in world.states().values()} == {"released"}


def test_nothing_is_looked_for_while_the_broker_answers_and_nothing_was_lost(
    world: World, house: House, valkey: redis.Redis
) -> None:
    world.take(document("S-1"))
    found: list[str] = []
    stop = threading.Event()
    lookout = threading.Thread(target=Lookout(house, found.append, found.append).run, args=(stop,))
    lookout.start()
    time.sleep(1.5)
    assert found == []
    house.bell.unheard.set()
    time.sleep(0.3)
    stop.set()
    lookout.join()
    assert found == ["accept"]


def test_no_fault_of_a_stage_ends_the_lookout_or_keeps_it_from_the_others(
    world: World, house: House, valkey: redis.Redis
) -> None:
    """Without Redis and the clock nobody else would look, and nobody would hear that it ended."""
    world.take(document("S-1"))
    world.wake("authorize")
    asked: list[str] = []

    def decide(stage: str) -> None:
        asked.append(stage)
        raise KeyError(stage)

    stop = threading.Event()
    lookout = threading.Thread(target=Lookout(house, decide, asked.append).run, args=(stop,))
    lookout.start()
    for _ in range(2):
        house.bell.unheard.set()
        time.sleep(0.4)
    is_alive = lookout.is_alive()
    stop.set()
    lookout.join()
    assert is_alive
    assert sorted(asked) == ["accept", "accept", "authorize", "authorize"]


def test_no_fault_ends_the_clock(world: World, house: House) -> None:
    """Its periodic jobs would go on beside it, and it would be taken for well."""

    class Broken:
        """A bell that rings once in a while."""

        rung = 0

        def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = ()) -> None:
            self.rung += 1
            raise KeyError("accept")

    world.take(document("S-1"))
    bell, stop = Broken(), threading.Event()
    pacemaker = threading.Thread(target=Pacemaker(replace(house, bell=cast("Bell", bell))).run, args=(stop,))
    pacemaker.start()
    deadline = time.monotonic() + 10
    while bell.rung < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    pacemaker.join()
    assert bell.rung >= 2


def test_rings_during_a_drain_make_it_look_once_more() -> None:
    drains, begun, go_on, looks = Drains(), threading.Event(), threading.Event(), []

    def drain() -> None:
        looks.append(1)
        begun.set()
        assert go_on.wait(10)

    first = threading.Thread(target=drains.run, args=("accept", drain))
    first.start()
    assert begun.wait(10)
    assert [drains.run("accept", drain) for _ in range(5)] == [False] * 5
    go_on.set()
    first.join()
    assert len(looks) == 2


def test_a_drain_that_fails_does_not_lock_its_name() -> None:
    drains, looks = Drains(), []

    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drains.run("accept", fail)
    assert drains.run("accept", lambda: looks.append(1))
    assert looks == [1]


def test_what_comes_during_a_commit_shares_the_next_one() -> None:
    """Group commit: nobody is answered before the flush that took it returned."""
    flushes: list[int] = []
    returned: list[int] = []

    def flush(items: object) -> list[int]:
        flushes.append(len(list(items)))  # type: ignore[call-overload]
        time.sleep(0.02)
        returned.append(1)
        return [len(returned)] * flushes[-1]

    async def scenario() -> list[int]:
        group: Group[int, int] = Group(flush, limit=40)
        return await asyncio.gather(*(group.submit(n) for n in range(100)))

    answers = asyncio.run(scenario())
    assert (sum(flushes), len(flushes)) == (100, 3)
    assert sorted(set(answers)) == [1, 2, 3]


def test_a_commit_that_fails_is_everybodys_failure_and_the_next_goes_on() -> None:
    calls: list[int] = []

    def flush(items: object) -> list[str]:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        return ["stored" for _ in items]  # type: ignore[attr-defined]

    async def scenario() -> list[object]:
        group: Group[int, str] = Group(flush)
        first = await asyncio.gather(*(group.submit(n) for n in range(3)), return_exceptions=True)
        return [*first, await group.submit(4)]

    assert [r if isinstance(r, str) else type(r) for r in asyncio.run(scenario())] == [ConnectionError] * 3 + ["stored"]


def test_every_stage_and_kind_has_a_bell(house: House, valkey: redis.Redis) -> None:
    house.bell.ring([stage.name for stage in ROUTE], queues())
    rung_at = {name if isinstance(name, str) else name.decode() for name in valkey.keys("dramatiq:*")}
    assert {"dramatiq:wake", "dramatiq:gateway", "dramatiq:mail", "dramatiq:partners"} <= rung_at
    assert rung(valkey) == len(ROUTE)
