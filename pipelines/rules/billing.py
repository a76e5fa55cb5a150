"""The monthly bill (請求書) of orders that are paid later: tax per rate once on the bill, or once an order (TAX-02).

The document whose tax is the legal amount rounds it. Where that is the bill, the orders' own taxes were shown for orientation and
may add up to some yen more or less (B.1.2).

An order is on the bill of the month in which it was placed, or, where it reached us only when the statement of that had been
issued, of the month in which it came; as it stood when that month ended: what was debited stays. What changes it later is a
credit on the bill of the month in which it was made (PAY-12), rounded for itself, with what a return invoice (適格返還請求書) says
(B.1.4). So every yen that is billed or given back is on one bill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipelines.methods import METHODS, Capture
from pipelines.rules.money.adjustments import Adjustment, Lines, totals_after
from pipelines.rules.money.breakdown import Breakdown, TaxAmount
from pipelines.rules.money.tax import after_points, tax_in, tax_on

#: Kinds of credit beside those of adjustments: an order cancelled as a whole, and one that was priced again.
CANCELLED, REPRICED = "cancelled", "repriced"


def billed_methods() -> list[str]:
    """Methods whose orders are collected on a monthly bill (PAY-01, PAY-12)."""
    return [method.name for method in METHODS.values() if method.capture is Capture.ON_BILL]


def is_billed(method: str) -> bool:
    """Whether orders by ``method`` are collected on a monthly bill (PAY-01, PAY-12)."""
    return METHODS[method].capture is Capture.ON_BILL


def is_invoiced_monthly(method: str, tax_unit: str) -> bool:
    """Whether the statement of a month is the invoice of orders by ``method``, and the return invoice of what is credited on it
    (TAX-02)."""
    return is_billed(method) and tax_unit == "billing_month"


def bill_month(placed_on: date, heard_on: date) -> date:
    """The first day of the month on whose bill an order, or a change of one, is: that in which it was heard of, and not before the
    order was placed. Days are Japan's."""
    return max(placed_on, heard_on).replace(day=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an order is on a bill with, in yen by rate: ``bases`` in the price display, ``taxes`` as they were shown with it."""

    number: str
    placed_on: date
    method: str
    bases: Mapping[int, int]
    taxes: Mapping[int, int]

    @property
    def shown_tax(self) -> int:
        """The tax that was shown with it, of all rates."""
        return sum(self.taxes.values())


@dataclass(frozen=True, slots=True)
class BilledOrder(Entry):
    """What one order adds to the bill, after its adjustments; used points, and ``points_kept``: yen kept back for points that were
    spent (PTS-13)."""

    points_used: int
    points_kept: int = 0


@dataclass(frozen=True, slots=True)
class Credit(Entry):
    """What one change takes off an order of an earlier month, negative where it adds; ``points`` that came back, ``points_kept`` yen that
    were kept back for spent ones (PTS-13).

    ``made_on`` is its day in Japan, ``lines`` the (line, pieces) that went; none where it is about the whole order.
    """

    made_on: date
    kind: str
    lines: Lines
    points: int
    points_kept: int


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """An order with all that its bills are made of; days are Japan's.

    ``came_on``: when it reached us, where the statement of its month had been issued by then, else its day. ``breakdown`` holds
    now; ``repriced`` are (day, the breakdown that held until then), ``changes`` (day, adjustment), each
    first to last. ``cancelled_on``: when it ended as a whole, None where it stands.
    """

    number: str
    placed_on: date
    came_on: date
    method: str
    breakdown: Breakdown
    repriced: Sequence[tuple[date, Breakdown]] = ()
    changes: Sequence[tuple[date, Adjustment]] = ()
    cancelled_on: date | None = None

    def month_of(self, day: date) -> date:
        """The month on whose bill a change of that day is."""
        return bill_month(self.placed_on, day)

    @property
    def month(self) -> date:
        """The month on whose bill the order is."""
        return self.month_of(self.came_on)

    def priced_in(self, month: date) -> Breakdown:
        """What held when ``month`` ended."""
        return next((before for day, before in self.repriced if self.month_of(day) > month), self.breakdown)

    def changed_by(self, month: date) -> list[Adjustment]:
        """Its changes until ``month`` ended."""
        return [change for day, change in self.changes if self.month_of(day) <= month]

    def stands_in(self, month: date) -> bool:
        """Whether it was not cancelled when ``month`` ended."""
        return self.cancelled_on is None or self.month_of(self.cancelled_on) > month


def on_bill(history: OrderHistory, month: date) -> BilledOrder | None:
    """The order as the bill of the month that begins with ``month`` lists it: as it stood when that ended; None where it is not
    one of that month, or did not stand."""
    if history.month != month or not history.stands_in(month):
        return None
    priced = history.priced_in(month)
    return billed(history.number, history.placed_on, history.method, priced, history.changed_by(month))


def credits_of(history: OrderHistory, month: date) -> Iterator[Credit]:
    """What was changed in ``month`` of an order that is on the bill of an earlier one."""
    if history.month >= month or not history.stands_in(history.month):
        return
    for place, (day, before) in enumerate(history.repriced):
        if history.month_of(day) == month:
            after = next((priced for _, priced in history.repriced[place + 1 :]), history.breakdown)
            yield from _credit(history, day, REPRICED, _left(before, ()), _left(after, ()))
    for place, (day, change) in enumerate(history.changes):
        if history.month_of(day) == month:
            done = [one for _, one in history.changes[:place]]
            priced = history.priced_in(month)
            yield from _credit(
                history, day, change.kind, _left(priced, done), _left(priced, [*done, change]), change.lines
            )
    if history.cancelled_on is not None and history.month_of(history.cancelled_on) == month:
        left = _left(history.breakdown, [one for _, one in history.changes])
        yield from _credit(history, history.cancelled_on, CANCELLED, left, _Left({}, {}, 0, 0))


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of an order, in yen."""

    bases: Mapping[int, int]
    taxes: Mapping[int, int]
    points_used: int
    points_kept: int


def _left(breakdown: Breakdown, changes: Sequence[Adjustment]) -> _Left:
    totals: Mapping[str, Any] = totals_after(breakdown, changes)
    bases = {one["rate"]: one["base"] for one in totals["tax"]}
    taxes = {one["rate"]: one["tax"] for one in totals["tax"]}
    return _Left(bases, taxes, totals["points_used"], totals["points_deducted"])


def _credit(
    history: OrderHistory, made_on: date, kind: str, before: _Left, after: _Left, lines: Lines = ()
) -> Iterator[Credit]:
    """The credit that a change comes to; none where it leaves what is billed as it was."""
    bases, taxes = _less(before.bases, after.bases), _less(before.taxes, after.taxes)
    points, kept = before.points_used - after.points_used, after.points_kept - before.points_kept
    if any((*bases.values(), *taxes.values(), points, kept)):
        yield Credit(
            history.number, history.placed_on, history.method, bases, taxes, made_on, kind, lines, points, kept
        )


def _less(before: Mapping[int, int], after: Mapping[int, int]) -> dict[int, int]:
    rates = sorted(before.keys() | after.keys(), reverse=True)
    return {rate: before.get(rate, 0) - after.get(rate, 0) for rate in rates}


@dataclass(frozen=True, slots=True)
class Bill:
    """``tax`` per rate, highest first, ``total`` = bases with tax, ``points_used`` and ``shown_tax`` (what the orders' own taxes
    come to) are of the orders. ``after_points`` is the gross by rate as the invoice states it where points reduce the price
    (B.1.3).

    ``credit_tax``, ``credit_total``, ``credit_points`` and ``credit_after_points`` are the same of the credits, positive.
    ``due`` = total - points_used - (credit_total - credit_points) + points_kept; where that is less than nothing, it is 0 and
    ``to_give_back`` what the shop owes the customer.
    """

    orders: tuple[BilledOrder, ...]
    tax: tuple[TaxAmount, ...]
    tax_total: int
    shown_tax: int
    total: int
    points_used: int
    due: int
    after_points: Mapping[int, int]
    credits: tuple[Credit, ...] = ()
    credit_tax: tuple[TaxAmount, ...] = ()
    credit_total: int = 0
    credit_points: int = 0
    credit_after_points: Mapping[int, int] = field(default_factory=dict)
    points_kept: int = 0
    to_give_back: int = 0


def billed(
    number: str, placed_on: date, method: str, breakdown: Breakdown, adjustments: Sequence[Adjustment]
) -> BilledOrder:
    """An order as the bill lists it."""
    left = _left(breakdown, adjustments)
    return BilledOrder(number, placed_on, method, left.bases, left.taxes, left.points_used, left.points_kept)


def bill(
    orders: Sequence[BilledOrder],
    credited: Sequence[Credit] = (),
    *,
    display: str,
    rounding: str,
    points_treatment: str,
    tax_unit: str,
) -> Bill:
    """The bill of ``orders``, less what is ``credited``. ``display`` is ex_tax or tax_included. ``tax_unit``: billing_month rounds the tax as
    ``rounding`` says, once per rate, of the orders and of the credits; order sums up what they stated (TAX-02)."""
    taxing = _Taxing(display, rounding, tax_unit == "order")
    tax, credit_tax = taxing.of(orders), taxing.of(credited)
    gross, back = taxing.gross(tax), taxing.gross(credit_tax)
    points, points_back = sum(one.points_used for one in orders), sum(one.points for one in credited)
    kept = sum(one.points_kept for one in orders) + sum(one.points_kept for one in credited)
    due = sum(gross.values()) - points - (sum(back.values()) - points_back) + kept
    return Bill(
        orders=tuple(orders),
        tax=tax,
        tax_total=sum(one.tax for one in tax),
        shown_tax=sum(order.shown_tax for order in orders),
        total=sum(gross.values()),
        points_used=points,
        due=max(0, due),
        after_points=after_points(gross, points, points_treatment),
        credits=tuple(credited),
        credit_tax=credit_tax,
        credit_total=sum(back.values()),
        credit_points=points_back,
        credit_after_points=_credit_after_points(back, points_back, points_treatment),
        points_kept=kept,
        to_give_back=max(0, -due),
    )


@dataclass(frozen=True, slots=True)
class _Taxing:
    """How a bill comes to its tax."""

    display: str
    rounding: str
    by_order: bool

    def of(self, listed: Iterable[BilledOrder | Credit]) -> tuple[TaxAmount, ...]:
        """Base and tax of each rate, the highest first."""
        bases, stated = Counter[int](), Counter[int]()
        for one in listed:
            bases.update(one.bases)
            stated.update(one.taxes)
        compute = tax_on if self.display == "ex_tax" else tax_in
        return tuple(
            TaxAmount(rate, bases[rate], stated[rate] if self.by_order else compute(bases[rate], rate, self.rounding))
            for rate in sorted(bases, reverse=True)
        )

    def gross(self, tax: Iterable[TaxAmount]) -> dict[int, int]:
        """Yen with tax by rate."""
        return {one.rate: one.base + (one.tax if self.display == "ex_tax" else 0) for one in tax}


def _credit_after_points(gross: Mapping[int, int], points: int, treatment: str) -> dict[int, int]:
    """As ``after_points``; a rate that credits add to has no points to lose."""
    positive = {rate: max(0, yen) for rate, yen in gross.items()}
    lump = max(0, min(points, sum(positive.values())))
    after = after_points(positive, lump, treatment)
    return {rate: after[rate] + min(0, yen) for rate, yen in gross.items()}
