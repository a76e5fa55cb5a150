"""``python -m benchmarks.path``: what an order costs on the whole way, at a trickle and under load, with everything in between.

A storefront posts orders over HTTP at a steady rate; web, worker and clock are processes of their own on embedded engines; gateway and
suppliers answer over HTTP; each shipment is reported by a signed webhook as soon as it is instructed; mails go out over SMTP, events to
the storefront over HTTP. Processor time is what Linux counts of each part, PostgreSQL and Valkey among them; the partners and the
storefront are not counted, but share the machine. A third of the customers come again. Not in it: points, returns, dates to come.
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text
from standardwebhooks.webhooks import Webhook
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from benchmarks.part import Figure, Part, percentile
from benchmarks.partners.installed import Installed, installed, order
from benchmarks.partners.outside import SOUND, Outside
from benchmarks.processor import seconds_by_part
from benchmarks.world import tracking_number
from models.database import glance
from pipelines.engine import announce
from workers.process.child import wait_until

#: Orders under way at a time where as many come as are taken.
CROWD: Final = 32
#: Real seconds in which the last order must have gone the whole way.
PATIENCE: Final = 120.0
_INSTRUCTED: Final = """
SELECT s.id, s.supplier, o.number FROM shipment s JOIN shop_order o ON o.id = s.order_id
WHERE s.state = 'instructed'"""
_WAITS: Final = """
SELECT o.number, t.entity, extract(epoch FROM min(t.at) - o.accepted_at)::float8 AS waited
FROM shop_order o JOIN transition t ON t.order_id = o.id
WHERE o.number LIKE :mark AND (t.entity, t.to_state) IN (('order', 'authorized'), ('shipment', 'instructed'))
GROUP BY 1, 2, o.accepted_at"""
_UNTOLD: Final = "SELECT EXISTS (SELECT FROM effect_lease WHERE kind = :kind)"
_EVENTS: Final = """
SELECT extract(epoch FROM e.finished_at - e.recorded_at)::float8 AS waited FROM effect e JOIN shop_order o ON o.id = e.order_id
WHERE e.kind = :kind AND o.number LIKE :mark"""


class Door(Protocol):
    """Where a service's web process answers."""

    @property
    def url(self) -> str: ...


class Reached(Protocol):
    """A service as its suppliers reach it, with their ``secrets``."""

    @property
    def service(self) -> Door: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...
    def now(self) -> datetime: ...


@dataclass
class Makers:
    """Reports every shipment that is instructed as shipped, over HTTP, signed: ``posted`` says when, by the order's number."""

    here: Reached
    posted: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Makers:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        seen: set[str] = set()
        signers = {name: Webhook(secret) for name, secret in self.here.secrets.items()}
        with httpx.Client(base_url=self.here.service.url, timeout=30) as client, ThreadPoolExecutor(8) as threads:
            while not self._stop.wait(0.05):
                with glance(self.here.engine) as connection:
                    found = [one for one in connection.execute(text(_INSTRUCTED)) if one.id not in seen]
                seen |= {one.id for one in found}
                list(threads.map(lambda one: self._report(client, signers[one.supplier], one), found))

    def _report(self, client: httpx.Client, signer: Webhook, shipment: Any) -> None:
        data = {"shipment": shipment.id, "carrier": "yamato", "tracking_number": tracking_number(shipment.id)}
        body = json.dumps({"type": "shipment.shipped", "timestamp": self.here.now().isoformat(), "data": data})
        name, at = f"shipped-{shipment.id}", datetime.now(UTC)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signer.sign(name, at, body),
            "content-type": "application/json",
        }
        self.posted[shipment.number] = time.time()
        # As any sender of webhooks: a connection that was kept may be closed at the moment that it is used.
        post = retry(retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_attempt(3), reraise=True)(
            client.post
        )
        answer = post(f"/v1/webhooks/suppliers/{shipment.supplier}", content=body, headers=headers)
        assert answer.status_code == 202, answer.text


