"""Goods that left and came back, or came to nothing (返品・事故): money, points, the coupon, the item and people follow (A.12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import PaymentState, TrackingState
from pipelines.changes.arrival import follow_parcels, tell_first_of
from pipelines.changes.collection import collect_from_customer
from pipelines.changes.credit import credit
from pipelines.changes.money import HAS_MONEY, is_collected
from pipelines.changes.undelivered import REFUSED, count_undelivered, is_settled, unsettled
from pipelines.engine.decision import REPLACEMENT_UNDELIVERED
from pipelines.engine.draft import OrderDraft
from pipelines.orders.actions.return_lines import ACTION
from pipelines.rules.marks import RETURNED
from pipelines.rules.money.adjustments import RETURN, Adjustment, adjust
from pipelines.rules.returns.case import CostOn
from pipelines.rules.returns.settlement import KIND, return_fee
from pipelines.shops import Shop


def settle_pieces(
    draft: OrderDraft, shop: Shop, now: datetime, lines: Mapping[str, int], *, key: str, reason: str, cost_on: CostOn
) -> None:
    """Settle pieces by line of which somebody says whose doing it was; ``key`` names what asked for it, once.

    What no customer received is no return of theirs, whatever is said of it: it is settled first, at the shop's cost, and counted as
    undelivered where it is. Any other at the customer's wish costs the return fee (TAX-05) and is counted as a return (INT-14).
    """
    lost = _not_received(draft, lines)
    failed = lost if cost_on == "customer" else {}
    rest = {line: left for line, pieces in lines.items() if (left := pieces - failed.get(line, 0))}
    if failed:
        fee, first = _count_undelivered(draft, shop, failed), f"{key}:not received" if rest else key
        take_back(draft, shop, now, failed, key=first, reason=reason, cost_on="shop", fee=fee)
    if rest:
        fee = return_fee(shop, KIND[cost_on])
        take_back(draft, shop, now, rest, key=key, reason=reason, cost_on=cost_on, fee=fee)
        if cost_on == "customer":
            draft.mark(RETURNED, f"{draft.facts.shop}/{draft.facts.number}:{len(draft.adjustments)}")
    tell_first_of(draft, REPLACEMENT_UNDELIVERED, lost)


def _count_undelivered(draft: OrderDraft, shop: Shop, failed: Mapping[str, int]) -> int:
    """Count what comes back undelivered of these pieces (INT-14); yen ex tax that the shop keeps back for it, of money that it has."""
    undelivered = [
        parcel
        for parcel in draft.parcels.values()
        if parcel.tracking_status in REFUSED and parcel.lines.keys() & failed.keys()
    ]
    for id_ in sorted({parcel.shipment for parcel in undelivered}):
        count_undelivered(draft, id_)
    return shop.returns.undelivered_fee if undelivered and draft.money.state in HAS_MONEY else 0


def _not_received(draft: OrderDraft, lines: Mapping[str, int]) -> dict[str, int]:
    """Of these pieces by line, those that no customer received and that nobody settled yet."""
    return {line: part for line, pieces in lines.items() if (part := min(pieces, max(0, unsettled(draft, line))))}


def take_back(
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    lines: Mapping[str, int],
    *,
    key: str,
    reason: str,
    cost_on: CostOn,
    fee: int,
    are_back: bool = False,
) -> Adjustment:
    """Settle pieces by line; ``key`` names what asked for it, once. The change as it was kept.

    ``cost_on`` the customer: at his wish, which voids the coupons (CPN-04); on the shop: wrong, broken, or never received.
    ``fee``: yen ex tax that it costs the customer all the same (TAX-05, RET-08). ``are_back``: the goods are at the shop, whoever
    sent them.
    """
    facts, kind = draft.facts, KIND[cost_on]
    by_customer = kind == RETURN
    collect_from_customer(draft, shop)
    scope = shop.points.rounding_scope
    change = adjust(facts.breakdown, draft.adjustments, kind, lines.items(), return_fee=fee, earn_scope=scope)
    change = credit(draft, shop, now, key=key, reason=reason, change=change)
    _void_uncollected(draft)
    follow_parcels(draft, shop, now)
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
    settled = {shipment.id for shipment in draft.shipments if is_settled(draft, shipment)}
    draft.lift(lambda hold: hold.answered_by(ACTION.name) and hold.shipment in settled, "its goods were settled")
