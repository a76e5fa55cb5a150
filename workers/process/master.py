"""The worker's master: dramatiq's own, with our logs and our end. ``python -m workers.process.master --processes 2``.

It imports what its processes run before it forks them: they share the memory of it, and start in a moment.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from types import FrameType
from typing import Final

from dramatiq import cli

from workers import main as worker
from workers.logs import configure
from workers.stopping import STOP_WITHIN, STOP_WITHIN_SETTING

#: Every decide stage and effect kind drains at most once a process, so this many never wait for a thread.
THREADS: Final = 16
#: Of the seconds to stop within, those for which threads that do not end are waited for before their messages go back.
_THREADS_END: Final = 0.2


def dramatiq_arguments(processes: int, stop_within: float) -> list[str]:
    """What dramatiq is told."""
    patience = str(round(1000 * _THREADS_END * stop_within))
    counts = ["--processes", str(processes), "--threads", str(THREADS), "--worker-shutdown-timeout", patience]
    return [f"{worker.__name__}:{worker.boot.__name__}", *counts, "--skip-logging"]


def _hang_up_is_a_stop() -> None:
    """dramatiq would start itself again by its file's name, which is no program; new code comes by ``shukka up``'s roll."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    cli.HANDLED_SIGNALS.discard(signal.SIGHUP)
    signal.signal(signal.SIGHUP, stop)


def main() -> int:
    """Run the worker's processes until a signal; the exit of the first that failed, else 0."""
    parser = argparse.ArgumentParser(description="The worker.")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--stop-within", type=float, default=STOP_WITHIN)
    given = parser.parse_args()
    os.environ[STOP_WITHIN_SETTING] = repr(given.stop_within)
    configure()
    _hang_up_is_a_stop()
    gc.collect()
    gc.freeze()  # who looks an object over writes into it, and its page is shared no more
    arguments = dramatiq_arguments(given.processes, given.stop_within)
    return int(cli.main(cli.make_argument_parser().parse_args(arguments)))  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    sys.exit(main())
