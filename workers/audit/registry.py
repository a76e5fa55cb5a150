"""Every judge there is, and what they find: of a run with its journals, or of a database alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from models import invariants
from pipelines.shops import Shop
from workers.audit import mails, money, orders, standing, storefronts, suppliers
from workers.audit.books import Books
from workers.audit.journals import Journals
from workers.audit.judge import Evidence, Judge, Violation

#: Who read the journals beside the books.
JUDGES: tuple[Judge, ...] = (
    *orders.JUDGES,
    *money.JUDGES,
    *suppliers.JUDGES,
    *mails.JUDGES,
    *storefronts.JUDGES,
)
#: By whom an order is stuck.
_LIVENESS = frozenset(
    {one.name for one in invariants.LIVENESS} | {one.name for one in standing.JUDGES}
)  # fmt: skip


def names() -> list[str]:
    """Every judge's name: those of journals, of what stands still, and the database's invariants."""
    return [
        *(one.name for one in JUDGES),
        *(one.name for one in standing.JUDGES),
        *(one.name for one in invariants.INVARIANTS),
    ]


def stuck(violation: Violation) -> bool:
    """Whether it says that something will never move, rather than that a promise was broken."""
    return violation.judge in _LIVENESS


def of_world(
    journals: Journals,
    books: Books,
    until: datetime,
    shops: Mapping[str, Shop] | None = None,
    among: Collection[str] | None = None,
) -> list[Violation]:
    """What the judges of the journals find. ``until``: the Clock's time when the world stopped to speak. ``among``: the names of
    those that are asked, where not everybody keeps a journal; None: all."""
    evidence = Evidence(journals, books, until, shops or {})
    asked = [judge for judge in JUDGES if among is None or judge.name in among]
    return [Violation(judge.name, says) for judge in asked for says in judge.find(evidence)]


def of_database(connection: Connection, until: datetime) -> list[Violation]:
    """What the database tells by itself: its invariants, and what stands still that was due by ``until``."""
    return [*_invariants(connection), *_standing(connection, until)]


def audit(connection: Connection, journals: Journals, until: datetime, shops: Mapping[str, Shop]) -> list[Violation]:
    """All judges' findings about a run that has come to rest."""
    found = of_database(connection, until)  # it chooses the snapshot in which the books are read too
    return [*of_world(journals, Books.read(connection), until, shops), *found]


def _standing(connection: Connection, until: datetime) -> Iterator[Violation]:
    for judge in standing.JUDGES:
        yield from (Violation(judge.name, says) for says in judge.find(connection, until))


def _invariants(connection: Connection) -> Iterator[Violation]:
    """An order that several say is stuck is named by the first of them."""
    stand_still: set[str] = set()
    for invariant, rows in invariants.violations(connection):
        if invariant.liveness:
            for name, state in sorted({(f"{row['shop']}/{row['number']}", row["state"]) for row in rows}):
                if name not in stand_still:
                    stand_still.add(name)
                    yield Violation(invariant.name, f"{name} is {state}, and nothing will ever move it")
        else:
            broken = f"{invariant.says}; {len(rows)} rows break this, the first is {dict(rows[0])}"
            yield Violation(invariant.name, broken)
