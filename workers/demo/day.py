"""``shukka demo``: one business day of the four shops on real engines, with a simulated world, on a fast clock."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from workers.clocks import TOKYO
from workers.demo.standing import Standing
from workers.demo.trial import Trial, opened, remove, scratch
from workers.demo.verdict import Verdict, judge
from workers.demo.world import WorldPlan
from workers.supervisor import stop_on_signals

#: A Thursday without holidays around it. Orders come until half past five, parcels arrive until half past eight.
OPENS = datetime(2026, 11, 19, 8, 30, tzinfo=TOKYO)
CLOSES = datetime(2026, 11, 19, 20, 30, tzinfo=TOKYO)
TRADING_HOURS = 9.0

#: Real seconds that the day takes at least, and orders that come in a real second at most: the clock must not outrun
#: the work, with all the world's processes on the same two cores.
SHORTEST_DAY = 45.0
BUSIEST_SECOND = 30.0
#: Real seconds allowed for what is due at the end of the day to be done.
PATIENCE = 60.0
#: Exit code of a run that was ended by Ctrl-C.
INTERRUPTED = 130


def rate_for(orders: int) -> float:
    """Business seconds in a real second, so that ``orders`` come no faster than they can be worked."""
    day = (CLOSES - OPENS).total_seconds()
    trading = TRADING_HOURS * 3600
    return min(day / SHORTEST_DAY, trading * BUSIEST_SECOND / orders)


def run_day(*, orders: int, seed: int, as_json: bool, console: Console) -> int:
    """Run one business day; the exit code: 0, 1 if an order is stuck or a promise broken, 130 after Ctrl-C.

    Live progress and the summary go to ``console``; with ``as_json`` the contract's one object goes to stdout. What
    was written is kept, and its directory named, only when something failed.
    """
    stop = stop_on_signals()
    began = time.monotonic()
    root = scratch("demo")
    failed = True
    try:
        verdict = _play(Day(orders, seed, console, stop), root_of=root)
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
