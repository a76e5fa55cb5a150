"""What is written of a sale: receipt, invoice, return invoice, quotation (A.13, B.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from pipelines.documents.facts import Change, SaleFacts
from pipelines.documents.figures import Figures, given_back, sale
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Addressee, Document, Sum
from pipelines.documents.parties import addressee_of, issuer_of, names_somebody
from pipelines.documents.permission import BEFORE_DISPATCH, change_of
from pipelines.documents.tables import body, notes, paid, points_paid
from pipelines.documents.words import WORDS, day
from pipelines.methods import METHODS, Capture, Method
from pipelines.rules.money.stamp_duty import stamp_duty
from pipelines.shops import Shop
from pipelines.values.calendar import JST

Words = Mapping[str, str]


def receipt(
    facts: SaleFacts, shop: Shop, now: datetime, locale: str, addressee: str | None = None, purpose: str | None = None
) -> Document:
    """The receipt of an order (領収書): the money that was received and not given back, the method named (DOC-05).

    A name and a purpose that the remarks ask for count where nobody asks for others (DOC-02).
    """
    words, method = WORDS[locale], METHODS[facts.method]
    told = facts.receipt_request or {}
    made_out_to = addressee if addressee and names_somebody(addressee) else told.get("addressee")
    changes = [one.adjustment for one in facts.changes]
    of = sale(facts.order.lines, facts.breakdown, changes, shop.price.points_treatment, words)
    name, on_paper = method.names[locale], method.capture is Capture.BY_NOTICE
    duty = stamp_duty(
        ex_tax=of.figures.ex_total,
        with_tax=of.received,
        tax_shown=True,
        paper=on_paper,
        money_received=method.capture is Capture.BY_NOTICE,
    )
    received_on = _day_of(facts.captured_at or now)
    supplied = facts.dispatched_on
    details = [
        (words["received_on"], day(received_on, locale)),
        *([(words["supplied_on"], day(supplied, locale))] if supplied else []),
        (words["paid_by"], name),
        (words["order"], facts.order.number),
        *([] if duty else [(words["stamp_note"], _stamp_note(method, locale))]),
    ]
    asked = purpose or told.get("proviso") or (shop.documents.purpose if locale == "ja" else shop.documents.purpose_en)
    net = any(one.kind not in BEFORE_DISPATCH for one in changes)
    return Document(
        kind=Kind.RECEIPT,
        layout="receipt",
        locale=locale,
        title=words["receipt"],
        issuer=issuer_of(shop, locale),
        addressee=addressee_of(facts.order, locale, made_out_to),
        transaction_on=received_on,
        lead=words["received"],
        amount=of.received,
        amount_label=words["amount_received"],
        purpose=_as_purpose(asked, locale) + ("" if on_paper else words["used"].format(method=name)),
        facts=details,
        stamp=duty,
        after=list(paid(of, words)),
        notes=[*notes(of.figures, words), *([words["note_net"]] if net else [])],
        **body(
            of.figures, of.totals, facts.breakdown.rules.display, words, is_exchange=facts.order.exchange is not None
        ),
    )


def invoice(facts: SaleFacts, shop: Shop, now: datetime, locale: str, addressee: str | None = None) -> Document:
    """The qualified invoice of an order (適格請求書): what was supplied; what came back later is a return invoice's."""
    words, method = WORDS[locale], METHODS[facts.method]
    supplied = [one.adjustment for one in facts.changes if one.adjustment.kind in BEFORE_DISPATCH]
    of = sale(facts.order.lines, facts.breakdown, supplied, shop.price.points_treatment, words)
    on = facts.dispatched_on or _day_of(now)
    return Document(
        kind=Kind.INVOICE,
        layout="letter",
        locale=locale,
        title=words["invoice"],
        issuer=issuer_of(shop, locale),
        addressee=addressee_of(facts.order, locale, addressee, with_address=True),
        transaction_on=on,
        details=[(words["order"], facts.order.number), (words["supplied_on"], day(on, locale))],
        lead=words["lead_invoice"],
        amount=of.figures.total - of.paid_in_points,
        amount_label=words["amount_invoiced"],
        amount_note=words["of_which_tax"].format(tax=of.figures.tax_total),
        boxed=[
            (words["paid_by"], method.names[locale]),
            *([(words["remarks"], words["amount_paid_already"])] if facts.captured else []),
        ],
        after=list(points_paid(of, words)),
        notes=list(notes(of.figures, words)),
        **body(
            of.figures, of.totals, facts.breakdown.rules.display, words, is_exchange=facts.order.exchange is not None
        ),
    )