@dataclass(frozen=True)
class Round:
    """What one rate cost: orders, seconds from the first to the last end, processor seconds by part, and seconds of each wait."""

    name: str
    orders: int
    seconds: float
    costs: Mapping[str, float]
    waits: Mapping[str, Sequence[float]]

    @property
    def milliseconds(self) -> Mapping[str, float]:
        """Processor time an order by part."""
        return {name: 1000 * seconds / self.orders for name, seconds in self.costs.items()}


def run(here: Installed, outside: Outside, makers: Makers, name: str, count: int, rate: float | None) -> Round:
    """Send ``count`` orders, ``rate`` a second or as many as are taken, and wait until the last has gone the whole way and the storefront
    has heard of all that happened."""
    roots = {**here.processes.pids(), **here.engines.pids()}
    roots.pop("gateway", None)
    orders = [order(f"{name}-{n}", n, customer=f"c-{n % max(1, count * 2 // 3)}") for n in range(count)]
    parts = {part: [pid] for part, pid in roots.items()}
    before, began = seconds_by_part(parts), time.monotonic()
    taken = _send(here, orders, rate)
    numbers = [one["number"] for one in orders]
    _wait(outside, makers, numbers)
    _wait_for_events(here)
    seconds = time.monotonic() - began
    costs = {part: spent - before[part] for part, spent in seconds_by_part(parts).items()}
    return Round(name, count, seconds, costs, {"202": taken, **_waits(here, outside, makers, name, numbers)})


def _send(here: Installed, orders: Sequence[Mapping[str, Any]], rate: float | None) -> list[float]:
    """Post all; seconds until each answer."""
    waited: list[float] = []
    places = itertools.count()
    began = time.monotonic()

    def one_of_the_crowd() -> None:
        with here.storefront.session() as client:
            while (n := next(places)) < len(orders):
                if rate:
                    time.sleep(max(0.0, began + n / rate - time.monotonic()))
                asked = time.perf_counter()
                answer = client.post("/v1/orders", json=orders[n])
                waited.append(time.perf_counter() - asked)
                assert answer.status_code == 202, answer.text

    with ThreadPoolExecutor(CROWD) as crowd:
        for member in [crowd.submit(one_of_the_crowd) for _ in range(CROWD)]:
            member.result()
    return waited


def _wait(outside: Outside, makers: Makers, numbers: Sequence[str]) -> None:
    """Until each order was shipped and its customer told. Raises TimeoutError."""
    left = set(numbers)

    def are_told() -> bool:
        left.difference_update([one for one in left if _told(outside, makers, one)])
        return not left

    if not wait_until(are_told, patience=PATIENCE, pause=0.1):
        raise TimeoutError(f"{len(left)} of {len(numbers)} orders are still under way, {min(left)} among them")


def _wait_for_events(here: Installed) -> None:
    """Until the storefront has heard of everything. Raises TimeoutError."""

    def are_told() -> bool:
        with glance(here.engine) as connection:
            return not connection.execute(text(_UNTOLD), {"kind": announce.KIND}).scalar_one()

    if not wait_until(are_told, patience=PATIENCE, pause=0.1):
        raise TimeoutError("the storefront has not heard of all that happened")


def _told(outside: Outside, makers: Makers, number: str) -> bool:
    return number in makers.posted and outside.last_mails.get(f"{SOUND}/{number}", 0.0) > makers.posted[number]


def _waits(
    here: Installed, outside: Outside, makers: Makers, name: str, numbers: Sequence[str]
) -> dict[str, list[float]]:
    with here.engine.connect() as connection:
        found = {
            (row.number, row.entity): row.waited for row in connection.execute(text(_WAITS), {"mark": f"{name}-%"})
        }
        accepted = connection.execute(
            text("SELECT number, accepted_at FROM shop_order WHERE number LIKE :mark"), {"mark": f"{name}-%"}
        )
        asked = {"kind": announce.KIND, "mark": f"{name}-%"}
        events = [row.waited for row in connection.execute(text(_EVENTS), asked)]
        since = {row.number: here.real(row.accepted_at) for row in accepted}
    return {
        "taken to authorized": [found[n, "order"] for n in numbers],
        "taken to instructed": [found[n, "shipment"] for n in numbers],
        "taken to first mail": [outside.mails[f"{SOUND}/{n}"] - since[n] for n in numbers],
        "webhook to mail": [outside.last_mails[f"{SOUND}/{n}"] - makers.posted[n] for n in numbers],
        "move to event": events,
    }


