"""Return (返品・事故): goods that left and came back, or came to nothing; money, points and the coupon follow (A.12, CPN-04).

Whether the shop takes a return is decided before this: here an operator says what came of it. ``fault`` "customer" (the
default) voids the coupons and costs the return fee (TAX-05); "shop" (wrong, broken or lost on the way) does neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import PaymentState, TrackingState
from pipelines.engine.stage import Decision, EventFacts, Facts, Need, Stage
from pipelines.orders.actions.return_lines import ACTION, LinesReturned
from pipelines.orders.pieces import by_line
from pipelines.rules.money.adjustments import FAULT, RETURN, adjust
from pipelines.shops import Shop
from pipelines.stages.capturing import collect
from pipelines.stages.crediting import credit
from pipelines.stages.requests import answer

#: Holds that end when everything of their shipment was taken back: refused or unclaimed (RET-08), lost (RET-07).
_ANSWERED = frozenset({"returned_undelivered", "transit_accident"})
_NEVER_ARRIVED = (TrackingState.RETURNED, TrackingState.LOST)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Take back what was asked, one request after the other."""

    def take_back(decision: Decision, event: EventFacts, asked: LinesReturned) -> None:
        _take_back(decision, facts, shop, now, event, asked)

    return answer(ACTION, facts, shop, now, STAGE.name, take_back)


def _take_back(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, event: EventFacts, asked: LinesReturned
) -> None:
    lines = by_line(asked.lines)
    by_customer = asked.fault == "customer"
    if not all(parcel.tracking_status in _NEVER_ARRIVED for parcel in facts.parcels):
        collect(decision)
    fee = shop.returns.customer_fee if by_customer else 0
    kind = RETURN if by_customer else FAULT
    change = adjust(facts.breakdown, facts.adjustments, kind, lines.items(), return_fee=fee)
    key = f"{event.source}:{event.event_id}"
    credit(decision, facts, shop, now, key=key, reason=asked.reason, change=change)
    _void_uncollected(decision)
    if by_customer:
        decision.frees_items += [
            one.sku for one in facts.order.lines if one.line in lines and one.availability == "unique"
        ]
        if facts.customer_id:
            decision.marks.append(("customer_returns", f"{facts.shop}/{facts.number}:{len(decision.changes)}"))
    _answer_holds(decision, facts, lines)
    decision.next("reward", now)  # where nothing goes back, no outcome of a refund brings the order to rest


def _void_uncollected(decision: Decision) -> None:
    """Cash on delivery that was never collected ends when no goods are left to collect it for."""
    money = decision.facts.money
    if money.method != "cod" or money.state != PaymentState.PENDING or decision.payment is not None:
        return
    gone = decision.gone
    if all(gone[line.line] == line.quantity for line in decision.facts.order.lines):
        decision.move_payment(PaymentState.VOIDED, "nothing was collected, and nothing is left to collect for")


def _answer_holds(decision: Decision, facts: Facts, lines: Mapping[str, int]) -> None:
    """A parcel that came back or was lost is settled once its goods are."""
    settled = {
        shipment.id
        for shipment in facts.shipments
        if all(facts.came_back(line) + lines.get(line, 0) >= pieces.shipped for line, pieces in shipment.lines.items())
    }
    decision.lift_holds(lambda h: h["reason"] in _ANSWERED and h.get("shipment") in settled, "its goods were settled")


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
    (ACTION.wakes,),
)
