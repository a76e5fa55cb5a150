"""Reward (ポイント付与): pending points become valid once the goods have left; then the order rests."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.states import LotState, OrderState
from pipelines.mails import customer_mail
from pipelines.profile import Shop
from pipelines.rules.periods import end_of, same_day_months_later
from pipelines.stage import Decision, Facts, Need, Stage
from pipelines.stages.cancelling import move_lot
from pipelines.stages.finishing import finish


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Activate the order's points when the profile says so (PTS-05, SPL-05), and finish what has nothing left to do."""
    decision = Decision(facts)
    if facts.state not in (OrderState.SHIPPED, OrderState.DELIVERED):
        return decision
    pending = [lot for lot in facts.lots if lot.state == LotState.PENDING]
    if pending and shop.points.activation_event == "delivered" and facts.state != OrderState.DELIVERED:
        return decision  # news of the delivery wakes this stage again
    # A supplier whose clock is ahead of ours must not keep points back.
    valid_from = min(_left_at(facts), now) + timedelta(days=shop.points.activation_delay_days)
    if pending and now < valid_from:
        decision.next("reward", valid_from)
        return decision
    if pending:
        _activate(decision, facts, shop, now)
    finish(decision, facts)
    return decision


def _activate(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    months = shop.points.expiry_months
    last_day = same_day_months_later(now.date(), months) if months else None  # PTS-11: through that whole day
    expires_at = end_of(last_day) if last_day else None
    amount = 0
    for lot in facts.lots:
        if lot.state == LotState.PENDING:
            move_lot(
                decision,
                facts,
                lot.id,
                lot.state,
                LotState.VALID,
                "activate",
                "pending",
                "valid",
                lot.remaining,
                0,
                expires_at,
            )
            amount += lot.remaining
    points = {
        "used": facts.breakdown.points_used,
        "earned": facts.breakdown.points_earned,
        "amount": amount,
        "balance": facts.balance + amount,
        "expires_on": last_day,
    }
    decision.mails.append(customer_mail("points_activated", facts, shop, now, points=points))


def _left_at(facts: Facts) -> datetime:
    return max((p.shipped_at for p in facts.parcels), default=facts.accepted_at)


STAGE = Stage("reward", decide, Need.PAYMENT | Need.LOTS | Need.PARCELS)
