"""Return (返品・事故): goods that left and came back, or came to nothing; money, points and the coupon follow (A.12, CPN-04).

Whether the shop takes a return is decided before this: here an operator says what came of it. ``fault`` "customer" (the
default) voids the coupons and costs the return fee (TAX-05); "shop" (wrong, broken or lost on the way) does neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import OrderState, PaymentState, TrackingState
from pipelines.changes.credit import credit
from pipelines.changes.money import collect
from pipelines.changes.requests import answer, asked_lines, missing
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.errors import Problem
from pipelines.rules.money.adjustments import FAULT, RETURN, adjust
from pipelines.shops import Shop

REQUESTED = "order.return_lines"

_LEFT = (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.DELIVERED)
#: Holds that end when everything of their shipment was taken back: refused or unclaimed (RET-08), lost (RET-07).
_ANSWERED = frozenset({"returned_undelivered", "transit_accident"})
_NEVER_ARRIVED = (TrackingState.RETURNED, TrackingState.LOST)


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Take back what was asked, one request after the other."""
    answer(
        draft,
        now,
        lambda event: refusals(draft, asked_lines(event)),
        lambda event: _take_back(draft, shop, now, event, asked_lines(event)),
    )


def refusals(draft: OrderDraft, lines: Mapping[str, int]) -> list[Problem]:
    """Why ``lines`` (line -> pieces) cannot come back now; none if they can."""
    if draft.state not in _LEFT:
        says = (
            f"the order is {draft.state}: only goods that have left can come back; before that cancel it or its lines"
        )
        return [Problem("state", says)]
    if draft.facts.method == "cod" and draft.state == OrderState.PARTLY_SHIPPED:
        says = "what was collected on delivery is known once the rest has left: wait for it, or take it out first"
        return [Problem("state", says)]
    with_customer = {line: pieces - draft.came_back(line) for line, pieces in draft.shipped.items()}
    return missing(draft.facts, lines, lambda line: with_customer.get(line, 0), "have left and not come back")


def _take_back(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, lines: Mapping[str, int]) -> None:
    facts = draft.facts
    by_customer = event.body.get("fault") != "shop"
    if not all(parcel.tracking_status in _NEVER_ARRIVED for parcel in draft.parcels.values()):
        collect(draft)
    fee = shop.returns.customer_fee if by_customer else 0
    kind = RETURN if by_customer else FAULT
    change = adjust(facts.breakdown, draft.adjustments, kind, lines.items(), return_fee=fee)
    key, reason = f"{event.source}:{event.event_id}", str(event.body.get("reason") or "")
    credit(draft, shop, now, key=key, reason=reason, change=change)
    _void_uncollected(draft)
    if by_customer:
        for line in facts.order.lines:
            if line.line in lines and line.availability == "unique":
                draft.free_item(line.sku)
        if facts.customer_id:
            draft.mark("customer_returns", f"{facts.shop}/{facts.number}:{len(draft.adjustments)}")
    _answer_holds(draft)
    draft.next("reward", now)  # where nothing goes back, no outcome of a refund brings the order to rest


def _void_uncollected(draft: OrderDraft) -> None:
    """Cash on delivery that was never collected ends when no goods are left to collect it for."""
    gone = draft.gone
    nothing_left = all(gone[line.line] == line.quantity for line in draft.facts.order.lines)
    if draft.money.method == "cod" and draft.money.state == PaymentState.PENDING and nothing_left:
        draft.move_payment(PaymentState.VOIDED, "nothing was collected, and nothing is left to collect for")


def _answer_holds(draft: OrderDraft) -> None:
    """A parcel that came back or was lost is settled once its goods are."""
    settled = {
        shipment.id
        for shipment in draft.shipments
        if all(draft.came_back(line) >= pieces.shipped for line, pieces in shipment.lines.items())
    }
    draft.lift(lambda hold: hold["reason"] in _ANSWERED and hold.get("shipment") in settled, "its goods were settled")


STAGE = Stage(
    "returns",
    decide,
    Need.PAYMENT
    | Need.SHIPMENTS
    | Need.PARCELS
    | Need.LOTS
    | Need.PURSE
    | Need.EVENTS
    | Need.EFFECTS
    | Need.ADJUSTMENTS,
    consumes=(REQUESTED,),
    leads_to=("settle", "reward"),
)
