"""Who issues a document and whom it is made out to."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pipelines.documents.paper import Addressee, Issuer
from pipelines.rules.order import Order, ShipTo
from pipelines.shops import Shop
from pipelines.values.honorific import WRITTEN, honorific
from pipelines.values.place import shown_code, shown_region

#: Words by which a Japanese organisation is known.
_ORGANISATION: Final = re.compile(
    r"会社|法人|医院|病院|クリニック|診療所|事務所|組合|協会|学校|大学|財団|社団|サロン|店$|[(（][株有医社学財][)）]|[㈱㈲]"
)


def issuer_of(shop: Shop, locale: str) -> Issuer:
    """The shop as it signs."""
    rules = shop.documents
    name = rules.issuer or shop.name
    foreign = shop.name_en if locale == "en" and shop.name_en else ""
    return Issuer(
        name=foreign or name,
        second_name=name if foreign else "",
        postal_code=rules.issuer_postal_code,
        address=rules.issuer_address,
        phone=shop.support_phone,
        mail=shop.support_mail,
        registration=shop.registration_number or "",
        seal=rules.seal,
        logo=rules.logo,
        colour=shop.brand_colour,
    )


def addressee_of(order: Order, locale: str, asked: str | None = None, *, with_address: bool = False) -> Addressee:
    """Whom a document of an order is made out to: as ``asked``, else the organisation it goes to, else the customer."""
    to = order.ship_to
    if asked and names_somebody(asked):
        return named(asked, locale)
    organisation = to.kind == "organisation" and bool(to.name)
    name = to.name if organisation else order.customer.name or to.name
    one = _called(name, honorific(to.kind if organisation else None), locale)
    return replace(one, postal_code=shown_code(to.postal_code), address=address_lines(to)) if with_address else one


def ship_to_of(order: Order, locale: str, asked: str | None = None) -> Addressee:
    """Whom a parcel's document is made out to, with the address: as ``asked``, else whoever the parcel goes to."""
    to = order.ship_to
    one = named(asked, locale) if asked and names_somebody(asked) else _called(to.name, honorific(to.kind), locale)
    return replace(one, postal_code=shown_code(to.postal_code), address=address_lines(to))


def _called(name: str, word: str, locale: str) -> Addressee:
    """A name of the order with ``word``, or the one that was written after it; never both."""
    if locale != "ja" or not name:
        return Addressee(name, "")
    return named(name, locale) if WRITTEN.search(name) else Addressee(name, word)


def named(asked: str, locale: str) -> Addressee:
    """A name as somebody asked for it, with one honorific: the one that was written, else 御中 for what looks like an
    organisation and 様 for a person."""
    if locale != "ja":
        return Addressee(asked.strip(), "")
    written, name = WRITTEN.search(asked), _bare(asked)
    if written:
        return Addressee(name, "様" if written[1] == "さま" else written[1])
    return Addressee(name, "御中" if _ORGANISATION.search(asked) else "様")


def names_somebody(asked: str) -> bool:
    """Whether it is a name: of a lone 御中, or of nothing, no document can be made out."""
    return bool(_bare(asked))


def _bare(name: str) -> str:
    """A name without the honorifics that were written after it, however many."""
    while written := WRITTEN.search(name):
        name = name[: written.start()]
    return name.strip()


def address_lines(to: ShipTo) -> tuple[str, ...]:
    """Prefecture and city with the street, then the building."""
    return tuple(filter(None, (f"{shown_region(to.region)}{to.city}{to.line1}", to.line2)))
