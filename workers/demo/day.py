"""``shukka demo``: one business day of the four shops on real engines, with a simulated world, on a fast clock."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column, Table

from workers.cli.order import print_story
from workers.cli.terminal import table
from workers.clock import TOKYO
from workers.demo.promises import by_reason
from workers.demo.standing import Awaited, Returned, Standing, Taken
from workers.demo.told import Told
from workers.demo.trial import load_of_machine, opened, remove, scratch
from workers.demo.verdict import Verdict, judge
from workers.demo.world import WorldPlan
from workers.operators import ready_path
from workers.process.supervisor import stop_on_signals
from workers.settings import load

#: A Thursday without holidays around it. Orders come until half past five, parcels arrive until half past eight.
OPENS = datetime(2026, 11, 19, 8, 30, tzinfo=TOKYO)
CLOSES = datetime(2026, 11, 19, 20, 30, tzinfo=TOKYO)
TRADING_HOURS = 9.0

#: Real seconds that the day takes at least, and orders that come in a real second at most: the clock must not outrun
#: the work, with all the world's processes on the same two cores.
SHORTEST_DAY = 45.0
BUSIEST_SECOND = 30.0
#: Real seconds allowed for what is due at the end of the day to be done.
PATIENCE = 15.0
#: Exit code of a run that was ended by Ctrl-C.
INTERRUPTED = 130
#: Minutes of the Clock that work may be late without a word: a cutoff is rarely missed by less.
UNNOTICED = 15.0
_LOOK = 0.5
_LINE_EVERY = 5.0


def rate_for(orders: int, load: float = 1.0) -> float:
    """Business seconds in a real second, so that ``orders`` come no faster than they can be worked.

    ``load``: how much longer things take here than on an idle machine; one that is busy with others gets a slower clock.
    """
    day = (CLOSES - OPENS).total_seconds()
    trading = TRADING_HOURS * 3600
    return min(day / SHORTEST_DAY, trading * BUSIEST_SECOND / orders) / max(1.0, load)


def plan_for(orders: int, seed: int) -> WorldPlan:
    """An ordinary day: customers click twice and change their minds, suppliers repeat themselves, servers are busy."""
    return WorldPlan(
        orders,
        TRADING_HOURS,
        seed,
        storefront=_faults(duplicate_rate=0.03, invalid_rate=0.02, cancel_rate=0.03, unpaid_rate=0.05),
        suppliers=_faults(duplicate_rate=0.05, reorder_rate=0.03, late_rate=0.02, refuse_rate=0.005, lost_rate=0.01),
        sink=_faults(refuse_rate=0.01),
        has_makers=True,
    )


def faulty_plan_for(orders: int, seed: int) -> WorldPlan:
    """A day on which nobody keeps his word: suppliers are silent, refuse, are late, lack goods and contradict themselves;
    customers pay short, late and twice and cancel at once; the bank tells of one deposit twice; parcels are unclaimed."""
    ordinary = plan_for(orders, seed)
    return replace(
        ordinary,
        storefront=(
            *ordinary.storefront,
            *_faults(underpaid_rate=0.15, twice_paid_rate=0.15, late_paid_rate=0.15, race_rate=0.06),
        ),
        suppliers=(
            *ordinary.suppliers,
            *_faults(silent_rate=0.06, refuse_rate=0.06, overdue_rate=0.06, delay_rate=0.06, short_rate=0.06),
            *_faults(contradict_rate=0.25, unclaimed_rate=0.5, lost_rate=0.03, return_rate=0.03),
        ),
        bank=_faults(duplicate_rate=0.2, renamed_rate=0.2),
    )


def run_day(*, orders: int, seed: int, as_json: bool, console: Console, faults: bool = False) -> int:
    """Run one business day; the exit code: 0, 1 if an order is stuck or a promise broken, 130 after Ctrl-C.

    Live progress and the summary go to ``console``; with ``as_json`` the contract's one object goes to stdout. What
    was written is kept, and its directory named, only when something failed. ``faults``: nobody outside keeps his word.
    """
    stop = stop_on_signals()
    began = time.monotonic()
    root = scratch("demo")
    failed = True
    try:
        plan = faulty_plan_for(orders, seed) if faults else plan_for(orders, seed)
        verdict = _day(root, plan, console, stop)
        failed = verdict is not None and not verdict.is_good
    finally:
        if failed:
            console.print(f"Journals, logs and database are kept in {root}", markup=False, soft_wrap=True)
        else:
            remove(root)
    if verdict is None:
        console.print("stopped")
        return INTERRUPTED
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(as_object(verdict, orders, seconds)) + b"\n")
    else:
        show(verdict, seconds, console)
    return 0 if verdict.is_good else 1


def as_object(verdict: Verdict, orders: int, seconds: float) -> dict[str, object]:
    """The contract's object of ``shukka demo --json``; ``by_state`` are the orders that were placed, and ``replacing`` those beside them
    that leave for goods that came back."""
    placed = {state: count - verdict.replacing.get(state, 0) for state, count in verdict.by_state.items()}
    return {
        "orders": orders,
        "by_state": {state: count for state, count in placed.items() if count},
        "mails": sum(verdict.mails.values()),
        "stuck": len(verdict.stuck),
        "violations": list(verdict.violations),
        "seconds": seconds,
        "replacing": dict(verdict.replacing),
        "promised": len(verdict.promised),
        "left": len(verdict.promised) - len(verdict.late),
        "late": [{"why": why, "shipments": count} for count, why in by_reason(verdict.late)],
        "money": [one._asdict() for one in verdict.money],
        "channels": [one._asdict() for one in verdict.channels],
        "returns": [one._asdict() for one in verdict.returns],
        "sighted": [{"carrier": carrier, "parcels": parcels} for carrier, parcels in verdict.sighted],
        "awaits": [
            {
                "what": one.what,
                "from": one.counterparty,
                "orders": one.orders,
                "until": [one.soonest.isoformat(), one.latest.isoformat()],
            }
            for one in verdict.awaits
        ],
    }


def _day(root: Path, plan: WorldPlan, console: Console, stop: threading.Event) -> Verdict | None:
    """The whole day from opening to verdict; None if it was interrupted."""
    rate = rate_for(plan.orders, load_of_machine())

    def report(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    report(f"{plan.orders} orders of four shops, {OPENS:%Y-%m-%d %H:%M} to {CLOSES:%H:%M}, {rate:.0f} times as fast")
    with opened(root, plan, OPENS, rate, report, load()) as trial:
        if (path := ready_path(trial.engine)) is not None:
            report(f"look on while it runs: {trial.service.url}{path}")
        trial.world.trade(trial.service.url, trial.clock)
        with showing(console) as show_progress:
            while not stop.is_set() and (trial.clock.now() < CLOSES or trial.world.is_trading):
                show_progress(trial.clock.now(), trial.glance())
                time.sleep(_LOOK)
        if stop.is_set():
            return None
        report("the day is over; what is due is being done")
        trial.settle(PATIENCE)
        return judge(trial, trial.finish())


@contextmanager
def showing(console: Console) -> Iterator[Callable[[datetime, Standing], None]]:
    """Live progress: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    says = TextColumn("{task.fields[says]}", table_column=Column(ratio=1, overflow="fold"))  # wraps, and is never cut
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), says)
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task("", total=(CLOSES - OPENS).total_seconds(), says="")

        def show(now: datetime, standing: Standing) -> None:
            done = (now - OPENS).total_seconds()
            progress.update(task, completed=max(0.0, done), description=f"{now:%H:%M}", says=_line(standing))

        yield show


