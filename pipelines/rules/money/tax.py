"""Consumption tax (消費税) in whole yen, rounded once per rate and invoice (TAX-01 to TAX-03, B.1).

``rate`` is percent (0, 8, 10); ``rounding`` floor, half_up or ceil. A negative amount is a refund: its absolute value
is rounded, so that a refund takes back exactly what was charged (B.1.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pipelines.rules.money.allocation import largest_remainder

STANDARD_RATE: Final = 10
"""Percent; shipping and fees are taxed at it, whatever the goods (TAX-08)."""


_RETURN_INVOICE_FROM: Final = 10_000


def rounded(numerator: int, denominator: int, rounding: str) -> int:
    """``numerator / denominator`` as a whole number, exact arithmetic; ``denominator`` is positive."""
    if numerator < 0:
        return -rounded(-numerator, denominator, rounding)
    if rounding == "floor":
        return numerator // denominator
    if rounding == "half_up":
        return (numerator * 2 + denominator) // (denominator * 2)
    if rounding == "ceil":
        return -(-numerator // denominator)
    raise ValueError(f"unknown rounding {rounding!r}")


def tax_on(ex_tax: int, rate: int, rounding: str) -> int:
    """Tax that comes on top of ``ex_tax`` yen."""
    return rounded(ex_tax * rate, 100, rounding)


def tax_in(gross: int, rate: int, rounding: str) -> int:
    """Tax contained in ``gross`` yen: gross x rate / (100 + rate) (TAX-03)."""
    return rounded(gross * rate, 100 + rate, rounding)


def tax_per_rate(ex_tax_lines: Sequence[tuple[int, int]], rounding: str) -> dict[int, int]:
    """Tax per rate of an invoice whose lines are (ex-tax yen, rate): summed first, then rounded once (B.1.2)."""
    bases: dict[int, int] = {}
    for amount, rate in ex_tax_lines:
        bases[rate] = bases.get(rate, 0) + amount
    return {rate: tax_on(base, rate, rounding) for rate, base in bases.items()}


def needs_return_invoice(reduction: int) -> bool:
    """Whether giving back ``reduction`` yen, tax included, needs a return invoice (適格返還請求書): below 10,000 yen it is
    exempt, judged for each refund as a whole and not for each rate (B.1.4)."""
    return reduction >= _RETURN_INVOICE_FROM


def after_points(gross_by_rate: Mapping[int, int], points: int, treatment: str) -> dict[int, int]:
    """Gross yen per rate as the invoice states it when ``points`` were used (B.1.3).

    ``discount``: points reduce the price, split over the rates by the largest remainder. ``payment``: they are a means
    of payment and the amounts stay.
    """
    if treatment == "payment":
        return dict(gross_by_rate)
    shares = largest_remainder(points, tuple(gross_by_rate.values()))
    return {rate: gross - share for (rate, gross), share in zip(gross_by_rate.items(), shares, strict=True)}
