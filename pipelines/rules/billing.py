"""The monthly bill (請求書) of orders that are paid later: tax per rate once on the bill, or once an order (TAX-02).

The document whose tax is the legal amount rounds it. Where that is the bill, the orders' own taxes were shown for orientation and
may add up to some yen more or less (B.1.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.methods import METHODS, Capture
from pipelines.rules.money.adjustments import Adjustment, totals_after
from pipelines.rules.money.breakdown import Breakdown, TaxAmount
from pipelines.rules.money.tax import after_points, tax_in, tax_on


def billed_methods() -> list[str]:
    """Methods whose orders are collected on a monthly bill (PAY-01, PAY-12)."""
    return [method.name for method in METHODS.values() if method.capture is Capture.ON_BILL]


@dataclass(frozen=True, slots=True)
class BilledOrder:
    """What one order adds to the bill, in yen after its adjustments: by rate ``bases`` in the price display and ``taxes`` as
    they were shown with the order; and used points."""

    number: str
    placed_on: date
    method: str
    bases: Mapping[int, int]
    taxes: Mapping[int, int]
    points_used: int

    @property
    def shown_tax(self) -> int:
        """The tax that was shown with the order, of all rates."""
        return sum(self.taxes.values())


@dataclass(frozen=True, slots=True)
class Bill:
    """``tax`` per rate, highest first; ``total`` = bases with tax; ``due`` = total - points_used.

    ``shown_tax`` is what the orders' own taxes come to. ``after_points`` is the gross by rate as the invoice states it
    where points reduce the price (B.1.3).
    """

    orders: tuple[BilledOrder, ...]
    tax: tuple[TaxAmount, ...]
    tax_total: int
    shown_tax: int
    total: int
    points_used: int
    due: int
    after_points: Mapping[int, int]


def billed(
    number: str, placed_on: date, method: str, breakdown: Breakdown, adjustments: Sequence[Adjustment]
) -> BilledOrder:
    """An order as the bill lists it."""
    left = totals_after(breakdown, adjustments)
    bases = {one["rate"]: one["base"] for one in left["tax"]}
    taxes = {one["rate"]: one["tax"] for one in left["tax"]}
    return BilledOrder(number, placed_on, method, bases, taxes, left["points_used"])


def bill(orders: Sequence[BilledOrder], *, display: str, rounding: str, points_treatment: str, tax_unit: str) -> Bill:
    """The bill of ``orders``. ``display`` is ex_tax or tax_included. ``tax_unit``: billing_month rounds the tax as ``rounding``
    says, once per rate; order sums up what the orders stated (TAX-02)."""
    bases, stated = Counter[int](), Counter[int]()
    for order in orders:
        bases.update(order.bases)
        stated.update(order.taxes)
    compute = tax_on if display == "ex_tax" else tax_in
    by_order = tax_unit == "order"
    tax = tuple(
        TaxAmount(rate, bases[rate], stated[rate] if by_order else compute(bases[rate], rate, rounding))
        for rate in sorted(bases, reverse=True)
    )
    gross = {one.rate: one.base + (one.tax if display == "ex_tax" else 0) for one in tax}
    points = sum(order.points_used for order in orders)
    return Bill(
        orders=tuple(orders),
        tax=tax,
        tax_total=sum(one.tax for one in tax),
        shown_tax=sum(order.shown_tax for order in orders),
        total=sum(gross.values()),
        points_used=points,
        due=sum(gross.values()) - points,
        after_points=after_points(gross, points, points_treatment),
    )
