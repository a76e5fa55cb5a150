"""Which facts each mail is told: plain values, in one shape for all templates (docs/mails.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from models.states import OrderState
from pipelines.carriers import carrier
from pipelines.customers.order_page import page_link
from pipelines.engine.decision import NewShipment
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, ParcelFacts
from pipelines.methods import METHODS, Capture, agreed
from pipelines.orders.arrivals import Planned, arrival, wished
from pipelines.ports import MailIntent
from pipelines.rules.billing import bill_month, is_billed
from pipelines.rules.explain import written
from pipelines.rules.money.adjustments import rows_left
from pipelines.rules.wish import as_written
from pipelines.shops import Shop
from pipelines.suppliers.instructions import Instruction
from pipelines.values.calendar import in_japan
from pipelines.values.place import shown_place


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
    """A mail to the customer, at the order's address or the one that was told since; ``about`` tells apart several mails of one template about one order."""
    customer = facts.document["customer"]
    return MailIntent(
        template=template,
        to=facts.told_email or customer["email"],
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
    remarks ask of it; no money but what it is to collect. ``about`` as for customers, but for the shipment.

    Where ``to`` is the shop's operators', for want of an address of the supplier's, it asks them to pass it on.
    """
    wish, supplier = as_written(told.delivery), shop.supplier(told.supplier)
    passed_on = bool(to) and to == shop.operator_mail
    called = supplier.name or told.supplier
    context = {
        "now": now,
        "shop": operators_context(shop),
        "order": {"number": told.number, "placed_at": told.placed_at},
        "supplier": called,
        "passed_on": passed_on,
        "collect": told.collect,
        "replaces": told.replaces is not None,
        "shipment": {"id": told.shipment, "dispatch_on": told.dispatch_on, "lines": told.lines},
        "ship_to": told.addressed,
        "page": None,
        "tells_address": True,
        "delivery": {"date": wish.window.last if wish.window else None, "slot": wish.slot},
        "instructions": list(dict.fromkeys(one["says"] for one in told.instructions)),
        **extra,
    }
    to_name = shop.name if passed_on else called
    return MailIntent(template, to, to_name, supplier.locale, context, about or told.shipment, told.shipment)


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


def sums(totals: Mapping[str, Any], facts: Facts, shop: Shop) -> dict[str, Any]:
    """The totals of an order as mails show them; what an exchange takes off is what its goods are taken for, and no coupon."""
    is_exchange = facts.document.get("exchange") is not None
    shown = {"price_display": shop.price.display, "is_exchange": is_exchange}
    return {"points_deducted": 0, "goodwill": 0, "waived": 0, **totals, **shown}


def what_is_left(draft: OrderDraft, shop: Shop) -> dict[str, Any]:
    """The lines and totals of an order after all changes of its lines."""
    facts, gone = draft.facts, draft.gone
    left = [(line["line"], line["quantity"] - gone[line["line"]]) for line in facts.document["lines"]]
    totals = rows_left(facts.breakdown, draft.adjustments)
    return {"lines": lines_of(facts, left), "totals": sums(totals, facts, shop)}


def bill_of(facts: Facts, now: datetime) -> date | None:
    """The first day of the month on whose bill a change of the order made at ``now`` is; None where it is on none (PAY-12)."""
    return bill_month(in_japan(facts.placed_at).date(), in_japan(now).date()) if is_billed(facts.method) else None


BY_HAND: Final = "bank_transfer"
"""The way of money that a person gives back: to the account that the customer is asked for."""


def refunded_mail(
    draft: OrderDraft, shop: Shop, now: datetime, key: str, amount: int, *, method: str | None = None
) -> MailIntent:
    """The customer hears that ``amount`` yen went back by ``method``, the way they came where it is left out, or are taken off a
    bill; once by ``key``."""
    facts = draft.facts
    refund = {"amount": amount, "method": method or facts.method, "bill": bill_of(facts, now)}
    context: dict[str, Any] = {"refund": refund, "changed": False}
    if any(one.lines for one in draft.adjustments) and draft.state != OrderState.CANCELLED:
        context |= {"changed": True, **what_is_left(draft, shop)}
    return customer_mail("refund_done", facts, shop, now, about=key, **context)


def planned(facts: Facts, shipments: Iterable[NewShipment]) -> list[dict[str, Any]]:
    """Planned shipments with their dates and the reasons for them."""
    return [
        {
            "id": s.id,
            "supplier": s.supplier,
            "lines": lines_of(facts, s.lines),
            "dispatch_on": s.dispatch_on,
            "arrive_on": s.arrive_on,
            "because": of_the_day(s.because, s.dispatch_on, facts.locale),
        }
        for s in shipments
    ]


#: Reasons that name a day of dispatch; of the last two sentences that name none.
_NAMES_A_DAY: Final = frozenset(
    {"cutoff", "capacity", "lead_time", "processed_late", "dispatch_late", "backorder", "supplier_delay"}
)
_MAY_NAME_NONE: Final = ("supplier_delay", "backorder")


def of_the_day(
    reasons: Sequence[Mapping[str, str]], dispatch_on: date | None, locale: str
) -> Sequence[Mapping[str, str]]:
    """The reasons for a day of dispatch, without those for days that another reason moved: a customer reads of one. Without a day
    (None) the newest word that there is none."""
    if dispatch_on is None:
        told = {one["rule"] for one in reasons}
        newest = next((rule for rule in _MAY_NAME_NONE if rule in told), None)
        return [one for one in reasons if one["rule"] not in _NAMES_A_DAY or one["rule"] == newest]
    day = written(dispatch_on, locale)
    return [one for one in reasons if one["rule"] not in _NAMES_A_DAY or day in one["says"]]


def parcel_context(facts: Facts, shop: Shop, parcel: ParcelFacts, shipment: Planned, now: datetime) -> dict[str, Any]:
    """A parcel of ``shipment`` as mails show it at ``now``; without a number it says so kindly (TRK-01). One that left on another day than
    was planned arrives on another; of one that is reported so late that it should have arrived no day is told."""
    shipped_on, asked = parcel.shipped_at.date(), _base(facts, shop)["wish"]
    as_planned = shipped_on == shipment.dispatch_on
    arrive_on = shipment.arrive_on if as_planned else arrival(facts, shop, shipment, shipped_on)
    number, known = parcel.tracking_number, carrier(parcel.carrier) if parcel.carrier else None
    return {
        "id": parcel.key,
        "carrier": parcel.carrier,
        "carrier_name": known.called(facts.locale) if known else "",
        "tracking_number": number,
        "tracking_url": known.url(number) if known and number else None,
        "shipped_on": shipped_on,
        "arrive_on": arrive_on if arrive_on is not None and arrive_on >= in_japan(now).date() else None,
        "slot": asked["slot"] if asked else None,
        "lines": lines_of(facts, parcel.lines.items()),
    }


def change_of_plan(before: date | None, after: date | None) -> str:
    """What a new day of dispatch is to the customer: ``dated`` where there was none, ``sooner``, or ``later``."""
    if after is None:
        return "later"
    if before is None:
        return "dated"
    return "sooner" if after < before else "later"


def _base(facts: Facts, shop: Shop) -> Mapping[str, Any]:
    """What every customer mail is told, built once an order and batch."""
    return facts.once("mails", lambda: _build_base(facts, shop))


REFUND_ACCOUNT: Final = "refund_account"
"""What the link to the page is for on which a customer names the account for a refund."""
_ACCOUNT_WITHIN: Final = timedelta(days=60)


def refund_account_mail(facts: Facts, shop: Shop, now: datetime, amount: int) -> MailIntent:
    """The customer is asked, once an order, for the account to which ``amount`` yen go back that no gateway can give back; the
    link opens the page for 60 days."""
    link = {
        "path": "/r/",
        "purpose": REFUND_ACCOUNT,
        "subject": f"{facts.shop}/{facts.number}",
        "until": now + _ACCOUNT_WITHIN,
    }
    given_back = {"amount": amount, "method": facts.method}
    return customer_mail("refund_account_needed", facts, shop, now, refund=given_back, link=link)


def _build_base(facts: Facts, shop: Shop) -> dict[str, Any]:
    # From the stored JSON as it is: building the order's and the breakdown's objects would cost more than the mail's
    # own part of a decision.
    priced = facts.priced
    return {
        "shop": shop_context(shop),
        "order": {"number": facts.number, "placed_at": facts.placed_at},
        "customer": {"name": facts.document["customer"]["name"]},
        "ship_to": shown_place(facts.document["ship_to"]),
        "lines": lines_of(facts, [(line["line"], line["quantity"]) for line in facts.document["lines"]]),
        "totals": sums(priced, facts, shop),
        "points": points_of(facts, priced["points_used"], priced["points_earned"]),
        "payment": {
            "method": agreed(facts.method, facts.grand_total).name,
            "amount": facts.grand_total,
            "pay_by": None,
        },
        "wish": _wish_context(facts, shop),
        "pickup": _pickup_context(facts, shop),
        "order_url": order_url(shop, facts.number),
        "order_page": page_link(shop, facts.number, facts.placed_at),
        "collect": cash(facts.method, facts.grand_total, shop),
    }


def points_of(facts: Facts, used: int, earned: int) -> dict[str, int]:
    """What a mail says of the order's points; nothing is promised to who withdrew (CON-06)."""
    return {"used": used, "earned": 0 if facts.has_withdrawn else earned}


def order_url(shop: Shop, number: str) -> str:
    """The page of an order at the storefront; empty where the profile names none."""
    return shop.order_url.replace("{number}", quote(number, safe="")) if shop.order_url else ""


def cash(method: str, amount: int, shop: Shop) -> dict[str, int] | None:
    """What a customer who pays on delivery has to have ready (PAY-09): yen, and days from dispatch until the parcel goes
    back; None where nothing is collected."""
    if not amount or METHODS[method].capture is not Capture.ON_DELIVERY:
        return None
    return {"amount": amount, "days": shop.payment.cod_unclaimed_days}


def _wish_context(facts: Facts, shop: Shop) -> dict[str, Any] | None:
    asked = wished(facts, shop)
    if asked.window is None and asked.slot is None:
        return None
    return {"day": asked.window.says(facts.locale) if asked.window else "", "slot": asked.slot}


def _pickup_context(facts: Facts, shop: Shop) -> dict[str, Any] | None:
    """The store that the goods are called to, and the day of the visit (STO-01); None for goods that are sent to an address."""
    if (pickup := facts.pickup) is None:
        return None
    store = shop.stores[pickup["store"]]
    return {
        "store": store.called(facts.locale),
        "phone": store.phone,
        "visit_on": date.fromisoformat(pickup["visit_on"]),
        "by_store": store.kind == "own",
    }


def shop_context(shop: Shop) -> dict[str, Any]:
    """What customers' mails say of the shop; built once a profile."""
    return _shop_contexts(shop)[0]


def operators_context(shop: Shop) -> dict[str, Any]:
    """The same for suppliers' mails: whoever has a question writes to the shop's operators."""
    return _shop_contexts(shop)[1]


def _shop_contexts(shop: Shop) -> tuple[dict[str, Any], dict[str, Any]]:
    """What mails to customers and to suppliers say of the shop: whom to write to differs."""
    known = _SHOPS.get(shop.key)
    if known is None or known[0] is not shop:
        said = {
            "key": shop.key,
            "name": shop.name,
            "name_en": shop.name_en or shop.name,
            "support_mail": shop.support_mail,
            "support_phone": shop.support_phone,
            "support_tel": "".join(re.findall(r"^\+|[0-9]", shop.support_phone)),
            "support_hours": shop.support_hours,
            "site_url": shop.site_url,
            "mail_from": shop.mail_from,
            "mail_from_name": shop.mail_from_name,
            "mail_domain": shop.mail_domain,
            "reply_to": shop.mail_reply_to or shop.support_mail,
            "colour": shop.brand_colour,
            "logo_url": shop.logo_url,
        }
        operators = shop.operator_mail or shop.support_mail
        known = _SHOPS[shop.key] = (shop, said, {**said, "support_mail": operators, "reply_to": operators})
    return known[1:]


#: By shop, each for the profile that it was made of; threads share it without a lock, since an entry is put whole and whoever finds
#: another profile's makes his own.
_SHOPS: dict[str, tuple[Shop, dict[str, Any], dict[str, Any]]] = {}
