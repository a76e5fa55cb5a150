"""Returns on their way (返品の進行): an order as the rules of returns see it, where each return stands, until when it waits there,
and what its customer is told (A.12)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final

from models.states import GIVEN_ANEW, HoldReason, ReturnState, TrackingState
from models.subject import RETURN, Subject
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need, ParcelFacts, ReturnFacts
from pipelines.orders.arrivals import parcel_arrival
from pipelines.orders.mails import customer_mail, lines_of
from pipelines.rules.dates.periods import end_of, exclusive, last_day
from pipelines.rules.holds import Hold
from pipelines.rules.marks import RETURNED
from pipelines.rules.returns.case import Sold, SoldLine
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

#: The stage that waits for what is owed to a return.
WAITS_AT: Final = "returns"

#: Who owes what while a return stands so, and what happens when its time is over.
_WAITS: Final = {
    ReturnState.REQUESTED: ("return.answer", "operator", "approve"),
    ReturnState.AWAITING_GOODS: ("return.goods", "customer", "expire"),
    ReturnState.RECEIVED: ("return.inspect", "operator", "hold"),
    ReturnState.INSPECTED: ("return.settle", "operator", "hold"),
    ReturnState.REJECTED: ("return.send_back", "operator", "hold"),
}
#: Where a return ends that gave its customer something for the goods.
_MADE_GOOD: Final = frozenset({ReturnState.REFUNDED, *GIVEN_ANEW})
#: How a parcel fares whose pieces no customer has.
_CAME_TO_NOTHING: Final = frozenset({TrackingState.RETURNED, TrackingState.LOST})


def sold_of(draft: OrderDraft, shop: Shop) -> Sold:
    """The order as the rules of returns see it."""
    facts = draft.facts
    knows_points = Need.LOTS in facts.needs and Need.PURSE in facts.needs and bool(facts.customer_id)
    return Sold(
        order=facts.order,
        breakdown=facts.breakdown,
        purchased_at=facts.placed_at,
        method=facts.method,
        lines={line: _sold_line(draft, shop, line, pieces) for line, pieces in draft.shipped.items() if pieces},
        adjustments=tuple(draft.adjustments),
        lots=tuple(draft.lots),
        purse=facts.purse if knows_points else None,
    )


def _sold_line(draft: OrderDraft, shop: Shop, line: str, shipped: int) -> SoldLine:
    parcel = max(
        (one for one in draft.parcels.values() if line in one.lines), key=lambda one: one.shipped_at, default=None
    )
    standing = SoldLine(
        shipped=shipped,
        returned=_not_with_customer(draft, line),
        asked=draft.coming_back[line],
    )
    if parcel is None:
        return standing
    shipment = draft.shipment(parcel.shipment)
    return SoldLine(
        shipped=shipped,
        returned=standing.returned,
        asked=standing.asked,
        dispatched_on=in_japan(parcel.shipped_at).date(),
        delivered_on=_delivered_on(parcel),
        arrives_on=parcel_arrival(draft.facts, shop, shipment, parcel.shipped_at),
    )


def _not_with_customer(draft: OrderDraft, line: str) -> int:
    """Pieces of a line that left and are not the customer's to send back: returns that are over had them, or their parcel came back or was
    lost, settled or not (RET-07, RET-08)."""
    refunded = draft.refunded[line]
    failed = sum(one.lines.get(line, 0) for one in draft.parcels.values() if one.tracking_status in _CAME_TO_NOTHING)
    return refunded + max(draft.came_back(line) - refunded, failed) + draft.given_anew[line]


def _delivered_on(parcel: ParcelFacts) -> date | None:
    if parcel.tracking_status != TrackingState.DELIVERED or parcel.status_as_of is None:
        return None
    return in_japan(parcel.status_as_of).date()


def waits_until(shop: Shop, state: str, since: datetime, goods_by: date | None = None) -> datetime | None:
    """Until when a return that stands at ``state`` since then (aware) waits there: to the end of the last day in Japan. None
    where it is over."""
    today, rules = in_japan(since).date(), shop.returns
    if state == ReturnState.REQUESTED:
        return end_of(exclusive(today, rules.answer_days))
    if state == ReturnState.AWAITING_GOODS:
        return end_of(goods_by or exclusive(today, rules.goods_wait_days))
    return end_of(exclusive(today, rules.inspect_days)) if state in _WAITS else None


def await_next(draft: OrderDraft, one: ReturnFacts) -> None:
    """Wait for whatever is to come next of a return that has just got where it stands, or for nothing more."""
    subject = Subject(RETURN, one.id)
    draft.end_wait(WAITS_AT, subject)
    draft.lift(
        lambda hold: hold.reason == HoldReason.RETURN_UNSETTLED and hold.facts.get("return_id") == one.id,
        "its return went on",
    )
    if one.waits_until is not None:
        what, from_, then = _WAITS[ReturnState(one.state)]
        draft.await_for(what, from_, one.waits_until, then, subject)


def move(
    draft: OrderDraft,
    shop: Shop,
    id_: str,
    new: ReturnState,
    since: datetime,
    cause: str,
    *,
    goods_by: date | None = None,
    answer: str = "",
    replacement: str | None = None,
    rest: int | None = None,
) -> ReturnFacts:
    """Move a return, and wait for what comes next; it as it then stands."""
    until = waits_until(shop, new, since, goods_by)
    moved = draft.move_return(
        id_, new, cause, goods_by=goods_by, waits_until=until, answer=answer, replacement=replacement, rest=rest
    )
    await_next(draft, moved)
    return moved


def approve(
    draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, since: datetime, cause: str, answer: str = ""
) -> None:
    """The goods may come back; their customer hears where to, and until when. Days that the shop took to answer are added to
    those that the rules give."""
    asked_on, answered_on = in_japan(one.asked_at).date(), in_japan(since).date()
    by = (
        one.goods_by + (answered_on - asked_on)
        if one.goods_by
        else exclusive(answered_on, shop.returns.goods_wait_days)
    )
    draft.move_return(one.id, ReturnState.APPROVED, cause, answer=answer)
    moved = move(draft, shop, one.id, ReturnState.AWAITING_GOODS, since, "approved", goods_by=by)
    tell(draft, shop, now, moved, "return_goods_awaited")


def finish(
    draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, new: ReturnState, cause: str, **told: Any
) -> ReturnFacts:
    """End a return, and tell its customer how; ``told`` are what else the mail says, ``answer`` the shop's own words,
    ``replacement`` the number of the order that it brought, and ``rest`` the points that this left. One for the customer's reason that
    gave them what they wished is counted, once, whatever it gave and however often (INT-14)."""
    kept = {name: told.pop(name) for name in ("answer", "replacement", "rest") if name in told}
    if new in _MADE_GOOD and any(line.cost_on == "customer" for line in one.lines):
        draft.mark(RETURNED, f"{draft.facts.shop}/{draft.facts.number}:{one.id}")
    ended = move(draft, shop, one.id, new, now, cause, **kept)
    tell(draft, shop, now, ended, "return_finished", **told)
    return ended


def end_what_is_over(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """What happens to returns whose time is over: an answer that did not come is a yes, goods that did not come make the return
    expire, and what lies at the shop goes before a human."""
    for one in list(draft.returns):
        if one.waits_until is None or one.waits_until > now:
            continue
        if one.state == ReturnState.REQUESTED:
            approve(draft, shop, now, one, one.waits_until - timedelta(microseconds=1), "nobody answered in time")
        elif one.state == ReturnState.AWAITING_GOODS:
            finish(
                draft, shop, now, one, ReturnState.EXPIRED, f"the goods were not back by {last_day(one.waits_until)}"
            )
        else:
            hold = Hold(HoldReason.RETURN_UNSETTLED, facts={"return_id": one.id})
            draft.hold(hold, "goods that came back were not settled")


def tell(draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts, template: str, **extra: Any) -> None:
    """Tell the customer how a return stands."""
    facts = draft.facts
    said = {
        "id": one.id,
        "state": one.state,
        "remedy": one.remedy,
        "lines": lines_of(facts, one.pieces.items()),
        "because": [reason["says"] for reason in one.because],
        "cost_on": "shop" if all(line.cost_on == "shop" for line in one.lines) else "customer",
        "goods_by": one.goods_by,
        "answer_by": last_day(one.waits_until) if one.waits_until else None,
        "address": shop.returns.address or shop.support_mail,
        "asks_address": not shop.returns.address,
        "answer": one.answer,
        "replacement": one.brings,
        "given": None,
        **extra,
    }
    about = ":".join(part for part in (one.id, one.state, one.replacement) if part)
    draft.tell(customer_mail(template, facts, shop, now, about=about, returned=said))
