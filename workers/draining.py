"""Coalescing inside a process: one drain an actor, however often its bell rings."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Drains:
    """Runs at most one drain a name at a time; a ring during a drain makes it look once more before it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung_again: dict[str, bool] = {}
        #: Set when the process is told to end: a drain then ends after the batch it is at.
        self.stopping = threading.Event()

    def run(self, name: str, drain: Callable[[], None]) -> bool:
        """Drain ``name`` now, or leave word with the drain under way. True if this call drained."""
        with self._lock:
            if name in self._rung_again:
                self._rung_again[name] = True
                return False
            self._rung_again[name] = False
        try:
            while True:
                drain()
                with self._lock:
                    if not self._rung_again[name] or self.stopping.is_set():
                        del self._rung_again[name]
                        return True
                    self._rung_again[name] = False
        except BaseException:
            with self._lock:
                self._rung_again.pop(name, None)
            raise
