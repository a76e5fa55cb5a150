"""Which facts each mail is told: plain values, in one shape for all templates (docs/mails.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pipelines.carriers import carrier
from pipelines.engine.decision import NewShipment
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, ParcelFacts
from pipelines.ports import MailIntent
from pipelines.rules.money.adjustments import totals_after
from pipelines.shops import Shop
from pipelines.suppliers.instructions import Instruction


def customer_mail(
    template: str,
    facts: Facts,
    shop: Shop,
    now: datetime,
    *,
    about: str = "",
    shipment_id: str | None = None,
    **extra: Any,
) -> MailIntent:
    """A mail to the customer; ``about`` tells apart several mails of one template about one order."""
    customer = facts.document["customer"]
    return MailIntent(
        template=template,
        to=customer["email"],
        to_name=customer["name"],
        locale=facts.locale,
        context={**_base(facts, shop), "now": now, **extra},
        subject_key=about,
        shipment=shipment_id,
    )


def member_mail(
    template: str, shop: Shop, to: str, name: str, locale: str, now: datetime, *, about: str, **extra: Any
) -> MailIntent:
    """A mail to a customer that is about no order; ``about`` names what it is about, once for the shop."""
    context = {"now": now, "shop": shop_context(shop), "customer": {"name": name}, **extra}
    return MailIntent(template, to, name, locale, context, about)


def supplier_mail(
    template: str, shop: Shop, told: Instruction, to: str, now: datetime, *, about: str = "", **extra: Any
) -> MailIntent:
    """A mail to a supplier about what it is ``told``: what to ship and where, the delivery that is wished for, what the
    remarks ask of it; no money. ``about`` as for customers, but for the shipment."""
    wished = told.delivery or {}
    context = {
        "now": now,
        "shop": shop_context(shop),
        "order": {"number": told.number, "placed_at": told.placed_at},
        "supplier": told.supplier,
        "shipment": {"id": told.shipment, "dispatch_on": told.dispatch_on, "lines": told.lines},
        "ship_to": told.ship_to,
        "delivery": {
            "date": date.fromisoformat(day) if (day := wished.get("date")) else None,
            "slot": wished.get("slot"),
        },
        "instructions": list(dict.fromkeys(one["says"] for one in told.instructions)),
        **extra,
    }
    locale = shop.supplier(told.supplier).locale
    return MailIntent(template, to, told.supplier, locale, context, about or told.shipment, told.shipment)


def lines_of(facts: Facts, pieces: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Lines with so many pieces each, as mails show them."""
    known = {line["line"]: line for line in facts.document["lines"]}
    return [
        {
            "line": key,
            "sku": known[key]["sku"],
            "name": known[key]["name"],
            "quantity": quantity,
            "unit_price": known[key]["unit_price"],
            "amount": known[key]["unit_price"] * quantity,
        }
        for key, quantity in pieces
        if quantity > 0
    ]


def sums(totals: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The totals of an order as mails show them."""
    return {"points_deducted": 0, **totals, "price_display": shop.price.display}


def what_is_left(draft: OrderDraft, shop: Shop) -> dict[str, Any]:
    """The lines and totals of an order after all changes of its lines."""
    facts, gone = draft.facts, draft.gone
    left = [(line["line"], line["quantity"] - gone[line["line"]]) for line in facts.document["lines"]]
    return {"lines": lines_of(facts, left), "totals": sums(totals_after(facts.breakdown, draft.adjustments), shop)}


def planned(facts: Facts, shipments: Iterable[NewShipment]) -> list[dict[str, Any]]:
    """Planned shipments with their dates and reasons."""
    return [
        {
            "id": s.id,
            "supplier": s.supplier,
            "lines": lines_of(facts, s.lines),
            "dispatch_on": s.dispatch_on,
            "arrive_on": s.arrive_on,
            "because": s.because,
        }
        for s in shipments
    ]


def parcel_context(facts: Facts, parcel: ParcelFacts) -> dict[str, Any]:
    """A parcel as mails show it; without a number it says so kindly (TRK-01)."""
    number, known = parcel.tracking_number, carrier(parcel.carrier) if parcel.carrier else None
    return {
        "id": parcel.key,
        "carrier": parcel.carrier,
        "carrier_name": known.called(facts.locale) if known else "",
        "tracking_number": number,
        "tracking_url": known.url(number) if known and number else None,
        "shipped_on": parcel.shipped_at.date(),
        "lines": lines_of(facts, parcel.lines.items()),
    }


def _base(facts: Facts, shop: Shop) -> Mapping[str, Any]:
    """What every customer mail is told, built once an order and batch."""
    if facts.mail_base is None:
        facts.mail_base = _build_base(facts, shop)
    return facts.mail_base


def _build_base(facts: Facts, shop: Shop) -> dict[str, Any]:
    # From the stored JSON as it is: building the order's and the breakdown's objects would cost more than the mail's
    # own part of a decision.
    priced = facts.priced
    return {
        "shop": shop_context(shop),
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "customer": {"name": facts.document["customer"]["name"]},
        "ship_to": facts.document["ship_to"],
        "lines": lines_of(facts, [(line["line"], line["quantity"]) for line in facts.document["lines"]]),
        "totals": sums(priced, shop),
        "points": {"used": priced["points_used"], "earned": priced["points_earned"]},
        "payment": {"method": facts.method, "amount": facts.grand_total, "pay_by": None},
    }


def shop_context(shop: Shop) -> dict[str, str]:
    """What mails say of the shop; built once a profile."""
    known = _SHOPS.get(shop.key)
    if known is None or known[0] is not shop:
        known = _SHOPS[shop.key] = (
            shop,
            {
                "key": shop.key,
                "name": shop.name,
                "name_en": shop.name_en or shop.name,
                "support_mail": shop.support_mail,
                "support_phone": shop.support_phone,
                "support_hours": shop.support_hours,
                "site_url": shop.site_url,
                "mail_domain": shop.mail_domain,
            },
        )
    return known[1]


_SHOPS: dict[str, tuple[Shop, dict[str, str]]] = {}
