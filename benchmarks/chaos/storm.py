"""What is struck in a run, in which order, while how many orders come: the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from random import Random

from benchmarks.chaos.catalogue import INJURIES
from benchmarks.chaos.injury import Injury
from workers.demo.trial import load_of_machine
from workers.demo.world import WorldPlan

#: Real seconds from a blow until the next, beside what it lasts: until things move again, and a moment of peace.
_BETWEEN = 9.0
#: An injury's patience beyond this is needed as a rule: what it strikes comes seldom.
_SELDOM = 25.0
#: Of the estimate: a machine may be busy, and an injury may have to be struck again.
_RESERVE = 1.2
#: Seconds of the Clock that a run waits at its end for what an injury left.
_SOON = 3600.0
#: Injuries of a mixture, each of another boundary.
_MIXED = (2, 3)

Blow = Sequence[Injury]
"""What is struck at a time."""


@dataclass(frozen=True, slots=True)
class Storm:
    """``orders`` come while each of ``injuries`` is struck ``rounds`` times alone, and then mixtures until all orders are in.

    ``mixtures`` alone leaves the first part out. ``rate``: of the clock.
    """

    injuries: Sequence[Injury] = INJURIES
    orders: int = 4000
    seed: int = 1
    rounds: int = 2
    mixtures: bool = False
    rate: float = 60.0
    is_short: bool = False
    """Whether it ends with the last injury, whatever orders were still to come."""
    load: float = field(default_factory=load_of_machine)
    """By how much longer things take: as it is when the run is planned, so that orders come for as long as blows do."""

    @classmethod
    def short(cls, seed: int) -> Storm:
        """One quick injury of each boundary, chosen by ``seed``, among few orders."""
        chance = _chance("short", seed)
        quick = sorted((one for one in INJURIES if one.is_quick), key=lambda one: one.boundary)
        chosen = [chance.choice(list(some)) for _, some in groupby(quick, key=lambda one: one.boundary)]
        return cls(chosen, orders=150, seed=seed, rounds=1, is_short=True)

    @property
    def seconds(self) -> float:
        """Real seconds over which orders come."""
        alone = sum(one.lasts + max(one.patience - _SELDOM, 0.0) + _BETWEEN for one in self.injuries) * self.rounds
        return (alone * _RESERVE + 10.0) * self.load

    @property
    def plan(self) -> WorldPlan:
        """What the outside world does meanwhile: parcels leave within minutes, so that there is news of every kind."""
        return WorldPlan(
            self.orders,
            self.seconds * self.rate / 3600,
            self.seed,
            storefront=("--fault", "duplicate_rate=0.02", "--fault", "cancel_rate=0.02"),
            suppliers=("--delay-minutes", "1,20", "--delivery-hours", "0.3,1", "--fault", "duplicate_rate=0.05"),
        )

    def alone(self) -> list[Blow]:
        """Each injury by itself, as often as it is to strike, in an order of the seed's; those that leave a day's wait in the first
        half, so that it is over when the run is."""
        blows: list[Blow] = []
        for turn in range(self.rounds if not self.mixtures else 0):
            some = [(one,) for one in self.injuries]
            _chance("alone", self.seed, turn).shuffle(some)
            blows += some
        lasting = [blow for blow in blows if any(one.leaves > _SOON for one in blow)]
        rest = [blow for blow in blows if blow not in lasting]
        apart = len(blows) // 2 // max(len(lasting), 1)
        chance = _chance("lasting", self.seed)
        for place, blow in enumerate(lasting):
            rest.insert(apart * place + chance.randrange(max(apart, 1)), blow)
        return rest

    def mixed(self) -> Iterator[Blow]:
        """Mixtures without end, of what leaves no long wait."""
        chance = _chance("mixed", self.seed)
        some = [one for one in self.injuries if one.leaves <= _SOON]
        boundaries = sorted({one.boundary for one in some})
        while len(boundaries) > 1:
            among = chance.sample(boundaries, min(chance.randint(*_MIXED), len(boundaries)))
            yield [chance.choice([one for one in some if one.boundary is boundary]) for boundary in among]


def _chance(*parts: object) -> Random:
    return Random(":".join(map(str, ("storm", *parts))))
