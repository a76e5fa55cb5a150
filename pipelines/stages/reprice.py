"""Reprice (再計算): an operator applies the coupons of the remarks before the order's amount is fixed (CPN-03).

A card that was authorized before anybody saw them keeps its authorization: less is captured.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.states import Condition, OrderState, PaymentState
from pipelines.engine.stage import Decision, EventFacts, Facts, Need, Stage
from pipelines.errors import Problem
from pipelines.orders.mails import customer_mail, sums
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.repricing import problems, record, reprice
from pipelines.rules.order import Coupon
from pipelines.shops import Shop
from pipelines.stages.cancelling import authorize_key
from pipelines.stages.earning import earn_anew
from pipelines.stages.requests import answer

REQUESTED = "order.apply_coupons"

#: The hold that is answered by applying the coupons, or by saying that there are none to apply.
_ANSWERED = "coupons_in_remarks"


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Apply what was asked, one request after the other."""

    def apply(decision: Decision, event: EventFacts) -> None:
        _apply(decision, facts, shop, now, event, _asked(event))

    return answer(facts, STAGE.name, now, lambda event: refusals(facts, shop, _asked(event)), apply)


def _asked(event: EventFacts) -> list[Coupon]:
    return [Coupon(one["code"], one["kind"], one["value"]) for one in event.body["coupons"]]


def refusals(facts: Facts, shop: Shop, coupons: Sequence[Coupon]) -> list[Problem]:
    """Why the order cannot have ``coupons``, all it shall have, from now on; none if it can.

    The stage was told payment, effects, adjustments and what pricing goes by.
    """
    if facts.condition != Condition.HELD or not (_is_open(facts) or _may_take_less(facts)):
        says = f"the order is {facts.state} and {facts.condition}: coupons are applied while it is held and nothing was asked of a gateway, or less can be captured"
        return [Problem("state", says)]
    found = list(problems(facts.order, shop, facts.breakdown, coupons, facts.known))
    if not found and facts.state == OrderState.AUTHORIZED:
        due, authorized = reprice(facts.order, shop, facts.breakdown, coupons).grand_total, facts.money.authorized
        if due > authorized and facts.money.state == PaymentState.AUTHORIZED:
            found.append(Problem("coupons", f"Leaves {due:,} yen to pay, more than the {authorized:,} authorized."))
    return found


def _is_open(facts: Facts) -> bool:
    """Nobody was asked for the order's amount yet."""
    return facts.state == OrderState.ACCEPTED and authorize_key(facts) not in facts.effects


def _may_take_less(facts: Facts) -> bool:
    """The money waits for the goods: it is authorized and nothing of it was captured, or it is collected afterwards."""
    money = facts.money
    is_later = money.state == PaymentState.PENDING and authorize_key(facts) not in facts.effects
    waits = (money.state == PaymentState.AUTHORIZED or is_later) and not money.captured
    return facts.state == OrderState.AUTHORIZED and waits and not facts.adjustments


def _apply(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, event: EventFacts, coupons: Sequence[Coupon]
) -> None:
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
    decision.repricing = change
    decision.returned_coupons += [(key, "repriced") for key in change.dropped]
    if facts.customer_id:
        earn_anew(decision, facts, shop, now, after)
    about, changed = f"repriced:{facts.known.times + 1}", _changed(facts, shop, after)
    decision.mails.append(
        customer_mail("order_accepted", facts, shop, now, about=about, shipments=[], repriced=True, **changed)
    )
    _go_on(decision, facts, now)


def _changed(facts: Facts, shop: Shop, after: Breakdown) -> dict[str, Any]:
    """What the mail says of money and points; the order's own facts are those it had until now."""
    return {
        "totals": sums(after.totals_json(), shop),
        "points": {"used": after.points_used, "earned": after.points_earned},
        "payment": {"method": facts.method, "amount": after.grand_total, "pay_by": None},
    }


def _go_on(decision: Decision, facts: Facts, now: datetime) -> None:
    """The amount is fixed once nothing else keeps it open; what keeps the goods back alone does not."""
    decision.lift_holds(lambda hold: hold["reason"] == _ANSWERED, "coupons applied")
    left = facts.hold if decision.hold is None else decision.hold
    if facts.state == OrderState.ACCEPTED and not any(hold["blocks"] == "authorize" for hold in left):
        decision.next("authorize", now)


STAGE = Stage(
    "reprice",
    decide,
    Need.PAYMENT | Need.LOTS | Need.PURSE | Need.EVENTS | Need.EFFECTS | Need.ADJUSTMENTS | Need.REPRICING,
    (REQUESTED,),
)
