"""Whether a document of an order may be issued now, until when, and why (DOC-01 to DOC-05, TAX-02, B.1.4): pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pipelines.documents.facts import Change, ParcelSent, SaleFacts, ToPick
from pipelines.documents.figures import given_back
from pipelines.documents.kinds import Kind
from pipelines.errors import Conflict
from pipelines.methods import METHODS, Capture, Method, Receipt
from pipelines.rules.billing import bill_month, is_invoiced_monthly
from pipelines.rules.dates.periods import end_of, inclusive
from pipelines.rules.money.adjustments import CANCEL, SHORT, money_due
from pipelines.rules.money.tax import needs_return_invoice
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

#: Changes of goods before they left: they were never supplied.
BEFORE_DISPATCH: Final = (CANCEL, SHORT)

#: Documents that have no subject: there is one of all of the order.
_OF_THE_ORDER: Final = (Kind.RECEIPT, Kind.INVOICE)

_NOBODY: Final[Mapping[Receipt, str]] = {
    Receipt.CARRIER: "The carrier's slip is the receipt of cash on delivery; the shop issues none.",
    Receipt.STORE: "The convenience store's slip is the receipt; the shop issues none.",
    Receipt.LENDER: "The lender writes the receipt of a loan; the shop issues none.",
    Receipt.PROVIDER: "The provider of the deferred payment writes the receipt; the shop issues none.",
    Receipt.BILL: "The monthly statement stands for a receipt; the shop issues none.",
    Receipt.NONE: "Nothing was paid in money, so there is nothing to write a receipt for.",
}


@dataclass(frozen=True, slots=True)
class Because:
    """Why: a rule's id and a sentence."""

    rule: str
    says: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a document may be issued; ``until`` is the last day that counts, Asia/Tokyo, None where there is none.

    ``subject`` is what of the order it is about, empty for all of it; ``must``: whether the law asks for it (B.1.4).
    """

    kind: Kind
    allowed: bool
    until: date | None
    because: Sequence[Because]
    subject: str = ""
    must: bool = False

    def refusal(self) -> Conflict:
        """What is raised where it may not."""
        why = next(iter(self.because))
        return Conflict(why.says, rule=why.rule)


def may_issue(kind: Kind, facts: SaleFacts, shop: Shop, now: datetime, subject: str = "") -> Answer:
    """Whether ``kind`` may be issued at ``now``; ``subject`` names a parcel or a change where the order has several of them.

    Raises ValueError for a kind that is not issued of an order.
    """
    if subject and kind in _OF_THE_ORDER:
        return _no(kind, "DOC-05", "This document is of the whole order: leave its subject out.")
    if kind == Kind.RECEIPT:
        return _receipt(facts, shop, now)
    if kind == Kind.INVOICE:
        return _invoice(facts, shop)
    if kind == Kind.RETURN_INVOICE:
        return _return_invoice(facts, shop, subject)
    if kind == Kind.DELIVERY_NOTE:
        return _delivery_note(facts, subject)
    if kind == Kind.PICK_LIST:
        return _pick_list(facts, subject)
    raise ValueError(f"{kind} is not issued of an order")


def subjects(kind: Kind, facts: SaleFacts) -> Sequence[str]:
    """What of the order there is a document of this kind about."""
    if kind == Kind.DELIVERY_NOTE:
        return [one.subject for one in facts.parcels]
    if kind == Kind.PICK_LIST:
        return [one.subject for one in facts.to_pick]
    if kind == Kind.RETURN_INVOICE:
        return [_name(one) for one in facts.given_back]
    return [""]


def parcel_of(facts: SaleFacts, subject: str) -> ParcelSent | None:
    """The parcel that is meant; without a name the only or last one."""
    return next((one for one in reversed(facts.parcels) if subject in ("", one.subject)), None)


def to_pick_of(facts: SaleFacts, subject: str) -> ToPick | None:
    """The shipment that is meant, by itself or with its pieces; without a name the only or last one."""
    return next((one for one in reversed(facts.to_pick) if subject in ("", one.shipment, one.subject)), None)


def change_of(facts: SaleFacts, subject: str) -> Change | None:
    """The change that is meant; without a name the only or last one of what was supplied."""
    return next((one for one in reversed(facts.given_back) if subject in ("", _name(one))), None)


def _name(change: Change) -> str:
    return "cancel" if change.is_cancel else f"change-{change.sequence}"


def _receipt(facts: SaleFacts, shop: Shop, now: datetime) -> Answer:
    method, rules = METHODS[facts.method], shop.documents
    if method.receipt is not Receipt.SHOP:
        return _no(Kind.RECEIPT, _receipt_rule(method), _NOBODY[method.receipt])
    if facts.method not in rules.receipt_methods:
        return _no(Kind.RECEIPT, "DOC-01", f"The shop writes no receipts for orders paid by {method.names['en']}.")
    if facts.cancelled_at is not None:
        return _no(Kind.RECEIPT, "CAN-04", "The order was cancelled: what was received of it goes back.")
    due = money_due(facts.breakdown, [one.adjustment for one in facts.changes])
    if due <= 0:
        return _no(Kind.RECEIPT, "DOC-05", "Nothing was received of this order, or all of it went back.")
    if facts.captured < due:
        return _no(Kind.RECEIPT, "DOC-05", "The money is not received yet; a receipt is written once it is.")
    if is_fetched(facts):
        return _fetched_receipt(facts, shop, now)
    return _yes(Kind.RECEIPT, "DOC-02", "The transfer was received; the receipt goes with the parcel, or is posted.")


def is_fetched(facts: SaleFacts) -> bool:
    """Whether the order's receipt is fetched by its customer; a transfer's goes on paper (DOC-02)."""
    return METHODS[facts.method].capture is Capture.ON_DISPATCH


def _fetched_receipt(facts: SaleFacts, shop: Shop, now: datetime) -> Answer:
    """A receipt that customers fetch themselves: from the dispatch, within the shop's days, once where it says so."""
    rules, until, left = shop.documents, None, facts.dispatched_on
    if rules.receipt_days:
        if left is None:
            return _no(Kind.RECEIPT, "DOC-02", "Receipts are written from the day on which the goods leave.")
        until = inclusive(left, rules.receipt_days)
    if rules.receipt_once and facts.copies(Kind.RECEIPT):
        return _no(Kind.RECEIPT, "DOC-02", "The receipt was issued already, and is issued a single time.", until)
    if until is not None and now >= end_of(until):
        return _no(Kind.RECEIPT, "DOC-02", f"Receipts could be fetched until the end of {until.isoformat()}.", until)
    if until is None:
        says = "Orders paid this way have a receipt; from the second copy on it is marked as a re-issue."
        return _yes(Kind.RECEIPT, "DOC-01", says)
    says = f"The goods left on {left}; that day and the {rules.receipt_days - 1} after it count."
    return _yes(Kind.RECEIPT, "DOC-02", says, until)


