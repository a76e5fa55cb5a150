"""Returns that are open again (返品の再開): the order that was to leave for their goods was cancelled, never arrived and was
settled, or came back from its customer, so that something else is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from models.states import LotState, ReturnState
from pipelines.changes.coming_back import finish, move, tell
from pipelines.engine.decision import (
    REPLACEMENT_CANCELLED,
    REPLACEMENT_RETURNED,
    REPLACEMENT_STANDS,
    REPLACEMENT_UNDELIVERED,
)
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ReturnFacts
from pipelines.rules.lots import Clawback, NewLot
from pipelines.rules.points import expiry
from pipelines.shops import Shop

#: What became of an order that leaves no goods for a return.
_CAME_TO_NOTHING: Final[Mapping[str, str]] = {
    REPLACEMENT_CANCELLED: "was cancelled",
    REPLACEMENT_UNDELIVERED: "never arrived",
    REPLACEMENT_RETURNED: "came back",
}


def hear_of_replacements(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Hear what became of the orders that were to leave for goods of this one: a return whose order was cancelled, or lost or
    brought back on its way and settled (RET-07, RET-08), or refunded to who had paid for its goods with this one (RET-01, RET-02), is where
    its goods passed, with each remedy open again, and what it gave in points is taken back (PTS-13)."""
    for event in [one for one in draft.waiting if one.type in (*_CAME_TO_NOTHING, REPLACEMENT_STANDS)]:
        number = str(event.body["order"])
        one = next((one for one in draft.returns if one.replacement == number), None)
        if one is not None and event.type in _CAME_TO_NOTHING and one.brings:
            _open_again(draft, shop, now, one, number, event.type)
            draft.applied(event)
        elif one is not None and event.type == REPLACEMENT_STANDS and one.state == ReturnState.INSPECTED:
            _leaves_after_all(draft, shop, now, one, number)
            draft.applied(event)
        elif event.type == REPLACEMENT_STANDS:
            draft.quarantined(
                event, f"order {number} was received after all, and its return was settled otherwise meanwhile"
            )
        else:
            draft.ignored(event, "no return waits for it")


def tell_first(draft: OrderDraft) -> None:
    """All goods of an order that left for those of a return came back in returns of its own and were refunded: whoever sent them paid for
    them with the first order, which has the money and hears of it (RET-01, RET-02)."""
    first, back = draft.facts.order.replaces, draft.refunded
    if first is not None and all(back[line.line] == line.quantity for line in draft.facts.order.lines):
        draft.tell_order(first, REPLACEMENT_RETURNED)


def _open_again(draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, number: str, why: str) -> None:
    _take_back_rest(draft, one)
    cause = f"{number}, which was to leave for it, {_CAME_TO_NOTHING[why]}"
    again = move(draft, shop, one.id, ReturnState.INSPECTED, now, cause)
    lost, came_back = why == REPLACEMENT_UNDELIVERED, why == REPLACEMENT_RETURNED
    tell(draft, shop, now, again, "return_open_again", replacement=number, lost=lost, came_back=came_back)


def _take_back_rest(draft: OrderDraft, one: ReturnFacts) -> None:
    """The points that the exchange left, from wherever the customer has them; what was spent is owed."""
    given = [lot for lot in draft.lots if lot.kind == "exchange" and lot.amount == one.rest and lot.gone < lot.amount]
    if one.rest and given:
        lot = min(given, key=lambda lot: lot.gone)
        draft.claw_back(Clawback(f"return:{one.id}:rest:{one.replacement}:back", lot.id, one.rest))


def _leaves_after_all(draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, number: str) -> None:
    """Its order was received and paid for after the cancel (PAY-09): an exchange, since a replacement costs nothing."""
    if one.rest:
        source = f"return:{one.id}:rest:{number}:again"
        draft.grant(NewLot(source, "exchange", one.rest, LotState.VALID, expiry(now, shop)))
    finish(draft, shop, now, one, ReturnState.EXCHANGED, f"{number} was received after all")