def show(console: Console, rounds: Sequence[Round]) -> None:
    """Both tables."""
    first, *_ = rounds
    parts = list(first.costs)
    table = Table("orders/s", "done/s", *(f"{part} ms" for part in parts), "all ms an order", box=None)
    for one in rounds:
        spent = one.milliseconds
        cells = [f"{spent[part]:.1f}" for part in parts]
        table.add_row(one.name, f"{one.orders / one.seconds:.1f}", *cells, f"{sum(spent.values()):.1f}")
    console.print(table)
    table = Table("orders/s", *(f"{wait} p50/p99 ms" for wait in first.waits), box=None)
    for one in rounds:
        table.add_row(one.name, *(_both(seconds) for seconds in one.waits.values()))
    console.print(table)


def _both(seconds: Sequence[float]) -> str:
    return f"{1000 * percentile(seconds, 0.5):.0f} / {1000 * percentile(seconds, 0.99):.0f}"


def _figures(short: bool) -> Iterator[Figure]:
    rates, seconds, most = ((20.0,), 5.0, 200) if short else ((1.0, 10.0, 20.0, 50.0, 100.0, 200.0), 20.0, 2000)
    for one in rounds_at(rates, seconds, most):
        at = "saturation" if one.name == "most" else f"{one.name} a second"
        yield Figure(f"done at {at}", one.orders / one.seconds, "orders/s")
        yield Figure(f"all processes at {at}, an order", sum(one.milliseconds.values()), "ms of processor")
        for part, spent in one.milliseconds.items():
            yield Figure(f"{part} at {at}, an order", spent, "ms of processor")
        for wait, waited in one.waits.items():
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                yield Figure(f"{wait} at {at}, {name}", 1000 * percentile(waited, share), "ms")


PART = Part(
    "path",
    "orders over HTTP to shipped: broker, gateway, suppliers, signed webhooks, mails over SMTP and events to the storefront, each in its process",
    "points, returns, dates to come, TLS and the network; partners and storefront share the machine, and their processor time is not counted",
    _figures,
)


def rounds_at(rates: Sequence[float], seconds: float, most: int) -> list[Round]:
    """A round at each rate, so many ``seconds`` long, and one of ``most`` orders as fast as they are taken (0: none), on a warm service."""
    rounds = []
    with Outside() as outside, installed(outside, tells=True) as here, Makers(here) as makers:
        run(here, outside, makers, "warm", 60, 20.0)
        for rate in rates:
            rounds.append(run(here, outside, makers, f"{rate:g}", max(20, round(rate * seconds)), rate))
        if most:
            rounds.append(run(here, outside, makers, "most", most, None))
    return rounds


def main() -> int:
    """Print, and with ``--json`` write, what each rate cost."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.path")
    options.add_argument("--rates", default="1,10,20,50,100", help="orders a second, one round each")
    options.add_argument("--seconds", type=float, default=20.0, help="of each round")
    options.add_argument(
        "--most", type=int, default=2000, help="orders sent as fast as they are taken, at last; 0: not"
    )
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    console = Console(width=160)
    rates = [float(one) for one in given.rates.split(",") if one]
    rounds = rounds_at(rates, given.seconds, given.most)
    show(console, rounds)
    if given.json:
        told = [
            {
                "rate": one.name,
                "orders": one.orders,
                "seconds": one.seconds,
                "milliseconds": dict(one.milliseconds),
                "waits": {wait: [round(1000 * s, 1) for s in seconds] for wait, seconds in one.waits.items()},
            }
            for one in rounds
        ]
        given.json.write_text(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
