"""Accept (受注): the order is durable and priced; hold what a human must see, grant pending points, confirm by mail."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from models.states import LotState
from pipelines.mails import customer_mail
from pipelines.profile import Shop
from pipelines.rules.holds import holds
from pipelines.stage import Decision, Facts, Need, NewLot, Stage
from pipelines.stages.reward import earn_source


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Confirm the order (CON-01) and let it go on, unless a hold keeps the amount from being fixed (CPN-03, INT-04)."""
    decision = Decision(facts)
    since = now - timedelta(days=shop.intake.marks_window_days)
    found = holds(facts.order, shop, marks=Counter(kind for kind, at in facts.marks if at >= since))
    if facts.customer_id:
        _earn(decision, facts, shop)
    decision.mails.append(customer_mail("order_accepted", facts, shop, now, shipments=[]))
    if found:
        reasons = [{"reason": h.reason, "says": h.says, "blocks": h.blocks} for h in found]
        decision.hold_for(reasons, "accept: " + ", ".join(h.reason for h in found))
        decision.mails.append(customer_mail("order_held", facts, shop, now, reasons=[h.says for h in found]))
    if not any(h.blocks == "authorize" for h in found):
        decision.next("authorize", now)
    if decision.new_lots and shop.points.activation_event == "ordered":
        decision.next("reward", now)
    return decision


def _earn(decision: Decision, facts: Facts, shop: Shop) -> None:
    """Pending points: a lot an order, or one a line where each parcel activates its own (SPL-05)."""
    shares: list[tuple[str | None, int]] = [(None, facts.breakdown.points_earned)]
    if shop.points.activate_on == "each_shipment":
        shares = [(line.line, line.points) for line in facts.breakdown.lines]
    for line, points in shares:
        if points > 0:
            decision.new_lots.append(NewLot(earn_source(facts, line), "purchase", points, LotState.PENDING))


STAGE = Stage("accept", decide, Need.MARKS)
