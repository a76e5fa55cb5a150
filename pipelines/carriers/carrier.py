"""What a carrier (運送会社) is: its names, its numbers, its page, its slots and its words (TRK-03, B.4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from urllib.parse import quote

from pipelines.carriers import numbers


class Status(StrEnum):
    """What a carrier's word means (B.4.3); more is told apart here than ``TrackingState`` keeps of a parcel."""

    ANNOUNCED = "announced"  # a label exists, nothing was handed over
    ACCEPTED = "accepted"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    ADDRESS_PROBLEM = "address_problem"
    REFUSED = "refused"
    HELD = "held"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"  # a later "delivered" is the delivery to the shipper
    UNKNOWN_NUMBER = "unknown_number"


@dataclass(frozen=True, eq=False)
class Carrier:
    """One carrier, whole. ``CARRIER = Carrier(...)`` in a file of its name is all there is to add.

    ``name`` is the word of profiles, events and answers; ``spellings`` are what files, forms and suppliers write instead.
    ``normalise`` makes one number of all the ways to write it, by default ``numbers.clean``; ``fault`` says why a normalised
    number cannot be one of its own, None if it can; ``may_have_no_number`` is for those that give none (TRK-01). ``page`` is where a parcel can be followed, ``{n}`` standing for the
    number (B.4.2). ``slots`` are the delivery windows it offers with the code of its own label program (B.4.4).
    ``storage_days`` is how long a parcel is kept, the day of the first attempt included (B.4.5). ``words`` are its status
    words, ``phrases`` those that stand anywhere in a longer sentence (B.4.3).
    """

    name: str
    japanese: str
    english: str
    spellings: tuple[str, ...] = ()
    normalise: Callable[[str], str] = numbers.clean
    fault: Callable[[str], str | None] = numbers.any_number
    may_have_no_number: bool = False
    page: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    storage_days: int | None = None
    words: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)
    phrases: Mapping[Status, tuple[str, ...]] = field(default_factory=dict)

    def check(self, number: str) -> str | None:
        """Why ``number``, however it is written, cannot be one of this carrier, in one sentence; None if it can (TRK-03).

        A pass is a typo filter, not proof: the mod-7 check cannot see a digit that differs by seven.
        """
        cleaned = self.normalise(number)
        return numbers.damage(cleaned) or self.fault(cleaned)

    def url(self, number: str) -> str | None:
        """The page where the parcel can be followed; None without one or for an empty number (B.4.2)."""
        cleaned = self.normalise(number)
        return self.page.replace("{n}", quote(cleaned, safe="")) if self.page and cleaned else None

    def called(self, locale: str) -> str:
        """The name a customer knows it by: Japanese for ``ja``, else English."""
        return self.japanese if locale.startswith("ja") else self.english

    def status(self, word: str) -> Status | None:
        """What its ``word`` means; None for one that is not known, which a human must see (B.4.3)."""
        spoken = _plain(word)
        exact = self._meanings.get(spoken)
        if exact is not None:
            return exact
        return next((status for phrase, status in self._hints.items() if phrase in spoken), None)

    @cached_property
    def _meanings(self) -> Mapping[str, Status]:
        return {_plain(word): status for status, words in self.words.items() for word in words}

    @cached_property
    def _hints(self) -> Mapping[str, Status]:
        return {_plain(phrase): status for status, phrases in self.phrases.items() for phrase in phrases}


_BETWEEN = re.compile(r"\s+")


def _plain(word: str) -> str:
    """A word as it is compared: full and half width alike, without spaces."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", word))
