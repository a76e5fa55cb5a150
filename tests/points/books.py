"""Three books of one customer's points with one meaning.

``PointByPoint`` is the oracle: it knows no lot that holds points, but every single point and where it is. ``Rules`` are the
product's rules in memory, ``Statements`` the same rules on what the database keeps, through the ledger's own door.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from models.store import customers, points
from models.store.customers import CustomerKey, MemberRow
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger_rows import lot_of
from pipelines.rules.lots import Lot, Transfer
from pipelines.rules.purse import Cause, Purse

CUSTOMER = CustomerKey("apparel", "M-1")


class Shown(NamedTuple):
    """A lot as all books show it."""

    state: str
    remaining: int
    held: int
    owed: int
    gone: int
    expires_at: datetime | None


@dataclass(eq=False)
class Point:
    """One point: it came with ``lot``, and is ``where``: pending, valid, held, used, expired, void or taken."""

    lot: int
    where: str


@dataclass
class Terms:
    """What the points of a lot have in common. ``end`` is what the lot is called once nothing is left in it."""

    limited: bool
    expires_at: datetime | None
    at: datetime
    end: str = ""
    owed: int = 0
    lost: int = 0


@dataclass
class PointByPoint:
    """The oracle: slow, and written apart from the rules."""

    terms: dict[int, Terms] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    closed: bool = False

    # What happens

    def grant(self, amount: int, where: str, expires_at: datetime | None, now: datetime, *, limited: bool) -> int:
        number = len(self.terms) + 1
        self.terms[number] = Terms(limited, expires_at, now)
        self.points += [Point(number, where) for _ in range(amount)]
        if where == "valid":
            self._come(now, None if limited else expires_at)
        self._void_if_closed()
        return number

    def activate(self, lot: int, expires_at: datetime | None, now: datetime) -> None:
        self.terms[lot].expires_at = expires_at
        for point in self._of(lot, "pending"):
            point.where = "valid"
        self._come(now, expires_at)

    def use(self, amount: int, now: datetime) -> None:
        for _ in range(amount):
            self._move(self._next(now), "used", "used")

    def hold(self, amount: int, now: datetime) -> None:
        for _ in range(amount):
            self._move(self._next(now), "held", "used")

    def hold_all(self, lot: int) -> None:
        for point in self._of(lot, "pending") + self._of(lot, "valid"):
            point.where = "held"

    def release(
        self, parts: Sequence[tuple[int, int, bool]], outcome: str, expires_at: datetime, now: datetime
    ) -> None:
        newest = None
        for lot, amount, was_pending in parts:
            freed = self._of(lot, "held")[:amount]
            whole = len(freed) == self._size(lot)
            if freed and outcome == "valid" and was_pending:
                self.terms[lot].expires_at = newest = expires_at
            for point in freed:
                self._move(point, outcome, "void" if whole else "used")
                self.terms[lot].lost += outcome == "void"
        if outcome == "valid":
            self._come(now, newest)
        self._void_if_closed()

    def give_back(self, lot: int, amount: int, regrant_until: datetime | None, now: datetime) -> None:
        terms = self.terms[lot]
        if self.state(lot) == "expired" or (terms.expires_at and terms.expires_at <= now):
            if regrant_until:
                self.grant(amount, "valid", regrant_until, now, limited=True)
        elif self.state(lot) != "void":
            for point in self._of(lot, "used")[:amount]:
                point.where = "valid"
            self._come(now, None)
            self._void_if_closed()

    def withdraw(self) -> None:
        self.closed = True
        self._void_if_closed()

    def take_back(self, lot: int, amount: int, now: datetime) -> None:
        amount = max(0, min(amount, self._size(lot) - self.terms[lot].lost))
        was_pending = self.state(lot) == "pending"
        own = self._of(lot, "pending") + self._of(lot, "held")
        own += self._of(lot, "valid") if self.state(lot) == "valid" else []
        own = own[:amount]
        whole = len(own) == self._size(lot)
        for point in own:
            into = "taken" if point.where == "valid" else "void"
            self._move(point, into, "void" if whole or was_pending else "used")
        for _ in range(amount - len(own)):
            other = next((p for p in self._spendable(now) if p.lot != lot), None)
            if other is not None:
                self._move(other, "taken", "used")
            else:
                self.terms[lot].owed += 1
        self.terms[lot].lost += amount

    def expire(self, now: datetime) -> None:
        for lot, terms in self.terms.items():
            if self.state(lot) == "valid" and terms.expires_at and terms.expires_at <= now:
                for point in self._of(lot, "valid"):
                    self._move(point, "expired", "expired")
                    terms.lost += 1

    # How it stands

    def state(self, lot: int) -> str:
        where = Counter(point.where for point in self.points if point.lot == lot)
        return next((one for one in ("pending", "valid", "held") if where[one]), self.terms[lot].end)

    def shown(self) -> dict[int, Shown]:
        found = {}
        for lot, terms in self.terms.items():
            standing = len(self._of(lot, "pending")) + len(self._of(lot, "valid"))
            held = len(self._of(lot, "held"))
            found[lot] = Shown(self.state(lot), standing, held, terms.owed, terms.lost, terms.expires_at)
        return found

    def balance(self) -> tuple[int, int, int]:
        where = Counter(point.where for point in self.points)
        return where["pending"], where["valid"] - sum(one.owed for one in self.terms.values()), where["held"]

    def usable(self, now: datetime) -> int:
        return len(self._spendable(now)) - sum(one.owed for one in self.terms.values())

    # One point at a time

    def _of(self, lot: int, where: str) -> list[Point]:
        return [point for point in self.points if point.lot == lot and point.where == where]

    def _size(self, lot: int) -> int:
        return sum(point.lot == lot for point in self.points)

    def _move(self, point: Point | None, where: str, end: str) -> None:
        assert point is not None, "there are fewer points"
        point.where = where
        self.terms[point.lot].end = end

    def _void_if_closed(self) -> None:
        """CON-06: nobody has the points any more. A lot that keeps used ones may get these back."""
        for lot in self.terms if self.closed else ():
            standing = [point for where in ("pending", "valid", "held") for point in self._of(lot, where)]
            wholly = len(standing) == self._size(lot) or self.state(lot) == "pending"
            for point in standing:
                self._move(point, "void", "void" if wholly else "used")
                self.terms[lot].lost += 1

    def _spendable(self, now: datetime) -> list[Point]:
        good = [p for p in self.points if p.where == "valid" and self._lasts(p.lot, now)]
        # Sorting is stable: the last rule weighs most.
        good.sort(key=lambda p: self.terms[p.lot].at)
        good.sort(key=lambda p: (self.terms[p.lot].expires_at is None, self.terms[p.lot].expires_at or now))
        good.sort(key=lambda p: not self.terms[p.lot].limited)
        return good

    def _lasts(self, lot: int, now: datetime) -> bool:
        until = self.terms[lot].expires_at
        return until is None or now < until

    def _next(self, now: datetime) -> Point | None:
        return next(iter(self._spendable(now)), None)

    def _come(self, now: datetime, expires_at: datetime | None) -> None:
        """PTS-11: ordinary points roll. PTS-13: what is owed is paid, point by point, the oldest debt first."""
        for lot, terms in self.terms.items():
            good = self.state(lot) in ("valid", "held") and terms.expires_at and now < terms.expires_at
            if expires_at and good and not terms.limited:
                terms.expires_at = max(terms.expires_at or expires_at, expires_at)
        while (debt := next((t for t in self.terms.values() if t.owed), None)) and (coin := self._next(now)):
            debt.owed -= 1
            self._move(coin, "taken", "used")


class Product(Protocol):
    """The rules under test. Lots are named by numbers from 1, as the oracle names them."""

    def lot(self, number: int) -> int:
        """The id of a lot."""
        ...

    def do(self, act: Callable[[Purse], object], now: datetime) -> list[Transfer]:
        """Let something happen to the purse; what was booked."""
        ...

    def withdraw(self, now: datetime) -> None:
        """The customer withdraws."""
        ...

    def shown(self) -> dict[int, Shown]: ...

    def balance(self) -> tuple[int, int, int]: ...


def show(lot: Lot) -> Shown:
    return Shown(lot.state, lot.remaining, lot.held, lot.owed, lot.gone, lot.expires_at)


class Rules:
    """The product's rules on a purse in memory; the balance is summed up from its transfers."""

    def __init__(self) -> None:
        self.purse = Purse(new_id=count(1).__next__)

    def lot(self, number: int) -> int:
        return number

    def do(self, act: Callable[[Purse], object], now: datetime) -> list[Transfer]:
        before = len(self.purse.transfers)
        act(self.purse)
        return self.purse.transfers[before:]

    def withdraw(self, now: datetime) -> None:
        self.purse.close(Cause("withdrawn", now))

    def shown(self) -> dict[int, Shown]:
        return {number: show(lot) for number, lot in self.purse.lots.items()}

    def balance(self) -> tuple[int, int, int]:
        accounts = Counter[str]()
        for one in self.purse.transfers:
            accounts[one.debit] -= one.amount
            accounts[one.credit] += one.amount
        return accounts["pending"], accounts["valid"], accounts["held"]


