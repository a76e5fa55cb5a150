"""Return (返品・事故): goods that left and came back, or came to nothing; money, points and the coupon follow (A.12, CPN-04).

Whether the shop takes a return is decided before this: here an operator says what came of it. ``fault`` "customer" (the
default) voids the coupons and costs the return fee (TAX-05); "shop" (wrong, broken or lost on the way) does neither.
"""

from __future__ import annotations

from datetime import datetime

from models.states import PaymentState, TrackingState
from pipelines.changes.arrival import follow_parcels
from pipelines.changes.collection import collect_from_customer
from pipelines.changes.credit import credit
from pipelines.changes.money import LETS_GO, is_collected
from pipelines.changes.requests import answer
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.return_lines import ACTION, LinesReturned
from pipelines.orders.pieces import by_line
from pipelines.rules.marks import RETURNED
from pipelines.rules.money.adjustments import adjust
from pipelines.rules.returns.settlement import KIND, return_fee
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Take back what was asked, one request after the other."""
    answer(ACTION, draft, shop, now, lambda event, asked: _take_back(draft, shop, now, event, asked))


def _take_back(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: LinesReturned) -> None:
    facts, lines = draft.facts, by_line(asked.lines)
    by_customer = asked.fault == "customer"
    collect_from_customer(draft, shop)
    kind = KIND[asked.fault]
    change = adjust(facts.breakdown, draft.adjustments, kind, lines.items(), return_fee=return_fee(shop, kind))
    credit(draft, shop, now, key=f"{event.source}:{event.event_id}", reason=asked.reason, change=change)
    _void_uncollected(draft)
    follow_parcels(draft, shop)
    back = set(lines) if by_customer else set(lines) & _sent_back(draft)
    for line in facts.order.lines:
        if line.line in back and line.availability == "unique":
            draft.free_item(line.sku)
    if by_customer and facts.customer_id:
        draft.mark(RETURNED, f"{facts.shop}/{facts.number}:{len(draft.adjustments)}")
    _answer_holds(draft)
    draft.next("reward", now)  # where nothing goes back, no outcome of a refund brings the order to rest
    if is_collected(draft.money):
        draft.next("collect", now)


def _sent_back(draft: OrderDraft) -> set[str]:
    """Lines in parcels that the carrier brought back: what was lost, or broke, is not there to be sold again."""
    returned = (one for one in draft.parcels.values() if one.tracking_status == TrackingState.RETURNED)
    return {line for parcel in returned for line in parcel.lines}


def _void_uncollected(draft: OrderDraft) -> None:
    """Cash on delivery that was never collected ends when no goods are left to collect it for."""
    gone = draft.gone
    nothing_left = all(gone[line.line] == line.quantity for line in draft.facts.order.lines)
    if is_collected(draft.money) and draft.money.state == PaymentState.PENDING and nothing_left:
        draft.move_payment(PaymentState.VOIDED, "nothing was collected, and nothing is left to collect for")


def _answer_holds(draft: OrderDraft) -> None:
    """A parcel that came back (RET-08) or was lost (RET-07) is settled once its goods are."""
    settled = {
        shipment.id
        for shipment in draft.shipments
        if all(draft.came_back(line) >= pieces.shipped for line, pieces in shipment.lines.items())
    }
    draft.lift(lambda hold: hold.answered_by(ACTION.name) and hold.shipment in settled, "its goods were settled")


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
    consumes=(ACTION.wakes,),
    leads_to=("settle", "reward", "collect"),
    asks=LETS_GO,
)
