"""The monthly statement (請求書): a customer's orders of a month on one invoice (TAX-02)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pipelines.documents.figures import Figures, RateSum
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Addressee, Document, Row, Sum
from pipelines.documents.parties import issuer_of
from pipelines.documents.tables import rate_rows
from pipelines.documents.words import WORDS, day
from pipelines.rules.dates.periods import same_day_months_later
from pipelines.rules.money.tax import tax_in
from pipelines.shops import Shop


def statement(bill: Mapping[str, Any], shop: Shop, addressee: Addressee, locale: str = "ja") -> Document:
    """The document of ``pipelines.billing.statement``'s JSON; its tax per rate is the legal one, rounded as it says there."""
    words = WORDS[locale]
    begins = date.fromisoformat(f"{bill['month']}-01")
    ends = same_day_months_later(begins, 1) - timedelta(days=1)
    ex_tax = bill["price_display"] == "ex_tax"
    of = Figures((), (), _rates(bill, shop))
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
        lead=words["lead_statement"],
        amount=bill["due"],
        amount_label=words["amount_invoiced"],
        amount_note=words["of_which_tax"].format(tax=of.tax_total),
        heads=(
            words["order"],
            words["placed"],
            words["amount"] + words["ex_tax" if ex_tax else "tax_included"],
            words["shown_tax"],
        ),
        rows=[_row(one) for one in bill["orders"]],
        sums=[
            *([Sum(words["tax"], bill["tax_total"])] if ex_tax else []),
            Sum(words["total"], bill["total"], strong=True),
            *([Sum(words["points_used"], -bill["points_used"])] if bill["points_used"] else []),
            *([Sum(words["to_pay"], bill["due"], strong=True)] if bill["points_used"] else []),
        ],
        rates=rate_rows(of, words),
        notes=[words["statement_tax_note"], *([] if shop.registration_number else [words["note_no_invoice"]])],
        words=words,
    )


def _row(one: Mapping[str, Any]) -> Row:
    placed = date.fromisoformat(one["placed_on"])
    return Row(one["number"], 0, sum(part["base"] for part in one["bases"]), one["shown_tax"], sku=f"{placed:%Y/%m/%d}")


def _rates(bill: Mapping[str, Any], shop: Shop) -> tuple[RateSum, ...]:
    """By rate; where points reduce the price, tax is that of what is left (B.1.3)."""
    if bill["points_used"] and shop.price.points_treatment == "discount":
        left = [(one["rate"], one["gross"]) for one in bill["gross_after_points"]]
        return tuple(_rate_sum(rate, gross, tax_in(gross, rate, shop.price.rounding)) for rate, gross in left)
    on_top = bill["price_display"] == "ex_tax"
    return tuple(_rate_sum(one["rate"], one["base"] + (one["tax"] if on_top else 0), one["tax"]) for one in bill["tax"])


def _rate_sum(rate: int, incl: int, tax: int) -> RateSum:
    return RateSum(rate, 0, 0, incl - tax, tax, incl)
