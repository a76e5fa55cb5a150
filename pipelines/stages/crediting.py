"""What a change of lines gives back (値引・返品): points and money, booked by the stored spread (PTS-12 to PTS-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from models.states import PaymentState
from pipelines.engine.stage import Decision, Facts, NewAdjustment
from pipelines.rules.money.adjustments import Adjustment, deduct, points_unearned
from pipelines.shops import Shop
from pipelines.stages.cancelling import give_back
from pipelines.stages.earning import Unearned, take_back, unearned
from pipelines.stages.refunding import refund


def credit(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, *, key: str, reason: str, change: Adjustment
) -> Adjustment:
    """Keep ``change`` with the order and give back its points and money; the change as it was kept.

    Points that were earned and spent lessen the money where the profile says so, and are owed otherwise (PTS-13). The
    stage was told payment, effects, lots, purse and adjustments.
    """
    source = f"order:{facts.id}:adjust:{len(decision.changes) + 1}"
    taken = list(unearned(facts, points_unearned(facts.breakdown, decision.changes, change)))
    if shop.points.clawback == "deduct_from_refund":
        missing = facts.purse.out_of_reach([(one.lot.id, one.points) for one in taken], now)
        change = deduct(change, sum(missing))
        taken = _less(taken, missing, change.points_deducted)
    decision.adjustments.append(NewAdjustment(key, reason, change))
    for one in taken:
        take_back(decision, source, one)
    _return_used(decision, facts, shop, now, change.points_returned, source)
    if facts.money.state in (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED) or decision.payment is not None:
        refund(decision, change.kind)
    return change


def _less(taken: Sequence[Unearned], missing: Sequence[int], deducted: int) -> list[Unearned]:
    """What is left to take back in points when ``deducted`` of the ``missing`` ones were kept back in yen."""
    left = []
    for one, short in zip(taken, missing, strict=True):
        part = min(short, deducted)
        deducted -= part
        left.append(replace(one, points=one.points - part))
    return left


def _return_used(decision: Decision, facts: Facts, shop: Shop, now: datetime, points: int, source: str) -> None:
    """Used points return to their lots (PTS-12): those that would last longest were spent last, so they get theirs
    back first."""
    for used in sorted(
        facts.used_points, key=lambda u: (u.expires_at is None, u.expires_at or now, u.lot), reverse=True
    ):
        part = min(points, used.amount)
        points -= part
        if part:
            give_back(decision, shop, now, used, part, source)
