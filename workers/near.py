"""Bells within a process: what it made due it goes on with itself, unless there is so much that others should help.

A bell through the broker costs more than the work of one order. Whoever rings here loses nothing when the process ends: what is due is
due in the database, and the clock rings for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import structlog

from pipelines.engine.run import describe
from workers.broker import WAKE, Bell

log = structlog.get_logger(__name__)

#: Orders that were decided, or outcomes that were recorded, together, up to which the process goes on alone.
FEW: Final = 8
_THREADS: Final = 8


class Rings(Protocol):
    """Whoever tells that something is due."""

    def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = (), *, about: int) -> None:
        """Stages and kinds of effect have something due, for ``about`` orders in all."""
        ...


class NearBell:
    """``Rings`` for a worker's process. Until it was begun, and once it is to end, everybody is told as by the bell it stands for."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._decide: Callable[[str], None] = lambda stage: None
        self._perform: Callable[[str], None] = lambda kind: None
        self._hears: Callable[[str], bool] = lambda queue: False
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="near")
        self._begun = False

    def begin(
        self,
        decide: Callable[[str], None],
        perform: Callable[[str], None],
        hears: Callable[[str], bool] = lambda queue: True,
    ) -> None:
        """``decide`` drains a stage, here and now; ``perform`` lets the effect loop drain a kind; ``hears`` says to which queues the
        process listens."""
        self._decide, self._perform, self._hears = decide, perform, hears
        self._begun = True

    def ring(self, stages: Iterable[str] = (), effects: Iterable[str] = (), *, about: int) -> None:
        """Go on here where it is about few orders, and let everybody know where it is about many. Never raises and never waits."""
        if about > FEW or not self._begun:
            self._bell.ring(stages, effects)
            return
        for stage in stages:
            self._go_on(stage)
        for kind in effects:
            if self._hears(self._bell.queues[kind]):
                self._perform(kind)
            else:
                self._bell.ring(effects=[kind])

    def stop(self) -> None:
        """The process is to end: from now on others are told."""
        self._begun = False
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _go_on(self, stage: str) -> None:
        if not self._hears(WAKE):
            self._bell.ring(stages=[stage])
            return
        try:
            self._threads.submit(self._decided, stage)
        except RuntimeError:  # it was stopped a moment ago
            self._bell.ring(stages=[stage])

    def _decided(self, stage: str) -> None:
        try:
            self._decide(stage)
        except Exception as error:  # noqa: BLE001 - the boundary of a thread; recorded. Nothing is lost, the clock rings again
            log.error("near.failed", stage=stage, error=describe(error))
