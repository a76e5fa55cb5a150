"""Points of an order while a stage decides about it: the part of its draft that is about lots."""

from __future__ import annotations

from collections.abc import Collection

from models.states import LotState
from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts, UsedPoints
from pipelines.rules.lots import Activation, Clawback, GiveBack, Lot, NewLot, UseAgain


class PointsDraft:
    """What an order earned and used: what it says holds after the changes so far, which its methods alone make."""

    __slots__ = ("_lots", "_made", "_used_points", "facts")

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._made = Decision(facts)
        self._lots: dict[int, Lot] | None = None
        self._used_points: dict[int, UsedPoints] | None = None

    @property
    def lots(self) -> Collection[Lot]:
        """The lots that the order earned and that are written already."""
        return self._all_lots().values()

    @property
    def has_pending_points(self) -> bool:
        """Whether points of the order still wait to become valid."""
        states = [lot.state for lot in self.lots] + [lot.state for lot in self._made.new_lots]
        return LotState.PENDING in states

    @property
    def used_points(self) -> Collection[UsedPoints]:
        """Points that the order used and has not got back, by lot."""
        return [used for used in self._all_used().values() if used.amount > 0]

    def grant(self, new: NewLot) -> None:
        """Grant points in a lot of their own."""
        self._made.new_lots.append(new)

    def earn_nothing(self) -> None:
        """What this very decision would have granted as earned is not granted: the order ended in it."""
        self._made.new_lots = [new for new in self._made.new_lots if new.kind != "purchase"]

    def activate(self, asked: Activation) -> None:
        """What is pending of one of the order's lots becomes valid."""
        self._made.lot_moves.append(asked)
        lot = self._all_lots()[asked.lot]
        self._all_lots()[asked.lot] = lot._replace(state=LotState.VALID, expires_at=asked.expires_at or lot.expires_at)

    def give_back(self, asked: GiveBack) -> None:
        """Points that the order used go back to their lot, as the ledger finds it."""
        self._made.lot_moves.append(asked)
        used = self._all_used()[asked.lot]
        self._all_used()[asked.lot] = used._replace(amount=used.amount - asked.amount)

    def use_again(self, asked: UseAgain) -> None:
        """Points that the order gave back are spent on it once more; the customer has as many, or the decision cannot be
        written (`Purse.use`)."""
        self._made.used_again.append(asked)

    def claw_back(self, asked: Clawback) -> None:
        """Points of one of the order's lots are earned no longer: pending ones are void, others are taken from wherever
        the customer has them once the decision is written (PTS-13, PTS-14)."""
        self._made.clawbacks.append(asked)
        lot = self._all_lots()[asked.lot]
        void = min(asked.amount, lot.remaining) if lot.state == LotState.PENDING else 0
        state = LotState.VOID if void and void == lot.remaining else lot.state
        gone = min(lot.amount, lot.gone + asked.amount)
        self._all_lots()[asked.lot] = lot._replace(remaining=lot.remaining - void, gone=gone, state=state)

    def _all_lots(self) -> dict[int, Lot]:
        if self._lots is None:
            self._lots = {one.id: one for one in self.facts.lots}
        return self._lots

    def _all_used(self) -> dict[int, UsedPoints]:
        if self._used_points is None:
            self._used_points = {one.lot: one for one in self.facts.used_points}
        return self._used_points
