"""Two books of one customer's points with one meaning: a small model in memory, and the real statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from models.states import LotState
from models.store import purse
from pipelines.engine import run
from pipelines.points.transfers import open_lot, row
from pipelines.rules.lots import OpenLot, Transfer, spendable

SHOP, CUSTOMER = "apparel", "M-1"
HOLDS = (LotState.PENDING, LotState.VALID)


class Memory:
    """What the ledger means, in as few words as possible."""

    def __init__(self) -> None:
        self.lots: dict[int, OpenLot] = {}
        self.accounts: Counter[str] = Counter()
        self.done: set[tuple[str, str, int]] = set()

    def grant(self, amount: int, state: LotState, expires_at: datetime | None, now: datetime, *, limited: bool) -> int:
        number = len(self.lots) + 1
        self.lots[number] = OpenLot(number, state, amount, amount, 0, 0, limited, expires_at, now)
        self._book("granted", state, amount)
        if state == LotState.VALID:
            self._acquired(None if limited else expires_at, now)
        return number

    def move(self, transfers: Sequence[Transfer], source: str, now: datetime) -> None:
        acquired = None
        for t in transfers:
            assert (source, t.kind, t.lot) not in self.done
            self.done.add((source, t.kind, t.lot))
            lot = self.lots[t.lot]
            held = lot.held + t.amount * (t.credit == "held") - t.amount * (t.debit == "held")
            owed = lot.owed + t.amount * (t.kind == "owe")
            expires_at = t.expires_at or lot.expires_at
            acquired = max(filter(None, (acquired, t.expires_at)), default=None)
            changed = replace(lot, remaining=lot.remaining + t.change, held=held, owed=owed, expires_at=expires_at)
            self.lots[t.lot] = replace(changed, state=stands(changed, t.new))
            self._book(t.debit, t.credit, t.amount)
        if any(t.credit == "valid" for t in transfers):
            self._acquired(acquired, now)

    def expire(self, now: datetime) -> None:
        for lot in list(self.lots.values()):
            if lot.state == LotState.VALID and lot.expires_at is not None and lot.expires_at <= now:
                self._book("valid", "expired", lot.remaining)
                self.lots[lot.id] = replace(lot, remaining=0, state=LotState.HELD if lot.held else LotState.EXPIRED)

    def open(self) -> list[OpenLot]:
        return [lot for lot in self.lots.values() if lot.remaining or lot.held]

    def _book(self, debit: str, credit: str, amount: int) -> None:
        assert amount > 0
        assert debit != credit
        self.accounts[debit] -= amount
        self.accounts[credit] += amount

    def _acquired(self, expires_at: datetime | None, now: datetime) -> None:
        """PTS-11: ordinary points roll; PTS-13: what is owed is settled first."""
        for lot in self.open() if expires_at else ():
            rolls = lot.state in (LotState.VALID, LotState.HELD) and not lot.limited and lot.expires_at is not None
            if rolls and now < lot.expires_at < expires_at:  # type: ignore[operator]
                self.lots[lot.id] = replace(lot, expires_at=expires_at)
        for debt in sorted(self.lots):
            for coin in spendable(self.lots.values(), now):
                part = min(self.lots[debt].owed, coin.remaining)
                if part:
                    self.lots[debt] = replace(self.lots[debt], owed=self.lots[debt].owed - part)
                    taken = replace(self.lots[coin.id], remaining=self.lots[coin.id].remaining - part)
                    self.lots[coin.id] = replace(taken, state=stands(taken, LotState.USED))


def stands(lot: OpenLot, new: str) -> str:
    """A lot's state is what its numbers say."""
    if lot.remaining:
        return new if new in HOLDS else lot.state
    if lot.held:
        return LotState.HELD
    return LotState.USED if new in (*HOLDS, LotState.HELD) else new


class Database:
    """The same through ``pipelines.engine.run``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ids: list[int] = []

    def grant(self, amount: int, state: LotState, expires_at: datetime | None, now: datetime, *, limited: bool) -> int:
        source = f"test:{len(self._ids)}"
        made = run.grant_points(
            self.connection,
            [(SHOP, CUSTOMER, None, source, "purchase", amount, state, expires_at, now, limited)],
        )
        self._ids.append(made[source])
        return len(self._ids)

    def move(self, transfers: Sequence[Transfer], source: str, now: datetime) -> None:
        real = [replace(t, lot=self._ids[t.lot - 1]) for t in transfers]
        run.use_points(self.connection, [row(SHOP, CUSTOMER, None, t, source, now) for t in real])

    def expire(self, now: datetime) -> None:
        run.expire_points(self.connection, now, 10)

    @property
    def lots(self) -> dict[int, OpenLot]:
        found = [open_lot(columns) for columns in purse.lots(self.connection, self._ids)]
        return {number: replace(lot, id=number) for number, lot in enumerate(found, 1)}

    @property
    def balance(self) -> tuple[int, int, int]:
        return tuple(purse.balance(self.connection, SHOP, CUSTOMER) or (0, 0, 0))  # type: ignore[return-value]
