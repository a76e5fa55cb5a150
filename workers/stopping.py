"""The end of a process that is told to stop: who is told twice stops once, and it is over in time whatever is under way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

#: Seconds within which a process has ended after it was told to.
STOP_WITHIN: Final = 10.0
#: Names another number of seconds to a worker's processes.
STOP_WITHIN_SETTING: Final = "SHUKKA_STOP_WITHIN"
#: Of these seconds, the part in which what is under way may come to its end. The rest is for giving back what is held.
FINISHING: Final = 0.6
#: The part after which the kernel ends what is still there.
OVER: Final = 0.97
#: Seconds that a worker's master takes to notice that its processes have ended, and to end.
OF_MASTER: Final = 1.5
#: What tells a process to stop: an operator, a terminal, a terminal that was closed.
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stop:
    """One a process. The first signal counts, all others say the same: who signals the whole process group, as honcho does,
    and the master that passes the signal on would else be taken for somebody who has lost patience."""

    def __init__(self, within: float = STOP_WITHIN) -> None:
        """``within``: seconds from the first signal to the end."""
        self.within = within
        self._told_at: float | None = None

    def on(self, *signals: signal.Signals, then: Callable[[], None]) -> None:
        """Call ``then`` at the first of ``signals``. Main thread only."""

        def handle(_number: int, _frame: FrameType | None) -> None:
            if self._told_at is None:
                self.begin()
                then()

        for one in signals:
            signal.signal(one, handle)

    def begin(self) -> None:
        """The process is to end: from now on the time runs. Main thread only."""
        self._told_at = time.monotonic()
        # By the kernel and not by a handler of ours: threads that wait for a silent database hold up the interpreter's end.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, max(0.05, OVER * self.within))

    def finishing(self) -> float:
        """Seconds left in which what is under way may come to its end."""
        told_at = time.monotonic() if self._told_at is None else self._told_at
        return max(0.0, told_at + FINISHING * self.within - time.monotonic())


def stop_of_worker() -> Stop:
    """The stop of a worker's process, within the seconds that its master was given less what the master needs itself."""
    within = float(os.environ.get(STOP_WITHIN_SETTING, STOP_WITHIN))
    return Stop(max(within - OF_MASTER, within / 2))
