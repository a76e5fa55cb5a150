"""``make bench-check``: has anything become dearer than docs/bench-baseline.json says? Exit 1 if it has, by more than 15 %.

What is timed is told as a multiple of a fixed piece of work (``benchmarks.yardstick``) that is done before and after it, so that a slow
machine cancels out; processor time is compared before speed, since others on the machine take that from nobody. What varies by more than
15 % is measured again, up to a limit, and is then said to be too noisy to judge. Statements, rows and WAL are counted.

``--write`` makes what was found the baseline.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, text

from benchmarks import path
from benchmarks.descendants import tree
from benchmarks.engine_house import Database, database, engine_house, the_orders
from benchmarks.idle import cost
from benchmarks.order_cost import order_costs
from benchmarks.part import STEADY, spread
from benchmarks.partners.installed import installed
from benchmarks.partners.outside import Outside
from benchmarks.processor import processor_seconds
from benchmarks.yardstick import measured, yardstick
from models.database import OPERATOR, connect
from models.migrations import upgrade
from tests.world import DOMAIN, SENDER, World
from workers.mail.rendering import Renderer

BASELINE: Final = Path(__file__).parents[1] / "docs" / "bench-baseline.json"
#: How much dearer something may be than it was.
MARGIN: Final = 0.15
ROUNDS: Final = 3
#: Rounds at most of what varies too much.
MOST_ROUNDS: Final = 5

ENGINE: Final = "engine, processor time"
ENGINE_SPEED: Final = "engine, seconds"
PATH: Final = "whole path, processor time"
IDLE: Final = "idle, wake-ups a second"


class Found(NamedTuple):
    """Values of one figure, the lower the better; ``counted``: they are exact."""

    values: Sequence[float]
    counted: bool = False

    @property
    def is_steady(self) -> bool:
        """Whether its own spread leaves it fit to be compared."""
        return self.counted or (spread(self.values) or 0.0) <= STEADY

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.values)


class Verdict(NamedTuple):
    """A figure beside its baseline (None: it has none)."""

    name: str
    found: Found
    before: float | None

    @property
    def is_dearer(self) -> bool:
        """Whether it rose by more than it may, and not by noise alone."""
        if self.before is None or not self.found.is_steady:
            return False
        return self.found.middle > self.before * (1 + MARGIN)

    @property
    def says(self) -> str:
        """In a word or two."""
        if self.before is None:
            return "new"
        if not self.found.is_steady:
            return "too noisy to judge"
        if self.is_dearer:
            return "DEARER"
        return "cheaper: write it down" if self.found.middle < self.before * (1 - MARGIN) else "as before"


def _repeated(measure: Callable[[], Mapping[str, float]]) -> dict[str, Found]:
    """Measure several times, and more often while a figure varies too much."""
    rounds: list[Mapping[str, float]] = []
    while True:
        rounds.append(measure())
        first, *_ = rounds
        found = {name: Found([one[name] for one in rounds]) for name in first}
        if len(rounds) >= ROUNDS and (all(one.is_steady for one in found.values()) or len(rounds) == MOST_ROUNDS):
            return found


def _engine(at: Database, count: int) -> dict[str, Found]:
    """Processor time and seconds of an engine's round, as multiples of the yardstick."""
    seeds = iter(range(1, 100))
    with yardstick(at.engine), engine_house(at.url) as house:

        def carry() -> tuple[float, float]:
            house.take(the_orders(count, next(seeds)))
            before = processor_seconds([*house.hands.pids, at.pid])
            seconds = house.carry()
            return processor_seconds([*house.hands.pids, at.pid]) - before, seconds

        def measure() -> dict[str, float]:
            before = measured(at.engine, at.pid)
            processor, seconds = carry()
            after = measured(at.engine, at.pid)
            return {
                ENGINE: 2 * processor / (before.processor + after.processor),
                ENGINE_SPEED: 2 * seconds / (before.seconds + after.seconds),
            }

        carry()
        return _repeated(measure)


def _whole_path(count: int) -> dict[str, Found]:
    """Processor time of ``count`` orders on the whole path, sent as fast as they are taken, as a multiple of the yardstick; and wake-ups of
    the service while nothing is asked. At a steady rate, batches would be larger where the machine is slower."""
    numbers = iter(range(1, 100))
    with ExitStack() as stack:
        outside = stack.enter_context(Outside())
        here = stack.enter_context(installed(outside, tells=True))
        postgres = here.engines.pids()["postgres"]
        stack.enter_context(yardstick(here.engine))
        roots = [pid for part, pid in {**here.processes.pids(), **here.engines.pids()}.items() if part != "gateway"]
        with path.Makers(here) as makers:
            path.run(here, outside, makers, "warm", count, None)

            def measure() -> dict[str, float]:
                before, spent = measured(here.engine, postgres), processor_seconds(roots)
                path.run(here, outside, makers, f"R{next(numbers)}", count, None)
                spent = processor_seconds(roots) - spent
                return {PATH: 2 * spent / (before.processor + measured(here.engine, postgres).processor)}

            found = _repeated(measure)
        here.engine.dispose()
        time.sleep(5)

        def idle() -> dict[str, float]:
            pids = [pid for root in roots for pid in tree(root)]
            before, began = cost(pids).wakes, time.monotonic()
            time.sleep(8)
            return {IDLE: (cost(pids).wakes - before) / (time.monotonic() - began)}

        return {**found, **_repeated(idle)}


def _counted(at: Database) -> dict[str, Found]:
    """Statements, rows and WAL of an order, in a database of its own; WAL without images of whole pages."""
    url = make_url(at.url).set(database="counted").render_as_string(hide_password=False)
    with at.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            "CREATE DATABASE counted",
            "ALTER SYSTEM SET full_page_writes = off",
            "SELECT pg_reload_conf()",
        ):
            connection.execute(text(statement))
    engine = connect(url, OPERATOR)
    upgrade(engine)
    with World(engine, url, Renderer(SENDER, DOMAIN)) as world:
        found = order_costs(world)
    engine.dispose()
    return {
        f"{what} of an order {name}": Found([value], counted=True)
        for name, one in found.items()
        for what, value in one._asdict().items()
    }


def _figures() -> Iterator[tuple[str, Found]]:
    with database() as at:
        yield from _engine(at, 800).items()
        yield from _counted(at).items()
    yield from _whole_path(200).items()


def main() -> int:
    """Measure, compare, print."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.check")
    options.add_argument("--write", action="store_true", help=f"make what is found the baseline in {BASELINE.name}")
    given = options.parse_args()
    before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    verdicts = [Verdict(name, found, before.get(name)) for name, found in _figures()]
    table = Table("figure", "now", "baseline", "spread", "", box=None)
    for one in verdicts:
        varies = (
            "counted"
            if one.found.counted
            else f"{100 * (spread(one.found.values) or 0):.0f} % of {len(one.found.values)}"
        )
        was = "" if one.before is None else f"{one.before:,.2f}"
        table.add_row(one.name, f"{one.found.middle:,.2f}", was, varies, one.says)
    Console(width=140).print(table)
    if given.write:
        BASELINE.write_text(json.dumps({one.name: round(one.found.middle, 3) for one in verdicts}, indent=1) + "\n")
        return 0
    return int(any(one.is_dearer for one in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
