"""What a judge is, what is laid before it, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from pipelines.shops import Shop
from workers.audit.books import Books
from workers.audit.journals import Journals


@dataclass(frozen=True, slots=True)
class Evidence:
    """What judges read: ``until`` is the Clock's time when the world stopped to speak, ``shops`` the profiles by which it was
    decided."""

    journals: Journals
    books: Books
    until: datetime
    shops: Mapping[str, Shop] = field(default_factory=dict)


class Violation(NamedTuple):
    """What the judge of this name found, one sentence."""

    judge: str
    says: str

    def __str__(self) -> str:
        return f"{self.judge}: {self.says}"


@dataclass(frozen=True, slots=True)
class Judge:
    """``claims`` is what is true where ``find`` yields nothing; each of its sentences is one violation. ``excuses`` says what it
    lets pass."""

    name: str
    claims: str
    find: Callable[[Evidence], Iterator[str]]
    excuses: str = ""
