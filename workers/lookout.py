"""The lookout: a worker finds for itself what is due where no bell comes, so that work goes on without Redis and the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import Engine

from models.database import is_away, release_idle
from pipelines.engine.run import describe
from workers.pacemaker import due
from workers.right_time import ClockWatch
from workers.wiring import House

log = structlog.get_logger(__name__)

#: Real seconds between two looks while the broker is not there.
PERIOD = 1.0
#: Real seconds between two questions to the broker whether it is there. Whoever rings in vain knows at once.
ASKS = 2.0
#: Real seconds between two looks while the broker is there: whoever rings may be gone. A look is two index probes a stage and
#: a kind.
SELDOM = 5.0
#: Real seconds after a look in which nothing that is lost leads to another.
PAUSE = 0.05

#: Real seconds without an effect after which the effect loop's connections are closed.
IDLE = 60.0


class Lookout:
    """One a worker process. Rings that reach the broker replace it; one that was lost in this process makes it look at once."""

    def __init__(
        self,
        house: House,
        decide: Callable[[str], None],
        perform: Callable[[str], None],
        effects: Engine | None = None,
    ) -> None:
        """``decide`` drains a stage, here and now; ``perform`` lets the effect loop, whose connections ``effects`` are, drain a kind."""
        self._house = house
        self._effects = effects
        self._decide = decide
        self._perform = perform
        self._clock = ClockWatch(house.engine)
        self._looked = time.monotonic()

    def look(self) -> tuple[set[str], set[str]]:
        """Go on with whatever is due; the stages and kinds that were."""
        self._looked = time.monotonic()
        stages, kinds = due(self._house)
        self._clock.look()
        for kind in kinds:
            self._perform(kind)
        for stage in stages:
            self._decided(stage)
        if self._effects is not None:
            release_idle(self._effects, IDLE)
        return stages, kinds

    def _decided(self, stage: str) -> None:
        try:
            self._decide(stage)
        except Exception as error:  # noqa: BLE001 - the boundary that keeps one stage from the others; recorded
            log.error("lookout.failed", stage=stage, error=describe(error))

    def run(self, stop: threading.Event) -> None:
        """Look until ``stop``; a database that is away is waited for, and no fault ends the lookout."""
        unheard, patience = self._house.bell.unheard, ASKS
        while not stop.is_set():
            lost = unheard.wait(patience)
            unheard.clear()
            seldom = time.monotonic() - self._looked >= SELDOM
            patience = ASKS if self._house.bell.answers() else PERIOD
            if not (lost or seldom) and patience == ASKS:
                continue
            unheard.clear()
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - the boundary of a thread; recorded. Nothing is lost, it looks again
                said = log.warning if is_away(error) else log.error
                said("lookout.database_away" if is_away(error) else "lookout.failed", error=describe(error))
                stop.wait(PERIOD)
            stop.wait(PAUSE)
