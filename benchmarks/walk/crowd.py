"""A crowd of orders: how it lives with workers that are behind, and how the clock runs on until nothing is to come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from benchmarks.walk.inputs import Voices
from benchmarks.walk.orders import an_order
from benchmarks.walk.standing import standings
from benchmarks.walk.town import Town
from benchmarks.walk.verdict import broken, verdict
from pipelines.engine.inbox import notice_event
from pipelines.engine.stage import Stage
from pipelines.orders.intake import Ending
from pipelines.points.jobs import JOBS
from pipelines.route import STAGES
from workers.periodic import Timekeeper

#: How often the clock jumps by so many hours between two rounds.
_JUMPS: Final[Mapping[float, int]] = {0.01: 12, 0.5: 12, 3: 12, 12: 10, 30: 8, 24 * 5: 4, 24 * 18: 1, 24 * 50: 1}
#: Rounds in which new orders come, and those after which it is looked whether anything is broken.
_ARRIVALS, _LOOK_EVERY = 10, 5
#: Days after its last round in which all timers of a crowd have fired.
_MOST_DAYS: Final = 500
#: How often people answer what still holds orders, once all is over.
_HOURS: Final = 3


@dataclass
class Crowd:
    """``size`` orders and what is said of them in ``rounds``; ``route`` are the stages that decide."""

    town: Town
    chance: random.Random
    size: int
    rounds: int = 30
    route: Mapping[str, Stage] = field(default_factory=lambda: STAGES)
    name: str = "W"
    inputs: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.voices = Voices(self.town, self.chance)
        self.jobs = Timekeeper(self.town.engine, self.town.shops, self.town.runner.renderer, self.town.clock, jobs=JOBS)
        self._numbers = iter(range(1, self.size + 1))

    def live(self) -> list[str]:
        """All lives, to their ends; what is wrong, as soon as anything is."""
        for round_ in range(self.rounds):
            self.town.clock.advance(hours=self._drawn(_JUMPS), seconds=1)
            self._arrive(last=round_ >= _ARRIVALS - 1)
            self._speak()
            self._work()
            if round_ % _LOOK_EVERY == _LOOK_EVERY - 1 and (found := list(broken(self.town))):
                return found
        self._end()
        for _ in range(_HOURS):
            self._answer()
            self._run_on()
        return verdict(self.town)

    def ends(self) -> Counter[tuple[str, str]]:
        """How many orders stand where, by (state, condition)."""
        return Counter((one.state, one.condition) for one in standings(self.town))

    def _arrive(self, *, last: bool) -> None:
        many = self.size if last else self.size // _ARRIVALS
        numbers = [number for number, _ in zip(self._numbers, range(many), strict=False)]
        documents: list[dict[str, Any]] = [
            an_order(self.chance, f"{self.name}-{one}", self.town.clock.now()) for one in numbers
        ]
        answers = self.town.submit(*documents) if documents else []
        self.refused += sum(one.ending != Ending.ACCEPTED for one in answers)

    def _speak(self) -> None:
        """Something is said of some of the orders, in any order."""
        orders = [one for one in standings(self.town) if self.chance.random() < 0.4]
        self.chance.shuffle(orders)
        events = [event for order in orders for event in self.voices.about(order)]
        self.inputs += len(orders)
        if events:
            self.town.tell(*events)

    def _work(self) -> None:
        """Workers do some of what is due, in any order: stages alone or with what follows, effects of some kinds."""
        stages, kinds = list(self.route.values()), list(self.town.kinds)
        for _ in range(self.chance.choice((0, 1, 1, 2, 4))):
            runner = replace(self.town.runner, route=self.chance.choice(({}, self.route)))
            for stage in self.chance.sample(stages, self.chance.randint(1, len(stages))):
                runner.run_batch(stage, self.chance.choice((5, 50, 500)))
            self.town.perform_some(self.chance.sample(kinds, self.chance.randint(0, len(kinds))))

    def _end(self) -> None:
        """The world answers from now on, and gateways tell what they have not told yet."""
        self.town.faults.end()
        told = [self.town.slips.notice(order, f"at last {order}") for order in self.town.slips.orders]
        now = self.town.clock.now()
        self.town.tell(*(notice_event(one, gateway="slips", shops=(), now=now) for one in told if one is not None))
        self._run_on()

    def _answer(self) -> None:
        """People answer what holds orders, and what is still out arrives, each as well as they can."""
        events = [event for order in standings(self.town) for event in self.voices.sensibly(order)]
        if events:
            self.town.tell(*events)

    def _run_on(self) -> None:
        """The clock runs until no timer is left."""
        until = self.town.clock.now() + timedelta(days=_MOST_DAYS)
        while True:
            self._settle()
            now = self.town.clock.now()
            due = self.town.value("SELECT min(due_at) FROM work WHERE due_at > :now", now=now)
            if due is None or due > until:
                return
            self.town.clock.set(max(due.astimezone(now.tzinfo), now + timedelta(hours=self.chance.choice((1, 12, 24)))))

    def _settle(self) -> None:
        self.jobs.look()  # first: what they announce is told too
        runner = replace(self.town.runner, route=self.route)
        for _ in range(100):
            busy = sum(runner.run_batch(stage).claimed for stage in self.route.values())
            if not busy + self.town.perform_some(self.town.kinds):
                break
        else:
            raise AssertionError("the house never comes to rest")

    def _drawn(self, weights: Mapping[float, int]) -> float:
        return self.chance.choices(list(weights), list(weights.values()))[0]
