"""Lots of points (A.8): what stands in one, in which order they are spent, and what an order asks of them.

A lot's points stand in the customer's accounts ``pending``, ``valid`` and ``held``. A transfer moves some of them between
two accounts, so the books are balanced by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from models.states import LotState

#: Accounts whose points remain in their lot, in a state of the same name.
STANDING = (LotState.PENDING, LotState.VALID)


class Lot(NamedTuple):
    """Points that came together and expire together.

    ``remaining`` points are in the account of the lot's state, ``held`` ones are held. ``owed`` were taken back after they
    had been spent (PTS-13). ``gone`` is what the customer lost of the lot without spending it: expired, void, or taken
    back on its account, wherever it was taken from. The lot of an order has its ``order_id``; of one line alone, its
    ``line``; of what the order earned more when it was priced again for the n-th time, n as ``repriced``. ``expires_at``
    is the moment after the last day, None without end; ``limited`` points keep theirs (PTS-11).
    """

    id: int
    order_id: int | None
    kind: str
    line: str | None
    repriced: int
    limited: bool
    amount: int
    remaining: int
    held: int
    owed: int
    gone: int
    state: str
    expires_at: datetime | None
    at: datetime


class Transfer(NamedTuple):
    """``amount`` points of ``lot`` go from account ``debit`` to ``credit``; once by ``source``, ``kind`` and lot.

    ``order_id`` is the order on whose account it happens, if any.
    """

    lot: int
    order_id: int | None
    source: str
    kind: str
    debit: str
    credit: str
    amount: int
    at: datetime


class LotMove(NamedTuple):
    """A lot went from state ``old`` (None: it is new) to ``new``. ``order_id`` is the order that earned it, if any."""

    lot: int
    order_id: int | None
    old: str | None
    new: str
    cause: str


@dataclass(slots=True, frozen=True)
class NewLot:
    """Points to grant, once by ``source``: ``pending`` until earned, or ``valid`` at once; ``limited`` keep their expiry.

    ``replaces`` is the expired lot whose points they are, granted anew (PTS-12).
    """

    source: str
    kind: str
    amount: int
    state: LotState
    expires_at: datetime | None = None
    limited: bool = False
    line: str | None = None
    repriced: int = 0
    replaces: int | None = None


@dataclass(slots=True, frozen=True)
class Activation:
    """What is pending of ``lot`` becomes valid, and lasts until ``expires_at`` (PTS-05, PTS-11)."""

    source: str
    lot: int
    expires_at: datetime | None


@dataclass(slots=True, frozen=True)
class GiveBack:
    """``amount`` used points go back to their ``lot`` (PTS-12). Of one that has expired they are lost, or granted anew
    until ``regrant_until``."""

    source: str
    lot: int
    amount: int
    regrant_until: datetime | None = None


@dataclass(slots=True, frozen=True)
class UseAgain:
    """``amount`` points that came back to the customer are spent once more, from wherever they would be spent now."""

    source: str
    amount: int


@dataclass(slots=True, frozen=True)
class Clawback:
    """``amount`` points are earned in ``lot`` no longer: taken back wherever the customer has them by then (PTS-13,
    PTS-14)."""

    source: str
    lot: int
    amount: int


def is_expired(lot: Lot, now: datetime) -> bool:
    """Whether the lot's last day is over at ``now``, swept or not."""
    return lot.state == LotState.EXPIRED or (lot.expires_at is not None and lot.expires_at <= now)


def spending_order(lot: Lot) -> tuple[bool, bool, datetime, datetime, int]:
    """Sorts lots as they are spent: limited-time points, then the soonest expiry, then the oldest grant (PTS-12)."""
    return not lot.limited, lot.expires_at is None, lot.expires_at or lot.at, lot.at, lot.id


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """Lots with valid points that have not expired at ``now``, as they are spent (PTS-06, PTS-12)."""
    usable = [lot for lot in lots if lot.state == LotState.VALID and lot.remaining and not is_expired(lot, now)]
    return sorted(usable, key=spending_order)


def taken(lots: Sequence[Lot], amount: int) -> list[tuple[Lot, int]]:
    """(lot, points) that make up ``amount``, lots in the order given; fewer if they hold fewer."""
    parts = []
    for lot in lots:
        part = min(amount, lot.remaining)
        if part > 0:
            parts.append((lot, part))
            amount -= part
    return parts


def after(lot: Lot, transfer: Transfer, ended: str) -> Lot:
    """The lot after ``transfer``, in the state that its numbers say; with nothing left in it, in the state ``ended``."""
    kind, debit, credit, amount = transfer.kind, transfer.debit, transfer.credit, transfer.amount
    if kind in ("owe", "repay"):
        return lot._replace(owed=lot.owed + (amount if kind == "owe" else -amount))
    remaining = lot.remaining + amount * ((credit in STANDING) - (debit in STANDING))
    held = lot.held + amount * ((credit == LotState.HELD) - (debit == LotState.HELD))
    gone = lot.gone + amount * (credit in (LotState.EXPIRED, LotState.VOID))
    if remaining:
        state = LotState.VALID if credit == LotState.VALID else lot.state
    else:
        state = LotState.HELD if held else ended
    return lot._replace(remaining=remaining, held=held, gone=gone, state=state)
