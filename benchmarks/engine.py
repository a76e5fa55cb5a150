"""One worker process of the engine benchmark: decides and performs what is due while it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, event

from benchmarks.world import InstantGateway, InstantSuppliers, LocalBell
from models.database import connect, statements_sent
from pipelines.engine.run import Runner
from pipelines.route import ROUTE, STAGES
from pipelines.shops import Shop, load_shops
from workers.channels.webhook import WebhookSender
from workers.clock import SettableClock
from workers.effects import mail, payments, suppliers
from workers.effects.loop import EffectLoop
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.mail.smtp import SmtpPool

#: As a worker process has by default (SHUKKA_SMTP_CONNECTIONS).
SMTP_CONNECTIONS = 32
#: What its connections are called at the database.
APPLICATION = "shukka-bench-worker"


class Orders(NamedTuple):
    """What a worker process is to do: database, Clock, mail server (None: mails stay where they are), orders a batch, profiles (None: the
    packaged ones)."""

    url: str
    start: datetime
    anchor: float
    smtp: str | None
    batch: int
    shops: Path | None = None


class Signals(NamedTuple):
    """``ready`` is told the process id of each worker that has compiled its templates; it works while ``go`` is set, until ``stop`` is."""

    ready: queue.Queue[int]
    go: threading.Event
    stop: threading.Event


@dataclass
class Spent:
    """Seconds by (stage, phase), orders and batches by stage, and the statements of all that found something to do."""

    seconds: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    orders: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    batches: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mails: int = 0
    statements: int = 0


class Statements:
    """Counts the statements that are sent to a database, by the driver itself and by SQLAlchemy. BEGIN, COMMIT and pings of the pool are
    not counted."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sent = 0
        self._before = statements_sent(engine)
        event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self._sent += 1

    @property
    def all(self) -> int:
        """Since it was made."""
        return self._sent + statements_sent(self._engine) - self._before


def work(orders: Orders, signals: Signals) -> Spent:
    """Run until ``stop``; what was spent where."""
    engine = connect(orders.url, application=APPLICATION)
    statements = Statements(engine)
    clock = SettableClock(orders.start, 1.0, orders.anchor)
    shops = load_shops(orders.shops, INSTALLATION)
    spent = Spent()

    def observe(stage: str, phase: str, seconds: float) -> None:
        spent.seconds[stage, phase] += seconds

    renderer = Renderer("orders@shukka.example", "shukka.example")
    renderer.check()
    runner = Runner(engine, shops, renderer, clock, observe, time.perf_counter, STAGES)
    gc.collect()
    gc.freeze()  # as workers.main does
    gc.set_threshold(50_000, 20, 50)
    bell = LocalBell()
    runner.run_batch(STAGES["accept"], 1)  # nothing is due yet: what it costs to look
    a_look, looks = statements.all, 1
    signals.ready.put(os.getpid())
    signals.go.wait()
    performing = _perform(engine, clock, bell, shops, orders.smtp, signals.stop, spent)
    effects = threading.Thread(target=lambda: asyncio.run(performing))
    effects.start()
    while not signals.stop.is_set():
        if not signals.go.is_set():
            signals.go.wait(0.2)
            continue
        idle = True
        for stage in ROUTE:
            result = runner.run_batch(stage, orders.batch)
            if result.claimed:
                idle = False
                spent.orders[stage.name] += result.claimed
                spent.batches[stage.name] += 1
                bell.ring(effects=result.effects)
            else:
                looks += 1
        if idle:
            signals.stop.wait(0.02)
    effects.join()
    engine.dispose()
    return Spent(
        dict(spent.seconds), dict(spent.orders), dict(spent.batches), spent.mails, statements.all - looks * a_look
    )


async def _perform(
    engine: Engine,
    clock: SettableClock,
    bell: LocalBell,
    shops: Mapping[str, Shop],
    smtp: str | None,
    stop: threading.Event,
    spent: Spent,
) -> None:
    told = InstantSuppliers(engine, clock)
    pool = SmtpPool(smtp, size=SMTP_CONNECTIONS) if smtp else None
    performers = [
        *payments.EFFECT.performed_by(payments.performing({"sandbox": InstantGateway(clock)}), 64),
        *suppliers.EFFECT.performed_by(suppliers.performing({"webhook": WebhookSender(told, clock)}, shops, clock), 64),
    ]
    if pool:
        performers += mail.EFFECT.performed_by(mail.performing(pool.deliver), SMTP_CONNECTIONS)
    loop = EffectLoop(engine, clock, bell, performers)

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
