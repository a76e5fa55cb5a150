"""Stages that follow at once: what one stage makes due this very moment is decided in the same pass over a batch.

Between ``split`` and ``dispatch`` nobody is asked anything, so that claiming, gathering and writing the order twice would buy
nothing. Each stage still says what it needs and does what it does to the draft the one before it left, and every move keeps
the cause of the stage that made it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, reduce
from operator import or_

from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts, Need
from pipelines.engine.stage import Stage
from pipelines.shops import Shop


@dataclass(frozen=True)
class Pass:
    """One look at a batch: the ``stage`` that is due, and the stages of ``route`` that may follow it at once."""

    stage: Stage
    route: Mapping[str, Stage]

    @cached_property
    def stages(self) -> Sequence[Stage]:
        """The stage and all that may follow it, each once."""
        found = [self.stage]
        for one in found:
            found += [self.route[name] for name in one.at_once if name in self.route and self.route[name] not in found]
        return found

    @property
    def follows(self) -> bool:
        """Whether any stage may follow."""
        return len(self.stages) > 1

    @cached_property
    def needs(self) -> Need:
        """What any of them must be told."""
        return reduce(or_, (one.needs for one in self.stages))

    @cached_property
    def consumes(self) -> Sequence[str]:
        """The events that any of them answers."""
        return [event for one in self.stages for event in one.consumes]

    def decision(self, facts: Facts, shop: Shop, now: datetime) -> Decision:
        """What the stages decide of an order as it stands in ``facts``: the first, and whichever follow it at once."""
        return self.stage.decision(facts, shop, now, self.route)
