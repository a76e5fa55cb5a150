"""``make bench``: orders a second from accepted to points valid, on embedded PostgreSQL, and where the time goes.

Two runs over the same orders of the four shops: every stage with mails rendered and stored, then the same with every
mail delivered over SMTP to a sink process that makes it durable before it answers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from benchmarks.engine import Spent, work
from models.database import connect
from models.invariants import violations
from models.migrations import upgrade
from pipelines.engine.inbox import Received, receive
from pipelines.engine.run import BATCH
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Ending, Submission, take_in
from pipelines.shops import load_shops
from workers.clock import TOKYO, SettableClock
from workers.demo.orders import orders as made_orders
from workers.enrolment import create_client
from workers.installation import INSTALLATION
from workers.process.embedded import EmbeddedEngines
from workers.process.service import free_port

START = datetime(2026, 11, 19, 10, 0, tzinfo=TOKYO)


@dataclass(frozen=True)
class Figures:
    """One run: orders, seconds of intake and of the engine, and what the workers spent."""

    orders: int
    intake: float
    engine: float
    mails: int
    spent: Sequence[Spent]
    broken: Sequence[str]


#: Methods whose customers go somewhere: nobody does here.
_VISITS = ("konbini", "loan")


def the_orders(count: int, seed: int) -> list[dict[str, Any]]:
    """Orders of the four shops that can all go the whole way today: in stock, payable, nothing for a human."""
    documents = made_orders(seed, count, START - timedelta(hours=1), START)
    for document in documents:
        document["remarks"] = ""
        if document["payment"]["token"] is not None or document["payment"]["method"] in _VISITS:
            document["payment"] = {"method": "card", "token": "tok_ok"}
        for line in document["lines"]:
            if line["availability"] != "unique":
                line["availability"], line["expected_on"] = "in_stock", None
    return documents


def run(count: int, seed: int, processes: int, *, smtp: str | None, console: Console, batch: int = BATCH) -> Figures:
    """Take ``count`` orders in, then let ``processes`` workers carry them to valid points."""
    with tempfile.TemporaryDirectory(prefix="shukka-bench-") as folder:
        Path(folder).chmod(0o711)
        embedded = EmbeddedEngines(Path(folder) / "data", valkey=False)
        with embedded as urls:
            engine = connect(urls.database_url or "")
            upgrade(engine)
            anchor = time.time()
            clock = SettableClock(START, 1.0, anchor)
            documents = the_orders(count, seed)
            for name in sorted({line["supplier"] for d in documents for line in d["lines"]} | {"warehouse"}):
                create_client(engine, "supplier", name, known_shops=(), url="http://127.0.0.1:1/")
            intake = _take_in(engine, clock, documents)
            _pay(engine, clock)
            spent, seconds = _carry(engine, urls.database_url or "", anchor, processes, smtp, console, batch)
            with engine.connect() as connection:
                broken = [f"{invariant.name}: {len(rows)} rows" for invariant, rows in violations(connection)]
                done = connection.execute(text(f"SELECT count(*) FROM shop_order WHERE {_AT_THE_END}")).scalar()
                mails = connection.execute(text("SELECT count(*) FROM mail")).scalar() or 0
                sent = connection.execute(text("SELECT count(*) FROM mail WHERE state = 'sent'")).scalar() or 0
            if done != count:
                broken.append(f"{count - (done or 0)} orders did not reach the end")
            if smtp and sent != mails:
                broken.append(f"{mails - sent} mails were not delivered")
            engine.dispose()
    return Figures(count, intake, seconds, int(mails), spent, broken)


def _take_in(engine: Engine, clock: SettableClock, documents: list[dict[str, Any]]) -> float:
    shops = load_shops(installation=INSTALLATION)
    began = time.perf_counter()
    for first in range(0, len(documents), 500):
        answers = take_in(engine, shops, clock, [Submission(parse_order(d)) for d in documents[first : first + 500]])
        refused = [a for a in answers if a.ending != Ending.ACCEPTED]
        if refused:
            raise SystemExit(f"benchmark order refused: {refused[0]}")
    return time.perf_counter() - began


def _pay(engine: Engine, clock: SettableClock) -> None:
    """Deposits for the bank transfers are in the inbox already, as after a night."""
    with engine.connect() as connection:
        due = connection.execute(
            text("SELECT shop, number, grand_total FROM shop_order WHERE method = 'bank_transfer' AND grand_total > 0")
        ).all()
    events = [
        Received("gateway:bank", f"{s}:{n}", "deposit.received", {"amount": total}, clock.now(), order=(s, n))
        for s, n, total in due
    ]
    for first in range(0, len(events), 500):
        receive(engine, clock, events[first : first + 500])


def _carry(
    engine: Engine, url: str, anchor: float, processes: int, smtp: str | None, console: Console, batch: int
) -> tuple[list[Spent], float]:
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        go, stop = manager.Event(), manager.Event()
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            futures = [pool.submit(work, url, START, anchor, smtp, batch, go, stop) for _ in range(processes)]  # type: ignore[arg-type]
            time.sleep(4)  # the templates compile before the race starts
            began = time.perf_counter()
            go.set()
            with console.status("carrying orders"):
                while _left(engine, with_mails=smtp is not None):
                    time.sleep(0.1)
            seconds = time.perf_counter() - began
            stop.set()
            return [future.result() for future in futures], seconds


#: How far orders go within the day: what is paid on delivery ends once the carrier has brought it (PAY-09).
_AT_THE_END = "condition = 'done' OR (method = 'cod' AND state = 'shipped')"


def _left(engine: Engine, *, with_mails: bool) -> bool:
    """Whether anything is due or waits to be performed."""
    waits = "true" if with_mails else "kind <> 'mail.send'"
    with engine.connect() as connection:
        return bool(
            connection.execute(
                text(
                    f"SELECT EXISTS (SELECT FROM shop_order WHERE NOT ({_AT_THE_END}))"
                    f" OR EXISTS (SELECT FROM effect_lease WHERE {waits})"
                )
            ).scalar()
        )


def show(title: str, figures: Figures, console: Console) -> None:
    """Print one run."""
    console.print(
        f"[bold]{title}[/bold]: {figures.orders / figures.engine:,.0f} orders/s"
        f" ({figures.orders} orders, {figures.mails} mails, {figures.engine:.1f} s;"
        f" intake {figures.orders / figures.intake:,.0f} orders/s)"
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
        parts = [seconds[stage, phase] for phase in ("gather", "decide", "apply")]
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


def main() -> int:
    """Both runs, printed."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.main")
    options.add_argument("--orders", type=int, default=6000)
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--batch", type=int, default=BATCH, help="orders a batch")
    options.add_argument("--only", choices=["stored", "delivered"])
    given = options.parse_args()
    console = Console()
    broken = False
    if given.only != "delivered":
        stored = run(given.orders, given.seed, given.processes, smtp=None, console=console, batch=given.batch)
        show("accepted to points valid, mails rendered and stored", stored, console)
        broken = bool(stored.broken)
    if given.only != "stored":
        with tempfile.TemporaryDirectory(prefix="shukka-sink-") as folder:
            port = free_port()
            argv = [
                sys.executable,
                "-m",
                "workers.sandbox.sink",
                "--port",
                str(port),
                "--journal",
                f"{folder}/sink.jsonl",
            ]
            sink = subprocess.Popen(argv, stdout=subprocess.PIPE)
            try:
                assert sink.stdout is not None
                json.loads(sink.stdout.readline())
                delivered = run(
                    given.orders,
                    given.seed,
                    given.processes,
                    smtp=f"smtp://127.0.0.1:{port}",
                    console=console,
                    batch=given.batch,
                )
            finally:
                sink.terminate()
                sink.wait(10)
        show("the same, every mail delivered by SMTP", delivered, console)
        broken = broken or bool(delivered.broken)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
