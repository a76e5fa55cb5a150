"""``python -m benchmarks.leak``: the memory of each process after so many orders on the whole way: flat once it is warm, or not.

PSS as Linux counts it: what is shared is divided among those that share it. It is read when nothing is due any more.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from sqlalchemy import text

from benchmarks import path
from benchmarks.descendants import tree
from benchmarks.idle import cost
from benchmarks.part import Figure, Part, show
from benchmarks.partners.installed import Installed, installed
from benchmarks.partners.outside import Outside
from workers.process.child import wait_until

ORDERS: Final = (0, 20_000, 100_000)
#: Orders that are under way together: sent, then waited for.
_CROWD: Final = 1000
#: Growth of a part from the last count but one to the last, as a share, that still counts as flat.
FLAT: Final = 0.05
_BUSY: Final = (
    "SELECT EXISTS (SELECT FROM effect_lease) OR EXISTS (SELECT FROM work WHERE what IS NULL AND due_at <= :now)"
)


def _megabytes(here: Installed) -> dict[str, float]:
    """PSS of each part and its children, in MiB, once nothing is due. Raises TimeoutError where that never is."""

    def is_quiet() -> bool:
        with here.engine.connect() as connection:
            return not connection.execute(text(_BUSY), {"now": here.now()}).scalar_one()

    if not wait_until(is_quiet, patience=path.PATIENCE, pause=0.5):
        raise TimeoutError("something is always due")
    roots = {**here.processes.pids(), **here.engines.pids()}
    roots.pop("gateway", None)
    return {part: cost(tree(pid)).memory for part, pid in roots.items()}


def measure(counts: Sequence[int]) -> Iterator[Figure]:
    """Memory by part at each count of orders; of the last two counts, how much more the last is."""
    found: list[dict[str, float]] = []
    with Outside() as outside, installed(outside, tells=True) as here, path.Makers(here) as makers:
        done = 0
        for count in counts:
            while done < count:
                many = min(_CROWD, count - done)
                path.run(here, outside, makers, f"L{done}", many, None)
                done += many
            memories = _megabytes(here)
            found.append(memories)
            for part, memory in memories.items():
                yield Figure(f"{part} after {count:,} orders", memory, "MiB")
    if len(counts) > 1:
        *_, before, last = found
        *_, fewer, most = counts
        for part, memory in last.items():
            grown = (memory - before[part]) / before[part]
            says = "flat" if grown <= FLAT else "growing"
            yield Figure(f"{part}, {fewer:,} to {most:,} orders: {says}", 100 * grown, "%")


PART = Part(
    "leak",
    "memory (PSS) of each process after 0, 20,000 and 100,000 orders on the whole way",
    "what days bring that orders do not: rolling, partners in trouble, jobs of the night; PostgreSQL's caches fill up to shared_buffers",
    lambda short: measure((0, 300, 600) if short else ORDERS),
)


def main() -> int:
    """Print the memory."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.leak")
    options.add_argument(
        "--orders", default=",".join(map(str, ORDERS)), help="counts at which memory is read, ascending"
    )
    given = options.parse_args()
    show(Console(width=140), PART, measure([int(one) for one in given.orders.split(",")]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
