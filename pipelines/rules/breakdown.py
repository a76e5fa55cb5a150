"""``Breakdown``: the complete sum of an order as plain values, and its JSON form, which is what gets stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """Tax of one rate. ``base`` yen is what the tax was taken from: ex tax, or tax included where the shop prices so."""

    rate: int
    base: int
    tax: int


@dataclass(frozen=True, slots=True)
class LineShare:
    """One line's part of everything, in yen.

    ``net`` = ``amount`` - ``member_discount`` - ``coupon``, in the price display; ``gross`` is ``net`` with the line's
    part of the tax, what the line really cost. ``points_used`` is the part of it paid in points (what is missing to the
    order's total fell on shipping and fees). ``points_base`` is ex tax; ``points`` is what the line earns.
    """

    line: str
    amount: int
    member_discount: int
    coupon: int
    points_used: int
    net: int
    gross: int
    tax_rate: int
    points_rate: Decimal
    points_base: int
    points: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The sum of an order, in yen; ``grand_total`` is what remains to pay after points.

    ``before_points`` = goods - member_discount - coupon_discount + shipping + fees (+ tax_total where prices are ex tax).
    ``coupon_points`` were credited by coupons (PTS-15), ``points_earned`` become valid later (PTS-05).
    """

    goods: int
    member_discount: int
    coupon_discount: int
    coupon_points: int
    shipping: int
    fees: int
    tax: tuple[TaxAmount, ...]
    tax_total: int
    before_points: int
    points_used: int
    grand_total: int
    points_earned: int
    lines: tuple[LineShare, ...]

    def totals_json(self) -> dict[str, Any]:
        """The contract's ``totals`` object."""
        return {
            "goods": self.goods,
            "member_discount": self.member_discount,
            "coupon_discount": self.coupon_discount,
            "shipping": self.shipping,
            "fees": self.fees,
            "tax": [{"rate": one.rate, "base": one.base, "tax": one.tax} for one in self.tax],
            "tax_total": self.tax_total,
            "before_points": self.before_points,
            "points_used": self.points_used,
            "grand_total": self.grand_total,
        }

    def points_json(self) -> dict[str, Any]:
        """The contract's ``points`` object of a preview."""
        return {
            "earned": self.points_earned,
            "by_line": [
                {"line": one.line, "rate": _plain(one.points_rate), "base": one.points_base, "points": one.points}
                for one in self.lines
            ],
        }

    def to_json(self) -> dict[str, Any]:
        """Everything, for storage; ``from_json`` reads it back."""
        return {
            **self.totals_json(),
            "coupon_points": self.coupon_points,
            "points_earned": self.points_earned,
            "lines": [
                {
                    "line": one.line,
                    "amount": one.amount,
                    "member_discount": one.member_discount,
                    "coupon": one.coupon,
                    "points_used": one.points_used,
                    "net": one.net,
                    "gross": one.gross,
                    "tax_rate": one.tax_rate,
                    "points_rate": _plain(one.points_rate),
                    "points_base": one.points_base,
                    "points": one.points,
                }
                for one in self.lines
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Breakdown:
        """Rebuild from ``to_json``'s own output."""
        values = dict(document)
        values["tax"] = tuple(TaxAmount(**one) for one in values["tax"])
        values["lines"] = tuple(
            LineShare(**{**one, "points_rate": Decimal(one["points_rate"])}) for one in values["lines"]
        )
        return cls(**values)


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
