"""What is leased is given back whatever ends a drain, and a process that was paused performs nothing that it lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import pytest

from pipelines.ports import Outcome, Verdict
from tests.world import World, document
from workers.effects import payments, targets
from workers.effects.effect import Job, Performer
from workers.effects.loop import EffectLoop

KIND = "payment.authorize"
CHANNELS = 8
#: How many of them one gateway may take.
SHARE = CHANNELS // targets.SHARE
#: Seconds; a paused process is away for longer.
LEASE = 0.8


def asked(world: World, orders: int = 6) -> None:
    """Card orders whose authorizations are due."""
    world.take(*(document(f"S-{n}") for n in range(orders)))
    world.decide("accept", "authorize")


def performers(perform: object) -> list[Performer[object]]:
    """What authorizes by ``perform``."""
    return payments.EFFECT.performed_by(perform, CHANNELS)  # type: ignore[arg-type]


def leased(world: World) -> dict[str, int]:
    """How many are held, and the attempts that were counted, of all that has not ended."""
    (row,) = world.rows(
        "SELECT count(*) FILTER (WHERE due_at > now()) AS held, sum(attempts)::int AS attempts, count(*) AS open"
        " FROM effect_lease WHERE kind = :kind",
        kind=KIND,
    )
    return {"held": row.held, "attempts": row.attempts, "open": row.open}


def test_a_drain_that_is_interrupted_gives_everything_back_and_renews_nothing(world: World) -> None:
    """As dramatiq does to an actor beyond its time limit: what was begun is an attempt, what only waited is none."""
    asked(world)

    async def never(job: Job[object]) -> Outcome:
        await asyncio.sleep(3600)
        return Outcome(Verdict.OK)

    async def interrupted() -> None:
        loop = EffectLoop(world.engine, world.clock, world.house.bell, performers(never), lease=LEASE)
        drain = asyncio.create_task(loop.drain(KIND))
        while (await asyncio.to_thread(leased, world))["held"] < 6:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        drain.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drain
        assert await asyncio.to_thread(leased, world) == {"held": 0, "attempts": SHARE, "open": 6}
        await asyncio.sleep(LEASE / 2)
        assert (await asyncio.to_thread(leased, world))["held"] == 0, "nobody renews what nobody holds"

    asyncio.run(interrupted())


def test_a_paused_process_performs_none_of_its_stock_again(world: World) -> None:
    """Its leases ran out while it stood still: whoever took them over has done it. At most what was under way is in doubt."""
    asked(world)
    performed: Counter[int] = Counter()

    async def perform(job: Job[object]) -> Outcome:
        performed[job.id] += 1
        return Outcome(Verdict.DECLINED, code="E11")

    async def paused(job: Job[object]) -> Outcome:
        if not performed:
            time.sleep(LEASE + 0.2)
            other = threading.Thread(target=asyncio.run, args=(another.drain(KIND),))
            other.start()
            other.join()
        return await perform(job)

    another = EffectLoop(world.engine, world.clock, world.house.bell, performers(perform))
    loop = EffectLoop(world.engine, world.clock, world.house.bell, performers(paused), lease=LEASE)
    asyncio.run(loop.drain(KIND))
    assert len(performed) == 6
    assert sum(performed.values()) <= 6 + SHARE
