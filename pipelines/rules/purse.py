"""A customer's purse (A.8): all that can happen to points, decided on the lots as they stand while the balance is locked.

What happens changes the purse at once, so that whatever comes next is decided on what it leaves, and is kept as data to be
written: ``granted`` lots, ``transfers`` between accounts, ``moves`` of lots from state to state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, NamedTuple

from models.states import LotState
from pipelines.rules.lots import Lot, LotMove, NewLot, Transfer, after, is_expired, spendable, taken

_WITH_CUSTOMER = (LotState.VALID, LotState.HELD)


class Cause(NamedTuple):
    """Why points move: once by ``source``, at ``at``, on account of an order if one is named."""

    source: str
    at: datetime
    order_id: int | None = None


class HeldPart(NamedTuple):
    """What a hold took aside of one lot."""

    lot: int
    amount: int
    was_pending: bool


class Purse:
    """A customer's lots by id. ``new_id`` gives the lots to grant their ids, each greater than those before.

    A ``closed`` purse is that of a customer who withdrew: whatever comes into it is void at once (CON-06).
    """

    __slots__ = ("_before", "closed", "granted", "lots", "moves", "new_id", "transfers")

    def __init__(
        self, lots: Iterable[Lot] = (), new_id: Callable[[], int] | None = None, *, closed: bool = False
    ) -> None:
        self.lots = {lot.id: lot for lot in lots}
        self.granted: list[tuple[NewLot, int]] = []
        self.transfers: list[Transfer] = []
        self.moves: list[LotMove] = []
        self.new_id = new_id
        self.closed = closed
        self._before = dict(self.lots)

    @property
    def changed(self) -> list[Lot]:
        """Lots that were there before and stand otherwise now."""
        return [self.lots[number] for number, lot in self._before.items() if self.lots[number] is not lot]

    def usable(self, now: datetime) -> int:
        """Points that can be spent; what is owed blocks as many, and more may be owed than there is (PTS-06, PTS-13)."""
        lots = self.lots.values()
        return sum(lot.remaining for lot in spendable(lots, now)) - sum(lot.owed for lot in lots)

    # What may happen.

    def grant(self, new: NewLot, at: datetime, order_id: int | None = None, *, due_at: datetime | None = None) -> int:
        """Points that come; the id of their lot. Valid ones are an acquisition (PTS-11), of ``due_at`` where they come late, and pay
        what is owed (PTS-13)."""
        assert self.new_id is not None, "nobody gives ids"
        number = self.new_id()
        numbers = (new.amount, new.amount, 0, 0, 0)
        about = (new.kind, new.line, new.repriced, new.limited)
        self.lots[number] = Lot(number, order_id, *about, *numbers, new.state, new.expires_at, at)
        self.granted.append((new, number))
        self.transfers.append(Transfer(number, order_id, new.source, "grant", "granted", new.state, new.amount, at))
        self.moves.append(LotMove(number, order_id, None, new.state, new.kind))
        if new.state == LotState.VALID:
            self._acquired(Cause(new.source, at), None if new.limited else new.expires_at, due_at or at)
        self._void_if_closed(Cause(new.source, at, order_id))
        return number

    def activate(self, lot: int, expires_at: datetime | None, cause: Cause) -> None:
        """What is pending in the lot becomes valid (PTS-05)."""
        amount = self.lots[lot].remaining
        if self.lots[lot].state == LotState.PENDING and amount:
            self._last_until(lot, expires_at)
            self._transfer(lot, "activate", "pending", "valid", amount, cause)
            self._acquired(cause, expires_at, cause.at)
            self._void_if_closed(cause)

    def use(self, amount: int, cause: Cause) -> None:
        """Spend valid points (PTS-06, PTS-12). Raises ValueError if the customer has fewer."""
        self._draw("use", "used", amount, cause)

    def hold(self, amount: int, cause: Cause) -> None:
        """Take valid points aside (保留, PTS-05). Raises ValueError if the customer has fewer."""
        self._draw("hold", "held", amount, cause)

    def hold_earned(self, order_id: int, cause: Cause) -> int:
        """Take aside what is left, pending or valid, of the lots an order earned (PTS-05); how many points."""
        earned = [lot for lot in self.lots.values() if lot.order_id == order_id and lot.remaining]
        for lot in earned:
            self._transfer(lot.id, "hold", lot.state, "held", lot.remaining, cause)
        return sum(lot.remaining for lot in earned)

    def release(
        self, parts: Iterable[HeldPart], outcome: Literal["valid", "void"], expires_at: datetime | None, cause: Cause
    ) -> None:
        """End a hold: its points are valid again, or void for good (PTS-05). A cancelled or returned order may have taken
        some of them out of it since. Points that were never valid are acquired now and last until ``expires_at``."""
        acquired: datetime | None = None
        for part in parts:
            lot = self.lots[part.lot]
            amount = min(part.amount, lot.held)
            if amount and outcome == "valid":
                if part.was_pending and not lot.limited:
                    acquired = expires_at
                    self._last_until(lot.id, expires_at)
                self._transfer(lot.id, "release", "held", "valid", amount, cause)
            elif amount:
                # A lot of which some was used may still get that back (PTS-12); only a wholly void one is final.
                ended = LotState.VOID if amount == lot.amount else LotState.USED
                self._transfer(lot.id, "void", "held", "void", amount, cause, ended)
        if outcome == "valid":
            self._acquired(cause, acquired, cause.at)
        self._void_if_closed(cause)

    def give_back(self, lot: int, amount: int, regrant_until: datetime | None, cause: Cause) -> None:
        """Used points return to their lot, whichever way it went since (PTS-12). Of an expired one they are lost, or
        granted anew as limited-time points until ``regrant_until``. No acquisition, but what is owed is paid first."""
        stands = self.lots[lot]
        if is_expired(stands, cause.at):
            if regrant_until is not None:
                source = f"{cause.source}:regrant:{lot}"
                again = NewLot(source, "regrant", amount, LotState.VALID, regrant_until, limited=True, replaces=lot)
                self.grant(again, cause.at, cause.order_id)
        elif stands.state in (LotState.USED, *_WITH_CUSTOMER):
            self._transfer(lot, "return", "used", "valid", amount, cause)
            self._settle(cause)
            self._void_if_closed(cause)

    def claw_back(self, lot: int, amount: int, cause: Cause) -> int:
        """Take back points that were earned in the lot (PTS-13); how many of them are missing and owed from now on.

        Never more than the customer ever had of it. From the lot itself first, expired today or not: what is pending or
        held there was never spent; then from the others as they would be spent.
        """
        earned = self.lots[lot]
        amount = max(0, min(amount, earned.amount - earned.gone))
        waiting = min(amount, earned.remaining) if earned.state == LotState.PENDING else 0
        aside = min(amount - waiting, earned.held)
        own = [earned] if earned.state == LotState.VALID else []
        others = [one for one in spendable(self.lots.values(), cause.at) if one.id != lot]
        parts = taken([*own, *others], amount - waiting - aside)
        from_own = waiting + aside + sum(part for one, part in parts if one.id == lot)
        never_valid = earned.state == LotState.PENDING
        ended = LotState.VOID if never_valid or from_own == earned.amount else LotState.USED
        if waiting:
            self._transfer(lot, "void", "pending", "void", waiting, cause, ended)
        if aside:
            self._transfer(lot, "void_held", "held", "void", aside, cause, ended)
        for one, part in parts:
            last = ended if one.id == lot else LotState.USED
            self._transfer(one.id, "clawback", "valid", "clawed_back", part, cause, last)
        missing = amount - waiting - aside - sum(part for _, part in parts)
        if missing:
            self._transfer(lot, "owe", "valid", "clawed_back", missing, cause)
        self._lose(lot, amount - waiting - aside)
        return missing

    def close(self, cause: Cause) -> None:
        """The customer withdraws: what is pending, valid or held is void, and whatever comes later is too (CON-06)."""
        self.closed = True
        self._void(cause)

    def expire(self, cause: Cause) -> None:
        """Valid points whose last day is over are lost for good; held ones only once they were released (PTS-05)."""
        for lot in list(self.lots.values()):
            if lot.state == LotState.VALID and is_expired(lot, cause.at):
                self._transfer(lot.id, "expire", "valid", "expired", lot.remaining, cause, LotState.EXPIRED)

    def out_of_reach(self, takings: Iterable[tuple[int, int]], now: datetime) -> list[int]:
        """Of each (lot, points) to take back, the points that the customer has no more: to be owed, or deducted from the
        refund at one yen each where the profile says so (PTS-13). The purse stays as it is."""
        trial = Purse(self.lots.values())
        return [trial.claw_back(lot, points, Cause("", now)) for lot, points in takings]

    # Back to how it stood, where what was asked turns out not to be possible.

    def checkpoint(self) -> tuple[dict[int, Lot], int, int, int]:
        """What ``restore`` goes back to."""
        return dict(self.lots), len(self.granted), len(self.transfers), len(self.moves)

    def restore(self, checkpoint: tuple[dict[int, Lot], int, int, int]) -> None:
        """Nothing happened since ``checkpoint``."""
        lots, granted, transfers, moves = checkpoint
        self.lots = lots
        del self.granted[granted:], self.transfers[transfers:], self.moves[moves:]

    # How it happens.

    def _draw(self, kind: str, credit: str, amount: int, cause: Cause) -> None:
        parts = taken(spendable(self.lots.values(), cause.at), amount)
        if sum(part for _, part in parts) < amount:
            raise ValueError("the lots hold fewer points")
        for lot, part in parts:
            self._transfer(lot.id, kind, "valid", credit, part, cause)

    def _transfer(
        self, lot: int, kind: str, debit: str, credit: str, amount: int, cause: Cause, ended: str = LotState.USED
    ) -> None:
        old = self.lots[lot]
        transfer = Transfer(lot, cause.order_id, cause.source, kind, debit, credit, amount, cause.at)
        self.transfers.append(transfer)
        new = self.lots[lot] = after(old, transfer, ended)
        if new.state != old.state:
            self.moves.append(LotMove(lot, old.order_id, old.state, new.state, kind))

    def _void_if_closed(self, cause: Cause) -> None:
        if self.closed:
            self._void(cause._replace(source=f"closed:{cause.source}"))

    def _void(self, cause: Cause) -> None:
        """All that stands in the lots is void. Of a lot of which some was used that may still come back (PTS-12)."""
        for lot in list(self.lots.values()):
            untouched = lot.remaining + lot.held == lot.amount
            ended = LotState.VOID if untouched or lot.state == LotState.PENDING else LotState.USED
            if lot.remaining:
                self._transfer(lot.id, "void", lot.state, "void", lot.remaining, cause, ended)
            if lot.held:
                self._transfer(lot.id, "void_held", "held", "void", lot.held, cause, ended)

    def _last_until(self, lot: int, expires_at: datetime | None) -> None:
        if expires_at is not None:
            self.lots[lot] = self.lots[lot]._replace(expires_at=expires_at)

    def _lose(self, lot: int, amount: int) -> None:
        if amount:
            self.lots[lot] = self.lots[lot]._replace(gone=self.lots[lot].gone + amount)

    def _acquired(self, cause: Cause, expires_at: datetime | None, on: datetime) -> None:
        """Ordinary points that are good at the moment ``on`` last as long as the newest that came (PTS-11); debts are paid."""
        if expires_at is not None:
            for lot in [one for one in self.lots.values() if one.state in _WITH_CUSTOMER and not one.limited]:
                if lot.expires_at is not None and on < lot.expires_at < expires_at:
                    self.lots[lot.id] = lot._replace(expires_at=expires_at)
        self._settle(cause)

    def _settle(self, cause: Cause) -> None:
        """What is owed is taken from the valid points, those spent first first (PTS-12, PTS-13).

        The balance does not change: the points were clawed back when they were owed; now it is known from which lot.
        """
        debts = [lot for lot in self.lots.values() if lot.owed]
        for debt in sorted(debts):
            for coin in spendable(self.lots.values(), cause.at):
                part = min(self.lots[debt.id].owed, coin.remaining)
                if part:
                    paid = Cause(f"settle:{cause.source}:{coin.id}:{debt.id}", cause.at)
                    self._transfer(coin.id, "settle", "valid", "clawed_back", part, paid)
                    self._transfer(debt.id, "repay", "clawed_back", "valid", part, paid)
