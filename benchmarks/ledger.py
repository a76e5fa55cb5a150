"""The points ledger with a million entries: what one customer costs, how a day expires, how long the check takes.

``python -m benchmarks.ledger [--customers N] [--entries N]`` builds an embedded database, fills the ledger set-based and
prints medians; it exits 1 where a bound of docs/points.md is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from benchmarks.empty_database import empty_database, settled
from models.invariants import violations
from models.store import points
from models.store.customers import CustomerKey
from pipelines.engine.ledger import Ledger
from pipelines.points.jobs import STEP, expire_step
from pipelines.points.statement import statement
from pipelines.rules.purse import Cause
from pipelines.values.calendar import JST

NOW = datetime(2026, 11, 22, 10, tzinfo=JST)
#: Bounds: milliseconds in the database for balance and use of one customer, seconds of the whole check.
BALANCE_AND_USE_MS = 5.0
CHECK_S = 20.0
ROUNDS = 200

# Four fifths of the entries are a grant that was used in part; every fifth lot was also partly held and expires tonight.
_FILL = """
WITH lot AS (
  INSERT INTO point_lot (shop, customer_id, source, kind, limited, amount, remaining, held, owed, state, expires_at, at)
  SELECT 'apparel', 'C' || (n %% %(customers)s), 'bench:' || n, 'manual', n %% 7 = 0, 100, 60, 0, 0, 'valid',
         CASE WHEN n %% 50 = 0 THEN %(tonight)s ELSE %(later)s END::timestamptz, %(at)s::timestamptz
  FROM generate_series(1, %(lots)s) AS n
  RETURNING id, shop, customer_id, source, at),
moved AS (
  INSERT INTO point_transfer (shop, customer_id, lot_id, source, kind, debit, credit, amount, at)
  SELECT shop, customer_id, id, source, 'grant', 'granted', 'valid', 100, at FROM lot
  UNION ALL SELECT shop, customer_id, id, source, 'use', 'valid', 'used', 40, at FROM lot)
INSERT INTO point_balance (shop, customer_id, pending, valid, held)
SELECT shop, customer_id, 0, count(*) * 60, 0 FROM lot GROUP BY shop, customer_id
"""


_OVER = "SELECT count(*) FROM point_lot WHERE state = 'valid' AND expires_at <= %(now)s"


def fill(connection: Connection, customers: int, entries: int) -> None:
    """``entries`` transfers of ``customers``: lots of 100 points of which 40 were used."""
    day = timedelta(days=1)
    values = {
        "customers": customers,
        "lots": entries // 2,
        "at": NOW - 30 * day,
        "later": NOW + 300 * day,
        "tonight": NOW,
    }
    connection.exec_driver_sql(_FILL, values)


def spend(connection: Connection, customer: str, source: str) -> None:
    """Lock, read the lots, decide, book: what an order that uses points costs, but for the order."""
    ledger = Ledger(connection, NOW - timedelta(hours=1))
    ledger.open([CustomerKey("apparel", customer)])
    ledger.purse("apparel", customer).use(70, Cause(source, ledger.now))
    ledger.write()


def median_ms(act: Callable[[int], None], rounds: int = ROUNDS) -> float:
    """Median milliseconds of ``act(round)``."""
    took = []
    for number in range(rounds):
        started = time.perf_counter()
        act(number)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def measure(engine: Engine, customers: int) -> bool:
    """Print every figure; True if the bounds hold."""

    # A prime step visits customers all over the table.
    def customer(number: int) -> str:
        return f"C{number * 7919 % customers}"

    with engine.connect() as connection:
        balance = median_ms(lambda n: _balance(connection, customer(n)))
        page = median_ms(lambda n: _page(connection, customer(n)))
        booked = median_ms(lambda n: spend(connection, customer(n), f"bench-use:{n}"))
        connection.commit()
    print(f"balance of one customer            {balance:8.2f} ms")
    print(f"statement with lots and a page     {page:8.2f} ms")
    print(f"use of points over several lots    {booked:8.2f} ms")
    lots, seconds = _expire(engine)
    print(f"expiry of a day: {lots} lots in     {seconds:8.2f} s ({lots / max(seconds, 0.001):,.0f} lots/s)")
    started = time.perf_counter()
    with engine.connect() as connection:
        broken = [invariant.name for invariant, _ in violations(connection)]
    check = time.perf_counter() - started
    print(f"shukka check, every invariant      {check:8.2f} s {'; broken: ' + ', '.join(broken) if broken else ''}")
    return balance + booked < BALANCE_AND_USE_MS and check < CHECK_S and not broken


def _balance(connection: Connection, customer: str) -> None:
    assert points.balance(connection, "apparel", customer) is not None


def _page(connection: Connection, customer: str) -> None:
    assert statement(connection, "apparel", customer, NOW) is not None


def _expire(engine: Engine) -> tuple[int, float]:
    with engine.connect() as connection:
        lots = connection.exec_driver_sql(_OVER, {"now": NOW}).scalar_one()
    started, customers = time.perf_counter(), STEP
    while customers:
        with engine.begin() as connection:
            customers = expire_step(connection, NOW, STEP)
    return lots, time.perf_counter() - started


def main() -> int:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asked = parser.parse_args()
    with empty_database() as (engine, _):
        started = time.perf_counter()
        with engine.begin() as connection:
            fill(connection, asked.customers, asked.entries)
        settled(engine)
        print(
            f"{asked.entries:,} entries over {asked.customers:,} customers, built in {time.perf_counter() - started:.0f} s"
        )
        held = measure(engine, asked.customers)
        return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
