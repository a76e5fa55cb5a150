"""``python -m benchmarks.engine_path``: orders a second from accepted to points valid, on embedded PostgreSQL, and where the time goes.

Two runs over the same orders of the four shops: every stage with mails rendered and stored, then the same with every
mail delivered over SMTP to a sink process that makes it durable before it answers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.engine import Spent
from benchmarks.engine_house import AT_THE_END, database, engine_house, the_orders
from benchmarks.part import Figure, Part
from benchmarks.processor import processor_seconds
from models.invariants import violations
from pipelines.engine.run import BATCH
from workers.process.service import free_port


@dataclass(frozen=True)
class Figures:
    """One run: orders, seconds of intake and of the engine, processor seconds of workers and PostgreSQL, and what the workers spent."""

    orders: int
    intake: float
    engine: float
    python: float
    postgres: float
    mails: int
    spent: Sequence[Spent]
    broken: Sequence[str]


def run(count: int, seed: int, processes: int, *, smtp: str | None, batch: int = BATCH) -> Figures:
    """Take ``count`` orders in, then let ``processes`` workers carry them to valid points."""
    with database() as at:
        with engine_house(at.url, processes=processes, smtp=smtp, batch=batch) as house:
            intake = house.take(the_orders(count, seed))
            python, postgres = processor_seconds(house.hands.pids), processor_seconds([at.pid])
            seconds = house.carry(patience=60 + count / 10)
            python, postgres = processor_seconds(house.hands.pids) - python, processor_seconds([at.pid]) - postgres
        with at.engine.connect() as connection:
            broken = [f"{invariant.name}: {len(rows)} rows" for invariant, rows in violations(connection)]
            done = connection.execute(text(f"SELECT count(*) FROM shop_order WHERE {AT_THE_END}")).scalar_one()
            mails = connection.execute(text("SELECT count(*) FROM mail")).scalar_one()
            sent = connection.execute(text("SELECT count(*) FROM mail WHERE state = 'sent'")).scalar_one()
        if done != count:
            broken.append(f"{count - done} orders did not reach the end")
        if smtp and sent != mails:
            broken.append(f"{mails - sent} mails were not delivered")
    return Figures(count, intake, seconds, python, postgres, mails, house.hands.spent, broken)


@contextmanager
def sink() -> Iterator[str]:
    """The URL of a mail server of its own process that keeps what it takes before it answers."""
    with tempfile.TemporaryDirectory(prefix="shukka-sink-") as folder:
        port = str(free_port())
        argv = [sys.executable, "-m", "workers.sandbox.sink", "--port", port, "--journal", f"{folder}/sink.jsonl"]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            json.loads(process.stdout.readline())
            yield f"smtp://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def show(title: str, figures: Figures, console: Console) -> None:
    """Print one run."""
    console.print(
        f"[bold]{title}[/bold]: {figures.orders / figures.engine:,.0f} orders/s"
        f" ({figures.orders} orders, {figures.mails} mails, {figures.engine:.1f} s;"
        f" intake {figures.orders / figures.intake:,.0f} orders/s; processor time an order"
        f" {1000 * figures.python / figures.orders:.2f} ms workers, {1000 * figures.postgres / figures.orders:.2f} ms PostgreSQL)"
    )
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    orders: dict[str, int] = defaultdict(int)
    batches: dict[str, int] = defaultdict(int)
    for one in figures.spent:
        for key, value in one.seconds.items():
            seconds[key] += value
        for stage, n in one.orders.items():
            orders[stage] += n
        for stage, n in one.batches.items():
            batches[stage] += n
    table = Table("stage", "decisions", "a batch", "gather s", "decide s", "apply s", "us/decision", box=None)
    for stage in sorted(orders, key=lambda s: -sum(v for (name, _), v in seconds.items() if name == s)):
        parts = [seconds.get((stage, phase), 0.0) for phase in ("gather", "decide", "apply")]
        table.add_row(
            stage,
            str(orders[stage]),
            f"{orders[stage] / max(1, batches[stage]):.0f}",
            *(f"{part:.2f}" for part in parts),
            f"{sum(parts) / max(1, orders[stage]) * 1e6:.0f}",
        )
    console.print(table)
    for broken in figures.broken:
        console.print(f"[red]BROKEN {broken}[/red]")


def _measure(short: bool) -> Iterator[Figure]:
    count, rounds = (800, 1) if short else (6000, 3)
    stored = [run(count, seed, 2, smtp=None) for seed in range(1, rounds + 1)]
    with sink() as smtp:
        delivered = [run(count, seed, 2, smtp=smtp) for seed in range(1, rounds + 1)]
    if broken := [words for one in (*stored, *delivered) for words in one.broken]:
        raise AssertionError(f"the engine broke its word: {broken}")
    yield Figure.of("mails rendered and stored", [one.orders / one.engine for one in stored], "orders/s")
    yield Figure.of("mails delivered over SMTP", [one.orders / one.engine for one in delivered], "orders/s")
    yield Figure.of("workers, an order", [1000 * one.python / one.orders for one in stored], "ms of processor")
    yield Figure.of("PostgreSQL, an order", [1000 * one.postgres / one.orders for one in stored], "ms of processor")
    yield Figure.of("intake in batches of 500", [one.orders / one.intake for one in stored], "orders/s")


PART = Part(
    "engine",
    "orders of four shops from accepted to points valid, two worker processes",
    "HTTP, broker, the partners' time (gateway and suppliers answer at once), events to storefronts, points used, repeat customers",
    _measure,
)


def main() -> int:
    """Both runs, printed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.engine_path")
    options.add_argument("--orders", type=int, default=6000)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--batch", type=int, default=BATCH, help="orders a batch")
    options.add_argument("--only", choices=["stored", "delivered"])
    given = options.parse_args()
    console = Console()
    broken = False
    if given.only != "delivered":
        stored = run(given.orders, given.seed, given.processes, smtp=None, batch=given.batch)
        show("accepted to points valid, mails rendered and stored", stored, console)
        broken = bool(stored.broken)
    if given.only != "stored":
        with sink() as smtp:
            delivered = run(given.orders, given.seed, given.processes, smtp=smtp, batch=given.batch)
        show("the same, every mail delivered by SMTP", delivered, console)
        broken = broken or bool(delivered.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
