"""What one drain of the effect loop holds: jobs that wait, by target, and how many are under way."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from workers.effects.effect import Job, Performer
from workers.effects.targets import RESERVE, START, Target

#: Seconds between two looks for more while all that was due was found and effects are still under way.
LOOK_EVERY = 0.2
#: Seconds between two looks where a target that was left out has room again.
LOOK_AGAIN = 0.02

Held = tuple[int, int]
"""An effect's id and the token under which it is held: a lease that ran out may be taken again here before its first holder
is back."""


class Shift:
    """The jobs of one drain. Targets take turns; none begins more than it has room for."""

    def __init__(self, performer: Performer[Any], targets: dict[str, Target], pause: float, batch: int) -> None:
        self.performer = performer
        self.held: dict[Held, Job[Any]] = {}
        self.recording: set[Held] = set()
        self.under_way: set[asyncio.Task[None]] = set()
        self.changed: list[Target] = []
        self.wake = asyncio.Event()
        self.performed = 0
        self.fault: BaseException | None = None
        self.batch = batch
        self._targets = targets
        self._pause = pause
        self._queues: dict[str, deque[Job[Any]]] = {}
        self._turns: deque[str] = deque()
        self._looked = 0.0
        self._found_all = False
        self._was_rung = False
        self._left_out: frozenset[str] = frozenset()

    def target_of(self, job: Job[Any]) -> Target:
        """The target of a job, known from now on."""
        name = self.performer.effect.target(job.row)
        if name not in self._targets:
            self._targets[name] = Target(name, self.performer.channels, self._pause)
        return self._targets[name]

    def next(self) -> tuple[Target, Job[Any]] | None:
        """The next job that may begin, now begun; those whose lease may have ended are dropped: another process has them."""
        for _ in range(len(self._turns)):
            name = self._turns.popleft()
            queue, target = self._queues[name], self._targets[name]
            while queue and self._may_begin(target):
                job = queue.popleft()
                if job.lease.holds():
                    self._turns.append(name)
                    target.begin()
                    return target, job
                del self.held[job.id, job.token]
            if queue:
                self._turns.append(name)
            else:
                del self._queues[name]
        return None

    def _may_begin(self, target: Target) -> bool:
        crowded = len(self.under_way) >= self.performer.channels - self.performer.channels // RESERVE
        return target.room() > 0 and not (crowded and target.under_way >= START)

    def is_full(self) -> bool:
        """Whether every channel is taken."""
        return len(self.under_way) >= self.performer.channels

    def rung(self) -> None:
        """Something may be due: look at once, and once more where a look is under way, which may have begun too early to find it."""
        self._found_all, self._was_rung = False, True
        self.wake.set()

    def look(self) -> frozenset[str]:
        """A look begins: the targets of which nothing more should be leased."""
        self._was_rung = False
        return self.left_out()

    def left_out(self) -> frozenset[str]:
        """The targets of which nothing more should be leased now: those that have no room, or have jobs that wait for it."""
        full = {name for name, target in self._targets.items() if not self._may_begin(target)}
        return frozenset(full | self._queues.keys())

    def wants_more(self) -> bool:
        """Whether it is time to look for more to lease."""
        if self.is_full():
            return False
        passed = time.monotonic() - self._looked
        if not self._found_all or (self.under_way and passed >= LOOK_EVERY):
            return True
        return (passed >= LOOK_AGAIN or not self.under_way) and not self._left_out <= self.left_out()

    def take(self, jobs: Iterable[Job[Any]], without: frozenset[str]) -> None:
        """Put what was leased, but for the targets ``without``, behind what waits."""
        found = 0
        for job in jobs:
            found += 1
            name = self.target_of(job).name
            if name not in self._queues:
                self._queues[name] = deque()
                self._turns.append(name)
            self._queues[name].append(job)
            self.held[job.id, job.token] = job
        now = time.monotonic()
        # Fewer than were asked for are all there were: whoever makes more due rings.
        self._looked, self._left_out = now, without
        self._found_all = found < self.batch and not self._was_rung

    def surplus(self) -> Iterator[tuple[Target, Job[Any]]]:
        """What waits for a target that is not asked now, or that has more waiting than it needs: not held any more."""
        for name, queue in self._queues.items():
            target = self._targets[name]
            keeps = min(1, target.room()) if target.is_open else self.batch
            while len(queue) > keeps:
                job = queue.pop()
                del self.held[job.id, job.token]
                self._found_all = False  # there are more, now that they are given back
                yield target, job

    def begun(self) -> set[Held]:
        """What is held and does not only wait."""
        return self.held.keys() - {(job.id, job.token) for queue in self._queues.values() for job in queue}
