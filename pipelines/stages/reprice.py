"""Reprice (再計算): an operator applies the coupons of the remarks before the order's amount is fixed (CPN-03).

A card that was authorized before anybody saw them keeps its authorization: less is captured.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.states import OrderState
from pipelines.changes.points import earn_anew
from pipelines.changes.requests import answer
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts, Need
from pipelines.engine.stage import Stage
from pipelines.methods import agreed
from pipelines.orders.actions.coupons import ACTION, CouponsApplied, coupons_of
from pipelines.orders.mails import cash, customer_mail, sums
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.repricing import record, reprice
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Apply what was asked, one request after the other."""
    answer(ACTION, draft, shop, now, lambda event, asked: _apply(draft, shop, now, event, asked))


def _apply(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: CouponsApplied) -> None:
    facts, coupons = draft.facts, coupons_of(asked)
    after = reprice(facts.order, shop, facts.breakdown, coupons)
    change = record(
        shop,
        facts.breakdown,
        after,
        coupons,
        name=f"{event.source}:{event.event_id}",
        reason=asked.reason,
        by=str(event.body.get("by") or ""),
    )
    draft.reprice(change)
    if facts.customer_id:
        earn_anew(draft, shop, now, after)
    about, changed = f"repriced:{facts.known.times + 1}", _changed(facts, shop, after)
    draft.tell(customer_mail("order_accepted", facts, shop, now, about=about, shipments=[], repriced=True, **changed))
    _go_on(draft, now)


def _changed(facts: Facts, shop: Shop, after: Breakdown) -> dict[str, Any]:
    """What the mail says of money and points; the order's own facts are those it had until now."""
    return {
        "totals": sums(after.totals_json(), shop),
        "points": {"used": after.points_used, "earned": after.points_earned},
        "payment": {
            "method": agreed(facts.method, after.grand_total).name,
            "amount": after.grand_total,
            "pay_by": None,
        },
        "collect": cash(facts.method, after.grand_total, shop),
    }


def _go_on(draft: OrderDraft, now: datetime) -> None:
    """The amount is fixed once nothing else keeps it open; what keeps the goods back alone does not."""
    draft.lift(lambda hold: hold.answered_by(ACTION.name), "coupons applied")
    if draft.state == OrderState.ACCEPTED and not any(hold.blocks == "authorize" for hold in draft.holds):
        draft.next("authorize", now)


STAGE = Stage(
    "reprice",
    decide,
    Need.PAYMENT | Need.LOTS | Need.EVENTS | Need.EFFECTS | Need.ADJUSTMENTS | Need.REPRICING,
    consumes=(ACTION.wakes,),
    leads_to=("authorize", "reward"),
)
