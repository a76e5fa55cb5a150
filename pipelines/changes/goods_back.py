"""Goods that left and came back, or came to nothing (返品・事故): money, points, the coupon, the item and people follow (A.12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import PaymentState, TrackingState
from pipelines.changes.arrival import follow_parcels
from pipelines.changes.collection import collect_from_customer
from pipelines.changes.credit import credit
from pipelines.changes.money import is_collected
from pipelines.engine.draft import OrderDraft
from pipelines.orders.actions.return_lines import ACTION
from pipelines.rules.money.adjustments import RETURN, Adjustment, adjust
from pipelines.rules.returns.case import CostOn
from pipelines.rules.returns.settlement import KIND, return_fee
from pipelines.shops import Shop


def take_back(
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    lines: Mapping[str, int],
    *,
    key: str,
    reason: str,
    cost_on: CostOn,
    are_back: bool = False,
) -> Adjustment:
    """Settle pieces by line; ``key`` names what asked for it, once. The change as it was kept.

    ``cost_on`` the customer: at his wish, which voids the coupons (CPN-04) and costs the return fee (TAX-05); on the shop:
    wrong, broken or lost on the way. ``are_back``: the goods are at the shop, whoever sent them.
    """
    facts, kind = draft.facts, KIND[cost_on]
    by_customer = kind == RETURN
    collect_from_customer(draft, shop)
    change = adjust(facts.breakdown, draft.adjustments, kind, lines.items(), return_fee=return_fee(shop, kind))
    change = credit(draft, shop, now, key=key, reason=reason, change=change)
    _void_uncollected(draft)
    follow_parcels(draft, shop)
    back = set(lines) if by_customer or are_back else set(lines) & _sent_back(draft)
    for line in facts.order.lines:
        if line.line in back and line.availability == "unique":
            draft.free_item(line.sku)
    _answer_holds(draft)
    draft.next("reward", now)  # where nothing goes back, no outcome of a refund brings the order to rest
    if is_collected(draft.money):
        draft.next("collect", now)
    return change


def _sent_back(draft: OrderDraft) -> set[str]:
    """Lines in parcels that the carrier brought back: what was lost, or broke, is not there to be sold again."""
    returned = (one for one in draft.parcels.values() if one.tracking_status == TrackingState.RETURNED)
    return {line for parcel in returned for line in parcel.lines}


def _void_uncollected(draft: OrderDraft) -> None:
    """Cash on delivery that was never collected ends when no goods are left to collect it for."""
    if is_collected(draft.money) and draft.money.state == PaymentState.PENDING and draft.is_all_gone:
        draft.move_payment(PaymentState.VOIDED, "nothing was collected, and nothing is left to collect for")


def _answer_holds(draft: OrderDraft) -> None:
    """A parcel that came back (RET-08) or was lost (RET-07) is settled once its goods are."""
    settled = {
        shipment.id
        for shipment in draft.shipments
        if all(draft.came_back(line) >= pieces.shipped for line, pieces in shipment.lines.items())
    }
    draft.lift(lambda hold: hold.answered_by(ACTION.name) and hold.shipment in settled, "its goods were settled")