def _receipt_rule(method: Method) -> str:
    return {Receipt.BILL: "DOC-01", Receipt.NONE: "DOC-05"}.get(method.receipt, "DOC-02")


def _invoice(facts: SaleFacts, shop: Shop) -> Answer:
    if shop.registration_number is None:
        return _no(Kind.INVOICE, "DOC-04", "The shop has no registration number, so it can issue no qualified invoice.")
    if is_invoiced_monthly(facts.method, shop.price.tax_unit):
        return _no(Kind.INVOICE, "TAX-02", "This order is on the month's statement, which is the invoice.")
    if facts.cancelled_at is not None:
        return _no(Kind.INVOICE, "CAN-04", "The order was cancelled: nothing of it is sold, wherever its goods are.")
    if facts.dispatched_on is None:
        return _no(Kind.INVOICE, "DOC-05", "An invoice states the day of supply: it is written once goods have left.")
    if _is_to_leave(facts):
        says = "An invoice states what was supplied: it is written once the rest has left, too, or was taken out."
        return _no(Kind.INVOICE, "DOC-05", says)
    return _yes(Kind.INVOICE, "DOC-04", "Goods have left, and the shop is registered for qualified invoices.")


def _is_to_leave(facts: SaleFacts) -> bool:
    """Whether a part of what was ordered has neither left nor been taken out before it did."""
    left = Counter[str]()
    for parcel in facts.parcels:
        left.update(parcel.lines)
    for change in facts.changes:
        if change.adjustment.kind in BEFORE_DISPATCH:
            left.update(dict(change.adjustment.lines))
    return any(left[line.line] < line.quantity for line in facts.order.lines)