class _Lines:
    """Progress for a log: a line every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def __call__(self, now: datetime, standing: Standing) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_EVERY
            self._console.print(f"{now:%H:%M}  {_line(standing)}", markup=False, soft_wrap=True)


def _line(standing: Standing) -> str:
    states = "  ".join(f"{state} {count}" for state, count in standing.by_state.items())
    return f"{states}  mails {standing.mails}  events {standing.events}"


def show(verdict: Verdict, seconds: float, console: Console) -> None:
    """The summary for people."""
    states = Table("state", "orders", "why", box=None, pad_edge=False)
    for state, count in verdict.by_state.items():
        reasons = verdict.reasons[state]
        says = [why if len(reasons) == 1 else f"{n} {why}" for n, why in reasons]
        states.add_row(state, str(count), "\n".join(says))
    console.print(states)
    if leaving := sum(verdict.replacing.values()):
        console.print(f"of these {leaving} leave for goods that came back, beside those that were placed")
    if verdict.awaits:
        console.print(waits(verdict.awaits))
    if verdict.channels:
        console.print(channels(verdict.channels))
    if verdict.returns:
        console.print(returned(verdict.returns))
    console.print(moneys(verdict.money))
    mails = ", ".join(f"{template} {count}" for template, count in verdict.mails.items())
    lines = [f"mails {sum(verdict.mails.values())}: {mails}", promise_line(verdict)]
    if verdict.sighted:
        told = ", ".join(f"{carrier} {parcels}" for carrier, parcels in verdict.sighted)
        lines.append(f"parcels of which their carrier was asked and told: {told}")
    if verdict.behind > UNNOTICED * 60:
        lines.append(
            f"the clock outran the work by up to {verdict.behind / 60:.0f} min: what missed a cutoff may have missed it by that"
        )
    if verdict.slowest:
        slowest = ", ".join(f"{order} ({method}) {took:.1f} s" for order, method, took in verdict.slowest)
        lines.append(f"longest from acceptance to authorization: {slowest}")
    lines += [f"  stuck: {says}" for says in verdict.stuck]
    lines += [f"  violation: {says}" for says in verdict.violations]
    lines.append(f"stuck {len(verdict.stuck)}  violations {len(verdict.violations)}  in {seconds:.0f} s")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    if verdict.story is not None:
        console.print("\none order from beginning to end, as `shukka order` prints any:\n", markup=False)
        print_story(verdict.story)


def moneys(money: Sequence[Taken]) -> Table:
    """What was held, taken and given back by each payment method, in yen."""
    found = Table(box=None, pad_edge=False)
    for heading in ("paid by", "orders", "authorized", "captured", "refunded"):
        found.add_column(heading, justify="left" if heading == "paid by" else "right")
    for one in money:
        found.add_row(one.method, *(f"{value:,}" for value in one[1:]))
    return found


def returned(returns: Sequence[Returned]) -> Table:
    """What came back, for which remedy and why, and what became of it."""
    rows = [(one.shop, one.returns, one.remedy, one.reason, one.became) for one in returns]
    return table(("shop", "returns", "asked for", "because", "became"), rows)


def channels(told: Sequence[Told]) -> Table:
    """What suppliers were told on each channel, and what they made of it."""
    rows = [
        (one.channel, ", ".join(one.suppliers), one.told, one.answered, one.shipped, "; ".join(one.settled))
        for one in told
    ]
    return table(("told by", "suppliers", "told", "answered", "left", "and"), rows)


def waits(awaits: Sequence[Awaited]) -> Table:
    """What orders that are not final wait for, from whom, until when."""
    rows = []
    for one in awaits:
        soonest, latest = f"{one.soonest:%m-%d %H:%M}", f"{one.latest:%m-%d %H:%M}"
        rows.append(
            (one.orders, one.what, one.counterparty, soonest if soonest == latest else f"{soonest} to {latest}")
        )
    return table(("orders", "wait for", "from", "until"), rows)


def promise_line(verdict: Verdict) -> str:
    """What was promised to leave on the day, what of it left, and why the rest has not."""
    promised, late = len(verdict.promised), len(verdict.late)
    why = "; ".join(f"{count} {says}" for count, says in by_reason(verdict.late))
    return f"promised today {promised}, left today {promised - late}, late {late}" + (f": {why}" if why else "")


def _faults(**rates: float) -> tuple[str, ...]:
    return tuple(word for name, rate in rates.items() for word in ("--fault", f"{name}={rate}"))
