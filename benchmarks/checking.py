"""``shukka check`` over a long history: everything, and what was touched since the check before.

``python -m benchmarks.checking [--orders N] [--data DIR]`` takes two orders of one customer through the house to their end, copies all their
rows until there are N orders, takes a few hundred more that stay under way, and prints the seconds of checks with the slowest
invariants. Exits 1 where one finds anything, or where an incremental check takes more than a tenth of one of everything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from heapq import nlargest
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Engine, Table

from benchmarks.empty_database import empty_database, settled
from models.checking import Extent, check
from models.schema import metadata
from tests.world import DOMAIN, SENDER, World, a_line, document
from workers.mail.rendering import Renderer

#: An incremental check is to take no more than this part of one of everything.
BOUND = 0.1
#: More than any id of the orders that are copied.
_STRIDE = 1000
_BLOCK = 10_000
#: What names a row of text once: copied with the number of the copy behind.
_NAMES = frozenset({"number", "customer_id", "shipment_id", "key", "message_id", "source", "event_id", "entity_id"})
#: What names a row by its number.
_IDS = frozenset({"id", "order_id", "effect_id", "lot_id", "mail_id", "copy_of"})
_COPIED = (
    "shop_order",
    "order_document",
    "order_line",
    "payment",
    "payment_entry",
    "transition",
    "shipment",
    "shipment_line",
    "parcel",
    "effect",
    "mail",
    "inbox_event",
    "customer",
    "point_balance",
    "point_lot",
    "point_transfer",
)


def _copied(column: Column[object]) -> str:
    if column.name in _IDS and isinstance(column.type, BigInteger):
        return f"t.{column.name} + n * {_STRIDE}"
    if column.name in _NAMES or column.name == "id":
        return f"t.{column.name} || '-' || n"
    return f"t.{column.name}"


def _copy(table: Table) -> str:
    """INSERT of the rows up to the first copy once for each number of a range."""
    kept = [column for column in table.columns if column.computed is None]
    listed, taken = ", ".join(column.name for column in kept), ", ".join(map(_copied, kept))
    return f"""INSERT INTO {table.name} ({listed}) OVERRIDING SYSTEM VALUE
        SELECT {taken} FROM first_{table.name} t, generate_series(%(from)s::bigint, %(to)s::bigint) n"""


def _grow(engine: Engine, copies: int) -> None:
    with engine.connect() as connection:
        for name in _COPIED:
            connection.exec_driver_sql(f"CREATE TEMP TABLE first_{name} AS SELECT * FROM {name}")
        connection.exec_driver_sql("SET session_replication_role = replica")  # what refers to what is right
        connection.commit()
        for start in range(1, copies + 1, _BLOCK):
            told = {"from": start, "to": min(copies, start + _BLOCK - 1)}
            for name in _COPIED:
                connection.exec_driver_sql(_copy(metadata.tables[name]), told)
            connection.commit()
        for table in (metadata.tables[name] for name in _COPIED):
            if "id" in table.columns and isinstance(table.columns["id"].type, BigInteger):
                newest = (
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"
                )
                connection.exec_driver_sql(newest)
        connection.commit()
        connection.invalidate()  # its setting goes with it
    settled(engine)


class _Watch:
    """The seconds of every invariant of one check."""

    def __init__(self) -> None:
        self.extent = Extent(None, 0, 0)
        self.seconds: dict[str, float] = {}
        self._name, self._since = "what was touched", time.perf_counter()

    def begun(self, extent: Extent) -> None:
        """Keep what is looked at."""
        self.extent = extent

    def asked(self, name: str, number: int, of: int) -> None:
        """The one before is over."""
        now = time.perf_counter()
        self.seconds[self._name] = now - self._since
        self._name, self._since = name, now

    def ended(self) -> float:
        """All of its seconds."""
        self.asked("", 0, 0)
        return sum(self.seconds.values())


class _Ran(NamedTuple):
    """Seconds of a check, and whether it found anything."""

    seconds: float
    broken: bool


def _run(engine: Engine, *, full: bool = False) -> _Ran:
    """One check, from the watermark where one stands unless ``full``; prints what it took, and what of it took longest."""
    watch = _Watch()
    broken = {invariant.name: len(rows) for invariant, rows in check(engine, watch, full=full, whole_up_to=0)}
    taken = watch.ended()
    slowest = [(name, watch.seconds[name]) for name in nlargest(5, watch.seconds, key=watch.seconds.__getitem__)]
    since = (
        f"{watch.extent.orders:,} orders, {watch.extent.customers:,} customers" if watch.extent.since else "everything"
    )
    print(f"{taken:7.2f} s  {since}: {', '.join(f'{name} {seconds:.2f}' for name, seconds in slowest)}", flush=True)
    if broken:
        print(f"broken: {broken}")
    return _Ran(taken, bool(broken))


def _live(world: World, batch: str, orders: int) -> None:
    world.take(*(document(f"{batch}-{n}", customer=f"M-{batch}-{n}") for n in range(orders)))
    world.settle()


def _whole_lives(world: World) -> None:
    """Two orders of one customer to the end of all that ever waits for them."""
    for number in ("S-1", "S-2"):
        world.take(document(number, a_line("1", quantity=2), a_line("2")))
        world.settle()
        world.ship_all(number)
        world.tell(*(world.news("shipment.delivered", one) for one in world.shipments(number)))
        world.settle()
    world.at("2027-03-01 09:00:00")


def measure(engine: Engine, world: World, orders: int) -> bool:
    """Print every figure; True if the bounds hold."""
    _whole_lives(world)
    began = time.perf_counter()
    _grow(engine, orders // 2 - 1)
    _live(world, "L", 300)
    print(f"{orders:,} orders in {time.perf_counter() - began:.0f} s", flush=True)
    whole = [_run(engine), *(_run(engine, full=True) for _ in range(2))]
    quiet = [_run(engine) for _ in range(3)]
    _live(world, "N", 1000)
    busy = _run(engine)
    everything, later = (statistics.median(one.seconds for one in runs) for runs in (whole, quiet))
    print(f"everything {everything:.1f} s, incremental {later:.2f} s, after 1,000 orders more {busy.seconds:.2f} s")
    return not any(one.broken for one in (*whole, *quiet, busy)) and max(later, busy.seconds) <= BOUND * everything


def main() -> int:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=300_000)
    parser.add_argument("--data", type=Path, default=Path("/tmp"), help="Where the engines may write.")
    asked = parser.parse_args()
    with empty_database(asked.data) as (engine, url):
        with World(engine, url, Renderer(SENDER, DOMAIN)) as world:
            held = measure(engine, world, asked.orders)
        return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
