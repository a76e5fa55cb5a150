"""How the supervisor sleeps: until a signal comes, a child's end among them, or for a while."""

from __future__ import annotations

import os
import select
import signal
import threading
from types import FrameType
from typing import Final, Self

_OFTEN: Final = 0.1
"""Seconds that who is not the main thread sleeps at most: no signal wakes it."""
_MOST_SIGNALS: Final = 4096


class Waking:
    """A context in which ``sleep`` ends with a signal. Python goes on sleeping when a handler returns, and an event that the
    handler would set is locked by whoever waits for it."""

    def __init__(self) -> None:
        self._hears = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        self._reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._writing = writing
        if self._hears:
            self._before = signal.signal(signal.SIGCHLD, _hear)  # without a handler it is not told
            signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._hears:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, self._before)
        os.close(self._reading)
        os.close(self._writing)

    def sleep(self, seconds: float) -> None:
        """Sleep for ``seconds``, or until a signal has come since the last sleep."""
        if select.select([self._reading], [], [], seconds if self._hears else min(seconds, _OFTEN))[0]:
            os.read(self._reading, _MOST_SIGNALS)


def _hear(_number: int, _frame: FrameType | None) -> None:
    """That it came is all there is to it."""