def _return_invoice(facts: SaleFacts, shop: Shop, subject: str) -> Answer:
    change = change_of(facts, subject)
    if change is None and facts.given_back:
        return _no(
            Kind.RETURN_INVOICE, "DOC-05", "No change of this order is called so; the list of its documents names each."
        )
    if change is None:
        return _no(Kind.RETURN_INVOICE, "DOC-05", "Nothing that was supplied came back or was reduced.")
    if is_invoiced_monthly(facts.method, shop.price.tax_unit):
        on = bill_month(in_japan(facts.order.placed_at).date(), in_japan(change.at).date())
        return _no(
            Kind.RETURN_INVOICE, "TAX-02", f"The statement of the month from {on.isoformat()} says what was given back."
        )
    if shop.registration_number is None:
        return _no(Kind.RETURN_INVOICE, "DOC-04", "The shop has no registration number, so it can issue none.")
    total = returned_total(facts, change, shop)
    if total <= 0:
        return _no(Kind.RETURN_INVOICE, "DOC-05", "This change gave nothing of the price back.")
    must = needs_return_invoice(total)
    says = (
        f"{total:,} yen with tax were given back: from 10,000 yen on a return invoice is due."
        if must
        else f"{total:,} yen with tax were given back: below 10,000 yen none is due, but one may be issued."
    )
    return Answer(Kind.RETURN_INVOICE, True, None, [Because("DOC-05", says)], _name(change), must)


def returned_total(facts: SaleFacts, change: Change, shop: Shop) -> int:
    """Yen with tax that a change gave back of the price (B.1.4)."""
    before = [one.adjustment for one in facts.changes if one.sequence < change.sequence]
    words = {"shipping": "", "fees": "", "goodwill": ""}
    treatment = shop.price.points_treatment
    return given_back(facts.order.lines, facts.breakdown, before, change.adjustment, treatment, words).total


def _delivery_note(facts: SaleFacts, subject: str) -> Answer:
    parcel = parcel_of(facts, subject)
    if parcel is None and facts.parcels:
        return _no(
            Kind.DELIVERY_NOTE, "DOC-03", "No parcel of this order is called so; the list of its documents names each."
        )
    if parcel is None:
        return _no(Kind.DELIVERY_NOTE, "DOC-03", "No parcel has left yet; each has its own delivery note.")
    says = "The parcel has left; its note is no receipt."
    return Answer(Kind.DELIVERY_NOTE, True, None, [Because("DOC-03", says)], parcel.subject)


def _pick_list(facts: SaleFacts, subject: str) -> Answer:
    meant = to_pick_of(facts, subject)
    if meant is None:
        return _no(
            Kind.PICK_LIST, "SPL-01", "There is nothing of this order to be picked, or its pieces are others now."
        )
    says = "The goods of this shipment have not left; its list is for whoever sends them."
    return Answer(Kind.PICK_LIST, True, None, [Because("SPL-01", says)], meant.subject)


def _yes(kind: Kind, rule: str, says: str, until: date | None = None) -> Answer:
    return Answer(kind, True, until, [Because(rule, says)])


def _no(kind: Kind, rule: str, says: str, until: date | None = None) -> Answer:
    return Answer(kind, False, until, [Because(rule, says)])
