"""Reprice (再計算): an operator applies the coupons of the remarks (CPN-03), or adds the fee that was agreed with an individual
(INT-04), before the order's amount is fixed.

A card that was authorized before anybody saw the coupons keeps its authorization: less is captured.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from models.states import OrderState
from pipelines.changes.payment_terms import count_from_answer
from pipelines.changes.points import earn_anew
from pipelines.changes.requests import answer_each, asker
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts, Need
from pipelines.engine.stage import Stage
from pipelines.methods import agreed
from pipelines.orders.actions.agree_fee import ACTION as FEE
from pipelines.orders.actions.agree_fee import FeeAgreed
from pipelines.orders.actions.coupons import ACTION as COUPONS
from pipelines.orders.actions.coupons import CouponsApplied, coupons_of
from pipelines.orders.mails import cash, customer_mail, points_of, sums
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.repricing import Repricing, record, reprice, with_fee
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Grant what was asked, one request after the other."""
    facts = draft.facts

    def apply(event: EventFacts, asked: CouponsApplied) -> None:
        coupons = coupons_of(asked)
        after = reprice(facts.order, shop, facts.breakdown, coupons)
        change = record(
            shop,
            facts.breakdown,
            after,
            coupons,
            name=_name(event),
            reason=asked.reason,
            by=str(event.body.get("by") or ""),
        )
        _change(draft, shop, now, change, because="coupons")
        _go_on(draft, now, COUPONS.name, "coupons applied")

    def add_fee(event: EventFacts, asked: FeeAgreed) -> None:
        after = with_fee(facts.order, shop, facts.breakdown, asked.fee)
        change = Repricing(_name(event), asked.reason, str(event.body.get("by") or ""), after)
        _change(draft, shop, now, change, because="fee")
        _go_on(draft, now, FEE.name, f"a fee of {asked.fee} yen added by {asker(event)}")

    answer_each({COUPONS.wakes: (COUPONS, apply), FEE.wakes: (FEE, add_fee)}, draft, shop, now)


def _name(event: EventFacts) -> str:
    return f"{event.source}:{event.event_id}"


def _change(draft: OrderDraft, shop: Shop, now: datetime, change: Repricing, *, because: str) -> None:
    """The order costs from now on what ``change`` says; the customer reads why, and the new sums."""
    facts, after = draft.facts, change.after
    draft.reprice(change)
    if facts.customer_id:
        earn_anew(draft, shop, now, after)
    about, changed = f"repriced:{facts.known.times + 1}", _changed(facts, shop, after)
    draft.tell(
        customer_mail("order_accepted", facts, shop, now, about=about, shipments=[], repriced=because, **changed)
    )


def _changed(facts: Facts, shop: Shop, after: Breakdown) -> dict[str, Any]:
    """What the mail says of money and points; the order's own facts are those it had until now."""
    return {
        "totals": sums(after.totals_json(), facts, shop),
        "points": points_of(facts, after.points_used, after.points_earned),
        "payment": {
            "method": agreed(facts.method, after.grand_total).name,
            "amount": after.grand_total,
            "pay_by": None,
        },
        "collect": cash(facts.method, after.grand_total, shop),
    }


def _go_on(draft: OrderDraft, now: datetime, action: str, cause: str) -> None:
    """The amount is fixed once nothing else keeps it open; what keeps the goods back alone does not."""
    draft.lift(lambda hold: hold.answered_by(action), cause)
    count_from_answer(draft, now)
    if draft.state == OrderState.ACCEPTED and not any(hold.blocks == "authorize" for hold in draft.holds):
        draft.next("authorize", now)


STAGE = Stage(
    "reprice",
    decide,
    Need.PAYMENT | Need.LOTS | Need.EVENTS | Need.EFFECTS | Need.ADJUSTMENTS | Need.REPRICING,
    consumes=(COUPONS.wakes, FEE.wakes),
    leads_to=("authorize", "reward"),
)
