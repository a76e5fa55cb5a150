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
class CouponShare:
    """What one coupon did: ``amount`` yen off with its part of each line in the order's sequence, or ``points``
    credited."""

    code: str
    kind: str
    amount: int
    points: int
    by_line: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrozenRules:
    """Rules of the shop that later changes of the order go by, frozen with it whatever the profile says then.

    ``coupon_recovery`` lists the kinds of change that void the coupons (CPN-04). ``waived_shipping`` is the fee, in the
    price display, that falls due when the kept goods no longer reach ``free_from``; 0: never. ``agreed_fee`` is what a person
    agreed with an individual for whom no fee is published, in the price display (INT-04); None: nothing was.
    """

    display: str
    rounding: str
    coupon_recovery: tuple[str, ...] = ("return",)
    waived_shipping: int = 0
    free_from: int = 0
    agreed_fee: int | None = None


@dataclass(frozen=True, slots=True)
class LineShare:
    """One line's part of everything, in yen.

    ``net`` = ``amount`` - ``member_discount`` - ``coupon``, in the price display; ``tax`` is the line's part of its
    rate's tax; ``gross`` is what the line really cost with tax. ``points_used`` is the part of it paid in points (what
    is missing to the order's total fell on shipping and fees). ``points_base`` is ex tax; ``points`` is what the line
    earns; ``rank_spend`` is what it counts for ranks, ex tax (RNK-05).
    """

    line: str
    quantity: int
    amount: int
    member_discount: int
    coupon: int
    points_used: int
    net: int
    tax: int
    gross: int
    tax_rate: int
    points_rate: Decimal
    points_base: int
    points: int
    rank_spend: int


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
    coupons: tuple[CouponShare, ...]
    lines: tuple[LineShare, ...]
    rules: FrozenRules

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
        """Everything, for storage; ``from_json`` reads it back. ``rank_spend`` is the lines' sum, for set-based use."""
        return {
            **self.totals_json(),
            "coupon_points": self.coupon_points,
            "points_earned": self.points_earned,
            "rank_spend": sum(one.rank_spend for one in self.lines),
            **self.spread_json(),
            "rules": {
                "display": self.rules.display,
                "rounding": self.rules.rounding,
                "coupon_recovery": list(self.rules.coupon_recovery),
                "waived_shipping": self.rules.waived_shipping,
                "free_from": self.rules.free_from,
                "agreed_fee": self.rules.agreed_fee,
            },
        }

    def spread_json(self) -> dict[str, Any]:
        """How every amount of the order falls on its lines and coupons."""
        return {
            "coupons": [
                {
                    "code": one.code,
                    "kind": one.kind,
                    "amount": one.amount,
                    "points": one.points,
                    "by_line": list(one.by_line),
                }
                for one in self.coupons
            ],
            "lines": [
                {
                    "line": one.line,
                    "quantity": one.quantity,
                    "amount": one.amount,
                    "member_discount": one.member_discount,
                    "coupon": one.coupon,
                    "points_used": one.points_used,
                    "net": one.net,
                    "tax": one.tax,
                    "gross": one.gross,
                    "tax_rate": one.tax_rate,
                    "points_rate": _plain(one.points_rate),
                    "points_base": one.points_base,
                    "points": one.points,
                    "rank_spend": one.rank_spend,
                }
                for one in self.lines
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Breakdown:
        """Rebuild from ``to_json``'s own output."""
        values = dict(document)
        del values["rank_spend"]
        values["tax"] = tuple(TaxAmount(**one) for one in values["tax"])
        values["coupons"] = tuple(CouponShare(**{**one, "by_line": tuple(one["by_line"])}) for one in values["coupons"])
        values["lines"] = tuple(
            LineShare(**{**one, "points_rate": Decimal(one["points_rate"])}) for one in values["lines"]
        )
        rules = values["rules"]
        values["rules"] = FrozenRules(**{**rules, "coupon_recovery": tuple(rules["coupon_recovery"])})
        return cls(**values)


def _plain(rate: Decimal) -> str:
    return format(rate.normalize(), "f")
