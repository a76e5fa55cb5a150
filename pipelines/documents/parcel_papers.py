"""What goes with goods: the delivery note of a parcel, and the list by which it is picked (DOC-03, SPL-01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pipelines.carriers import carrier
from pipelines.documents.facts import ParcelSent, SaleFacts, ToPick
from pipelines.documents.figures import Figures, Item, reduced
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Addressee, Document, Row
from pipelines.documents.parties import address_lines, issuer_of, ship_to_of
from pipelines.documents.tables import body, notes
from pipelines.documents.words import WORDS, day
from pipelines.rules.money.breakdown import LineShare
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.place import shown_code


def delivery_note(
    facts: SaleFacts, parcel: ParcelSent, shop: Shop, locale: str, addressee: str | None = None, *, label: bool = False
) -> Document:
    """The note of one parcel (納品書): whom it went to, what is in it, prices where the shop shows them; no receipt (DOC-03) and
    no invoice. A maker's parcel shows none unless the shop says so. ``label``: the size of a label (100 x 150 mm)."""
    words = WORDS[locale]
    priced = not label and shows_prices(parcel.supplier, shop)
    of = parcel_figures(facts, parcel)
    sent = parcel.sent_at.astimezone(JST).date()
    tables = body(of, {}, facts.breakdown.rules.display, words) if priced else _unpriced(of.items, words)
    said = [words["note_no_receipt"], words["note_no_invoice"]]
    return Document(
        kind=Kind.DELIVERY_NOTE,
        layout="label" if label else "letter",
        locale=locale,
        title=words["delivery_note"],
        issuer=issuer_of(shop, locale),
        addressee=ship_to_of(facts.order, locale, addressee),
        transaction_on=sent,
        details=[
            (words["order"], facts.order.number),
            (words["sent_on"], day(sent, locale)),
            (words["parcel"], words["parcel_of"].format(place=parcel.place)),
            *_way(parcel, words, locale),
        ],
        lead=words["lead_delivery_note"],
        amount=of.total if priced else None,
        amount_label=words["amount_noted"],
        amount_note=words["of_which_tax"].format(tax=of.tax_total) if priced else "",
        notes=[*notes(of, words), words["note_reference_tax"], *said] if priced else said,
        **tables,
    )


def shows_prices(supplier: str, shop: Shop) -> bool:
    """Whether the note of that supplier's parcel shows prices."""
    rules = shop.documents
    return rules.maker_prices if shop.is_maker(supplier) else rules.note_prices


def parcel_figures(facts: SaleFacts, parcel: ParcelSent) -> Figures:
    """The goods of one parcel, each piece with its own part of the line's discounts; tax rounded once on the note."""
    lines = {line.line: line for line in facts.order.lines}
    shares = {share.line: share for share in facts.breakdown.lines}
    before = Counter[str]()
    for one in facts.parcels:
        if one.place < parcel.place:
            before.update(one.lines)
    inside = [(lines[line], pieces) for line, pieces in parcel.lines.items() if pieces]
    items = [Item(line.name, n, line.unit_price, line.unit_price * n, line.tax_rate) for line, n in inside]
    off = [_discount(shares[line.line], before[line.line], pieces) for line, pieces in inside]
    rules = facts.breakdown.rules
    return reduced(items, off, display=rules.display, rounding=rules.rounding)


def _discount(share: LineShare, before: int, pieces: int) -> int:
    """The discounts of the ``pieces`` that come after so many: parts of all pieces add up to the line's."""
    whole = share.member_discount + share.coupon
    return whole * (before + pieces) // share.quantity - whole * before // share.quantity


def pick_list(order: Order, meant: ToPick, shop: Shop, locale: str, on: date) -> Document:
    """The list by which the goods of a shipment are taken from the shelves ``on`` a day: sku, pieces, a box to check; no price."""
    words, to = WORDS[locale], order.ship_to
    lines = {line.line: line for line in order.lines}
    return Document(
        kind=Kind.PICK_LIST,
        layout="list",
        locale=locale,
        title=words["pick_list"],
        issuer=issuer_of(shop, locale),
        addressee=Addressee(to.name, "", shown_code(to.postal_code), address_lines(to)),
        transaction_on=on,
        details=[
            (words["order"], order.number),
            (words["parcel"], meant.shipment),
            (words["supplier"], meant.supplier),
        ],
        heads=("SKU", words["name"], words["quantity"], words["checked"]),
        rows=[Row(lines[line].name, pieces, None, None, sku=lines[line].sku) for line, pieces in meant.lines.items()],
        boxed=[(words["remarks"], one) for one in meant.remarks],
        words=words,
    )


def _unpriced(items: Sequence[Item], words: Mapping[str, str]) -> dict[str, Any]:
    return {
        "heads": (words["name"], words["quantity"]),
        "rows": [Row(item.name, item.quantity, None, None) for item in items],
        "words": words,
    }


def _way(parcel: ParcelSent, words: Mapping[str, str], locale: str) -> list[tuple[str, str]]:
    known = carrier(parcel.carrier) if parcel.carrier else None
    name = known and (known.japanese if locale == "ja" else known.english)
    told = [(words["carrier"], name), (words["tracking"], parcel.tracking_number)]
    return [(label, value) for label, value in told if value]
