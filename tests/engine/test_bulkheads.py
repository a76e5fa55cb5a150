"""Nobody waits for somebody else's trouble: targets have shares, circuits open and are probed, and operators see it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text

from pipelines.ports import Outcome, Verdict
from tests.world import World
from workers.effects import storefronts
from workers.effects.effect import Job, Performer
from workers.effects.loop import EffectLoop
from workers.effects.shift import Shift
from workers.effects.targets import LONGEST_PAUSE, SHARE, START, TRIP, Target

KIND = "storefront.event"
CHANNELS = 16
OK, DOWN, LATE = Outcome(Verdict.OK), Outcome(Verdict.RETRY, code="unreachable"), Outcome(Verdict.UNKNOWN)


class Ticking:
    """Seconds by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def target(ticking: Ticking) -> Target:
    return Target("maker-a", channels=64, pause=1.0, now=ticking)


def attempts(target: Target, *outcomes: Outcome) -> list[bool]:
    """One attempt after the other; for each, whether operators hear of it."""
    heard = []
    for outcome in outcomes:
        target.begin()
        heard.append(target.ended(outcome))
    return heard


def test_a_target_gets_room_as_it_answers_and_loses_it_as_it_fails(target: Target) -> None:
    rooms = [target.room()]
    for outcome in (OK, OK, *[OK] * 30, DOWN, DOWN, LATE):
        attempts(target, outcome)
        rooms.append(target.room())
    assert rooms[:3] == [START, START + 1, START + 2]
    assert rooms[-4:] == [64 // SHARE, 16, 8, 4]


def test_a_circuit_opens_after_failures_on_end_and_one_probe_closes_it(target: Target, ticking: Ticking) -> None:
    assert attempts(target, DOWN, DOWN, OK, *[DOWN] * TRIP) == [False] * (2 + TRIP) + [True]
    assert (target.is_open, target.room()) == (True, 0)
    ticking.now = 1.0
    assert target.room() == 1
    target.begin()
    assert target.room() == 0, "one probe at a time"
    assert target.ended(OK)
    assert (target.is_open, target.room()) == (False, 2)


def test_a_refusal_is_an_answer(target: Target) -> None:
    attempts(target, *[DOWN] * (TRIP - 1), Outcome(Verdict.DECLINED, code="http_410"), DOWN)
    assert not target.is_open


def test_a_refusal_that_is_tried_again_keeps_nothing_else_waiting(target: Target) -> None:
    attempts(target, *[Outcome(Verdict.RETRY, code="http_404", answered=True)] * (2 * TRIP))
    assert not target.is_open


def test_the_pause_doubles_with_each_probe_that_fails_and_not_with_what_was_under_way(
    target: Target, ticking: Ticking
) -> None:
    attempts(target, *[OK] * 20)
    for _ in range(12):
        target.begin()
    assert [target.ended(LATE) for _ in range(12)] == [False] * (TRIP - 1) + [True] + [False] * (12 - TRIP)
    pauses = []
    for _ in range(9):
        pauses.append(target.pause)
        ticking.now += target.pause
        assert attempts(target, DOWN) == [True]
    assert pauses == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_what_is_our_own_fault_opens_nothing(target: Target) -> None:
    attempts(target, *[Outcome(Verdict.RETRY, code="lease_ended")] * 20)
    assert (target.is_open, target.room()) == (False, START)


@dataclass
class Storefronts:
    """Storefronts of which some hang, some are dead and all others answer; when each event arrived, in seconds."""

    hanging: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.arrived: dict[int, float] = {}

    async def perform(self, job: Job[storefronts.StorefrontEventRow]) -> Outcome:
        self.asked[job.row.client] += 1
        if job.row.client in self.hanging:
            await asyncio.sleep(3600)
        if job.row.client in self.dead:
            return DOWN
        await asyncio.sleep(0.002)
        self.arrived[job.id] = time.monotonic()
        return OK

    def performers(self, total: float = 30.0) -> list[Performer[storefronts.StorefrontEventRow]]:
        """What performs events by them."""
        return replace(storefronts.EFFECT, total=total).performed_by(self.perform, CHANNELS)


def events(world: World, *clients: tuple[str, int]) -> None:
    """Events that are due, those of one client after those of the one before."""
    for client, count in clients:
        world.execute(
            "WITH new AS (INSERT INTO effect (key, kind, payload, state)"
            " SELECT 'event:' || :client || ':' || n, :kind, jsonb_build_object('client', :client), 'pending'"
            " FROM generate_series(1, :count) n RETURNING id)"
            " INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token, target)"
            " SELECT :kind, id, clock_timestamp(), 0, 0, :client FROM new",
            client=client,
            count=count,
            kind=KIND,
        )


def drained(world: World, outside: Storefronts, total: float = 30.0, until: int = 1) -> float:
    """Seconds until ``until`` events have arrived; no more than ten."""
    loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers(total))

    async def drain() -> float:
        began = time.monotonic()
        loop.ring(KIND)
        while len(outside.arrived) < until and time.monotonic() - began < 10:
            await asyncio.sleep(0.005)
        took = time.monotonic() - began
        await loop.ended(0)
        return took

    return asyncio.run(drain())


