"""``python -m benchmarks.bulkheads``: what a dripping, a dead and a hanging target cost the others.

One after the other, in the same run: events to a dozen storefronts that answer within milliseconds, first alone, then beside
three in trouble for which as much is due as for all others together, due before theirs. The real effect loop on embedded
PostgreSQL; suppliers, gateways and mail domains are targets like storefronts and go through the same code.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from benchmarks.world import LocalBell
from models.database import connect
from models.migrations import upgrade
from models.store.effects import StorefrontEventRow
from pipelines.engine import announce
from pipelines.ports import Outcome, Verdict
from workers.clock import SystemClock
from workers.effects import storefronts
from workers.effects.effect import Job
from workers.effects.loop import EffectLoop
from workers.process.embedded import EmbeddedEngines

CHANNELS = 32
#: Clients of storefronts in trouble; those of sound ones are higher.
DEAD, DRIPPING, HANGING = TROUBLED = "1", "2", "3"
SOUND = 10
#: Seconds of one attempt in all.
TOTAL = 30.0
#: Seconds in which a sound storefront answers, and between two events that come in for each.
ANSWER = 0.01
EVERY = 0.1
_DUE = """
WITH new AS (INSERT INTO effect (key, kind, payload, state)
             SELECT :name || ':' || clock_timestamp() || ':' || n, :kind, jsonb_build_object('client', :name), 'pending'
             FROM generate_series(1, :count) n RETURNING id)
INSERT INTO effect_lease (kind, subject_id, due_at, attempts, token, target)
SELECT :kind, id, clock_timestamp(), 0, 0, :name FROM new RETURNING subject_id"""


@dataclass
class Storefronts:
    """Storefronts by name; when each event of a sound one was taken."""

    taken: dict[int, float] = field(default_factory=dict)

    async def perform(self, job: Job[StorefrontEventRow]) -> Outcome:
        """Take the event, or do as a storefront in trouble does."""
        if job.row.client == DEAD:
            return Outcome(Verdict.RETRY, code="unreachable")
        while job.row.client in (DRIPPING, HANGING):
            await asyncio.sleep(1.0 if job.row.client == DRIPPING else 3600.0)
        await asyncio.sleep(ANSWER)
        self.taken[job.id] = time.monotonic()
        return Outcome(Verdict.OK)


def _add(engine: Engine, name: str, count: int) -> list[int]:
    with engine.begin() as connection:
        given = {"name": name, "kind": announce.KIND, "count": count}
        return list(connection.execute(text(_DUE), given).scalars())


async def waits(engine: Engine, sound: int, events: int, troubled: bool) -> list[float]:
    """Seconds from due to taken of the events of ``sound`` storefronts, ``events`` each."""
    outside = Storefronts()
    performers = replace(storefronts.EFFECT, total=TOTAL).performed_by(outside.perform, CHANNELS)
    loop = EffectLoop(engine, SystemClock(), LocalBell(), performers)
    if troubled:
        for name in TROUBLED:
            await asyncio.to_thread(_add, engine, name, sound * events // len(TROUBLED))
    due: dict[int, float] = {}
    loop.ring(announce.KIND)
    for _ in range(events):
        for n in range(sound):
            at = time.monotonic()
            due |= dict.fromkeys(await asyncio.to_thread(_add, engine, str(SOUND + n), 1), at)
            loop.ring(announce.KIND)
        await asyncio.sleep(EVERY)
    async with asyncio.timeout(60):
        while len(outside.taken) < len(due):
            await asyncio.sleep(0.01)
    await loop.ended(0)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE effect, effect_lease CASCADE"))
    return sorted(outside.taken[id_] - at for id_, at in due.items())


def main() -> int:
    """Both runs, with the ratios of median and p95; 1 if the others were slowed down by more than a fifth."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.bulkheads")
    options.add_argument("--sound", type=int, default=12, help="storefronts that answer")
    options.add_argument("--events", type=int, default=60, help="events for each")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="shukka-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedEngines(Path(folder) / "data", valkey=False) as urls:
            engine = connect(urls.database_url or "")
            upgrade(engine)
            asyncio.run(waits(engine, given.sound, 5, troubled=False))  # warms up
            alone = asyncio.run(waits(engine, given.sound, given.events, troubled=False))
            beside = asyncio.run(waits(engine, given.sound, given.events, troubled=True))
            engine.dispose()
    table = Table("sound storefronts", "median ms", "p95 ms", "longest ms", box=None)
    figures = []
    for name, seconds in (("alone", alone), ("beside a dead, a dripping and a hanging one", beside)):
        *_, p95 = statistics.quantiles(seconds, n=20)
        figures.append((statistics.median(seconds), p95))
        table.add_row(name, *(f"{1000 * value:.1f}" for value in (statistics.median(seconds), p95, max(seconds))))
    (median, p95), (median_beside, p95_beside) = figures
    console = Console()
    console.print(table)
    console.print(f"median {median_beside / median:.2f} times, p95 {p95_beside / p95:.2f} times")
    return int(median_beside > 1.2 * median or p95_beside > 1.2 * p95)


if __name__ == "__main__":
    raise SystemExit(main())
