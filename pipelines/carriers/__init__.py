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
    """The carrier that ``word`` names, in whatever spelling: ``yamato``, ``Yamato``, ``ヤマト運輸``.

    One that nobody declared is taken as it is written, with what holds for any carrier: a number only has to look like one,
    and there is no page. Raises Misconfigured if two carriers claim one spelling.
    """
    return CARRIERS.get(word) or _called(word, CARRIERS.every())


@lru_cache(maxsize=1024)
def _called(word: str, carriers: tuple[Carrier, ...]) -> Carrier:
    """A file may spell its carrier in each of 200,000 rows."""
    return _by_spelling(carriers).get(_key(word)) or Carrier(word, word, word)


@lru_cache(maxsize=4)
def _by_spelling(carriers: tuple[Carrier, ...]) -> Mapping[str, Carrier]:
    found: dict[str, Carrier] = {}
    for one in carriers:
        for spelling in {_key(word) for word in (one.name, one.japanese, one.english, *one.spellings)}:
            if (other := found.setdefault(spelling, one)) is not one:
                raise Misconfigured("carriers", f"{one.name} and {other.name} are both spelled {spelling!r}")
    return found


_MARKS = re.compile(r"[\W_]+")


def _key(word: str) -> str:
    """A spelling as it is compared: width, case, spaces and marks do not matter."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", word).casefold())
