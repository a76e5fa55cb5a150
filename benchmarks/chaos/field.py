"""Where it is struck: a trial with a wire between the service and everything that it talks to."""

from __future__ import annotations

import os
import signal
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import orjson
import psycopg
import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from benchmarks.chaos.small_disk import SmallDisk
from benchmarks.descendants import children_of
from benchmarks.wire import Wire
from workers.demo.orders import SHOPS
from workers.demo.trial import Trial, opened
from workers.demo.world import SUPPLIERS, World, WorldPlan
from workers.process.child import wait_until
from workers.process.embedded import Urls
from workers.process.keeper import Report
from workers.process.service import free_port

#: Real seconds in which what was struck has to run, and orders to move, again.
BOUND = 30.0
LOOK = 0.05
_HELD = """
SELECT m.message_id FROM effect_lease l JOIN mail m ON m.id = l.subject_id
WHERE l.kind = 'mail.send' AND l.attempts > 0
"""
#: How the supervisor ends the line in which it says that it kills a process.
_KILLED = "is killed"
#: How often Redis is asked again, a second apart in the end.
_TRIES = 20
DATABASE, REDIS, SMTP, GATEWAY = "database", "redis", "sink", "gateway"


@dataclass
class Field:
    """A running trial, its wires by what they lead to, and the run's own chance. ``disk`` holds the tables that grow, where one
    could be mounted."""

    trial: Trial
    wires: Mapping[str, Wire]
    chance: Random
    switches: int
    disk: SmallDisk | None

    # --- processes ---------------------------------------------------------------------------------------------------

    def pid(self, name: str) -> int:
        """The process id of ``name`` once it runs. Raises KeyError if it does not within ``BOUND``."""
        wait_until(lambda: name in self.trial.pids(), patience=BOUND, pause=LOOK)
        return self.trial.pids()[name]

    def is_replaced(self, name: str, pid: int) -> bool:
        """True if another process than ``pid`` is ``name`` now."""
        return self.trial.pids().get(name, pid) != pid

    def came_back(self, name: str, pid: int) -> bool:
        """Wait until ``name`` is another process than ``pid``; answers whether that came within ``BOUND``."""
        return wait_until(lambda: self.is_replaced(name, pid), patience=BOUND, pause=LOOK)

    def children_of(self, name: str) -> list[int]:
        """The processes that the process ``name`` started."""
        return children_of(self.pid(name))

    def kill(self, pid: int) -> None:
        """SIGKILL, after which it is written down which mails somebody holds: the killed one may have sent those and not recorded it,
        be it that its lease is over by now, as where the database could not be written. One that another injury ended meanwhile is
        dead already."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.note_kill()

    def note_kill(self) -> None:
        """Write down that somebody was killed, and the mails that are leased."""
        held: list[str] = []
        with suppress(psycopg.Error), self.database() as connection:
            connection.execute("SET statement_timeout = '2s'")
            held = [message_id for (message_id,) in connection.execute(_HELD)]
        record = {"kind": "killed", "held": held}
        with (self.trial.root / "journals" / "kills.jsonl").open("ab") as journal:
            journal.write(orjson.dumps(record) + b"\n")

    @contextmanager
    def told(self, **environment: str) -> Iterator[None]:
        """Processes that are started within the block have these variables too."""
        befores: list[tuple[dict[str, str], dict[str, str]]] = []
        for child in self.trial.children:
            variables = cast("dict[str, str]", child.env)
            befores.append((variables, dict(variables)))
        for variables, _ in befores:
            variables.update(environment)
        try:
            yield
        finally:
            for variables, before in befores:
                variables.clear()
                variables.update(before)

    # --- engines and world -------------------------------------------------------------------------------------------

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection past the wire that commits each statement, and nothing of which times out."""
        with psycopg.connect(self.database_url, autocommit=True, application_name="shukka-chaos") as connection:
            yield connection

    def connect(self) -> psycopg.Connection[Any]:
        """The same, to be closed by the caller."""
        return psycopg.connect(self.database_url, autocommit=True, application_name="shukka-chaos")

    def redis(self) -> redis.Redis:
        """A client past the wire, that waits where another injury has just ended the server."""
        patience = Retry(ExponentialBackoff(cap=1.0, base=0.05), _TRIES)
        return redis.Redis.from_url(self.trial.urls.redis_url or "", retry=patience)

    def switch(self, partner: str, **switches: float) -> None:
        """Change fault switches of the world's process ``partner``."""
        port = self.switches if partner == SMTP else self.trial.world.ports[partner]
        request = urllib.request.Request(f"http://127.0.0.1:{port}/_faults", data=orjson.dumps(switches), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    def counters(self) -> Mapping[str, int]:
        """What the mail server counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.switches}/counters", timeout=10) as answer:
            return cast("Mapping[str, int]", orjson.loads(answer.read()))

    def heal(self) -> None:
        """Let everything pass everywhere."""
        for wire in self.wires.values():
            wire.heal()

    @property
    def database_url(self) -> str:
        """As libpq reads it, past the wire."""
        return (self.trial.urls.database_url or "").replace("postgresql+psycopg://", "postgresql://")


@contextmanager
def laid_out(root: Path, plan: WorldPlan, start: datetime, rate: float, report: Report, seed: int) -> Iterator[Field]:
    """Open a trial with wires between the service and the world; raises what ``workers.demo.trial.opened`` raises."""
    with ExitStack() as stack:
        wires: dict[str, Wire] = {}
        switches = free_port()

        def between(world: World, urls: Urls) -> Urls:
            wires.update(_wires(world, urls))
            for wire in wires.values():
                stack.enter_context(wire)
            world.doors.update({name: wire.port for name, wire in wires.items() if name not in (DATABASE, REDIS)})
            return Urls(wires[DATABASE].through(urls.database_url or ""), f"redis://127.0.0.1:{wires[REDIS].port}/0")

        plan = WorldPlan(
            plan.orders, plan.hours, plan.seed, plan.storefront, plan.suppliers,
            (*plan.sink, "--http-port", str(switches)), plan.bank, plan.events,
        )  # fmt: skip
        disk = stack.enter_context(SmallDisk.below(root))
        field: Field | None = None

        def heard(line: str) -> None:
            """The supervisor kills too: a worker that does not get ready, and may have sent mails before it hung."""
            report(line)
            if field is not None and line.endswith(_KILLED):
                field.note_kill()

        trial = stack.enter_context(opened(root, plan, start, rate, heard, between=between))
        field = Field(trial, wires, Random(f"chaos:{seed}"), switches, disk)
        if disk is not None:
            disk.take_in(field.database_url)
        yield field


def _wires(world: World, urls: Urls) -> dict[str, Wire]:
    """One to each engine and partner: suppliers and storefronts have one each, although one process plays them all."""
    ports = world.ports
    return {
        DATABASE: Wire.before(urls.database_url or ""),
        REDIS: _wire_to_redis(urls.redis_url or ""),
        SMTP: Wire("127.0.0.1", ports["sink"]),
        GATEWAY: Wire("127.0.0.1", ports["gateway"]),
        **{name: Wire("127.0.0.1", ports["suppliers"]) for name in SUPPLIERS},
        **{shop: Wire("127.0.0.1", ports["events"]) for shop in SHOPS},
    }


def _wire_to_redis(url: str) -> Wire:
    parts = urlsplit(url)
    return Wire(unquote(parts.path)) if parts.scheme == "unix" else Wire(parts.hostname or "", parts.port or 6379)
