"""What a kind of effect is: who performs it, for how long at most, and what slows down together."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Engine

from pipelines.gateway import Adapter
from pipelines.ports import Clock, Outcome, Verdict
from pipelines.shops import Shop
from pipelines.suppliers.channel import Sender
from workers.settings import Settings

Row = TypeVar("Row")


def real_seconds() -> float:
    """Real seconds since some moment in the past, those during which the process or the machine slept too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """How long a leased effect is surely ours, in ``real_seconds``: a process that was paused longer finds it out."""

    __slots__ = ("until",)

    def __init__(self, until: float) -> None:
        self.until = until

    def holds(self) -> bool:
        """Whether nobody else may have taken it meanwhile: ask right before what cannot be undone."""
        return real_seconds() < self.until


@dataclass(frozen=True, slots=True)
class Job(Generic[Row]):
    """One leased effect: what its row says, under which token it is held and for how long, the how-manieth attempt this is,
    how many of those before may have happened, and for how many seconds it has been tried."""

    id: int
    kind: str
    token: int
    attempts: int
    row: Row
    lease: Lease
    unknowns: int = 0
    age: float = 0.0


Load = Callable[[Engine, Sequence[int]], Mapping[int, Row]]
Perform = Callable[[Job[Row]], Awaitable[Outcome]]


class Means(Protocol):
    """What effects may be performed with; the house of a worker process is one."""

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        ...

    @property
    def engine(self) -> Engine:
        """The database."""
        ...

    @property
    def shops(self) -> Mapping[str, Shop]:
        """The shops by name."""
        ...

    @property
    def clock(self) -> Clock:
        """The one Clock."""
        ...

    @property
    def farewells(self) -> list[Callable[[], Awaitable[None]]]:
        """What is called when everything has ended: a performer adds what takes leave of its servers."""
        ...

    def gateways(self) -> Mapping[str, Adapter]:
        """The gateways that the shops name."""
        ...

    def channels(self) -> Mapping[str, Sender]:
        """The supplier channels that the shops use."""
        ...


@dataclass(frozen=True, slots=True)
class Performer(Generic[Row]):
    """An effect kind that is ready: at most ``channels`` calls run side by side, of one target a share of them."""

    kind: str
    effect: Effect[Row]
    perform: Perform[Row]
    channels: int


@dataclass(frozen=True)
class Effect(Generic[Row]):
    """One sort of touch of the world: ``EFFECT = Effect(...)`` in a file of its own is all there is to add.

    ``kinds`` are the words by which stages ask for it, ``queue`` is whose workers hear its bell.  ``load`` reads the rows of
    leased effects by id, with what performing them needs; an id that it leaves out is not performed.  ``target`` names what
    slows down together: a gateway, a supplier, a mail domain (``workers.effects.targets``).  ``total`` is how many seconds one attempt may take in all;
    beyond them its outcome is ``late``: UNKNOWN, or RETRY where the other side takes a repetition for what it is.
    ``equip`` makes the call itself, once a process, and raises Misconfigured for what it misses.  ``gathers``: an effect may
    stand for several items, each with its own outcome.  ``wakes``: a stage may wait for what it brings.  ``unknowns``: attempts that may have happened after which a human is
    asked; their back-offs double from a second.  ``tried_for``: seconds after which, and not after so many attempts, one that was never
    taken is given up.  ``orders``: the ids of the orders that it is about, in whose traces it is shown.
    """

    name: str
    kinds: tuple[str, ...]
    queue: str
    target: Callable[[Row], str]
    total: float
    load: Load[Row]
    equip: Callable[[Means], Perform[Row]]
    late: Verdict = Verdict.UNKNOWN
    gathers: bool = False
    wakes: bool = True
    unknowns: int = 12
    tried_for: float | None = None
    channels: Callable[[Settings], int] = field(default=lambda settings: 32)
    orders: Callable[[Row], Sequence[int]] = field(default=lambda row: ())

    def ready(self, means: Means) -> list[Performer[Any]]:
        """A performer for each of its kinds. Raises Misconfigured for what is missing."""
        return self.performed_by(self.equip(means), self.channels(means.settings))

    def performed_by(self, perform: Perform[Row], channels: int) -> list[Performer[Any]]:
        """A performer for each of its kinds that calls ``perform``."""
        return [Performer(kind, self, perform, channels) for kind in self.kinds]
