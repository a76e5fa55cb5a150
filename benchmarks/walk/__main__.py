"""``python -m benchmarks.walk [--lives N] [--seed S] [--plant FAULT]``: the random walk, crowd by crowd; exit 0 if nothing broke.

The same seed says the same of the same orders. ``--plant`` puts a known fault into the house, which the walk must find: then
exit 0 means that it did.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import structlog
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, make_url, text

from benchmarks.other_shops import other_shops
from benchmarks.walk.crowd import Crowd
from benchmarks.walk.plants import PLANTS
from benchmarks.walk.town import ALL, Town, packaged
from models.database import MIGRATE, connect
from models.migrations import upgrade
from models.states import OrderState
from pipelines.engine.stage import Stage
from pipelines.route import STAGES
from pipelines.shops import Shop
from tests.world import DOMAIN, SENDER
from workers.mail.rendering import Renderer
from workers.process.embedded import EmbeddedEngines

#: Lives that share a house: enough for batches, few enough that every commit is looked at.
CROWD: Final = 500


@dataclass
class Summary:
    """What a walk came to: ``ends`` are orders by (state, condition)."""

    lives: int = 0
    refused: int = 0
    inputs: int = 0
    events: Counter[str] = field(default_factory=Counter)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    days: float = 0.0
    violations: list[str] = field(default_factory=list)


def walk(
    engines: Engines,
    lives: int,
    seed: int,
    route: Mapping[str, Stage],
    say: Callable[[str], None],
    *,
    others: bool = False,
) -> Summary:
    """``lives`` lives by ``seed``, the stages of ``route`` deciding; stops after the first crowd in which something broke. With
    ``others`` some parameters of its shops are drawn for each crowd."""
    summary, renderer = Summary(), Renderer(SENDER, DOMAIN)
    for number, first in enumerate(range(0, lives, CROWD)):
        size, own = min(CROWD, lives - first), f"{seed}/{number}"
        shops = _drawn(own, say) if others else packaged()
        with engines.house() as (engine, url), Town(engine, url, renderer, own, shops) as town:
            began, crowd = town.clock.now(), Crowd(town, random.Random(own), size, route=route, name=f"W{number}")
            summary.violations += crowd.live()
            summary.lives += size
            summary.refused += crowd.refused
            summary.inputs += crowd.inputs
            summary.ends += crowd.ends()
            summary.days += (town.clock.now() - began).days
            counted = town.rows("SELECT state, count(*) AS events FROM inbox_event GROUP BY 1")
            summary.events += Counter({row.state: row.events for row in counted})
        say(f"{summary.lives} lives, {len(summary.violations)} violations")
        if summary.violations:
            break
    return summary


def _drawn(seed: str, say: Callable[[str], None]) -> dict[str, Shop]:
    shops, drawn = other_shops(packaged(), seed, ALL)
    for key, changes in drawn.items():
        say(f"{key}: {'; '.join(changes)}")
    return shops


@dataclass(frozen=True)
class Engines:
    """A database server with a migrated template."""

    url: str

    @contextmanager
    def house(self) -> Iterator[tuple[Engine, str]]:
        """An empty migrated database, and its URL; it ends with the block."""
        self._execute("CREATE DATABASE walk TEMPLATE walk_template")
        url = _named(self.url, "walk")
        engine = connect(url, application="shukka-walk")
        try:
            yield engine, url
        finally:
            engine.dispose()
            self._execute("DROP DATABASE walk WITH (FORCE)")

    def prepare(self) -> None:
        """Make the template; what is written need survive no power cut."""
        for setting in ("fsync", "full_page_writes"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")
        self._execute("CREATE DATABASE walk_template")
        engine = connect(_named(self.url, "walk_template"), MIGRATE)
        upgrade(engine)
        engine.dispose()

    def _execute(self, statement: str) -> None:
        admin = connect(_named(self.url, "postgres")).execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(statement))
        admin.dispose()


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _show(console: Console, summary: Summary, seconds: float) -> None:
    table = Table("state", "done", "held", "running")
    for state in OrderState:
        table.add_row(state, *(str(summary.ends[state, condition]) for condition in ("done", "held", "running")))
    console.print(table)
    console.print("events  " + "  ".join(f"{state} {number}" for state, number in sorted(summary.events.items())))
    for violation in islice(summary.violations, 50):
        console.print(violation, markup=False, soft_wrap=True)
    console.print(
        f"{summary.lives} lives ({summary.refused} refused at the door), {summary.inputs} inputs, {summary.days:.0f} days: "
        f"{len(summary.violations)} violations  in {seconds:.0f} s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, and print what it came to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.walk", description=__doc__)
    parser.add_argument("--lives", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--other-shops", action="store_true", help="some parameters of the profiles drawn for each crowd"
    )
    parser.add_argument("--plant", choices=sorted(PLANTS), help="a known fault to be found")
    asked = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    route = STAGES if asked.plant is None else {**STAGES, PLANTS[asked.plant].name: PLANTS[asked.plant]}
    console, began = Console(), time.monotonic()
    say = partial(console.print, markup=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="shukka-walk-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedEngines(Path(folder) / "data", valkey=False) as urls:
            engines = Engines(urls.database_url or "")
            engines.prepare()
            summary = walk(engines, asked.lives, asked.seed, route, say, others=asked.other_shops)
    _show(console, summary, time.monotonic() - began)
    return int(bool(summary.violations) == (asked.plant is None))


if __name__ == "__main__":
    sys.exit(main())
