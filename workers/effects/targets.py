"""Bulkheads and circuit breakers: what one target may keep busy, and when it is not asked at all.

A target is whatever slows down together: a supplier, a storefront, a gateway, the domain of a recipient. It starts with a few
attempts at a time, gets one more with each that ends well and half with each that fails, and never more than its share of
a worker's channels, the last of which are for those that have few. After ``TRIP`` failures on end its circuit opens: nothing is asked for a pause, which doubles with each
probe that fails. Each worker process has breakers of its own; what they found is written down for operators (``Circuit``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pipelines.ports import Outcome, Verdict

#: Attempts at a time that an unknown target begins with.
START = 4
#: Failures on end that open a circuit.
TRIP = 5
#: Seconds of the first pause, and of the longest.
PAUSE = 1.0
LONGEST_PAUSE = 60.0
#: A target has at most one in so many of a kind's channels.
SHARE = 2
#: One in so many channels is for targets that have fewer than ``START`` under way: they go on although several others hang.
RESERVE = 4
DATABASE_AWAY = "database_away"
#: The code of what waits for something that goes to the same target before it.
LATER = "later"
#: What did not end well for reasons of our own.
_OURS = frozenset({"lease_ended", "dictionary", "no_gateway", "no_channel", DATABASE_AWAY, LATER})


class Target:
    """One target of a kind: how many attempts are under way, and whether it may be asked now."""

    def __init__(self, name: str, channels: int, pause: float, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.under_way = 0
        self.failures = 0
        self.code = ""
        self._most = max(1, channels // SHARE)
        self._limit = min(START, self._most)
        self._first_pause = pause
        self._now = now
        self._probe_at: float | None = None
        self._probes = 0
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether its circuit is open: nothing is asked but a probe now and then."""
        return self._probe_at is not None

    @property
    def pause(self) -> float:
        """Seconds until the next probe, as they are counted from a failure."""
        return min(LONGEST_PAUSE, self._first_pause * 2.0 ** min(self._probes, 16))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and nothing has failed."""
        return not self.under_way and not self.failures

    def room(self) -> int:
        """How many attempts may begin now: one where an open circuit is to be probed."""
        if self._probe_at is None:
            return max(0, self._limit - self.under_way)
        return int(not self.under_way and self._now() >= self._probe_at)

    def begin(self) -> None:
        """An attempt begins; alone, where the circuit is open."""
        self.under_way += 1
        self._probing = self.is_open

    def ended(self, outcome: Outcome | None) -> bool:
        """Learn from an attempt that ended, None for one that was broken off; whether operators should hear of it: a circuit
        opened, stayed open or closed."""
        self.under_way -= 1
        if outcome is None or outcome.code in _OURS:
            return False
        if outcome.answered or outcome.verdict in (Verdict.OK, Verdict.DECLINED):
            return self._answered()
        return self._failed(outcome.code or outcome.verdict)

    def _answered(self) -> bool:
        was_open, self._probe_at = self.is_open, None
        self.failures, self._probes, self._probing = 0, 0, False
        self._limit = min(self._most, self._limit + 1)
        return was_open

    def _failed(self, code: str) -> bool:
        if self.is_open and not self._probing:  # begun before the circuit opened: that is known
            return False
        self.failures, self.code = self.failures + 1, code
        self._limit = max(1, self._limit // 2)
        if self.failures < TRIP:
            return False
        if self._probing:
            self._probes, self._probing = self._probes + 1, False
        self._probe_at = self._now() + self.pause
        return True
