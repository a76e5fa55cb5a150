"""Days of dispatch that changed (出荷予定日の変更): the customer hears of each of them once, in the shop's words."""

from __future__ import annotations

from datetime import date, datetime

from pipelines.changes.wishes import tell_of_wish
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.mails import change_of_plan, customer_mail, lines_of
from pipelines.shops import Shop


def tell_of_day(
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    shipment: ShipmentDraft,
    promised: date | None,
    *,
    about: str,
    why: str,
) -> None:
    """Tell the customer on which day ``shipment`` leaves instead of the one that was ``promised``: an apology with ``why`` for
    what comes later; a first or an earlier date is a plan like any other. ``about`` tells this change from others. Where it misses
    a day that was wished for, that is told too (DLV-04)."""
    change = change_of_plan(promised, shipment.dispatch_on)
    told = {
        "id": shipment.id,
        "lines": lines_of(draft.facts, [(line, pieces.open) for line, pieces in shipment.lines.items()]),
        "dispatch_on": promised,
        "expected_on": shipment.dispatch_on,
        "arrive_on": shipment.arrive_on,
    }
    draft.tell(
        customer_mail(
            "dispatch_delayed",
            draft.facts,
            shop,
            now,
            about=about,
            shipment_id=shipment.id,
            reason=why if change == "later" else "",
            change=change,
            shipment=told,
        )
    )
    tell_of_wish(draft, shop, now, shipment)
