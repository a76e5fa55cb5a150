"""What a cancel does to everything an order holds (CAN-04); used by every stage that may end an order."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from models.states import Condition, LotState, OrderState, PaymentState, ShipmentState
from pipelines.engine.stage import Decision, EffectIntent, Facts, UsedPoints
from pipelines.orders.mails import customer_mail
from pipelines.rules.dates.periods import end_of, exclusive
from pipelines.rules.lots import Clawback, GiveBack
from pipelines.rules.money.coupons import comes_back
from pipelines.shops import Shop
from pipelines.stages.refunding import outstanding, refund

#: Shipments that no supplier has been told of: they end with the order.
UNTOLD = (ShipmentState.PLANNED, ShipmentState.BACKORDERED)

#: Hold of a cancelled order of which nobody knows whether its card was authorized.
UNKNOWN: Final = {
    "reason": "payment_unknown",
    "says": "The order is cancelled, but the gateway did not say whether the card was authorized; void it there.",
    "blocks": "release",
}


def cancel_order(
    decision: Decision,
    facts: Facts,
    shop: Shop,
    now: datetime,
    *,
    reason: str,
    cause: str,
    says: str = "",
    mail: bool = True,
) -> None:
    """End the order: give back money, points, coupons and one-of-a-kind items, and tell the customer why.

    ``reason`` is a reason code of the ``order_cancelled`` mail (CAN-05). The stage must have been told payment,
    shipments, lots, effects and coupons.
    """
    decision.move_order(OrderState.CANCELLED, cause)
    _return_money(decision, facts, cause)
    _return_points(decision, facts, shop, now)
    if not any(pieces.shipped for shipment in facts.shipments for pieces in shipment.lines.values()):
        decision.returned_coupons = [(one.key, reason) for one in facts.coupons if comes_back(one, shop, reason)]
    for shipment in facts.shipments:
        if shipment.state in UNTOLD:
            decision.move_shipment(shipment, ShipmentState.CANCELLED, cause)
            decision.change(shipment).cancelled.update(
                {line: p.quantity - p.shipped for line, p in shipment.lines.items()}
            )
    decision.line_cancelled.update({line.line: line.quantity for line in facts.order.lines})
    decision.frees_items += [line.sku for line in facts.order.lines if line.availability == "unique"]
    if mail:
        decision.mails.append(customer_mail("order_cancelled", facts, shop, now, reason=reason, says=says))
    if not decision.hold:
        decision.settle(Condition.DONE, cause)


def _return_points(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    """Earned points are void, or taken back where they were valid already (PTS-13, PTS-14); used ones go back to
    their own lots (PTS-12)."""
    for lot in facts.lots:
        earned = lot.kind == "purchase" and lot.state not in (LotState.VOID, LotState.EXPIRED)
        if earned or lot.state == LotState.PENDING:
            decision.clawbacks.append(Clawback(f"order:{facts.id}:cancel:{lot.id}", lot.id, lot.amount))
    for used in facts.used_points:
        give_back(decision, shop, now, used, used.amount, f"order:{facts.id}:return")


def give_back(decision: Decision, shop: Shop, now: datetime, used: UsedPoints, points: int, source: str) -> None:
    """Used points go back to their own lot; of one that expired meanwhile as the profile says (PTS-12)."""
    again = shop.points.return_expired == "regrant"
    until = end_of(exclusive(now.date(), shop.points.regrant_days)) if again else None
    decision.lot_moves.append(GiveBack(source, used.lot, points, until))


def authorize_key(facts: Facts) -> str:
    """The one authorization of an order."""
    return f"{facts.shop}/{facts.number}:authorize"


def void_intent(facts: Facts) -> EffectIntent:
    """Release the authorization of an order of which nothing will be captured."""
    return EffectIntent("payment.void", f"{facts.shop}/{facts.number}:void", wakes="settle")


def _return_money(decision: Decision, facts: Facts, cause: str) -> None:
    money = facts.money
    state = decision.payment.state if decision.payment is not None and decision.payment.state else money.state
    in_flight = facts.effects.get(authorize_key(facts))
    if state == PaymentState.AUTHORIZED:
        decision.effects.append(void_intent(facts))
    elif outstanding(decision) > 0:
        if state in (PaymentState.PENDING, PaymentState.EXPIRED):  # a part of a transfer came in
            decision.move_payment(PaymentState.CAPTURED, cause)
        refund(decision, cause)
    elif state == PaymentState.NEEDS_REVIEW:
        decision.hold_for([UNKNOWN], cause)
    elif state == PaymentState.PENDING and (in_flight is None or in_flight.state == "declined"):
        decision.move_payment(PaymentState.VOIDED, cause)
