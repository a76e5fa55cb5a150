"""How an order ends: cancelled with everything it holds (CAN-04), or at rest once nothing is left to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from models.states import ALL_LEFT, Condition, HoldReason, OrderState, ShipmentState
from pipelines.changes.authorizations import never_dispatch
from pipelines.changes.money import is_money_out, let_go
from pipelines.changes.payment_books import listen
from pipelines.changes.points import coming_back, return_points
from pipelines.changes.suppliers import WAITS_AT, call_off, may_be_told, report_of
from pipelines.engine.decision import REPLACEMENT_CANCELLED
from pipelines.engine.draft import OrderDraft
from pipelines.orders.mails import bill_of, customer_mail
from pipelines.rules.marks import CANCELLED
from pipelines.rules.money.coupons import comes_back
from pipelines.shops import Shop

#: How the cause begins of the cancel of an order whose money did not come.
UNPAID: Final = "not paid in time"
#: The reason code of a cancel at the customer's wish, whoever asked for it: it is counted (INT-15).
AT_WISH: Final = "customer_request"
#: What a human has to give back, whatever becomes of the order: the books of it do not know that money.
_OUTLIVES: Final = frozenset({HoldReason.UNEXPECTED_DEPOSIT})


def cancel_order(
    draft: OrderDraft, shop: Shop, now: datetime, *, reason: str, cause: str, says: str = "", mail: bool = True
) -> None:
    """End the order: give back money, points, coupons and one-of-a-kind items, tell the customer why, and suppliers that
    were told to ship that they are not to.

    ``reason`` is a reason code of the ``order_cancelled`` mail (CAN-05). What held the order is over, but for money that is in
    none of its numbers; what is found now and only a human can give back holds it.
    """
    facts = draft.facts
    draft.drop_holds(cause, keep=_OUTLIVES)
    listen(draft)  # what a gateway has answered and no stage has heard yet is let go too
    draft.move_order(OrderState.CANCELLED, cause)
    let_go(draft, shop, now, cause)
    points_back = coming_back(draft, shop, now)
    return_points(draft, shop, now)
    if not any(draft.shipped.values()):
        for one in facts.coupons:
            if comes_back(one, shop, reason):
                draft.return_coupon(one.key, reason)
    left = draft.shipped
    _stop_shipments(draft, shop, now, cause)
    for line in facts.order.lines:
        if line.availability == "unique" and not left.get(
            line.line
        ):  # what left is free again once it is back (PAY-09)
            draft.free_item(line.sku)
    never_dispatch(draft)
    if reason == AT_WISH:
        draft.mark(CANCELLED, f"{facts.shop}/{facts.number}:cancelled")
    if mail:
        told: dict[str, Any] = {"reason": reason, "says": says, "points_back": points_back, "bill": bill_of(facts, now)}
        # An order that stood again may end again, and each end is told.
        draft.tell(customer_mail("order_cancelled", facts, shop, now, about=str(facts.sequence), **told))
    if facts.order.replaces is not None:
        draft.tell_order(facts.order.replaces, REPLACEMENT_CANCELLED)
    if not draft.holds:
        draft.settle(Condition.DONE, cause)


def _stop_shipments(draft: OrderDraft, shop: Shop, now: datetime, cause: str) -> None:
    """Nothing of the order is to leave any more."""
    for shipment in draft.shipments:
        if not shipment.left:
            continue
        if may_be_told(draft, shipment):
            pieces = {line: counted.open for line, counted in shipment.lines.items() if counted.open}
            call_off(draft, shop, now, shipment, pieces, about=f"{shipment.id}:cancelled", reason="")
            shipment.ask_not_to_ship()
        draft.end_wait(WAITS_AT, report_of(shipment))
        shipment.cancel_rest()
        shipment.move(ShipmentState.CANCELLED, cause)


def finish(draft: OrderDraft) -> None:
    """Settle an order as done that nothing holds: one that was cancelled, or one that has shipped once its money is taken,
    or collected by the carrier (PAY-09), and no points wait."""
    if draft.condition == Condition.RUNNING and _is_over(draft):
        draft.settle(Condition.DONE, "nothing left to do")


def _is_over(draft: OrderDraft) -> bool:
    if draft.state not in ALL_LEFT:
        return draft.state == OrderState.CANCELLED
    return not is_money_out(draft) and not draft.has_pending_points
