"""``python -m benchmarks.cutoff``: a night's orders are due at one moment, while new ones go on coming.

The orders were taken in the evening, after the cutoff, and their suppliers are told at eight the next morning. The service's Clock reaches
eight while a storefront posts at a steady rate; how long new orders wait for their authorization is read from their own history.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from sqlalchemy import text

from benchmarks.engine_house import engine_house
from benchmarks.part import Figure, Part, percentile, show
from benchmarks.partners.installed import Ground, Installed, grounded, order, served
from benchmarks.partners.outside import Outside
from workers.clock import TOKYO
from workers.process.child import wait_until

EVENING: Final = datetime(2026, 11, 18, 18, 0, tzinfo=TOKYO)
#: When suppliers are told at the earliest, as every shop's calendar has it.
MORNING: Final = datetime(2026, 11, 19, 8, 0, tzinfo=TOKYO)
#: Seconds before the morning that the service has to start in.
_START: Final = 60.0
#: Seconds until the last supplier is told, and until the last new order is authorized.
PATIENCE: Final = 3600.0
_IS_PLANNED: Final = "EXISTS (SELECT FROM shipment s WHERE s.order_id = shop_order.id)"
_TOLD_IN_THE_EVENING: Final = (
    "UPDATE mail SET state = 'sent' WHERE state = 'pending'",
    "DELETE FROM effect_lease WHERE kind = 'mail.send'",
)
_UNTOLD: Final = """
SELECT count(*) FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE o.number LIKE 'N-%' AND s.state = 'planned'"""
_WAITED: Final = """
SELECT o.accepted_at AS at, extract(epoch FROM min(t.at) - o.accepted_at)::float8 AS seconds
FROM shop_order o LEFT JOIN transition t ON t.order_id = o.id AND t.entity = 'order' AND t.to_state = 'authorized'
WHERE o.number LIKE 'D-%' GROUP BY o.id"""


def _take_the_nights(ground: Ground, count: int) -> None:
    """Orders of the evening: authorized, planned for the morning, and their customers told."""
    with engine_house(ground.database, shops=ground.profiles, start=EVENING) as house:
        house.take([{**order(f"N-{n}", n), "placed_at": EVENING.isoformat()} for n in range(count)])
        house.carry(end=_IS_PLANNED, patience=60 + count / 20)
    with ground.engine.begin() as connection:
        for statement in _TOLD_IN_THE_EVENING:
            connection.execute(text(statement))


@contextmanager
def _trickle(here: Installed, rate: float) -> Iterator[None]:
    """New orders, ``rate`` a second, until the block ends."""
    stop, began = threading.Event(), time.monotonic()
    faults: list[Exception] = []

    def send() -> None:
        try:
            for n in itertools.count():
                if stop.wait(max(0.0, began + n / rate - time.monotonic())):
                    return
                here.storefront.send([{**order(f"D-{n}", n), "placed_at": here.now().isoformat()}], 1e9)
        except Exception as fault:  # noqa: BLE001 - raised again where the block ends
            faults.append(fault)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        stop.set()
        sending.join()
    for fault in faults:
        raise fault


def _untold(ground: Ground) -> int:
    with ground.engine.connect() as connection:
        left: int = connection.execute(text(_UNTOLD)).scalar_one()
    return left


def _waits(ground: Ground) -> list[tuple[datetime, float]] | None:
    """When each new order was taken and the seconds until it was authorized; None while one is not."""
    with ground.engine.connect() as connection:
        found = connection.execute(text(_WAITED)).all()
    return None if any(row.seconds is None for row in found) else [(row.at, row.seconds) for row in found]


def measure(count: int, rate: float, quiet: float) -> Iterator[Figure]:
    """Waits of new orders before eight and after, until ``count`` orders' suppliers are told; ``quiet`` seconds of them before."""
    with Outside() as outside, grounded(outside) as ground:
        _take_the_nights(ground, count)
        with served(ground, outside, opens=MORNING - timedelta(seconds=_START + quiet)) as here:
            if here.now() > MORNING - timedelta(seconds=quiet):
                raise TimeoutError(f"the service was not ready {_START:.0f} s after its Clock began")
            time.sleep((MORNING - here.now()).total_seconds() - quiet)
            with _trickle(here, rate):
                time.sleep((MORNING - here.now()).total_seconds())
                if _untold(ground) != count:
                    raise AssertionError("suppliers were told before the morning")
                if not wait_until(lambda: not _untold(ground), patience=PATIENCE, pause=0.5):
                    raise TimeoutError(f"{_untold(ground)} of {count} orders' suppliers were never told")
                taken = (here.now() - MORNING).total_seconds()
            if not wait_until(lambda: _waits(ground) is not None, patience=PATIENCE, pause=0.5):
                raise TimeoutError("a new order was never authorized")
            waits = _waits(ground) or []
    over = MORNING + timedelta(seconds=taken)
    times = {
        "before": [seconds for at, seconds in waits if at < MORNING],
        "meanwhile": [seconds for at, seconds in waits if MORNING <= at < over],
    }
    for when, seconds in times.items():
        yield Figure(f"new orders {when}", len(seconds), "orders")
        for name, part in (("p50", 0.5), ("p99", 0.99)):
            yield Figure(f"taken to authorized {when}, {name}", 1000 * percentile(seconds, part), "ms")
    yield Figure(f"until the suppliers of {count:,} orders are told", taken, "s")
    yield Figure("suppliers told", count / taken, "orders/s")


PART = Part(
    "cutoff",
    "a night's orders due at eight o'clock at once, 10 new ones a second meanwhile",
    "webhooks of the suppliers, who ship later; the night's mails, which went out in the evening; a supplier that is slow (make partners)",
    lambda short: measure(1000, 10.0, 10.0) if short else measure(50_000, 10.0, 60.0),
)


def main() -> int:
    """Print waits and the time it took."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.cutoff")
    options.add_argument("--orders", type=int, default=50_000, help="due at one moment")
    options.add_argument("--rate", type=float, default=10.0, help="new orders a second")
    options.add_argument("--quiet", type=float, default=60.0, help="seconds of new orders before")
    given = options.parse_args()
    show(Console(width=140), PART, measure(given.orders, given.rate, given.quiet))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
