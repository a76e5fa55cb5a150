"""Reprice (再計算): an operator applies the coupons of the remarks before the order's amount is fixed (CPN-03)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.states import OrderState
from pipelines.changes.money import authorize_key
from pipelines.changes.points import earn_anew
from pipelines.changes.requests import answer
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts, Need
from pipelines.engine.stage import Stage
from pipelines.errors import Problem
from pipelines.orders.mails import customer_mail, sums
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.repricing import problems, record, reprice
from pipelines.rules.order import Coupon
from pipelines.shops import Shop

REQUESTED = "order.apply_coupons"

#: The hold that is answered by applying the coupons, or by saying that there are none to apply.
_ANSWERED = "coupons_in_remarks"


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Apply what was asked, one request after the other."""
    answer(
        draft,
        now,
        lambda event: refusals(draft, shop, _asked(event)),
        lambda event: _apply(draft, shop, now, event, _asked(event)),
    )


def _asked(event: EventFacts) -> list[Coupon]:
    return [Coupon(one["code"], one["kind"], one["value"]) for one in event.body["coupons"]]


def refusals(draft: OrderDraft, shop: Shop, coupons: Sequence[Coupon]) -> list[Problem]:
    """Why the order cannot have ``coupons``, all it shall have, from now on; none if it can."""
    facts = draft.facts
    if draft.state != OrderState.ACCEPTED or not draft.held or authorize_key(facts) in draft.effects:
        says = f"the order is {draft.state} and {draft.condition}: coupons are applied while it is held and nothing was asked of a gateway"
        return [Problem("state", says)]
    return list(problems(facts.order, shop, facts.breakdown, coupons, facts.known))


def _apply(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, coupons: Sequence[Coupon]) -> None:
    facts = draft.facts
    after = reprice(facts.order, shop, facts.breakdown, coupons)
    change = record(
        shop,
        facts.breakdown,
        after,
        coupons,
        name=f"{event.source}:{event.event_id}",
        reason=str(event.body.get("reason") or ""),
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
        "payment": {"method": facts.method, "amount": after.grand_total, "pay_by": None},
    }


def _go_on(draft: OrderDraft, now: datetime) -> None:
    """The amount is fixed once nothing else keeps it open; what keeps the goods back alone does not."""
    draft.lift(lambda hold: hold["reason"] == _ANSWERED, "coupons applied")
    if not any(hold["blocks"] == "authorize" for hold in draft.holds):
        draft.next("authorize", now)


STAGE = Stage(
    "reprice",
    decide,
    Need.LOTS | Need.EVENTS | Need.EFFECTS | Need.REPRICING,
    consumes=(REQUESTED,),
    leads_to=("authorize", "reward"),
)
