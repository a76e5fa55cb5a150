"""One worker process of the engine benchmark: decides and performs until nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.synchronize import Event

from benchmarks.world import InstantGateway, InstantSuppliers, LocalBell
from models.database import connect
from pipelines.engine.run import Runner
from pipelines.route import ROUTE, STAGES
from pipelines.shops import load_shops
from workers.channels.webhook import WebhookSender
from workers.clock import SettableClock
from workers.effects import mail, payments, suppliers
from workers.effects.loop import EffectLoop
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.mail.smtp import SmtpPool

#: As a worker process has by default (SHUKKA_SMTP_CONNECTIONS).
SMTP_CONNECTIONS = 32


@dataclass
class Spent:
    """Seconds by (stage, phase), and batches and orders by stage."""

    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    orders: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    batches: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mails: int = 0


def work(url: str, start: datetime, anchor: float, smtp: str | None, batch: int, go: Event, stop: Event) -> Spent:
    """Run until ``stop``; what was spent where."""
    engine = connect(url)
    clock = SettableClock(start, 1.0, anchor)
    spent = Spent()

    def observe(stage: str, phase: str, seconds: float) -> None:
        spent.seconds[stage, phase] += seconds

    renderer = Renderer("orders@shukka.example", "shukka.example")
    renderer.check()
    runner = Runner(engine, load_shops(installation=INSTALLATION), renderer, clock, observe, time.perf_counter, STAGES)
    gc.collect()
    gc.freeze()  # as workers.main does
    gc.set_threshold(50_000, 20, 50)
    bell = LocalBell()
    go.wait()
    effects = threading.Thread(target=lambda: asyncio.run(_perform(engine, clock, bell, smtp, stop, spent)))
    effects.start()
    while not stop.is_set():
        idle = True
        for stage in ROUTE:
            result = runner.run_batch(stage, batch)
            if result.claimed:
                idle = False
                spent.orders[stage.name] += result.claimed
                spent.batches[stage.name] += 1
                bell.ring(effects=result.effects)
        if idle:
            stop.wait(0.02)
    effects.join()
    engine.dispose()
    return Spent(dict(spent.seconds), dict(spent.orders), dict(spent.batches), spent.mails)


async def _perform(
    engine: object, clock: SettableClock, bell: LocalBell, smtp: str | None, stop: Event, spent: Spent
) -> None:
    told = InstantSuppliers(engine, clock)  # type: ignore[arg-type]
    pool = SmtpPool(smtp, size=SMTP_CONNECTIONS) if smtp else None
    performers = [
        *payments.EFFECT.performed_by(payments.performing({"sandbox": InstantGateway(clock)}), 64),
        *suppliers.EFFECT.performed_by(
            suppliers.performing({"webhook": WebhookSender(told, clock)}, load_shops(), clock), 64
        ),
    ]
    if pool:
        performers += mail.EFFECT.performed_by(mail.performing(pool.deliver), SMTP_CONNECTIONS)
    loop = EffectLoop(engine, clock, bell, performers)  # type: ignore[arg-type]

    async def drain(kind: str) -> None:
        rung = bell.listen(kind)
        while not stop.is_set():
            rung.clear()
            done = await loop.drain(kind)
            if kind == "mail.send":
                spent.mails += done
            if not done:
                with contextlib.suppress(TimeoutError):  # what the other process asked for is seen by looking
                    await asyncio.wait_for(rung.wait(), 0.5)

    async def tell() -> None:
        while not stop.is_set():
            await told.tell()
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        group.create_task(tell())
        for performer in performers:
            group.create_task(drain(performer.kind))
    if pool:
        await pool.aclose()
