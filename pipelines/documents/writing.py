"""One door to what every kind of document says of an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.documents.facts import SaleFacts
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Document
from pipelines.documents.parcel_papers import delivery_note, pick_list
from pipelines.documents.permission import parcel_of, to_pick_of
from pipelines.documents.sale_papers import invoice, receipt, return_invoice
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.values.calendar import JST


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: whom it is made out to and for what (receipts alone), None: as the order says; ``subject`` is the
    parcel or change that is meant, empty for the only or last one; ``label``: a delivery note of a label's size."""

    kind: Kind
    addressee: str | None = None
    purpose: str | None = None
    subject: str = ""
    locale: str | None = None
    label: bool = False


def write(wish: Wish, facts: SaleFacts, shop: Shop, now: datetime) -> Document:
    """The document that is asked for. ``permission.may_issue`` has said yes; raises ValueError where there is nothing to write."""
    locale = locale_of(wish, facts.order)
    if wish.kind == Kind.RECEIPT:
        return receipt(facts, shop, now, locale, wish.addressee, wish.purpose)
    if wish.kind == Kind.INVOICE:
        return invoice(facts, shop, now, locale, wish.addressee)
    if wish.kind == Kind.RETURN_INVOICE:
        return return_invoice(facts, shop, now, locale, wish.addressee, wish.subject)
    if wish.kind == Kind.PICK_LIST and (meant := to_pick_of(facts, wish.subject)) is not None:
        return pick_list(facts.order, meant, shop, locale, meant.dispatch_on or now.astimezone(JST).date())
    parcel = parcel_of(facts, wish.subject)
    if wish.kind != Kind.DELIVERY_NOTE or parcel is None:
        raise ValueError(f"there is no {wish.kind} of order {facts.order.number}")
    return delivery_note(facts, parcel, shop, locale, wish.addressee, label=wish.label)


def locale_of(wish: Wish, order: Order) -> str:
    """The language that is asked for, else the order's: ja or en."""
    return wish.locale or ("en" if order.locale == "en" else "ja")
