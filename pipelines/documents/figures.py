"""The figures of a document: tax once per rate and document, reductions spread before it (B.1.2, TAX-09).

Whole yen only. What comes out of an order comes out of what was stored with it; nothing is priced again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipelines.rules.money.adjustments import GOODWILL, Adjustment, totals_after
from pipelines.rules.money.allocation import largest_remainder
from pipelines.rules.money.breakdown import Breakdown, TaxAmount
from pipelines.rules.money.tax import STANDARD_RATE, after_points, tax_in, tax_on
from pipelines.rules.order import Line


@dataclass(frozen=True, slots=True)
class Item:
    """One row. ``unit`` and ``amount`` are yen in the price display, ``rate`` percent; ``role`` is goods, shipping, fees or
    return_fee, ``shares`` whether a reduction of the whole falls on it too."""

    name: str
    quantity: int
    unit: int
    amount: int
    rate: int
    role: str = "goods"
    shares: bool = True


@dataclass(frozen=True, slots=True)
class RateSum:
    """All of one rate in yen: ``incl`` = ``ex`` + ``tax``. ``reduction`` is what discounts took off in the price display, ``lump``
    what points and goodwill took off with tax; both are in the other three already."""

    rate: int
    reduction: int
    lump: int
    ex: int
    tax: int
    incl: int


@dataclass(frozen=True, slots=True)
class Figures:
    """``total`` = the rates' ``incl``; ``reductions`` are the items' parts of the reduction, in their sequence."""

    items: tuple[Item, ...]
    reductions: tuple[int, ...]
    rates: tuple[RateSum, ...]

    @property
    def ex_total(self) -> int:
        """Yen ex tax of all rates."""
        return sum(one.ex for one in self.rates)

    @property
    def tax_total(self) -> int:
        """Yen of tax of all rates."""
        return sum(one.tax for one in self.rates)

    @property
    def total(self) -> int:
        """Yen with tax of all rates."""
        return sum(one.incl for one in self.rates)


def figures(items: Sequence[Item], *, display: str, rounding: str, reduction: int = 0) -> Figures:
    """The figures of rows that stand for themselves: a parcel's, a quotation's. ``reduction`` yen of the price display are
    spread over the rows that share it, before tax, ties to the earlier (TAX-09)."""
    parts = largest_remainder(reduction, [item.amount if item.shares else 0 for item in items])
    return reduced(items, parts, display=display, rounding=rounding)


def reduced(items: Sequence[Item], reductions: Sequence[int], *, display: str, rounding: str) -> Figures:
    """As ``figures``, of rows each of which has its own reduction."""
    bases, off = Counter[int](), Counter[int]()
    for item, part in zip(items, reductions, strict=True):
        bases[item.rate] += item.amount - part
        off[item.rate] += part
    compute = tax_on if display == "ex_tax" else tax_in
    taxes = [TaxAmount(rate, bases[rate], compute(bases[rate], rate, rounding)) for rate in sorted(bases, reverse=True)]
    return Figures(tuple(items), tuple(reductions), tuple(_rate_sum(one, off[one.rate], display) for one in taxes))


@dataclass(frozen=True, slots=True)
class Sale:
    """What an order comes to after changes, in yen.

    ``figures`` is after everything that reduces the price; ``points`` were used, of which ``paid_in_points`` are a means of
    payment and not in the figures (B.1.3); ``goodwill`` was given back at will.  ``received`` is the money of the books, and
    ``other`` what of it no goods stand for: ``received`` = total - paid_in_points + other.  ``totals`` is the contract's object.
    """

    figures: Figures
    totals: Mapping[str, int]
    points: int
    paid_in_points: int
    goodwill: int
    received: int

    @property
    def other(self) -> int:
        """Yen received that stand for no goods: points kept back of a return, what a refund could not go below (PTS-13)."""
        return self.received - (self.figures.total - self.paid_in_points)


def sale(
    lines: Sequence[Line],
    breakdown: Breakdown,
    adjustments: Sequence[Adjustment],
    treatment: str,
    words: Mapping[str, str],
) -> Sale:
    """The figures of an order after ``adjustments``; ``words`` name shipping and fees."""
    left = totals_after(breakdown, adjustments)
    gone = Counter[str]()
    for change in adjustments:
        gone.update(dict(change.lines))
    goods = [(line, line.quantity - gone[line.line]) for line in lines]
    items = [_goods(line, pieces) for line, pieces in goods if pieces] + list(
        _extras(left["shipping"], left["fees"], words)
    )
    display, rounding = breakdown.rules.display, breakdown.rules.rounding
    taxes = [TaxAmount(one["rate"], one["base"], one["tax"]) for one in left["tax"]]
    points, goodwill = left["points_used"], left["goodwill"]
    as_discount = points if treatment == "discount" else 0
    found = _of_books(items, taxes, as_discount + goodwill, display, rounding)
    return Sale(found, left, points, points - as_discount, goodwill, left["grand_total"])


def given_back(
    lines: Sequence[Line],
    breakdown: Breakdown,
    before: Sequence[Adjustment],
    change: Adjustment,
    treatment: str,
    words: Mapping[str, str],
) -> Figures:
    """What ``change`` took out of the order, positive (適格返還請求書): goods that came back, or a price reduced at will."""
    display, rounding = breakdown.rules.display, breakdown.rules.rounding
    if change.kind == GOODWILL:
        return _reduction(sale(lines, breakdown, before, treatment, words).figures, change.money, rounding, words)
    back = dict(change.lines)
    items = [_goods(line, back[line.line]) for line in lines if line.line in back]
    items += _extras(change.shipping, change.fees, words)
    lump = change.points_returned if treatment == "discount" else 0
    return _of_books(items, change.tax, lump, display, rounding)


def _reduction(left: Figures, money: int, rounding: str, words: Mapping[str, str]) -> Figures:
    """``money`` yen with tax off what was left, in proportion over its rates."""
    parts = largest_remainder(money, [one.incl for one in left.rates])
    shares = [(one.rate, part) for one, part in zip(left.rates, parts, strict=True) if part]
    items = tuple(Item(words["goodwill"], 1, part, part, rate, "goodwill") for rate, part in shares)
    rates = tuple(_gross(rate, part, 0, 0, rounding) for rate, part in shares)
    return Figures(items, (0,) * len(items), rates)


def _of_books(items: Sequence[Item], taxes: Iterable[TaxAmount], lump: int, display: str, rounding: str) -> Figures:
    """Figures whose bases and taxes were stored, less ``lump`` yen with tax, in proportion over the rates (B.1.3)."""
    amounts = Counter[int]()
    for item in items:
        amounts[item.rate] += item.amount
    sums = [_rate_sum(one, amounts[one.rate] - one.base, display) for one in taxes]
    if lump:
        gross = {one.rate: max(0, one.incl) for one in sums}
        lump = min(lump, sum(gross.values()))
        after = after_points(gross, lump, "discount")
        sums = [
            _gross(one.rate, after[one.rate], one.reduction, gross[one.rate] - after[one.rate], rounding)
            if gross[one.rate] != after[one.rate]
            else one
            for one in sums
        ]
    return Figures(tuple(items), (0,) * len(items), tuple(sums))


def _rate_sum(one: TaxAmount, reduction: int, display: str) -> RateSum:
    ex = one.base if display == "ex_tax" else one.base - one.tax
    return RateSum(one.rate, reduction, 0, ex, one.tax, ex + one.tax)


def _gross(rate: int, incl: int, reduction: int, lump: int, rounding: str) -> RateSum:
    tax = tax_in(incl, rate, rounding)
    return RateSum(rate, reduction, lump, incl - tax, tax, incl)


def _goods(line: Line, pieces: int) -> Item:
    return Item(line.name, pieces, line.unit_price, line.unit_price * pieces, line.tax_rate)


def _extras(shipping: int, fees: int, words: Mapping[str, str]) -> Iterator[Item]:
    """Shipping and fees, at the standard rate (TAX-08)."""
    for role, amount in (("shipping", shipping), ("fees", fees)):
        if amount:
            yield Item(words[role], 1, amount, amount, STANDARD_RATE, role, shares=False)
