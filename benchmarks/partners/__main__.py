"""``python -m benchmarks.partners WHAT``: what outages of others cost those who are well, measured at the whole service."""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.partners.outages import paused, without_redis
from benchmarks.partners.troubles import measure


def main() -> int:
    """Run one of them; 1 if it cost more than it may."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.partners")
    options.add_argument("what", choices=("troubles", "redis", "pause"))
    options.add_argument("--orders", type=int, default=300, help="troubles: orders that are measured, in each round")
    options.add_argument("--rate", type=float, default=10.0, help="orders a second that are measured")
    options.add_argument("--minutes", type=float, default=10.0, help="redis: so long it is gone")
    options.add_argument("--seconds", type=float, default=90.0, help="pause: so long a worker stands still")
    given = options.parse_args()
    console = Console()
    if given.what == "troubles":
        return int(not measure(console, given.orders, given.rate))
    if given.what == "redis":
        return int(not without_redis(console, given.minutes, given.rate))
    return int(not paused(console, given.seconds))


if __name__ == "__main__":
    raise SystemExit(main())
