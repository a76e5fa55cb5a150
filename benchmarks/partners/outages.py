"""The broker gone for long, and a worker paused with its stock in hand: what either costs."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

from rich.console import Console

from benchmarks.descendants import children_of
from benchmarks.partners.installed import installed, order
from benchmarks.partners.outside import Outside
from benchmarks.partners.waits import print_waits, waits
from benchmarks.wire import Wire
from workers.settings import Settings

#: Seconds that any order may be late while the broker is gone.
LATE = 5.0
#: Seconds that a mail takes while a stock of them is built up, and mails in it.
SLOW = 3.0
STOCK = 600


def without_redis(console: Console, minutes: float, rate: float) -> bool:
    """Orders at ``rate`` a second, first with Redis, then for ``minutes`` without; whether none was late by more than ``LATE``."""
    wires = []

    def through(url: str) -> str:
        wires.append(Wire.before(url))
        wires[-1].__enter__()
        return wires[-1].through(url)

    with Outside() as outside, installed(outside, through) as here:
        here.storefront.send([order(f"warm-{n}", n) for n in range(40)], rate)
        rounds = {}
        (wire,) = wires
        for name, count in (("with Redis", round(60 * rate)), ("without Redis", round(minutes * 60 * rate))):
            if name == "without Redis":
                wire.refuse()
                wire.cut()
            mine = [order(f"{name.replace(' ', '-')}-{n}", n) for n in range(count)]
            here.storefront.send(mine, rate)
            rounds[name] = waits(here, outside, [one["number"] for one in mine])
        wire.heal()
        wire.__exit__(None, None, None)
    print_waits(console, rounds)
    return max(max(seconds) for seconds in rounds["without Redis"].values()) <= LATE


def paused(console: Console, seconds: float) -> bool:
    """A worker process with a stock of mails is stopped for ``seconds`` (SIGSTOP), while another takes over what it held, and goes
    on then; whether no more mails came twice than it has connections."""
    with Outside() as outside, installed(outside) as here:
        outside.slow = SLOW
        here.storefront.send([order(f"stock-{n}", n) for n in range(STOCK)], 100.0)
        time.sleep(3.0)
        stopped = children_of(here.processes.pids()["worker"])[:1]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        outside.slow = 0.0
        time.sleep(seconds)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        waits(here, outside, [f"stock-{n}" for n in range(STOCK)])
        time.sleep(15.0)  # whatever the paused one still holds it would send by now
        copies = Counter(outside.message_ids)
    twice = sum(count - 1 for count in copies.values())
    channels = Settings().shukka_smtp_connections
    console.print(f"{len(copies)} mails, {twice} of them came twice; a worker has {channels} connections")
    return twice <= channels
