"""Which facts each mail is told: plain values, in one shape for all templates (docs/mails.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from pipelines.ports import MailIntent
from pipelines.profile import Shop
from pipelines.rules.tracking import carrier_name, url
from pipelines.stage import Facts, NewShipment, ParcelFacts, ShipmentFacts


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
    customer = facts.order.customer
    return MailIntent(
        template=template,
        to=customer.email,
        to_name=customer.name,
        locale=facts.locale,
        context={**_base(facts, shop), "now": now, **extra},
        subject_key=about,
        shipment=shipment_id,
    )


def supplier_mail(
    template: str, facts: Facts, shop: Shop, now: datetime, shipment: ShipmentFacts, to: str, **extra: Any
) -> MailIntent:
    """A mail to a supplier: what to ship and where; no money."""
    profile = shop.supplier(shipment.supplier)
    lines = {line.line: line for line in facts.order.lines}
    context = {
        "now": now,
        "shop": _base(facts, shop)["shop"],
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "supplier": shipment.supplier,
        "shipment": {
            "id": shipment.id,
            "dispatch_on": shipment.dispatch_on,
            "lines": [
                {"line": key, "sku": lines[key].sku, "name": lines[key].name, "quantity": pieces.live}
                for key, pieces in shipment.lines.items()
            ],
        },
        "ship_to": _ship_to(facts),
        **extra,
    }
    return MailIntent(template, to, shipment.supplier, profile.locale, context, shipment.id, shipment.id)


def lines_of(facts: Facts, pieces: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Lines with so many pieces each, as mails show them."""
    known = {line.line: line for line in facts.order.lines}
    return [
        {
            "line": key,
            "sku": known[key].sku,
            "name": known[key].name,
            "quantity": quantity,
            "unit_price": known[key].unit_price,
            "amount": known[key].unit_price * quantity,
        }
        for key, quantity in pieces
        if quantity > 0
    ]


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
    breakdown = facts.breakdown
    return {
        "shop": {
            "key": shop.key,
            "name": shop.name,
            "name_en": shop.name_en or shop.name,
            "support_mail": shop.support_mail,
            "support_phone": shop.support_phone,
            "support_hours": shop.support_hours,
            "site_url": shop.site_url,
            "mail_domain": shop.mail_domain,
        },
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "customer": {"name": facts.order.customer.name},
        "ship_to": _ship_to(facts),
        "lines": lines_of(facts, [(line.line, line.quantity) for line in facts.order.lines]),
        "totals": {
            "goods": breakdown.goods,
            "member_discount": breakdown.member_discount,
            "coupon_discount": breakdown.coupon_discount,
            "shipping": breakdown.shipping,
            "fees": breakdown.fees,
            "tax": [{"rate": t.rate, "base": t.base, "tax": t.tax} for t in breakdown.tax],
            "tax_total": breakdown.tax_total,
            "before_points": breakdown.before_points,
            "points_used": breakdown.points_used,
            "grand_total": breakdown.grand_total,
            "price_display": shop.price.display,
        },
        "points": {"used": breakdown.points_used, "earned": breakdown.points_earned},
        "payment": {"method": facts.method, "amount": facts.grand_total, "pay_by": None},
    }


def _ship_to(facts: Facts) -> dict[str, str]:
    to = facts.order.ship_to
    return {
        "name": to.name,
        "postal_code": to.postal_code,
        "region": to.region,
        "city": to.city,
        "line1": to.line1,
        "line2": to.line2,
        "phone": to.phone,
    }
