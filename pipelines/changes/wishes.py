"""Days wished for that cannot be kept (配達希望日に間に合わないとき): the customer is told once, whether it was the first plan that missed
them or a later one (DLV-04)."""

from __future__ import annotations

from datetime import datetime

from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.arrivals import wished
from pipelines.orders.mails import customer_mail
from pipelines.rules.explain import because
from pipelines.rules.wish import is_missed
from pipelines.shops import Shop


def tell_not_met(draft: OrderDraft, shop: Shop, now: datetime, reason: str, *, asks: bool) -> None:
    """Tell the customer that the day wished for, or that of the visit, cannot be met, and why; ``asks`` where nothing is sent before a
    person has asked whether to go on. An order has one such mail, however often it is told."""
    asked, pickup = wished(draft.facts, shop), draft.facts.order.pickup
    day = pickup.visit_on if pickup is not None else asked.window.last if asked.window is not None else None
    request = {"date": day, "slot": asked.slot}
    draft.tell(customer_mail("request_not_met", draft.facts, shop, now, request=request, reason=reason, asks=asks))


def tell_of_wish(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft) -> None:
    """``shipment`` has another day of arrival: where that misses the days wished for, its reasons and the customer's mail say so. Best
    effort promises nothing, and a note in the mail of the new day is enough (DLV-01)."""
    window = wished(draft.facts, shop).window
    if shop.delivery.requests == "best_effort" or window is None or not is_missed(window, shipment.arrive_on):
        return
    assert shipment.arrive_on is not None
    locale = draft.facts.locale
    why = because("desired_date.not_met", locale, desired=window.says(locale), arrive=shipment.arrive_on)
    reasons = [*(one for one in shipment.because if one["rule"] != why.rule), {"rule": why.rule, "says": why.says}]
    shipment.plan_anew(shipment.plan_as_of or now, shipment.dispatch_on, shipment.arrive_on, reasons)
    tell_not_met(draft, shop, now, why.says, asks=False)
