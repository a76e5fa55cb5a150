"""Collect (代金の回収): money that goes with the goods. What was held is captured parcel by parcel where the profile says so (SPL-04);
a provider is told what it pays for (B.6.9); what the carrier collects is waited for, and a parcel that nobody receives ends its order (PAY-09)."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState, PaymentState
from pipelines.changes.cod import watch_goods, watch_money
from pipelines.changes.money import LETS_GO, TAKES, ask_for_refund, capture_part, is_collected, is_money_out
from pipelines.changes.reporting import REPORT, report
from pipelines.changes.requests import heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.inquiries.inquiry import ANSWERED
from pipelines.orders.actions.collected import ACTION
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Record money that came in another way, then wait for what is still out: the money, or after a cancel the goods."""
    answers = {(one.shipment, one.body["parcel"]): one for one in draft.waiting if one.type == ANSWERED}
    for event in draft.waiting:
        if event.type == ANSWERED:
            draft.applied(event)
        elif (asked := heard(ACTION, draft, shop, now, event)) is not None:
            draft.move_payment(
                PaymentState.CAPTURED,
                "recorded by an operator",
                authorized=asked.amount,
                captured=asked.amount,
                reference=asked.reference,
            )
            draft.applied(event)
            draft.next("reward", now)
            if asked.amount > draft.due:
                ask_for_refund(
                    draft, shop, now, asked.amount - draft.due, "collected for lines that were taken out since"
                )
    if not is_collected(draft.money):
        capture_part(draft, shop)
        report(draft)
        return
    if draft.state == OrderState.CANCELLED:
        watch_goods(draft, shop, now)
    elif is_money_out(draft) and draft.due <= 0:
        draft.move_payment(PaymentState.VOIDED, "nothing is left to collect")
        draft.next("reward", now)
    else:
        watch_money(draft, shop, now, answers)


STAGE = Stage(
    "collect",
    decide,
    Need.PAYMENT
    | Need.SHIPMENTS
    | Need.PARCELS
    | Need.LOTS
    | Need.COUPONS
    | Need.EVENTS
    | Need.EFFECTS
    | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes, ANSWERED),
    leads_to=("settle", "reward"),
    asks=(*dict.fromkeys((*LETS_GO, *TAKES)), REPORT),
)
