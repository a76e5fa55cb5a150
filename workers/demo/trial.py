"""A trial: the whole service, on embedded engines in a directory of its own unless others are given, with the outside world
around it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, inspect

from models.database import OPERATOR, connect
from models.migrations import upgrade
from pipelines.errors import Misconfigured
from pipelines.shops import load_shops
from workers.clock import SettableClock
from workers.demo.standing import Standing, glance
from workers.demo.world import Attended, World, WorldPlan
from workers.installation import INSTALLATION
from workers.process.child import wait_until
from workers.process.embedded import EmbeddedEngines, Urls
from workers.process.engines.directory import engine_account, out_of_reach
from workers.process.keeper import Child, Report
from workers.process.listening import listening
from workers.process.service import Service
from workers.process.supervisor import Supervisor
from workers.process.up import engines
from workers.settings import Settings

#: Real seconds from the moment the clock is set until it shows its start, on an idle machine: the processes come up meanwhile.
BEFORE_OPENING = 5.0
#: How much longer, at most, things may take on a machine that is busy with other things.
BUSIEST = 4.0
#: Real seconds allowed for what the last news left to do.
LAST_PATIENCE = 15.0


@dataclass
class Trial:
    """A running trial. ``engine`` is for looking on; nothing of the trial's own goes through it. ``behind`` is how many seconds of
    the Clock the work was late at most, as far as was looked; ``children`` the service's processes as they are started."""

    root: Path
    engines: EmbeddedEngines | None
    urls: Urls
    service: Service
    processes: Attended
    world: World
    clock: SettableClock
    engine: Engine
    children: Sequence[Child] = ()
    behind: float = 0.0

    def pids(self) -> dict[str, int]:
        """Process ids of web, worker, clock, postgres and valkey, those of them that are its own and run now."""
        return {**self.processes.pids(), **(self.engines.pids() if self.engines else {})}

    def glance(self) -> Standing:
        """Where the orders stand now."""
        with self.engine.connect() as connection:
            standing = glance(connection, self.clock.now())
        self.behind = max(self.behind, standing.behind)
        return standing

    def settle(self, patience: float) -> bool:
        """Wait until nothing is due, at most ``patience`` real seconds; answers whether it came to that."""
        return wait_until(lambda: self.glance().due == 0, patience=patience, pause=0.2)

    def finish(self) -> datetime:
        """Let the news stop, then what it left be done, then every process end; the database stays up to be read.

        Answers the clock's time at which the news stopped.
        """
        self.world.hush()
        until = self.clock.now()
        self.settle(LAST_PATIENCE)
        self.processes.stop()
        self.world.close()
        return until


def load_of_machine() -> float:
    """How many times longer things take here and now than on an idle machine: the processes that a core has wanted to run over the
    last minute, from 1 to ``BUSIEST``."""
    last_minute, _, _ = os.getloadavg()
    return min(max(1.0, last_minute / (os.cpu_count() or 1)), BUSIEST)


def scratch(name: str) -> Path:
    """A new directory that the engines' account can reach; ``remove`` it, or keep it for somebody to look at.

    Raises Misconfigured if no directory for temporary files will do.
    """
    for place in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - mkdtemp makes it safe
        if place.is_dir() and out_of_reach(place.resolve(), engine_account()) is None:
            root = Path(tempfile.mkdtemp(prefix=f"shukka-{name}-", dir=place))
            root.chmod(0o711)
            return root
    raise Misconfigured("TMPDIR", "PostgreSQL cannot reach it: set it to a directory that every user may enter")


def remove(root: Path) -> None:
    """Remove a scratch directory; what cannot be removed stays."""
    shutil.rmtree(root, ignore_errors=True)


@contextmanager
def opened(
    root: Path,
    plan: WorldPlan,
    start: datetime,
    rate: float,
    report: Report,
    given: Settings | None = None,
    between: Callable[[World, Urls], Urls] | None = None,
) -> Iterator[Trial]:
    """Start engines, schema, world and service under ``root``, the clock at ``start`` running ``rate`` times as fast.

    ``between`` is told the world and the engines before the service knows of them: it may set the world's ``doors``, and answers
    the URLs by which the service finds the engines. Engines that ``given`` names are used and left as they are, the database with all that was written. Everything answers when
    the trial is given; the storefront is not started yet. All of it is stopped at the end. Raises Misconfigured and
    Unreachable as ``shukka up`` does, and Misconfigured for a database that is in use.
    """
    data = root / "data"
    given = given or Settings(database_url=None, redis_url=None, broker_url=None)
    with ExitStack() as stack:
        embedded, database_url, redis_url = stack.enter_context(engines(given, data, report))
        urls = Urls(database_url, redis_url)
        engine = connect(database_url, OPERATOR, application="shukka-trial")
        stack.callback(engine.dispose)
        _refuse_used(engine)
        upgrade(engine)
        world = World(root, plan, report)
        ways = between(world, urls) if between else urls
        world.enrol(engine, load_shops(world.profiles(), INSTALLATION))
        clock = SettableClock(start, rate, time.time() + BEFORE_OPENING * load_of_machine())
        listener = stack.enter_context(listening("127.0.0.1", 0))
        service = _service(data, ways, given.broker_url, world, clock, listener)
        service.tell_commands()
        stack.callback(world.close)
        world.open(service.url, clock)
        children = service.children()
        processes = Attended(Supervisor(children, embedded, report=report))
        processes.start()
        stack.callback(processes.stop)
        yield Trial(root, embedded, urls, service, processes, world, clock, engine, children)


def _refuse_used(engine: Engine) -> None:
    """A trial's orders and clients beside real ones would be mailed, billed and counted with them."""
    tables = inspect(engine).get_table_names()
    with engine.connect() as connection:
        used = [
            name
            for name in ("shop_order", "client")
            if name in tables and connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {name})").scalar()
        ]
    if used:
        raise Misconfigured(
            "DATABASE_URL", "it holds orders or clients already; name an empty database of the demo's own"
        )


def _service(
    data: Path, urls: Urls, broker_url: str | None, world: World, clock: SettableClock, listener: socket.socket
) -> Service:
    settings = Settings(
        database_url=urls.database_url,
        redis_url=urls.redis_url,
        broker_url=broker_url,
        smtp_url=world.environment["SMTP_URL"],
        shops_dir=world.profiles(),
        shukka_data=data,
        shukka_clock=clock.start.isoformat(),
        shukka_clock_rate=clock.rate,
        shukka_clock_anchor=clock.anchor,
    )
    _, port = listener.getsockname()
    return Service(
        settings,
        load_shops(world.profiles(), INSTALLATION),
        data,
        urls.database_url or "",
        urls.redis_url or "",
        port,
        listener=listener,
        extra={
            "BROKER_URL": broker_url or "",
            "SHOPS_DIR": str(world.profiles() or ""),  # of all shops the four that ship
            "SHUKKA_ALLOW_PRIVATE_TARGETS": "1",
            **world.environment,
        },
    )