class Statements:
    """The product's rules on the database, opened and written for every step."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.ids: list[int] = []

    def lot(self, number: int) -> int:
        return self.ids[number - 1]

    def do(self, act: Callable[[Purse], object], now: datetime) -> list[Transfer]:
        ledger = Ledger(self.connection, now)
        ledger.open([CUSTOMER], opening=True, named=set(self.ids))
        purse = ledger.purse(*CUSTOMER)
        act(purse)
        ledger.write()
        self.ids += [number for _, number in purse.granted]
        return purse.transfers

    def withdraw(self, now: datetime) -> None:
        ledger = Ledger(self.connection, now)
        ledger.open([CUSTOMER], opening=True)
        customers.remember(self.connection, [MemberRow(*CUSTOMER, "", "", "", "ja", now)])
        known = customers.customer(self.connection, *CUSTOMER)
        assert known is not None
        customers.change(self.connection, known._replace(withdrawn_at=now))
        ledger.close(CUSTOMER)
        ledger.write()

    def shown(self) -> dict[int, Shown]:
        found = {row.id: show(lot_of(row)) for row in points.lots_of(self.connection, [CUSTOMER], self.ids)}
        return {number: found[self.lot(number)] for number in range(1, len(self.ids) + 1)}

    def balance(self) -> tuple[int, int, int]:
        found = points.balance(self.connection, *CUSTOMER)
        return (0, 0, 0) if found is None else (found.pending, found.valid, found.held)
