"""``python -m benchmarks.cost``: what the engine writes and asks for an order, and how far PostgreSQL's part is from the least.

The least is one COPY of the rows that are left into like tables, on the same server after the run.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from rich.console import Console

from benchmarks.engine_house import database, engine_house, the_orders
from benchmarks.part import Figure, Part, show
from benchmarks.processor import processor_seconds
from benchmarks.written import Copied, Written, copied, written


class Cost(NamedTuple):
    """Of an order: what was written, statements, PostgreSQL's processor milliseconds; and COPY of all rows that are left."""

    of_one: Written
    statements: float
    milliseconds: float
    copy: Copied


def _run(count: int, seed: int) -> Cost:
    with database() as at:
        before = written(at.engine)
        with engine_house(at.url) as house:
            house.take(the_orders(count, seed))
            spent = processor_seconds([at.pid])
            house.carry(patience=60 + count / 10)
            spent = processor_seconds([at.pid]) - spent
        of_one = written(at.engine).since(before, count)
        statements = sum(one.statements for one in house.hands.spent) / count
        return Cost(of_one, statements, 1000 * spent / count, copied(at.engine, at.pid))


def measure(count: int, rounds: int) -> Iterator[Figure]:
    """Rows, statements, WAL and processor time an order, and their ratios to COPY."""
    found = [_run(count, seed) for seed in range(1, rounds + 1)]
    for name in ("inserted", "updated", "deleted"):
        yield Figure.of(f"rows {name}", [getattr(one.of_one, name) for one in found], "an order")
    yield Figure.of("statements", [one.statements for one in found], "an order")
    yield Figure.of("WAL", [one.of_one.wal / 1000 for one in found], "kB an order")
    yield Figure.of("WAL: of COPY", [one.of_one.wal * count / one.copy.wal for one in found], "times")
    yield Figure.of("PostgreSQL", [one.milliseconds for one in found], "ms of processor an order")
    yield Figure.of(
        "COPY of the rows that are left",
        [1000 * one.copy.processor / count for one in found],
        "ms of processor an order",
    )
    times = [one.milliseconds / (1000 * one.copy.processor / count) for one in found]
    yield Figure.of("PostgreSQL: of COPY", times, "times")


PART = Part(
    "cost",
    "rows, statements and WAL of an order on the engine's path, two worker processes, beside COPY of what is left",
    "BEGIN, COMMIT and statements that only looked for something due; COPY checks no foreign key and answers nobody; intake is in rows and WAL, "
    "not in statements and processor time; mails are stored, not sent",
    lambda short: measure(800 if short else 6000, 1 if short else 3),
)


def main() -> int:
    """Print what an order costs."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.cost")
    options.add_argument("--orders", type=int, default=6000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    show(Console(width=140), PART, measure(given.orders, given.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
