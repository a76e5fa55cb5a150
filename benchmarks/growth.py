"""``python -m benchmarks.growth``: what a million finished orders cost those that come after them.

One database grows, filled with finished orders by SQL; at each size the engine carries the same number of new orders there and in an empty one, in turns, the service is started
on it, is asked for an order and for lists over HTTP, and `shukka check` looks through everything.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import httpx
from rich.console import Console
from sqlalchemy import text

from benchmarks.engine_house import engine_house
from benchmarks.lists import SHOPS, fill, median_ms
from benchmarks.part import Figure, Part, show
from benchmarks.partners.installed import Ground, Installed, grounded, order, served
from benchmarks.partners.outside import SOUND, Outside
from pipelines.shops.load import PACKAGED
from workers.enrolment import create_client

SIZES: Final = (0, 300_000, 1_000_000)
#: What comes and goes: rows that live for seconds.
QUEUES: Final = ("work", "effect_lease", "inbox_event")
LISTS: Final[Mapping[str, str]] = {
    "newest orders": "/v1/orders",
    "orders of a state": "/v1/orders?state=delivered&shop=clinic",
    "orders held": "/v1/orders?condition=held",
    "orders of a customer's mail": "/v1/orders?q=user777@example.jp",
}
_DEAD: Final = """
SELECT coalesce(sum(n_dead_tup), 0)::float8 AS dead, coalesce(sum(pg_total_relation_size(relid)), 0)::float8 AS bytes
FROM pg_stat_user_tables WHERE relname = ANY(:names)"""


def _grow(ground: Ground, last: int) -> None:
    """Finished orders up to ``last`` in all, of which the database then knows how they lie."""
    with ground.engine.connect() as connection:
        first = connection.execute(text("SELECT coalesce(max(id), 0) + 1 FROM shop_order")).scalar_one()
    if first <= last:
        fill(ground.engine, last, first=first, under_way=0, with_story=True)
    with ground.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _rates(ground: Ground, empty: Ground, size: int, count: int, rounds: int) -> list[tuple[float, float]]:
    """Orders a second of the engine there and in a database that stays nearly empty, in turns; a first round warms both."""
    found = []
    with (
        engine_house(ground.database, shops=ground.profiles) as there,
        engine_house(empty.database, shops=ground.profiles) as here,
    ):
        for number in range(rounds + 1):
            many = count if number else count // 4
            rates = []
            for house in (there, here):
                house.take([order(f"G-{size}-{number}-{n}", n) for n in range(many)])
                rates.append(many / house.carry())
            in_it, beside = rates
            if number:
                found.append((in_it, beside))
    return found


def _asked(here: Installed, key: str, path: str) -> float:
    """Median milliseconds until an answer."""
    with httpx.Client(base_url=here.service.url, headers={"authorization": f"Bearer {key}"}, timeout=60) as client:

        def ask() -> None:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text

        return median_ms(ask)


def _check(ground: Ground) -> float:
    """Seconds of `shukka check` of what came since the size before, which must find nothing."""
    environment = {**os.environ, "DATABASE_URL": ground.database, "SHOPS_DIR": str(ground.profiles)}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "workers.cli.main", "check", "--since-last"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"what was filled in is not sound: {done.stdout}{done.stderr}")
    return time.perf_counter() - began


def _at(
    ground: Ground, empty: Ground, outside: Outside, key: str, size: int, count: int, rounds: int
) -> dict[str, tuple[str, Sequence[float]]]:
    """The measurements at a size, by name: unit and values."""
    _grow(ground, size)
    rates = _rates(ground, empty, size, count, rounds)
    with ground.engine.connect() as connection:
        queues = connection.execute(text(_DEAD), {"names": list(QUEUES)}).one()
        bytes_ = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    began = time.perf_counter()
    with served(ground, outside) as here:
        started = time.perf_counter() - began
        one = _asked(here, ground.key, f"/v1/orders/{SOUND}/G-{size}-1-0")
        lists = {name: _asked(here, key, path) for name, path in LISTS.items()}
    return {
        "engine": ("orders/s", [rate for rate, _ in rates]),
        "engine, of an empty database": ("times", [rate / beside for rate, beside in rates]),
        "GET /v1/orders/{shop}/{number}": ("ms", [one]),
        **{name: ("ms", [taken]) for name, taken in lists.items()},
        "shukka check": ("s", [_check(ground)]),
        "start until ready": ("s", [started]),
        "size": ("MB", [bytes_ / 1e6]),
        "dead rows of the queues": ("rows", [queues.dead]),
        "size of the queues": ("MB", [queues.bytes / 1e6]),
    }


def measure(sizes: Sequence[int], count: int, rounds: int) -> Iterator[Figure]:
    """Every figure at every size, and the engine's rate there as a share of an empty database's."""
    with Outside() as outside, grounded(outside) as empty, grounded(outside) as ground:
        for profile in PACKAGED.glob("*.toml"):
            shutil.copy(profile, ground.profiles)
        key = create_client(ground.engine, "storefront", "grown", shops=SHOPS, known_shops=SHOPS).key
        for size in sizes:
            for name, (unit, values) in _at(ground, empty, outside, key, size, count, rounds).items():
                yield Figure.of(f"{name} at {size:,}", values, unit)


PART = Part(
    "growth",
    "one database at 0, 300,000 and 1,000,000 finished orders",
    "the bytes of their mails, effects other than one a piece, years of vacuuming: they are written by SQL in one go; a cold cache; the "
    "engine's run is without HTTP and broker, `shukka check` alone on the machine",
    lambda short: measure((0, 20_000) if short else SIZES, 400 if short else 3000, 1 if short else 3),
)


def main() -> int:
    """Print every figure."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.growth")
    options.add_argument("--sizes", default=",".join(map(str, SIZES)), help="finished orders, ascending")
    options.add_argument("--orders", type=int, default=3000, help="that the engine carries in each round")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    sizes = [int(one) for one in given.sizes.split(",")]
    show(Console(width=140), PART, measure(sizes, given.orders, given.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