@pytest.mark.parametrize("known", [True, False], ids=["the target is stored", "the target is known once it is loaded"])
def test_one_hanging_and_one_dead_target_delay_nobody_however_much_waits_for_them(world: World, known: bool) -> None:
    """Hundreds of theirs are due before the others' twenty."""
    events(world, ("1", 400), ("2", 400), ("3", 20))
    if not known:
        world.execute("UPDATE effect_lease SET target = NULL")
    outside = Storefronts(hanging=frozenset("1"), dead=frozenset("2"))
    assert drained(world, outside, until=20) < 5
    assert outside.asked["3"] == 20
    assert outside.asked["1"] <= CHANNELS // SHARE
    assert outside.asked["2"] <= TRIP + CHANNELS, "the circuit opened"
    assert world.value("SELECT count(*) FROM effect_lease WHERE due_at > now() + interval '15 s'") == 0, "given back"


def test_leasing_goes_on_while_a_channel_is_slow(world: World) -> None:
    """What comes in long after a drain began and while its slowest is under way does not wait for it."""
    events(world, ("1", 1))
    outside = Storefronts(hanging=frozenset("1"))
    loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers())

    async def later() -> None:
        loop.ring(KIND)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(events, world, ("2", 3))
        loop.ring(KIND)
        async with asyncio.timeout(5):
            while len(outside.arrived) < 3:
                await asyncio.sleep(0.01)
        await loop.ended(0)

    asyncio.run(later())
    assert outside.asked == {"1": 1, "2": 3}


def test_what_is_under_way_is_not_broken_off_where_others_are_in_the_way_of_leasing(world: World) -> None:
    """A mail whose connection is closed after its final dot would come twice."""
    events(world, ("1", 1))
    outside = Storefronts(hanging=frozenset("1"))
    loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers())

    async def locked_out() -> None:
        loop.ring(KIND)
        await asyncio.sleep(0.3)
        with world.engine.begin() as others:
            others.execute(text("LOCK TABLE effect_lease IN ACCESS EXCLUSIVE MODE"))
            loop.ring(KIND)
            async with asyncio.timeout(5):
                while not world.value(CANCEL_WHO_WAITS):
                    await asyncio.sleep(0.01)
        await asyncio.to_thread(events, world, ("2", 1))
        loop.ring(KIND)
        async with asyncio.timeout(5):
            while len(outside.arrived) < 1:
                await asyncio.sleep(0.01)
        assert outside.asked == {"1": 1, "2": 1}
        await loop.ended(0)

    asyncio.run(locked_out())


def test_a_ring_while_a_look_is_under_way_leads_to_another() -> None:
    """The look may have begun before what rang was there."""
    (performer,) = Storefronts().performers()
    shift = Shift(performer, {}, pause=1.0, batch=10)
    shift.take([], shift.look())
    assert not shift.wants_more()
    without = shift.look()
    shift.rung()
    shift.take([], without)
    assert shift.wants_more()
    shift.take([], shift.look())
    assert not shift.wants_more()


def test_what_waits_behind_an_open_circuit_is_given_up_when_its_time_is_over(world: World) -> None:
    """Contract: three days, then dead, replayable. Only probes are attempts, one a minute: 400 events would take hours more each day."""
    events(world, ("2", 400), ("3", 1))
    older = "UPDATE effect_lease SET opened_at = opened_at - interval '3 days' WHERE subject_id <= (SELECT min(subject_id) + 299 FROM effect_lease)"
    world.execute(older)
    outside = Storefronts(dead=frozenset("2"))
    loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers())
    asyncio.run(loop.drain(KIND))
    assert outside.asked["2"] <= TRIP + CHANNELS
    assert outside.asked["3"] == 1
    ended = "SELECT state, outcome->>'code' AS code, count(*) AS number FROM effect WHERE payload->>'client' = '2' GROUP BY 1, 2 ORDER BY 1"
    assert world.rows(ended) == [("needs_review", "unreachable", 300), ("pending", None, 100)]
    assert world.broken() == {}

    world.execute("UPDATE effect_lease SET opened_at = opened_at - interval '4 days', due_at = now()")
    outside.dead = frozenset()
    drained(world, outside, until=1 + 100)
    assert len(outside.arrived) == 1 + 100, "nothing is given up unasked of a storefront that answers, however late"


CANCEL_WHO_WAITS = """
SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"""


def open_circuits(world: World) -> Iterator[tuple[str, str, str]]:
    """What operators see of circuits."""
    return ((r.kind, r.target, r.code) for r in world.rows("SELECT kind, target, code FROM circuit"))


def test_an_open_circuit_is_seen_counts_no_attempts_and_closes_with_the_first_answer(world: World) -> None:
    events(world, ("2", 50))
    outside = Storefronts(dead=frozenset("2"))
    loop = EffectLoop(world.engine, world.clock, world.house.bell, outside.performers(), pause=0.3)

    async def scenario() -> None:
        await loop.drain(KIND)
        asked = outside.asked["2"]
        assert asked < 50
        assert list(await asyncio.to_thread(open_circuits, world)) == [(KIND, "2", "unreachable")]
        tried = await asyncio.to_thread(world.value, "SELECT sum(attempts) FROM effect_lease")
        assert tried == asked, "what was not asked is no attempt"
        outside.dead = frozenset()
        await asyncio.sleep(0.4)
        await asyncio.to_thread(world.hurry)
        await loop.drain(KIND)

    asyncio.run(scenario())
    assert len(outside.arrived) == 50
    assert list(open_circuits(world)) == []
