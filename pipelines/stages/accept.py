"""Accept (受注): the order is durable and priced; hold what a human must see, grant pending points, confirm by mail."""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState
from pipelines.changes.plans import first_holds, foretold, shipments
from pipelines.changes.points import earn
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.instructions import not_offered
from pipelines.orders.mails import customer_mail, planned
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Confirm the order (CON-01) and let it go on, unless a hold keeps the amount from being fixed (CPN-03, INT-04)."""
    facts = draft.facts
    if draft.state != OrderState.ACCEPTED:
        return  # cancelled before it was looked at: that has been said, and there is nothing to confirm (CAN-03)
    found = first_holds(facts, shop)
    if facts.customer_id:
        earn(draft, shop, now)
    told = planned(facts, shipments(facts, foretold(facts, shop, found, now), now))
    draft.tell(customer_mail("order_accepted", facts, shop, now, shipments=told, repriced=False))
    if found:
        cause = "accept: " + ", ".join(hold.reason for hold in found)
        for hold in found:
            draft.hold(hold, cause)
        reasons = list(dict.fromkeys(hold.tells(facts.locale) for hold in found))
        draft.tell(customer_mail("order_held", facts, shop, now, reasons=reasons))
    if wishes := not_offered(facts.order, shop):
        days = shop.support_reply_business_days
        draft.tell(customer_mail("not_offered", facts, shop, now, wishes=wishes, reply_days=days))
    if not any(hold.blocks == "authorize" for hold in found):
        draft.next("authorize", now)


STAGE = Stage("accept", decide, Need.MARKS, leads_to=("authorize", "reward"), at_once=("authorize",), early=True)
