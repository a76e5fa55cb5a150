"""The tables of a document: rows, what stands under them, tax by rate, and the notes that go with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.documents.figures import Figures, Item, Sale
from pipelines.documents.paper import RateRow, Row, Sum

Words = Mapping[str, str]

#: Percent; food and newspapers (B.1.1).
REDUCED_RATE: Final = 8


def body(
    of: Figures, totals: Mapping[str, Any], display: str, words: Words, *, is_exchange: bool = False
) -> dict[str, Any]:
    """All tables of a document with prices; ``totals`` are the contract's of an order, empty where there is none. Of one that
    ``is_exchange`` what is taken off are the goods that were sent back, and no coupon."""
    return {
        "heads": heads(display, words),
        "rows": [row(item) for item in of.items],
        "sums": list(sums(of, totals, display, words, "exchange_credit" if is_exchange else "coupon_discount")),
        "rates": rate_rows(of, words),
        "words": words,
    }


def heads(display: str, words: Words) -> Sequence[str]:
    """The head row: name, pieces, price and amount as the shop prices."""
    basis = words["ex_tax" if display == "ex_tax" else "tax_included"]
    return (words["name"], words["quantity"], words["unit"] + basis, words["amount"] + basis)


def row(item: Item) -> Row:
    """One row with prices, ※ at the reduced rate."""
    return Row(item.name, item.quantity, item.unit, item.amount, "※" if item.rate == REDUCED_RATE else "")


def sums(
    of: Figures, totals: Mapping[str, Any], display: str, words: Words, off: str = "coupon_discount"
) -> Iterator[Sum]:
    """From the rows to the total: discounts, tax, points and goodwill that reduce the price, the total with tax;
    ``off`` is the word for the second discount."""
    reduction, lump = sum(one.reduction for one in of.rates), sum(one.lump for one in of.rates)
    named = [("member_discount", totals.get("member_discount", 0)), (off, totals.get("coupon_discount", 0))]
    yield from (Sum(words[name], -amount) for name, amount in named if amount)
    if rest := reduction - sum(amount for _, amount in named):
        yield Sum(words["discount"], -rest)
    if lump:
        goodwill = min(totals.get("goodwill", 0), lump)
        yield Sum(words["subtotal_incl"], of.total + lump)
        yield from (Sum(words[name], -off) for name, off in _lumps(lump - goodwill, goodwill) if off)
    elif display == "ex_tax":
        yield Sum(words["tax"], of.tax_total)
    yield Sum(words["total"], of.total, strong=True)


def _lumps(points: int, goodwill: int) -> Sequence[tuple[str, int]]:
    return (("points_discount", points), ("goodwill", goodwill))


def rate_rows(of: Figures, words: Words) -> Sequence[RateRow]:
    """Amount and tax of each rate (B.1.4)."""
    return [
        RateRow(
            words["rate_reduced" if one.rate == REDUCED_RATE else "rate_of"].format(rate=one.rate),
            one.ex,
            one.tax,
            one.incl,
        )
        for one in of.rates
    ]


def points_paid(of: Sale, words: Words) -> Iterator[Sum]:
    """Points as a means of payment, under the total (B.1.3)."""
    if of.paid_in_points:
        yield Sum(words["points_payment"], -of.paid_in_points)


def paid(of: Sale, words: Words) -> Iterator[Sum]:
    """From the total to the money that was received; nothing where the two are one."""
    if of.paid_in_points or of.other:
        yield from points_paid(of, words)
        if of.other:
            yield Sum(words["other"], of.other)
        yield Sum(words["money_received"], of.received, strong=True)


def notes(of: Figures, words: Words) -> Iterator[str]:
    """What must be said of the figures."""
    if any(item.rate == REDUCED_RATE for item in of.items):
        yield words["note_reduced"]
    yield words["note_points" if any(one.lump for one in of.rates) else "note_rounding"]
