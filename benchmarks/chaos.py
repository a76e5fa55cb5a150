"""``make chaos``: kill everything in turn while orders come in; nothing may be lost, doubled or left behind.

The outside world posts orders, pays, ships and takes mails as on any day. Meanwhile one process after the other is
killed with SIGKILL (a worker child, the worker master, web, clock, Valkey, PostgreSQL) and Redis is emptied, several
rounds. After each blow it is measured how long it takes until what was struck runs again and an order that came in after
that is authorized. At the end the journals of the outside world are audited against the database (``workers.audit``).
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from workers.clock import TOKYO
from workers.demo.trial import Trial, opened, remove, scratch
from workers.demo.verdict import Verdict, judge
from workers.demo.world import WorldPlan
from workers.process.child import wait_until
from workers.process.supervisor import stop_on_signals

OPENS = datetime(2026, 11, 19, 8, 30, tzinfo=TOKYO)
#: Real seconds in which things must move again after a blow.
BOUND = 30.0
#: Real seconds of peace after things move again.
PEACE = 2.0
#: Real seconds allowed at the end: an effect that was under way when its worker was killed waits for its lease.
DRAIN = 180.0
_LOOK = 0.05

Blow = Callable[[Trial], str | None]
"""Strikes, and names the process that has to be replaced by a new one; None if none has."""


def _kill(name: str) -> Blow:
    def blow(trial: Trial) -> str:
        wait_until(lambda: name in trial.pids(), patience=BOUND, pause=_LOOK)
        os.kill(trial.pids()[name], signal.SIGKILL)
        return name

    return blow


def _kill_worker_child(trial: Trial) -> str:
    """A worker's master cannot go on without one of its children: it ends, and the supervisor starts both anew."""
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    master = trial.pids()["worker"]
    children = [int(pid) for pid, parent in (line.split() for line in listing.splitlines()) if int(parent) == master]
    os.kill(max(children), signal.SIGKILL)
    return "worker"


def _flush(trial: Trial) -> None:
    redis.Redis.from_url(trial.urls.redis_url or "").flushall()


#: The worker first: what it held is due again when its leases have run out, which is later than anything else.
BLOWS: Mapping[str, Blow] = {
    "a worker child": _kill_worker_child,
    "the worker master": _kill("worker"),
    "web": _kill("web"),
    "clock": _kill("clock"),
    "Valkey": _kill("valkey"),
    "PostgreSQL": _kill("postgres"),
    "FLUSHALL": _flush,
}


@dataclass(frozen=True, slots=True)
class Storm:
    """How hard it blows: ``orders`` come while everything is struck ``rounds`` times.

    ``seconds``: real seconds over which orders come, for each blow. ``rate``: of the clock.
    """

    orders: int = 2000
    seed: int = 1
    rounds: int = 3
    seconds: float = 8.0
    rate: float = 60.0

    @property
    def plan(self) -> WorldPlan:
        """What the outside world does meanwhile: parcels leave within minutes, so that there is news of every kind."""
        return WorldPlan(
            self.orders,
            self.rounds * len(BLOWS) * self.seconds * self.rate / 3600,
            self.seed,
            storefront=("--fault", "duplicate_rate=0.02", "--fault", "cancel_rate=0.02"),
            suppliers=("--delay-minutes", "1,20", "--delivery-hours", "0.3,1", "--fault", "duplicate_rate=0.05"),
        )


@dataclass
class Outcome:
    """What a run brought: real seconds until things moved again by what was struck, None where they did not within
    ``BOUND``; and the verdict, None if the run was interrupted."""

    resumed: dict[str, list[float | None]] = field(default_factory=lambda: {name: [] for name in BLOWS})
    verdict: Verdict | None = None

    @property
    def is_good(self) -> bool:
        """True if everything was struck, everything resumed in time, and every promise was kept."""
        measured = [seconds for times in self.resumed.values() for seconds in times or [None]]
        return self.verdict is not None and self.verdict.is_good and None not in measured


