"""Accept (受注): the order is durable and priced; hold what a human must see, grant pending points, confirm by mail."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from models.states import OrderState
from pipelines.changes.points import earn
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.instructions import not_offered
from pipelines.orders.mails import customer_mail
from pipelines.rules.holds import holds
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Confirm the order (CON-01) and let it go on, unless a hold keeps the amount from being fixed (CPN-03, INT-04)."""
    facts = draft.facts
    if draft.state != OrderState.ACCEPTED:
        return  # cancelled before it was looked at: that has been said, and there is nothing to confirm (CAN-03)
    since = now - timedelta(days=shop.intake.marks_window_days)
    found = holds(facts.order, shop, marks=Counter(kind for kind, at in facts.marks if at >= since))
    if facts.customer_id:
        earn(draft, shop, now)
    draft.tell(customer_mail("order_accepted", facts, shop, now, shipments=[], repriced=False))
    if found:
        cause = "accept: " + ", ".join(hold.reason for hold in found)
        for hold in found:
            draft.hold(hold, cause)
        reasons = [hold.says(facts.locale) for hold in found]
        draft.tell(customer_mail("order_held", facts, shop, now, reasons=reasons))
    if wishes := not_offered(facts.order, shop):
        days = shop.support_reply_business_days
        draft.tell(customer_mail("not_offered", facts, shop, now, wishes=wishes, reply_days=days))
    if not any(hold.blocks == "authorize" for hold in found):
        draft.next("authorize", now)


STAGE = Stage("accept", decide, Need.MARKS, leads_to=("authorize", "reward"))
