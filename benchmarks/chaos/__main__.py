"""``make chaos``: every injury of the catalogue struck while orders come in; nothing may be lost, doubled or left behind.

The outside world posts orders, pays, ships and takes mails as on any day. At the end everything is healed, the journals of that
world are judged against the database (``workers.audit``), and a table says how often what was struck and how soon orders moved.
"""

from __future__ import annotations

import argparse
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import replace
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path
from traceback import format_exception

from rich.console import Console

from benchmarks.chaos import report
from benchmarks.chaos.catalogue import INJURIES, named
from benchmarks.chaos.run import Outcome, Wound, run
from benchmarks.chaos.storm import Storm
from workers.demo.trial import remove, scratch
from workers.demo.verdict import Verdict
from workers.process.supervisor import stop_on_signals


def _seeds(word: str) -> list[int]:
    first, _, last = word.partition("-")
    try:
        return list(range(int(first), int(last or first) + 1))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} must be a number or two such as 1-5") from None


def _options() -> argparse.ArgumentParser:
    usual = Storm()
    options = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description="Everything struck in turn.")
    options.add_argument("--orders", type=int, help=f"of each run; {usual.orders} if left out")
    options.add_argument("--seeds", "--seed", type=_seeds, default=[1], metavar="A[-B]", help="one run for each")
    options.add_argument("--side-by-side", type=int, default=1, metavar="N", help="so many runs at a time")
    options.add_argument("--only", nargs="+", metavar="NAME", help="these injuries, or all of these boundaries")
    options.add_argument("--rounds", type=int, help=f"how often each is struck alone; {usual.rounds} if left out")
    options.add_argument("--mix", action="store_true", help="mixtures alone")
    options.add_argument("--short", action="store_true", help="one quick injury of each boundary, few orders")
    options.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    options.add_argument("--list", action="store_true", help="show the injuries and do nothing")
    return options


def _storm(arguments: argparse.Namespace, seed: int) -> Storm:
    storm = Storm.short(seed) if arguments.short else Storm(seed=seed)
    if arguments.only:
        storm = replace(storm, injuries=named(arguments.only))
    return replace(
        storm,
        orders=arguments.orders or storm.orders,
        rounds=arguments.rounds or storm.rounds,
        mixtures=arguments.mix,
    )


def _run(storm: Storm, console: Console, stop: threading.Event) -> Outcome:
    """One run in a directory of its own, which is kept and named if anything is wrong."""
    root = scratch("chaos")

    def tell(line: str) -> None:
        console.print(f"{storm.seed}  {line}", markup=False, soft_wrap=True)

    keep = True
    try:
        outcome = run(root, storm, tell, stop)
        keep = outcome.verdict is not None and not outcome.is_good
        return outcome
    finally:
        if keep:
            tell(f"Journals, logs and database are kept in {root}")
        else:
            remove(root)


@cache
def _stop() -> threading.Event:
    """Set once the process is told to stop, for all runs of it."""
    return stop_on_signals()


def _apart(arguments: argparse.Namespace, seed: int) -> tuple[list[Wound], Verdict | None, float]:
    """A run in a process of its own; none where that was told to stop: it has the next seeds already, and would begin with them."""
    stop = _stop()
    if stop.is_set():
        return [], None, 0.0
    outcome = _run(_storm(arguments, seed), Console(highlight=False), stop)
    return outcome.wounds, outcome.verdict, outcome.seconds


def _outcome(storm: Storm, ran: Future[tuple[list[Wound], Verdict | None, float]], console: Console) -> Outcome:
    """What a run brought, or by what it was broken off: the others are told of all the same."""
    fault = ran.exception()
    if fault is None:
        return Outcome(storm, *ran.result())
    console.print("".join(format_exception(fault)), markup=False, soft_wrap=True)
    return Outcome(storm, says=f"broken off by {type(fault).__name__}: {fault}")


def main() -> int:
    """0 if all is well, 1 if not, 130 if interrupted."""
    arguments = _options().parse_args()
    console = Console(highlight=False)
    if arguments.list:
        for one in INJURIES:
            console.print(
                f"{one.boundary:10} {one.name}: {one.does}; healed: {one.heals}", markup=False, soft_wrap=True
            )
        return 0
    try:
        storms = [_storm(arguments, seed) for seed in arguments.seeds]
    except KeyError as error:
        console.print(str(error.args[0]), markup=False)
        return 2
    stop = stop_on_signals()
    with ProcessPoolExecutor(arguments.side_by_side, get_context("fork")) as pool:
        running = [pool.submit(_apart, arguments, storm.seed) for storm in storms]
        while wait(running, timeout=1.0).not_done:
            if stop.is_set():
                pool.shutdown(wait=False, cancel_futures=True)
                for child in active_children():
                    child.terminate()  # it stops what it runs, and ends
                console.print("stopped")
                return 130
        outcomes = [_outcome(storm, ran, console) for storm, ran in zip(storms, running, strict=True)]
    report.show(outcomes, console)
    if arguments.write:
        report.write(outcomes, arguments.write)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
