"""The money a fake gateway holds, takes and gives back, apart from the objects its protocol shows.

Only such a ledger shows a charge made twice: tests and judges read its moves, never what an adapter was told
(gateways.md 10). Pure: no clock, no socket. Amounts are yen, moments aware.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What happens to a buyer's money."""

    HOLD = "hold"  # 与信枠を押さえる
    RELEASE = "release"  # 枠を戻す
    TAKE = "take"  # 売上
    GIVE_BACK = "give_back"  # 返金


@dataclass(frozen=True, slots=True)
class Move:
    """One move: ``payment`` is the fake's own id, ``order`` what it was told of ours, ``cause`` the request, buyer or timer."""

    kind: Kind
    payment: str
    order: str
    amount: int
    at: datetime
    cause: str

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        return {
            "kind": "move",
            "move": self.kind,
            **{k: v for k, v in asdict(self).items() if k not in ("kind", "at")},
        } | {"at": self.at.isoformat()}


class Impossible(AssertionError):
    """A fake moved money that was not there: the fake is wrong, not its client."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a payment is held, was taken, released and given back; ``held`` is what still is."""

    order: str
    held: int = 0
    taken: int = 0
    released: int = 0
    given: int = 0


@dataclass
class MoneyLedger:
    """Every move, and how each payment stands after it. ``captures`` > 1 where one hold may be taken in parts."""

    captures: int = 1
    moves: list[Move] = field(default_factory=list)
    payments: dict[str, Standing] = field(default_factory=dict)

    def hold(self, payment: str, order: str, amount: int, at: datetime, cause: str) -> None:
        """Hold ``amount`` of the buyer's money for a payment. Raises Impossible, as all of these do, and moves nothing then."""
        self._move(Move(Kind.HOLD, payment, order, amount, at, cause), held=amount)

    def release(self, payment: str, amount: int, at: datetime, cause: str) -> None:
        """Give the buyer the use of it back without taking it."""
        move = Move(Kind.RELEASE, payment, self._order(payment), amount, at, cause)
        self._move(move, held=-amount, released=amount)

    def take(self, payment: str, amount: int, at: datetime, cause: str, *, order: str = "") -> None:
        """Take ``amount``: of what is held, or, with ``order``, paid by the buyer at once."""
        standing = self.payments.get(payment)
        if order and (standing is None or not standing.held):
            self._move(Move(Kind.TAKE, payment, order, amount, at, cause), taken=amount)
            return
        taken = sum(move.kind is Kind.TAKE and move.payment == payment for move in self.moves)
        if taken >= self.captures:
            raise Impossible(f"{payment} was captured {taken} times")
        self._move(Move(Kind.TAKE, payment, self._order(payment), amount, at, cause), held=-amount, taken=amount)

    def give_back(self, payment: str, amount: int, at: datetime, cause: str) -> None:
        """Give ``amount`` of what was taken back."""
        self._move(Move(Kind.GIVE_BACK, payment, self._order(payment), amount, at, cause), given=amount)

    def of_order(self, order: str) -> list[Move]:
        """The moves of an order's payments, oldest first."""
        return [move for move in self.moves if move.order == order]

    def _order(self, payment: str) -> str:
        if payment not in self.payments:
            raise Impossible(f"{payment} is no payment")
        return self.payments[payment].order

    def _move(self, move: Move, *, held: int = 0, taken: int = 0, released: int = 0, given: int = 0) -> None:
        before = self.payments.get(move.payment, Standing(move.order))
        after = Standing(
            before.order, before.held + held, before.taken + taken, before.released + released, before.given + given
        )
        if move.amount <= 0 or after.held < 0 or after.given > after.taken:
            raise Impossible(f"{move.kind} of {move.amount} yen: {move.payment} stands at {before}")
        self.moves.append(move)
        self.payments[move.payment] = after
