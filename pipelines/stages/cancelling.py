"""What a cancel does to everything an order holds (CAN-04); used by every stage that may end an order."""

from __future__ import annotations

from datetime import datetime

from models.states import Condition, LotState, OrderState, PaymentState, ShipmentState
from pipelines.mails import customer_mail
from pipelines.profile import Shop
from pipelines.stage import Decision, EffectIntent, Facts, LotMove, Move

#: Shipments that no supplier has been told of: they end with the order.
UNTOLD = (ShipmentState.PLANNED, ShipmentState.BACKORDERED)


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
    """End the order: give back money, points and one-of-a-kind items, and tell the customer why.

    ``reason`` is a reason code of the ``order_cancelled`` mail (CAN-05). The stage must have been told payment,
    shipments, lots and effects.
    """
    decision.move_order(OrderState.CANCELLED, cause)
    _return_money(decision, facts, cause)
    for lot in facts.lots:
        if lot.state == LotState.PENDING:
            move_lot(
                decision,
                facts,
                lot.id,
                lot.state,
                LotState.VOID,
                "void",
                "pending",
                "void",
                lot.remaining,
                -lot.remaining,
            )
    for used in facts.used_points:
        expired = used.lot_state == LotState.EXPIRED or (used.expires_at is not None and used.expires_at <= now)
        if not expired and used.lot_state in (
            LotState.USED,
            LotState.VALID,
        ):  # an expired lot's points are lost (PTS-12)
            move_lot(
                decision,
                facts,
                used.lot,
                used.lot_state,
                LotState.VALID,
                "return",
                "used",
                "valid",
                used.amount,
                used.amount,
            )
    for shipment in facts.shipments:
        if shipment.state in UNTOLD:
            decision.move_shipment(shipment, ShipmentState.CANCELLED, cause)
            decision.change(shipment).cancelled.update({line: p.open for line, p in shipment.lines.items()})
    decision.line_cancelled.update({line.line: line.quantity for line in facts.order.lines})
    decision.frees_unique_items = True
    if mail:
        decision.mails.append(customer_mail("order_cancelled", facts, shop, now, reason=reason, says=says))
    if not decision.hold:
        decision.settle(Condition.DONE, cause)


def _return_money(decision: Decision, facts: Facts, cause: str) -> None:
    money = facts.money
    state = decision.payment.state if decision.payment is not None and decision.payment.state else money.state
    in_flight = facts.effects.get(f"{facts.shop}/{facts.number}:authorize")
    due = money.captured - money.refunded
    if state == PaymentState.AUTHORIZED:
        decision.effects.append(EffectIntent("payment.void", f"{facts.shop}/{facts.number}:void", wakes="settle"))
    elif due > 0 and money.reference:
        key = f"{facts.shop}/{facts.number}:refund"
        decision.effects.append(EffectIntent("payment.refund", key, wakes="settle", payload={"amount": due}))
    elif due > 0:
        if state in (PaymentState.PENDING, PaymentState.EXPIRED):  # a part of a transfer came in
            decision.move_payment(PaymentState.CAPTURED, cause)
        says = f"Give {due} yen back to the customer: no gateway can."
        decision.hold_for([{"reason": "refund_due", "says": says, "blocks": "release"}], cause)
    elif state == PaymentState.PENDING and (in_flight is None or in_flight.state == "declined"):
        decision.move_payment(PaymentState.VOIDED, cause)


def move_lot(
    decision: Decision,
    facts: Facts,
    lot: int,
    old: str,
    new: LotState,
    kind: str,
    debit: str,
    credit: str,
    amount: int,
    change: int,
    expires_at: datetime | None = None,
) -> None:
    """Transfer points of a lot between accounts and record the lot's move."""
    if amount <= 0:
        return
    decision.lot_moves.append(
        LotMove(lot, old, new, kind, f"order:{facts.id}:{kind}", debit, credit, amount, change, expires_at)
    )
    if new != old:
        decision.moves.append(Move("lot", str(lot), old, new, kind))
