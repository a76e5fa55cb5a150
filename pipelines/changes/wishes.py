"""Days wished for, or of a visit, that cannot be kept (配達希望日・来店日に間に合わないとき): the customer is told once, whether it was the
first plan that missed them or a later one (DLV-04, STO-01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.arrivals import wished
from pipelines.orders.mails import customer_mail
from pipelines.rules.explain import Because, because
from pipelines.rules.remarks import DeliveryWindow
from pipelines.rules.wish import is_ignored, is_missed
from pipelines.shops import Shop


def tell_not_met(draft: OrderDraft, shop: Shop, now: datetime, reason: str, *, asks: bool) -> None:
    """Tell the customer that the day wished for, or that of the visit, cannot be met, and why; ``asks`` where nothing is sent before a
    person has asked whether to go on. An order has one such mail, and one for each day of a visit, however often it is told."""
    asked, pickup = wished(draft.facts, shop), draft.facts.order.pickup
    day = pickup.visit_on if pickup is not None else asked.window.last if asked.window is not None else None
    about = pickup.visit_on.isoformat() if pickup is not None else ""
    request = {"date": day, "slot": asked.slot}
    draft.tell(
        customer_mail("request_not_met", draft.facts, shop, now, about=about, request=request, reason=reason, asks=asks)
    )


def tell_of_wish(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft) -> None:
    """``shipment`` has another day: its reasons say what that is to the days wished for, or to the visit, and nothing of the day before.
    Where it misses them the customer's mail says so, too. Best effort promises nothing, and the mail of the new day is enough
    (DLV-01)."""
    said = _as_it_stands(draft.facts, shop, shipment)
    if said is None:
        return
    why, missed = said
    reasons = _with(shipment, why)
    shipment.plan_anew(shipment.plan_as_of or now, shipment.dispatch_on, shipment.arrive_on, reasons)
    if missed and (draft.facts.pickup is not None or shop.delivery.requests != "best_effort"):
        tell_not_met(draft, shop, now, why.says, asks=False)


def explain_visit(draft: OrderDraft, shop: Shop) -> None:
    """The visit is on another day: the reasons of the shipments say what their days are to that one, and nothing of the day before."""
    for shipment in draft.shipments:
        if shipment.is_live and (said := _as_it_stands(draft.facts, shop, shipment)) is not None:
            shipment.explain(_with(shipment, said[0]))


def _with(shipment: ShipmentDraft, why: Because) -> Sequence[Mapping[str, str]]:
    """The reasons of ``shipment`` with ``why`` in the place of what they said of that; without a day nothing is said of it."""
    reasons = list(shipment.because)
    place = next((at for at, one in enumerate(reasons) if one["rule"] == why.rule), len(reasons))
    reasons[place : place + 1] = [] if shipment.arrive_on is None else [{"rule": why.rule, "says": why.says}]
    return reasons


def _as_it_stands(facts: Facts, shop: Shop, shipment: ShipmentDraft) -> tuple[Because, bool] | None:
    """What the days of ``shipment`` are to the visit, or to the days wished for, and whether they miss them; None where nothing was
    wished for, or no wish counts."""
    locale, arrive = facts.locale, shipment.arrive_on
    if (pickup := facts.order.pickup) is not None:
        missed = arrive is not None and arrive > pickup.visit_on
        return because(f"visit.{_met(missed)}", locale, visit=pickup.visit_on, ready=arrive), missed
    window = wished(facts, shop).window
    if window is None or window == DeliveryWindow():
        return None
    if is_ignored(shop, shipment.supplier, backorder=shipment.backorder):
        return None
    desired, missed = window.says(locale), is_missed(window, arrive)
    return because(
        f"desired_date.{_met(missed)}", locale, desired=desired, arrive=arrive, day=shipment.dispatch_on
    ), missed


def _met(missed: bool) -> str:
    return "not_met" if missed else "met"
