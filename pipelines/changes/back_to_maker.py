"""Goods that came back and are a maker's (メーカーへの返品連絡): whoever sent them itself hears what passed, for its stock (A.12)."""

from __future__ import annotations

from datetime import datetime

from pipelines.changes.suppliers import address
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ReturnFacts
from pipelines.orders.mails import supplier_mail
from pipelines.shops import Shop
from pipelines.suppliers.instructions import instruction_of


def tell_makers(draft: OrderDraft, shop: Shop, now: datetime, one: ReturnFacts) -> None:
    """Tell each maker by mail, as it is told of what not to ship, which pieces of the return ``one`` passed; once a return and shipment.
    The shop's own warehouse took them in itself."""
    left = one.pieces
    for shipment in draft.shipments:
        back = {line: min(left[line], counted.shipped) for line, counted in shipment.lines.items()}
        left.subtract(back)
        pieces = {line: count for line, count in back.items() if count}
        if pieces and shop.is_maker(shipment.supplier):
            told, to = instruction_of(draft.facts, shop, shipment, pieces), address(draft, shop, shipment)
            about, kept_at = f"{shipment.id}:{one.id}", shop.returns.address
            mail = supplier_mail(
                "supplier_return", shop, told, to, now, about=about, kept_at=kept_at, tells_address=False
            )
            draft.tell(mail)