def return_invoice(
    facts: SaleFacts, shop: Shop, now: datetime, locale: str, addressee: str | None = None, subject: str = ""
) -> Document:
    """The return invoice of one change (適格返還請求書): the day of it and of the supply, what came back, tax by rate (B.1.4).

    Raises ValueError where nothing that was supplied was changed.
    """
    change = change_of(facts, subject)
    if change is None:
        raise ValueError(f"order {facts.order.number} has no change {subject!r} of what was supplied")
    words = WORDS[locale]
    of = _given_back(facts, change, shop, words)
    on = change.at.astimezone(JST).date()
    original = next(iter(facts.copies(Kind.INVOICE)), None)
    adjustment = change.adjustment
    money = min(adjustment.money, facts.captured) if change.is_cancel else adjustment.money
    in_points = [Sum(words["points_returned"], adjustment.points_returned)] if adjustment.points_returned else []
    supplied = facts.dispatched_on or facts.order.placed_at.astimezone(JST).date()
    return Document(
        kind=Kind.RETURN_INVOICE,
        layout="letter",
        locale=locale,
        title=words["return_invoice"],
        issuer=issuer_of(shop, locale),
        addressee=addressee_of(facts.order, locale, addressee, with_address=True),
        transaction_on=on,
        details=[
            (words["order"], facts.order.number),
            (words["refunded_on"], day(on, locale)),
            (words["original_on"], day(supplied, locale)),
            *([(words["original"], original.number)] if original else []),
        ],
        lead=words["lead_return_invoice"],
        amount=of.total,
        amount_label=words["amount_returned"],
        amount_note=words["of_which_tax"].format(tax=of.tax_total),
        after=[*in_points, Sum(words["money_returned"], money, strong=True)],
        notes=list(notes(of, words)),
        **body(of, {}, facts.breakdown.rules.display, words),
    )


def quotation(of: Figures, shop: Shop, on: date, locale: str, addressee: Addressee, display: str) -> Document:
    """A quotation (見積書), valid so many days after ``on`` as the shop says; no invoice (DOC-06)."""
    words = WORDS[locale]
    until = on + timedelta(days=shop.documents.quotation_days)
    return Document(
        kind=Kind.QUOTATION,
        layout="letter",
        locale=locale,
        title=words["quotation"],
        issuer=issuer_of(shop, locale),
        addressee=addressee,
        transaction_on=on,
        details=[(words["valid_until"], day(until, locale))],
        lead=words["lead_quotation"],
        amount=of.total,
        amount_label=words["amount_quoted"],
        amount_note=words["of_which_tax"].format(tax=of.tax_total),
        notes=[*notes(of, words), words["note_no_invoice"]],
        **body(of, {}, display, words),
    )


def _given_back(facts: SaleFacts, change: Change, shop: Shop, words: Words) -> Figures:
    before = [one.adjustment for one in facts.changes if one.sequence < change.sequence]
    treatment = shop.price.points_treatment
    return given_back(facts.order.lines, facts.breakdown, before, change.adjustment, treatment, words)


def _day_of(at: datetime) -> date:
    return at.astimezone(JST).date()


def _as_purpose(purpose: str, locale: str) -> str:
    """「書籍代」 is written as 「書籍代として」."""
    return purpose if locale != "ja" or purpose.endswith("として") else f"{purpose}として"


def _stamp_note(method: Method, locale: str) -> str:
    """Why no revenue stamp is on it (B.1.5)."""
    words = WORDS[locale]
    if method.capture is Capture.BY_NOTICE:
        return words["stamp_electronic"]
    return words["stamp_agent"].format(method=method.names[locale])
