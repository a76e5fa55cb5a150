"""A shipment that knows how it would stand: the part of an order's draft that is about one shipment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from models.states import CallOff, ShipmentState
from pipelines.engine.decision import Move, ShipmentChange
from pipelines.engine.facts import LineFacts, ShipmentFacts

_UNTOLD = frozenset({ShipmentState.PLANNED, ShipmentState.BACKORDERED})
_UNANSWERED = frozenset({*_UNTOLD, ShipmentState.INSTRUCTED})
_BEFORE_SHIPPED = frozenset({*_UNANSWERED, ShipmentState.ACKNOWLEDGED})


class ShipmentDraft:
    """One shipment while a stage decides about its order: what it says holds after the changes so far.

    ``lines`` are its pieces by line, ``because`` why it leaves on ``dispatch_on``, ``plan_as_of`` when its supplier last
    gave that date, ``told_at`` since when it is waited for, ``again`` how often it was asked for anew, ``collects`` whether it
    was told to collect the order's money, None before it was told (PAY-09), ``call_off`` how far our asking not to ship it is, None
    where nobody asked, ``call_off_as_of`` when its supplier last answered that. It is changed by its methods alone.
    """

    __slots__ = (
        "_facts",
        "_moves",
        "_own",
        "_reason",
        "again",
        "arrive_on",
        "backorder",
        "because",
        "call_off",
        "call_off_as_of",
        "collects",
        "dispatch_on",
        "id",
        "instruct_at",
        "lines",
        "plan_as_of",
        "state",
        "supplier",
        "told_at",
    )

    def __init__(self, facts: ShipmentFacts, moves: list[Move]) -> None:
        self._facts = facts
        self._moves = moves
        self._reason: str | None = None
        self._own: dict[str, LineFacts] | None = None
        self.id = facts.id
        self.supplier = facts.supplier
        self.state = facts.state
        self.backorder = facts.backorder
        self.dispatch_on = facts.dispatch_on
        self.instruct_at = facts.instruct_at
        self.arrive_on = facts.arrive_on
        self.because: Sequence[Mapping[str, str]] = facts.because
        self.plan_as_of = facts.plan_as_of
        self.told_at = facts.told_at
        self.collects = facts.collects
        self.again = facts.again
        self.call_off = facts.call_off
        self.call_off_as_of = facts.call_off_as_of
        self.lines: Mapping[str, LineFacts] = facts.lines

    @property
    def is_live(self) -> bool:
        """True unless it was cancelled."""
        return self.state != ShipmentState.CANCELLED

    @property
    def is_untold(self) -> bool:
        """Whether its supplier has not been told of it."""
        return self.state in _UNTOLD

    @property
    def is_unanswered(self) -> bool:
        """Whether its supplier has not answered yet."""
        return self.state in _UNANSWERED

    @property
    def is_before_shipped(self) -> bool:
        """Whether it is to ship and has not wholly done so; one that was refused is not."""
        return self.state in _BEFORE_SHIPPED

    @property
    def is_owed(self) -> bool:
        """Whether its supplier knows of it and has goods to send: told, perhaps answered, not wholly shipped."""
        return self.state in (ShipmentState.INSTRUCTED, ShipmentState.ACKNOWLEDGED)

    @property
    def was_owed(self) -> bool:
        """Whether it was owed before this decision."""
        return self._facts.state in (ShipmentState.INSTRUCTED, ShipmentState.ACKNOWLEDGED)

    @property
    def was_untold(self) -> bool:
        """Whether its supplier had not been told of it before this decision."""
        return self._facts.state in _UNTOLD

    @property
    def is_otherwise_owed(self) -> bool:
        """Whether something else is owed of it since this decision: it was answered, or has another day."""
        return self.state != self._facts.state or self.dispatch_on != self._facts.dispatch_on

    @property
    def left(self) -> int:
        """Pieces still to ship; none of a cancelled shipment."""
        return sum(pieces.open for pieces in self.lines.values()) if self.is_live else 0

    def open(self, line: str) -> int:
        """Pieces of ``line`` still to ship; none of a cancelled shipment or of a line that is not in it."""
        return self.lines[line].open if self.is_live and line in self.lines else 0

    def cancelled(self, line: str) -> int:
        """Pieces of ``line`` that were cancelled."""
        return self.lines[line].cancelled if line in self.lines else 0

    def shipped(self, line: str) -> int:
        """Pieces of ``line`` that have left."""
        return self.lines[line].shipped if line in self.lines else 0

    def move(self, new: ShipmentState, cause: str) -> None:
        """Move it; a move to where it already stands is nothing."""
        if new != self.state:
            self._moves.append(Move("shipment", self.id, self.state, new, cause))
            self.state = new

    def refuse(self, reason: str, cause: str) -> None:
        """Its supplier does not ship it; ``reason`` is kept."""
        self.move(ShipmentState.REFUSED, cause)
        self._reason = reason

    @property
    def waited_since(self) -> datetime | None:
        """Since when its supplier is waited for: when it had the instruction, or was to have it; None where neither is known."""
        return max((one for one in (self.told_at, self.instruct_at) if one is not None), default=None)

    @property
    def is_fetched(self) -> bool:
        """Whether its supplier had the instruction that stands now."""
        return self.told_at is not None and self.told_at == self.waited_since

    def ask_not_to_ship(self) -> None:
        """Its supplier, which may ship it, is asked not to; what it answered before was about another asking."""
        self.call_off, self.call_off_as_of = CallOff.REQUESTED, None

    def answer_call_off(self, answer: CallOff, as_of: datetime) -> None:
        """Its supplier answered at ``as_of`` what it was asked not to ship."""
        self.call_off, self.call_off_as_of = answer, as_of

    def tell(self, now: datetime) -> None:
        """Its supplier has the instruction, or is waited for anew, since ``now``."""
        self.told_at = now

    def ask_to_collect(self, collects: bool) -> None:
        """Whether the instruction that goes out says to collect the order's money (PAY-09)."""
        self.collects = collects

    def ask_anew(self, supplier: str, instruct_at: datetime, cause: str) -> None:
        """Ask for it once more, of ``supplier`` and from ``instruct_at`` on; what was asked before does not hold any more."""
        self.supplier, self.instruct_at, self.again = supplier, instruct_at, self._facts.again + 1
        self.collects = None
        self._moves.append(Move("shipment", self.id, self.state, ShipmentState.PLANNED, cause))
        self.state = ShipmentState.PLANNED

    def plan_anew(
        self,
        as_of: datetime,
        dispatch_on: date | None,
        arrive_on: date | None,
        because: Sequence[Mapping[str, str]],
        instruct_at: datetime | None = None,
    ) -> None:
        """Its supplier gave another date at ``as_of``, or said that it has none. ``instruct_at``: when it is to be told instead, where
        it was not yet; None: as before."""
        self.plan_as_of, self.dispatch_on, self.arrive_on, self.because = as_of, dispatch_on, arrive_on, because
        self.instruct_at = instruct_at or self.instruct_at

    def explain(self, because: Sequence[Mapping[str, str]]) -> None:
        """It keeps its days, for other reasons."""
        self.because = because

    def cancel(self, line: str, pieces: int) -> None:
        """Take ``pieces`` of ``line`` out."""
        before = self.lines[line]
        self._set(line, LineFacts(before.quantity, before.cancelled + pieces, before.shipped))

    def cancel_rest(self) -> None:
        """Take everything out that has not left."""
        for line, before in list(self.lines.items()):
            self._set(line, LineFacts(before.quantity, before.quantity - before.shipped, before.shipped))

    def ship(self, line: str, pieces: int) -> None:
        """So many ``pieces`` of ``line`` have left, in all."""
        before = self.lines[line]
        self._set(line, LineFacts(before.quantity, before.cancelled, pieces))

    def _set(self, line: str, pieces: LineFacts) -> None:
        if pieces != self.lines[line]:
            if self._own is None:
                self.lines = self._own = dict(self.lines)
            self._own[line] = pieces

    def change(self) -> ShipmentChange | None:
        """The difference to the facts; None if there is none."""
        before = self._facts
        moved, planned_anew = self.state != before.state, self.plan_as_of != before.plan_as_of
        told = self.told_at if self.told_at != before.told_at else None
        collects = self.collects if self.collects != before.collects else None
        asked_anew = self.again != before.again
        answered = (self.call_off, self.call_off_as_of) != (before.call_off, before.call_off_as_of)
        explained = self.because is not before.because
        changed = moved or planned_anew or explained or asked_anew or answered or self._own is not None
        if not changed and told is None and collects is None and self._reason is None:
            return None
        change = ShipmentChange(self.id, reason=self._reason, told_at=told, collects=collects)
        if asked_anew:
            change.supplier, change.again = self.supplier, self.again
        if asked_anew or self.instruct_at != before.instruct_at:
            change.instruct_at = self.instruct_at
        if moved:
            change.state = ShipmentState(self.state)
        if explained:
            change.because = self.because
        if planned_anew:
            change.plan_as_of, change.dispatch_on, change.arrive_on = self.plan_as_of, self.dispatch_on, self.arrive_on
        if answered and self.call_off is not None:
            change.call_off, change.call_off_as_of = CallOff(self.call_off), self.call_off_as_of
        if self._own is not None:
            for line, pieces in self._own.items():
                if pieces.shipped != before.lines[line].shipped:
                    change.shipped[line] = pieces.shipped
                if pieces.cancelled != before.lines[line].cancelled:
                    change.cancelled[line] = pieces.cancelled
        return change
