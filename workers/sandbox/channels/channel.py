"""What every channel of a simulated supplier has: news to take in, and a way to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from workers.sandbox.courier import Event

REQUESTED = "shipment.requested"
CANCEL = "shipment.cancel_requested"
CANCEL_ACCEPTED = "shipment.cancel_accepted"


class Told(NamedTuple):
    """Something a supplier is told: ``id`` is the same however often it is read, ``data`` what an instruction by webhook says, as
    far as this channel says it, and ``noted`` what else its journal keeps."""

    id: str
    type: str
    data: Mapping[str, Any]
    noted: Mapping[str, Any] = {}


class SupplierChannel(Protocol):
    """One supplier's way to us and back: ``name`` as its shop's profile calls it. ``says`` are the types of news that it can bring."""

    @property
    def name(self) -> str: ...

    @property
    def says(self) -> frozenset[str]: ...

    async def look(self) -> Sequence[Told]:
        """What it is told and has not taken in yet. Raises Unreachable, OSError."""
        ...

    def took(self) -> None:
        """All of the last look is durable in its journal."""
        ...

    async def say(self, event: Event) -> None:
        """Returns once ``event`` was heard, or refused for good, and the journal says so."""
        ...
