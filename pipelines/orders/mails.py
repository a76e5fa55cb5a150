"""Which facts each mail is told: plain values, in one shape for all templates (docs/mails.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast

from pipelines.engine.stage import Facts, NewShipment, ParcelFacts, ShipmentFacts
from pipelines.orders.instructions import supplier_instructions
from pipelines.ports import MailIntent
from pipelines.rules.money.adjustments import Adjustment, totals_after
from pipelines.rules.tracking import carrier_name, url
from pipelines.shops import Shop


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
    template: str, facts: Facts, shop: Shop, now: datetime, shipment: ShipmentFacts, to: str, **extra: Any
) -> MailIntent:
    """A mail to a supplier: what to ship and where, the wished delivery, what the remarks ask of it; no money."""
    profile = shop.supplier(shipment.supplier)
    lines = {line["line"]: line for line in facts.document["lines"]}
    told = supplier_instructions(facts, shop)
    context = {
        "now": now,
        "shop": shop_context(shop),
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "supplier": shipment.supplier,
        "shipment": {
            "id": shipment.id,
            "dispatch_on": shipment.dispatch_on,
            "lines": [
                {"line": key, "sku": lines[key]["sku"], "name": lines[key]["name"], "quantity": pieces.live}
                for key, pieces in shipment.lines.items()
            ],
        },
        "ship_to": facts.document["ship_to"],
        "delivery": {
            "date": date.fromisoformat(day) if (day := told["delivery"]["date"]) else None,
            "slot": told["delivery"]["slot"],
        },
        "instructions": list(dict.fromkeys(one["says"] for one in told["instructions"])),
        **extra,
    }
    return MailIntent(template, to, shipment.supplier, profile.locale, context, shipment.id, shipment.id)


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


def what_is_left(facts: Facts, shop: Shop, changes: Sequence[Adjustment], gone: Mapping[str, int]) -> dict[str, Any]:
    """The lines and totals of an order after ``changes``, which took ``gone`` pieces of each line."""
    left = [(line["line"], line["quantity"] - gone.get(line["line"], 0)) for line in facts.document["lines"]]
    return {"lines": lines_of(facts, left), "totals": sums(totals_after(facts.breakdown, changes), shop)}


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
    number, carrier = parcel.tracking_number, parcel.carrier
    return {
        "id": parcel.key,
        "carrier": carrier,
        "carrier_name": carrier_name(carrier, facts.locale) if carrier else "",
        "tracking_number": number,
        "tracking_url": url(carrier, number) if carrier and number else None,
        "shipped_on": parcel.shipped_at.date(),
        "lines": lines_of(facts, parcel.lines.items()),
    }


def _base(facts: Facts, shop: Shop) -> Mapping[str, Any]:
    """What every customer mail is told, built once an order and batch."""
    known = facts.__dict__.get("_mail_base")
    if known is None:
        known = facts.__dict__["_mail_base"] = _build_base(facts, shop)
    return cast(Mapping[str, Any], known)


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
