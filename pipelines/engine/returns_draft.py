"""Returns of an order while a stage decides about it: the part of its draft that is about goods on their way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from typing import Any

from models.states import GIVEN_ANEW, ReturnState
from pipelines.engine.decision import Move, Word
from pipelines.engine.facts import Facts, ReturnFacts, ReturnLineFacts
from pipelines.engine.points_draft import PointsDraft
from pipelines.rules.order import Order


class ReturnsDraft(PointsDraft):
    """What comes back of an order: what it says holds after the changes so far, which its methods alone make."""

    __slots__ = ("_returns",)

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._returns: dict[str, ReturnFacts] | None = None

    @property
    def returns(self) -> Collection[ReturnFacts]:
        """The order's returns, the newest last."""
        return self._all_returns().values()

    def return_(self, id_: str) -> ReturnFacts | None:
        """The return ``id_``; None if the order has none of that id."""
        return self._all_returns().get(id_)

    def open_return(self, new: ReturnFacts, cause: str) -> None:
        """Open a return."""
        self._all_returns()[new.id] = self._made.returns[new.id] = new
        self._made.new_returns.append(new.id)
        self._made.moves.append(Move("return", new.id, None, new.state, cause))

    def move_return(
        self,
        id_: str,
        new: ReturnState,
        cause: str,
        *,
        goods_by: date | None = None,
        waits_until: datetime | None = None,
        answer: str = "",
        replacement: str | None = None,
        rest: int | None = None,
    ) -> ReturnFacts:
        """Move a return of the order; it as it then stands. What is not given stays, but for the moment until which it waits:
        that is of where it stands. Raises KeyError for one that there is not."""
        before = self._all_returns()[id_]
        self._made.moves.append(Move("return", id_, before.state, new, cause))
        after = before._replace(
            state=new,
            goods_by=goods_by or before.goods_by,
            waits_until=waits_until,
            answer=answer or before.answer,
            replacement=replacement or before.replacement,
            rest=before.rest if rest is None else rest,
        )
        self._all_returns()[id_] = self._made.returns[id_] = after
        return after

    def part_return(self, id_: str, pieces: Mapping[str, int], cause: str, **stands: Any) -> ReturnFacts:
        """Take ``pieces`` (by line) out of a return, which has more of them: they are one of their own from now on, that stands where
        it stands but for what ``stands`` says of it."""
        before = self._all_returns()[id_]
        kept, parted = _parted(before.lines, pieces)
        self._all_returns()[id_] = self._made.returns[id_] = before._replace(lines=kept)
        self._made.parted_returns.append(id_)
        place = next(place for place in count(2) if f"{id_}-{place}" not in self._all_returns())
        new = before._replace(id=f"{id_}-{place}", lines=parted, **stands)
        self.open_return(new, cause)
        return new

    def replace_goods(self, new: Order) -> None:
        """Take ``new`` in, an order that replaces goods of this one."""
        self._made.new_orders.append(new)

    def tell_order(self, number: str, type_: str, lines: Mapping[str, int] | None = None) -> None:
        """Tell another order of the shop something of this one, by an event of ``type_``; of ``lines`` alone (pieces by line) where they
        are named."""
        self._made.told.append(Word(number, type_, lines))

    @property
    def coming_back(self) -> Counter[str]:
        """Pieces of each line that are in a return which is not over."""
        return self._pieces(lambda one: one.is_live)

    @property
    def given_anew(self) -> Counter[str]:
        """Pieces of each line that came back for others: no change of the order's lines tells of them."""
        return self._pieces(lambda one: one.state in GIVEN_ANEW)

    @property
    def refunded(self) -> Counter[str]:
        """Pieces of each line that came back in returns and were refunded."""
        return self._pieces(lambda one: one.state == ReturnState.REFUNDED)

    def _pieces(self, counts: Callable[[ReturnFacts], bool]) -> Counter[str]:
        pieces = Counter[str]()
        for one in filter(counts, self.returns):
            pieces.update(one.pieces)
        return pieces

    def _all_returns(self) -> dict[str, ReturnFacts]:
        if self._returns is None:
            self._returns = {one.id: one for one in self.facts.returns}
        return self._returns


def _parted(
    lines: Sequence[ReturnLineFacts], pieces: Mapping[str, int]
) -> tuple[tuple[ReturnLineFacts, ...], tuple[ReturnLineFacts, ...]]:
    """The lines without ``pieces``, and those pieces; of a line that comes back for several reasons the first ones first."""
    due, kept, parted = Counter(pieces), [], []
    for line in lines:
        apart = min(due[line.line], line.quantity)
        due[line.line] -= apart
        kept += [line._replace(quantity=line.quantity - apart)] if apart < line.quantity else []
        parted += [line._replace(quantity=apart)] if apart else []
    return tuple(kept), tuple(parted)
