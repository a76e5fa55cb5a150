"""Returns that are open again (返品の再開): the order that was to leave for their goods was cancelled, never arrived and was
settled, or came back from its customer, so that something else is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from models.states import LotState, ReturnState
from pipelines.changes.coming_back import await_next, finish, move, tell, waits_until
from pipelines.engine.decision import (
    REPLACEMENT_CANCELLED,
    REPLACEMENT_RETURNED,
    REPLACEMENT_STANDS,
    REPLACEMENT_UNDELIVERED,
)
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, ReturnFacts
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
            _open_again(draft, shop, now, one, number, event)
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


def tell_first(draft: OrderDraft, back: ReturnFacts) -> None:
    """Goods of an order that left for those of a return came back in one of its own and were refunded: whoever sent them paid for them with
    the first order, which has the money and hears of it (RET-01, RET-02). Of goods that replace others piece for piece it hears of these,
    of others once nothing of them is left."""
    sold, gone = draft.facts.order, draft.refunded + Counter(draft.cancelled)
    if sold.replaces is None:
        return
    if sold.exchange is None:
        draft.tell_order(sold.replaces, REPLACEMENT_RETURNED, back.pieces)
    elif all(gone[line.line] == line.quantity for line in sold.lines):
        draft.tell_order(sold.replaces, REPLACEMENT_RETURNED)


def _open_again(draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, number: str, event: EventFacts) -> None:
    _take_back_rest(draft, one)
    why, pieces = event.type, Counter[str](event.body.get("lines") or one.pieces)
    cause = f"{number}, which was to leave for it, {_CAME_TO_NOTHING[why]}"
    if pieces < Counter(one.pieces):
        again = _parted(draft, shop, now, one, pieces, cause)
    else:
        again = move(draft, shop, one.id, ReturnState.INSPECTED, now, cause)
    lost, came_back = why == REPLACEMENT_UNDELIVERED, why == REPLACEMENT_RETURNED
    tell(draft, shop, now, again, "return_open_again", replacement=number, lost=lost, came_back=came_back)


def _parted(
    draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, pieces: Mapping[str, int], cause: str
) -> ReturnFacts:
    """These pieces as a return of their own, which something else is due for; the others have what replaces them."""
    until = waits_until(shop, ReturnState.INSPECTED, now)
    again = draft.part_return(
        one.id, pieces, cause, state=ReturnState.INSPECTED, waits_until=until, replacement=None, answer=""
    )
    await_next(draft, again)
    return again


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
