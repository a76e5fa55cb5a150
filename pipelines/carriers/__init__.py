"""Carriers (運送会社), one file each, found by name and by any spelling of it (TRK-03, B.4).

To add one, write ``<name>.py`` with ``CARRIER = Carrier(...)`` here, in the folder of plug-ins, or in another
distribution that names it under the entry points ``shukka.carriers``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pipelines.carriers.carrier import Carrier, Status
from pipelines.errors import Misconfigured
from pipelines.plugins import Registry

__all__ = ["CARRIERS", "Carrier", "Status", "carrier"]

CARRIERS: Final[Registry[Carrier]] = Registry("carriers", Carrier, "pipelines.carriers", "carrier")


def carrier(word: str) -> Carrier:
    """The carrier that ``word`` names, in whatever spelling: ``yamato``, ``ヤマト運輸``, ``ヤマト運輸株式会社``, ``ヤマト宅急便``.

    One that nobody declared is taken as it is written, with what holds for any carrier: a number only has to look like one,
    and there is no page. Raises Misconfigured if two carriers claim one spelling.
    """
    return CARRIERS.get(word) or _called(word, CARRIERS.every())


@lru_cache(maxsize=1024)
def _called(word: str, carriers: tuple[Carrier, ...]) -> Carrier:
    """A file may spell its carrier in each of 200,000 rows."""
    known, key = _by_spelling(carriers), _key(word)
    return known.get(key) or _composed(key, known) or Carrier(word, word, word)


def _composed(key: str, known: Mapping[str, Carrier]) -> Carrier | None:
    """The one carrier of whose spellings all of ``key`` is made: a company and its service in one (ヤマト運輸 宅急便)."""
    if not 0 < len(key) <= _LONGEST:
        return None
    made: dict[int, set[str]] = {0: {one.name for one in known.values()}}
    for place in range(len(key)):
        for spelling, one in known.items() if place in made else ():
            if one.name in made[place] and key.startswith(spelling, place):
                made.setdefault(place + len(spelling), set()).add(one.name)
    names = made.get(len(key))
    return next((one for one in known.values() if names == {one.name}), None)


@lru_cache(maxsize=4)
def _by_spelling(carriers: tuple[Carrier, ...]) -> Mapping[str, Carrier]:
    found: dict[str, Carrier] = {}
    for one in carriers:
        for spelling in {_key(word) for word in (one.name, one.japanese, one.english, *one.spellings)}:
            if (other := found.setdefault(spelling, one)) is not one:
                raise Misconfigured("carriers", f"{one.name} and {other.name} are both spelled {spelling!r}")
    return found


#: Letters of a name that may be made of several; nobody writes a longer one.
_LONGEST: Final = 60
_MARKS = re.compile(r"[\W_]+")
#: What a company is called in law stands before its name, behind it, or nowhere.
_LEGAL_FORM = re.compile(
    r"株式会社|有限会社|\(株\)|\(有\)|\b(co|company)\W*$|\b((co|company)\W+)?(ltd|limited|inc|corp|corporation|k\.?k)\W*$"
)


def _key(word: str) -> str:
    """A spelling as it is compared: width, case, spaces, marks and the company's legal form do not matter."""
    return _MARKS.sub("", _LEGAL_FORM.sub("", unicodedata.normalize("NFKC", word).casefold()))