def run(root: Path, storm: Storm, report: Callable[[str], None], stop: threading.Event) -> Outcome:
    """Run the whole thing under ``root`` until ``stop``. Raises what ``workers.demo.trial.opened`` raises."""
    outcome = Outcome()
    with opened(root, storm.plan, OPENS, storm.rate, report) as trial:
        trial.world.trade(trial.service.url, trial.clock)
        resumed(trial, lambda _: None)  # the first order of the day warms everything up
        for name, blow in [*BLOWS.items()] * storm.rounds:
            wait_until(stop.is_set, patience=PEACE, pause=_LOOK)
            if stop.is_set() or trial.clock.now() > OPENS + timedelta(hours=storm.plan.hours):
                break  # no order comes any more by which to measure
            took = resumed(trial, blow)
            outcome.resumed[name].append(took)
            report(f"{trial.clock.now():%H:%M}  {name}: " + ("did not resume" if took is None else f"{took:.1f} s"))
        while trial.world.is_trading and not stop.is_set():
            time.sleep(_LOOK)
        if stop.is_set():
            return outcome
        report(f"{trial.clock.now():%H:%M}  every order is in; draining")
        trial.settle(DRAIN)
        outcome.verdict = judge(trial, trial.finish())
    return outcome


def resumed(trial: Trial, blow: Blow) -> float | None:
    """Strike; real seconds until what was struck runs anew and an order taken in after that is authorized.

    None if that takes longer than ``BOUND``.
    """
    before, struck = trial.pids(), time.time()
    name = blow(trial)
    ends = time.monotonic() + BOUND
    if name and not wait_until(
        lambda: trial.pids().get(name, before[name]) != before[name], patience=BOUND, pause=_LOOK
    ):
        return None
    back = time.time()
    return (
        time.time() - struck
        if wait_until(lambda: _moves(trial, back), patience=ends - time.monotonic(), pause=_LOOK)
        else None
    )


def _moves(trial: Trial, since: float) -> bool:
    """True if an order stored after the real time ``since`` is authorized, or further on."""
    query = text(
        """SELECT EXISTS (SELECT FROM shop_order WHERE recorded_at > to_timestamp(:since)
                          AND state NOT IN ('accepted', 'awaiting_payment', 'cancelled'))"""
    )
    with suppress(DBAPIError), trial.engine.connect() as connection:
        return bool(connection.execute(query, {"since": since}).scalar())
    return False


def show(outcome: Outcome, verdict: Verdict, seconds: float, console: Console) -> None:
    """The table and the sentence it stands for."""
    table = Table("struck", "times", "seconds to resume, each", "longest", box=None, pad_edge=False)
    for name, times in outcome.resumed.items():
        each = " ".join("never" if took is None else f"{took:.1f}" for took in times)
        known = [took for took in times if took is not None]
        table.add_row(name, str(len(times)), each, f"{max(known):.1f}" if known else "-")
    console.print(table)
    states = "  ".join(f"{state} {count}" for state, count in verdict.by_state.items())
    lines = [f"orders  {states}", f"mails  {sum(verdict.mails.values())}"]
    lines += [
        f"longest from acceptance to authorization  {order} {took:.1f} s" for order, _, took in verdict.slowest[:1]
    ]
    lines += [f"  stuck: {says}" for says in verdict.stuck]
    lines += [f"  violation: {says}" for says in verdict.violations]
    if verdict.is_good:
        lines.append("0 lost, 0 doubled effects, 0 doubled mails beyond a connection cut after the final dot")
    lines.append(f"mails repeated after such a cut  {verdict.repeated}")
    lines.append(f"stuck {len(verdict.stuck)}  violations {len(verdict.violations)}  in {seconds:.0f} s")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def main() -> int:
    """The command; exit code 0, 1 if a promise was broken or things did not resume in time, 130 after Ctrl-C."""
    usual = Storm()
    options = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description="Kill everything in turn.")
    options.add_argument("--orders", type=int, default=usual.orders)
    options.add_argument("--seed", type=int, default=usual.seed)
    options.add_argument("--rounds", type=int, default=usual.rounds, help="how often each is struck")
    arguments = options.parse_args()
    console = Console(highlight=False)
    stop, began, root = stop_on_signals(), time.monotonic(), scratch("chaos")

    def report(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    keep = True
    try:
        outcome = run(root, Storm(arguments.orders, arguments.seed, arguments.rounds), report, stop)
        keep = outcome.verdict is not None and not outcome.is_good
    finally:
        if keep:
            report(f"Journals, logs and database are kept in {root}")
        else:
            remove(root)
    if outcome.verdict is None:
        report("stopped")
        return 130
    show(outcome, outcome.verdict, time.monotonic() - began, console)
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
