"""Which lot gives, takes back or owes which points (A.8): transfers as data, decided from a customer's lots.

A lot's points stand in the customer's accounts ``pending``, ``valid`` and ``held``; a transfer moves some of them between
two accounts, so it is balanced by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from models.states import LotState


@dataclass(frozen=True, slots=True)
class OpenLot:
    """A lot as it stands. ``remaining`` points are in the account of its state, ``held`` ones are held; ``owed`` were
    clawed back after they had been spent."""

    id: int
    state: str
    amount: int
    remaining: int
    held: int
    owed: int
    limited: bool
    expires_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount`` points of ``lot`` go from account ``debit`` to ``credit``; ``change`` is added to what remains of the
    lot, which moves from state ``old`` to ``new`` unless some of its points stay. ``expires_at`` is set where points
    are acquired."""

    lot: int
    old: str
    new: str
    kind: str
    debit: str
    credit: str
    amount: int
    change: int
    expires_at: datetime | None = None


def spendable(lots: Iterable[OpenLot], now: datetime) -> list[OpenLot]:
    """Lots with valid points that have not expired at ``now``, as they are spent: limited-time points first, soonest
    expiry first, then the oldest (PTS-06, PTS-12)."""
    usable = [
        lot
        for lot in lots
        if lot.state == LotState.VALID and lot.remaining and (lot.expires_at is None or lot.expires_at > now)
    ]
    return sorted(
        usable, key=lambda lot: (not lot.limited, lot.expires_at is None, lot.expires_at or now, lot.at, lot.id)
    )


def taken(lots: Sequence[OpenLot], amount: int) -> list[tuple[OpenLot, int]]:
    """(lot, points) that make up ``amount``, lots in the order given; fewer if they hold fewer."""
    parts = []
    for lot in lots:
        part = min(amount, lot.remaining)
        if part > 0:
            parts.append((lot, part))
            amount -= part
    return parts


def use(lots: Iterable[OpenLot], amount: int, now: datetime) -> list[Transfer]:
    """Spend ``amount`` valid points (PTS-06, PTS-12). Raises ValueError if the customer has fewer."""
    return _drawn(spendable(lots, now), amount, LotState.USED, "use", "used")


def hold(lots: Iterable[OpenLot], amount: int, now: datetime) -> list[Transfer]:
    """Take ``amount`` valid points aside (PTS-05). Raises ValueError if the customer has fewer."""
    return _drawn(spendable(lots, now), amount, LotState.HELD, "hold", "held")


def hold_earned(lots: Iterable[OpenLot]) -> list[Transfer]:
    """Take aside what is left, pending or valid, of the lots an order earned (PTS-05)."""
    return [
        Transfer(lot.id, lot.state, LotState.HELD, "hold", lot.state, "held", lot.remaining, -lot.remaining)
        for lot in lots
        if lot.state in (LotState.PENDING, LotState.VALID) and lot.remaining
    ]


def _drawn(usable: Sequence[OpenLot], amount: int, new: LotState, kind: str, credit: str) -> list[Transfer]:
    parts = taken(usable, amount)
    if sum(part for _, part in parts) < amount:
        raise ValueError("the lots hold fewer points")
    return [Transfer(lot.id, lot.state, new, kind, "valid", credit, part, -part) for lot, part in parts]


def release(
    parts: Iterable[tuple[OpenLot, int, bool]], outcome: Literal["valid", "void"], expires_at: datetime | None
) -> list[Transfer]:
    """End a hold of (lot, points, whether they were pending): the points are valid again, or void for good (PTS-05).

    Points that were never valid are acquired now and get ``expires_at`` (PTS-11).
    """
    transfers = []
    for lot, amount, was_pending in parts:
        if outcome == "valid":
            expiry = expires_at if was_pending and not lot.limited else None
            transfers.append(
                Transfer(lot.id, lot.state, LotState.VALID, "release", "held", "valid", amount, amount, expiry)
            )
        else:
            # A lot of which some was used may still get that back (PTS-12); only a wholly void one is final.
            final = LotState.VOID if amount == lot.amount else LotState.USED
            new = lot.state if lot.remaining else final
            transfers.append(Transfer(lot.id, lot.state, new, "void", "held", "void", amount, 0))
    return transfers


def claw_back(lots: Iterable[OpenLot], earned: OpenLot, amount: int, now: datetime) -> list[Transfer]:
    """Take ``amount`` points of returned goods back (PTS-13): from the lot they were earned in, then from the others as
    they would be spent; what is missing is owed by the earning lot. Points still pending or held in the earning lot go
    first: they were never spent."""
    own = [earned] if earned.state == LotState.VALID else []  # expired today or not: they were never spent
    others = [lot for lot in spendable(lots, now) if lot.id != earned.id]
    waiting = min(amount, earned.remaining) if earned.state == LotState.PENDING else 0
    aside = min(amount - waiting, earned.held)
    parts = taken([*own, *others], amount - waiting - aside)
    left = amount - waiting - aside - sum(part for _, part in parts)
    from_own = waiting + aside + sum(part for lot, part in parts if lot.id == earned.id)
    ended = LotState.VOID if from_own == earned.amount else LotState.USED if from_own else earned.state
    transfers = []
    if waiting:
        transfers.append(Transfer(earned.id, earned.state, ended, "void", "pending", "void", waiting, -waiting))
    if aside:
        transfers.append(Transfer(earned.id, earned.state, ended, "void_held", "held", "void", aside, 0))
    for lot, part in parts:
        new = ended if lot.id == earned.id else LotState.USED
        transfers.append(Transfer(lot.id, lot.state, new, "clawback", "valid", "clawed_back", part, -part))
    if left:
        transfers.append(Transfer(earned.id, earned.state, ended, "owe", "valid", "clawed_back", left, 0))
    return transfers


@dataclass(slots=True)
class Purse:
    """A customer's lots, by id, as they are under the lock of their balance, and what is ``gone`` of some without having
    been spent. Clawbacks are decided on it one after the other: each sees what those before it left."""

    lots: dict[int, OpenLot] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)

    def claw_back(self, lot: int, amount: int, now: datetime) -> list[Transfer]:
        """Take back ``amount`` points that were earned in ``lot``, never more than it ever gave (PTS-13)."""
        earned = self.lots[lot]
        amount = min(amount, earned.amount - self.gone.get(lot, 0))
        self.gone[lot] = self.gone.get(lot, 0) + amount
        transfers = claw_back(self.lots.values(), earned, amount, now)
        for transfer in transfers:
            self.lots[transfer.lot] = _after(self.lots[transfer.lot], transfer)
        return transfers

    def out_of_reach(self, takings: Iterable[tuple[int, int]], now: datetime) -> list[int]:
        """Of each (lot, points) to take back, the points that the customer has no more: to be owed, or deducted from the
        refund at one yen each where the profile says so (PTS-13). The purse stays as it is."""
        trial = Purse(dict(self.lots), dict(self.gone))
        return [
            sum(transfer.amount for transfer in trial.claw_back(lot, points, now) if transfer.kind == "owe")
            for lot, points in takings
        ]


def _after(lot: OpenLot, transfer: Transfer) -> OpenLot:
    """The lot's numbers after a transfer; its state is the database's to draw, and stays what rows name as the old."""
    held = -transfer.amount if transfer.debit == "held" else 0
    owed = transfer.amount if transfer.kind == "owe" else 0
    return replace(lot, remaining=lot.remaining + transfer.change, held=lot.held + held, owed=lot.owed + owed)
