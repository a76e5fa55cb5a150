"""A supplier channel (出荷指示の伝え方): how a warehouse or maker is told what to ship, and what it answers at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Engine

from pipelines.ports import Clock, MailRenderer, Outcome
from pipelines.shops import Shop
from pipelines.suppliers.instructions import Instruction
from pipelines.suppliers.links import SignsLinks


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a supplier is reached, as it registered: its URL with the secrets that sign (newest first), its mail address."""

    url: str | None = None
    secrets: Sequence[str] = ()
    mail: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Instructions that go out together, one unless the channel batches. ``key`` is the same over every attempt."""

    key: str
    supplier: str
    contact: Contact
    instructions: Sequence[Instruction]


class Sender(Protocol):
    """A channel at work."""

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        """Hand the batch over; an outcome for each instruction, in their order.

        OK: the channel has it durably, and will not lose it any more.  DECLINED: it never will.  RETRY: surely not done.
        UNKNOWN: it may have it, and will be handed the same again.  Never raises for what the network does.
        """
        ...

    async def aclose(self) -> None:
        """Give connections back."""
        ...


class Means(Protocol):
    """What a channel may stand on."""

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
    def links(self) -> SignsLinks | None:
        """What signs the links to suppliers' pages; None where the installation has no public address."""
        ...

    @property
    def renderer(self) -> MailRenderer:
        """What renders mails."""
        ...


class NoSettings(BaseModel):
    """The settings of a channel that needs none."""


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Channel(Generic[S]):
    """A channel as its one file declares it (``CHANNEL = Channel(...)``); pure data until ``open``.

    ``name`` is what a profile's ``channel`` calls it.  ``settings`` is a pydantic model whose fields are environment
    variables, their names in capitals; a missing one keeps Shukka from starting where a shop uses the channel.  ``batches``:
    it takes many instructions in one message, so a supplier's shipments wait for its cutoff and go out together.  ``fetched``: its
    supplier comes for what it is to ship (``GET /v1/suppliers/{supplier}/work``), and counts as told once it has.
    """

    name: str
    settings: type[S]
    open: Callable[[S, Means], Sender]
    batches: bool = False
    fetched: bool = False
