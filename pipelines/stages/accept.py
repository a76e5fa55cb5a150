"""Accept (受注): the order is durable and priced; hold what a human must see, grant pending points, confirm by mail."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from pipelines.engine.stage import Decision, Facts, Need, Stage
from pipelines.orders.instructions import not_offered
from pipelines.orders.mails import customer_mail
from pipelines.rules.holds import holds
from pipelines.shops import Shop
from pipelines.stages.earning import earn


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Confirm the order (CON-01) and let it go on, unless a hold keeps the amount from being fixed (CPN-03, INT-04)."""
    decision = Decision(facts)
    since = now - timedelta(days=shop.intake.marks_window_days)
    found = holds(facts.order, shop, marks=Counter(kind for kind, at in facts.marks if at >= since))
    if facts.customer_id:
        earn(decision, facts, shop)
    decision.mails.append(customer_mail("order_accepted", facts, shop, now, shipments=[], repriced=False))
    if found:
        reasons = [{"reason": h.reason, "says": h.says, "blocks": h.blocks} for h in found]
        decision.hold_for(reasons, "accept: " + ", ".join(h.reason for h in found))
        decision.mails.append(customer_mail("order_held", facts, shop, now, reasons=[h.says for h in found]))
    if wishes := not_offered(facts.order, shop):
        days = shop.support_reply_business_days
        decision.mails.append(customer_mail("not_offered", facts, shop, now, wishes=wishes, reply_days=days))
    if not any(h.blocks == "authorize" for h in found):
        decision.next("authorize", now)
    if decision.new_lots and shop.points.activation_event == "ordered":
        decision.next("reward", now)
    return decision


STAGE = Stage("accept", decide, Need.MARKS)
