"""A carrier's inquiry service (荷物お問い合わせ): how it is asked how parcels fare, one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from pydantic import BaseModel

from pipelines.errors import ShukkaError

ANSWERED: Final = "carrier.answered"
"""The type of the event that a carrier answered of a parcel that somebody waits to hear of: our own, no supplier may say it."""
ANSWER: Final = "carrier.answer"
"""What an order waits for whose carrier is to be asked at once."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a carrier says happened to a parcel: its own word, and when (aware; None where it does not say)."""

    word: str
    at: datetime | None


class Unanswered(ShukkaError):
    """A carrier could not be asked, or answered what cannot be read: nothing is known of any parcel, least of all that there is none
    (B.4.3). ``code`` is short and names nobody; ``retry_after`` are seconds to leave it alone, where it said so."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(code)


class Asks(Protocol):
    """Whoever asks a carrier."""

    def ask(self, numbers: Sequence[str], now: datetime) -> Mapping[str, Sequence[Sighting]]:
        """What happened to each parcel, oldest first; nothing for a number that the carrier does not know. A number that is not among
        the answers was not answered. ``now`` completes days without a year. Raises Unanswered."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Inquiry(Generic[S]):
    """One inquiry service: ``INQUIRY = Inquiry(...)``.

    ``carriers`` are those (``Carrier.name``) of whose parcels it tells. It is asked where ``settings`` say other than they do left out;
    ``open`` connects nothing yet. ``at_once`` numbers go into one call, ``pause`` lies between two.
    """

    name: str
    carriers: Sequence[str]
    settings: type[S]
    open: Callable[[S], Asks]
    at_once: int = 1
    pause: timedelta = timedelta(seconds=1)
