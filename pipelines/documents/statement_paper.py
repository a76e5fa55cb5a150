"""The monthly statement (請求書): a customer's orders of a month on one invoice (TAX-02), and what is credited of earlier ones (PAY-12)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from pipelines.documents.figures import Figures, RateSum
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Addressee, Document, RateRow, Row, Sum
from pipelines.documents.parties import issuer_of
from pipelines.documents.tables import Words, rate_rows
from pipelines.documents.words import WORDS, day
from pipelines.rules.dates.periods import same_day_months_later
from pipelines.rules.money.tax import tax_in
from pipelines.shops import Shop


def statement(bill: Mapping[str, Any], shop: Shop, addressee: Addressee, locale: str = "ja") -> Document:
    """The document of ``pipelines.billing.statement``'s JSON; its tax per rate is the legal one, rounded as it says there. What is
    credited of earlier months has the content of a return invoice: its day, the original's, amount and tax by rate (B.1.4)."""
    words = WORDS[locale]
    begins = date.fromisoformat(f"{bill['month']}-01")
    ends = same_day_months_later(begins, 1) - timedelta(days=1)
    of, credited = _sold(bill, shop), _credited(bill, shop)
    gives_back = bill["to_give_back"] > 0
    tax = of.tax_total - credited.tax_total
    return Document(
        kind=Kind.STATEMENT,
        layout="letter",
        locale=locale,
        title=words["statement"],
        issuer=issuer_of(shop, locale),
        addressee=addressee,
        transaction_on=ends,
        details=[
            (words["customer"], bill["customer"]),
            (words["month"], f"{day(begins, locale)} – {day(ends, locale)}"),
        ],
        lead=words["lead_give_back" if gives_back else "lead_statement"],
        amount=bill["to_give_back"] or bill["due"],
        amount_label=words["amount_to_give_back" if gives_back else "amount_invoiced"],
        amount_note=words["of_which_tax"].format(tax=-tax if gives_back else tax),
        heads=(
            words["order"],
            words["placed_or_changed" if bill["credits"] else "placed"],
            words["amount"] + words["ex_tax" if bill["price_display"] == "ex_tax" else "tax_included"],
            words["shown_tax"],
        ),
        rows=[*map(_row, bill["orders"]), *(_credit_row(one, words, locale) for one in bill["credits"])],
        sums=list(_sums(bill, words)),
        rates=[*rate_rows(of, words), *_credit_rates(credited, words)],
        notes=list(_notes(bill, shop, words)),
        words=words,
    )


def _sums(bill: Mapping[str, Any], words: Words) -> Iterator[Sum]:
    """From the orders to what is paid; what is credited stands by itself."""
    if bill["price_display"] == "ex_tax":
        yield Sum(words["tax"], bill["tax_total"])
    yield Sum(words["total"], bill["total"], strong=True)
    off = [
        ("points_used", -bill["points_used"]),
        ("credited", -bill["credit_total"]),
        ("credit_points", bill["credit_points"]),
        ("points_kept", bill["points_kept"]),
    ]
    yield from (Sum(words[name], amount) for name, amount in off if amount)
    if bill["to_give_back"]:
        yield Sum(words["to_give_back"], bill["to_give_back"], strong=True)
    elif any(amount for _, amount in off):
        yield Sum(words["to_pay"], bill["due"], strong=True)


def _notes(bill: Mapping[str, Any], shop: Shop, words: Words) -> Iterator[str]:
    yield words["statement_tax_note"]
    if bill["credits"]:
        is_invoice = bill["tax_unit"] == "billing_month" and shop.registration_number
        yield words["credit_note" if is_invoice else "credit_note_order"]
    if bill["to_give_back"]:
        yield words["note_to_give_back"]
    if not shop.registration_number:
        yield words["note_no_invoice"]


def _row(one: Mapping[str, Any]) -> Row:
    return Row(one["number"], 0, _base(one), one["shown_tax"], sku=_written(one["placed_on"]))


def _credit_row(one: Mapping[str, Any], words: Words, locale: str) -> Row:
    """What was given back of an order: which one, of when, which goods."""
    kind, placed = words[f"credit_{one['kind']}"], day(date.fromisoformat(one["placed_on"]), locale)
    goods = [words["credited_goods"].format(name=line["name"], pieces=line["quantity"]) for line in one["lines"]]
    name = words["credited_order"].format(number=one["number"], kind=kind, placed=placed)
    return Row(" ".join([name, *goods]), 0, -_base(one), -one["shown_tax"], sku=_written(one["made_on"]))


def _base(one: Mapping[str, Any]) -> int:
    return sum(part["base"] for part in one["bases"])


def _written(day_of_it: str) -> str:
    return f"{date.fromisoformat(day_of_it):%Y/%m/%d}"


def _credit_rates(credited: Figures, words: Words) -> Sequence[RateRow]:
    return [
        RateRow(words["credited_rate"].format(rate=one.label), -one.ex, -one.tax, -one.incl)
        for one in rate_rows(credited, words)
    ]


def _sold(bill: Mapping[str, Any], shop: Shop) -> Figures:
    return Figures((), (), _rates(bill, shop, bill["tax"], bill["points_used"], bill["gross_after_points"]))


def _credited(bill: Mapping[str, Any], shop: Shop) -> Figures:
    after = bill["credit_gross_after_points"]
    return Figures((), (), _rates(bill, shop, bill["credit_tax"], bill["credit_points"], after))


def _rates(
    bill: Mapping[str, Any],
    shop: Shop,
    taxes: Sequence[Mapping[str, int]],
    points: int,
    after: Sequence[Mapping[str, int]],
) -> tuple[RateSum, ...]:
    """By rate; where points reduce the price, tax is that of what is left (B.1.3)."""
    if points and shop.price.points_treatment == "discount":
        left = [(one["rate"], one["gross"]) for one in after]
        return tuple(_rate_sum(rate, gross, tax_in(gross, rate, shop.price.rounding)) for rate, gross in left)
    on_top = bill["price_display"] == "ex_tax"
    return tuple(_rate_sum(one["rate"], one["base"] + (one["tax"] if on_top else 0), one["tax"]) for one in taxes)


def _rate_sum(rate: int, incl: int, tax: int) -> RateSum:
    return RateSum(rate, 0, 0, incl - tax, tax, incl)
