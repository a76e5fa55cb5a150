"""``python -m benchmarks.several``: the engine with 1, 2 and 4 worker processes: how fast they are, and where they wait on one another.

While they work, PostgreSQL is asked twenty times a second what each of their connections does, and what it waits for.
"""

from __future__ import annotations

import argparse
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from sqlalchemy import Engine, text

from benchmarks.engine import APPLICATION
from benchmarks.engine_house import database, engine_house, the_orders
from benchmarks.part import Figure, Part, show
from benchmarks.processor import processor_seconds

PROCESSES: Final = (1, 2, 4)
_EVERY: Final = 0.05
#: Waits that are told one by one; the rest of them together.
_TOLD: Final = 4
#: In transaction and not in a statement: Python is at work, with what the transaction has locked. A connection at rest does not count.
_SEEN: Final = """
SELECT CASE WHEN state = 'idle in transaction' THEN 'Python, in a transaction'
            WHEN wait_event IS NULL THEN 'PostgreSQL at work'
            ELSE wait_event_type || ' ' || wait_event END AS does, count(*) AS times
FROM pg_stat_activity WHERE application_name = :name AND state <> 'idle' GROUP BY 1"""


@contextmanager
def _watched(engine: Engine, seen: Counter[str]) -> Iterator[None]:
    """Count in ``seen`` what the workers' connections do, until the block ends."""
    stop = threading.Event()

    def watch() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not stop.wait(_EVERY):
                for row in connection.execute(text(_SEEN), {"name": APPLICATION}):
                    seen[row.does] += row.times

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        stop.set()
        watching.join()


def _deadlocks(engine: Engine) -> int:
    with engine.connect() as connection:
        asked = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        found: int = connection.execute(text(asked)).scalar_one()
    return found


def _run(processes: int, count: int, rounds: int) -> Iterator[Figure]:
    seen: Counter[str] = Counter()
    rates, spent = [], []
    with database() as at, engine_house(at.url, processes=processes) as house:
        for number in range(rounds + 1):
            many = count if number else count // 4  # the first warms
            house.take(the_orders(many, seed=number + 1))
            before = processor_seconds([*house.hands.pids, at.pid])
            with _watched(at.engine, seen if number else Counter()):
                seconds = house.carry()
            if number:
                rates.append(many / seconds)
                spent.append(1000 * (processor_seconds([*house.hands.pids, at.pid]) - before) / many)
        deadlocks = _deadlocks(at.engine)
    named = f"{processes} {'process' if processes == 1 else 'processes'}"
    yield Figure.of(named, rates, "orders/s")
    yield Figure.of(f"{named}, an order", spent, "ms of processor")
    told, whole = seen.most_common(_TOLD), max(1, seen.total())
    for does, times in told:
        yield Figure(f"{named}: {does}", 100 * times / whole, "% of what is seen")
    if rest := whole - sum(times for _, times in told):
        yield Figure(f"{named}: all else", 100 * rest / whole, "% of what is seen")
    locks = sum(times for does, times in seen.items() if does.startswith("Lock "))
    yield Figure(f"{named}: waiting for another's lock", 100 * locks / whole, "% of what is seen")
    yield Figure(f"{named}: deadlocks", deadlocks, "")


def measure(processes: Sequence[int], count: int, rounds: int) -> Iterator[Figure]:
    """Rates, processor time and waits by number of processes."""
    for several in processes:
        yield from _run(several, count, rounds)


PART = Part(
    "several",
    "the engine with 1, 2 and 4 worker processes, and what their connections to PostgreSQL are seen to do",
    "HTTP, broker and partners, as of the engine; other hosts: where there are two cores, four processes only show what they cost one another",
    lambda short: measure((1, 2) if short else PROCESSES, 500 if short else 4000, 1 if short else 3),
)


def main() -> int:
    """Print rates and waits."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.several")
    options.add_argument("--processes", default=",".join(map(str, PROCESSES)))
    options.add_argument("--orders", type=int, default=4000, help="in each round")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    processes = [int(one) for one in given.processes.split(",")]
    show(Console(width=140), PART, measure(processes, given.orders, given.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
