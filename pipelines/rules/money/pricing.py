"""What an order costs and earns: discounts, fees, tax, points (A.8, A.10, A.11).

Whole yen only. Amounts before tax are in the shop's price display: ex tax, or tax included where the shop prices so.
The order of things: member price, coupons, shipping, fee, tax once per rate, points against the grand total.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from typing import TYPE_CHECKING, Final

from pipelines.methods import METHODS
from pipelines.rules import points as point_rules
from pipelines.rules.money.allocation import largest_remainder
from pipelines.rules.money.breakdown import Breakdown, CouponShare, FrozenRules, LineShare, TaxAmount
from pipelines.rules.money.coupons import discount, discounted
from pipelines.rules.money.tax import STANDARD_RATE, rounded, tax_in, tax_on
from pipelines.rules.order import Line, Order
from pipelines.values.prefecture import prefecture

if TYPE_CHECKING:
    from pipelines.shops import Shop


EXCHANGE: Final = "exchange"
"""The kind of share in a sum that goods which came back count for (RET-06): in the place of a coupon's."""


def price(
    order: Order, shop: Shop, *, balance: int = 0, rank: str | None = None, agreed_fee: int | None = None
) -> Breakdown:
    """The whole sum of an order.

    ``balance``: valid points the customer has; points of a coupon come on top and can be used at once (PTS-15).
    ``rank``: the customer's rank, else the order's own, else the lowest. ``agreed_fee``: yen in the price display that the
    shipping to this individual costs more, where no fee is published and somebody agreed on one (INT-04).
    """
    ex_tax = shop.price.display == "ex_tax"
    amounts = [line.unit_price * line.quantity for line in order.lines]
    member = [0] * len(amounts) if not shop.price.member_discount_percent else _member_discounts(order, shop)
    coupons = _coupons(order, shop, [a - m for a, m in zip(amounts, member, strict=True)])
    coupon = [sum(parts) for parts in zip(*(one.by_line for one in coupons), strict=True)] or [0] * len(amounts)
    coupon_discount, coupon_points = sum(coupon), sum(one.points for one in coupons)
    nets = [a - m - c for a, m, c in zip(amounts, member, coupon, strict=True)]

    shipping = shipping_fee(order, shop, sum(nets), agreed_fee)
    fee = method_fee(order, shop, nets, shipping)
    if fee and not _leaves_to_pay(order, shop, nets, shipping, balance + coupon_points):
        fee = 0
    fee += exchange_fee(order, shop)
    tax = _taxes(order, shop, nets, shipping + fee)
    tax_total = sum(one.tax for one in tax)
    before_points = sum(nets) + shipping + fee + (tax_total if ex_tax else 0)

    points_used = point_rules.used(order.points_use, balance + coupon_points, shop.points.use_cap, before_points)
    taxes, extras_tax = _tax_shares(order, nets, shipping + fee, tax)
    grosses = [net + part for net, part in zip(nets, taxes, strict=True)] if ex_tax else nets
    extras_gross = shipping + fee + (extras_tax if ex_tax else 0)
    by_points = largest_remainder(points_used, [*grosses, extras_gross])[:-1]
    rates = [point_rules.rate_of(line, shop, rank or order.customer.rank) for line in order.lines]
    scale, bases = _earn_bases(order, shop, nets, by_points)
    earned = point_rules.earned(
        [point_rules.EarnBase(base, rate) for base, rate in zip(bases, rates, strict=True)],
        shop.points.rounding_scope,
        scale=scale,
    )
    lines = tuple(
        LineShare(
            line.line,
            line.quantity,
            amounts[index],
            member[index],
            coupon[index],
            by_points[index],
            nets[index],
            taxes[index],
            grosses[index],
            line.tax_rate,
            rates[index],
            bases[index] // scale,
            earned[index],
            rank_spend(line, nets[index], shop),
        )
        for index, line in enumerate(order.lines)
    )
    return Breakdown(
        goods=sum(amounts),
        member_discount=sum(member),
        coupon_discount=coupon_discount,
        coupon_points=coupon_points,
        shipping=shipping,
        fees=fee,
        tax=tax,
        tax_total=tax_total,
        before_points=before_points,
        points_used=points_used,
        grand_total=before_points - points_used,
        points_earned=sum(earned),
        coupons=coupons,
        lines=lines,
        rules=_frozen(shop, waived=shop.shipping.fee if _ships_free(shop, sum(nets)) else 0, agreed_fee=agreed_fee),
    )


def _member_discounts(order: Order, shop: Shop) -> list[int]:
    """The member price is rounded per unit (CPN-07); a guest is no member."""
    if not order.customer.id:
        return [0] * len(order.lines)
    percent, rounding = 100 - shop.price.member_discount_percent, shop.price.member_discount_rounding
    return [(one.unit_price - rounded(one.unit_price * percent, 100, rounding)) * one.quantity for one in order.lines]


def _coupons(order: Order, shop: Shop, lefts: list[int]) -> tuple[CouponShare, ...]:
    """Each coupon on what those before it left of the lines it discounts, split by the largest remainder, never below
    zero."""
    shares = []
    for coupon in order.coupons:
        if coupon.kind == "points":
            shares.append(CouponShare(coupon.code, coupon.kind, 0, coupon.value, (0,) * len(lefts)))
            continue
        bases = [left if here else 0 for left, here in zip(lefts, discounted(coupon, order, shop), strict=True)]
        off = discount(coupon, shop, sum(bases))
        by_line = largest_remainder(off, bases)
        lefts = [one - part for one, part in zip(lefts, by_line, strict=True)]
        shares.append(CouponShare(coupon.code, coupon.kind, off, 0, by_line))
    if order.exchange is not None:
        off = min(order.exchange.credit, sum(lefts))
        shares.append(CouponShare("", EXCHANGE, off, 0, tuple(largest_remainder(off, lefts))))
    return tuple(shares)


def rank_spend(line: Line, net: int, shop: Shop) -> int:
    """Yen ex tax that ``net`` yen of ``line`` count for the customer's rank (RNK-05); 0 where there are no ranks."""
    if not shop.ranks.levels:
        return 0
    if shop.ranks.spend_excludes_flagged and any(flag in shop.points.flag_rates for flag in line.flags):
        return 0
    return net if shop.price.display == "ex_tax" else net * 100 // (100 + line.tax_rate)


def exchange_fee(order: Order, shop: Shop) -> int:
    """What an exchange costs beside the difference, in the price display (TAX-05)."""
    fee = order.exchange.fee if order.exchange is not None else 0
    return fee if shop.price.display == "ex_tax" else fee + tax_on(fee, STANDARD_RATE, shop.price.rounding)


def _ships_free(shop: Shop, net_goods: int) -> bool:
    return shop.shipping.free_from is not None and net_goods >= shop.shipping.free_from


def _frozen(shop: Shop, *, waived: int, agreed_fee: int | None) -> FrozenRules:
    charged = waived if shop.shipping.charge_after_change else 0
    return FrozenRules(
        shop.price.display,
        shop.price.rounding,
        shop.coupons.recover_on,
        charged,
        shop.shipping.free_from or 0,
        agreed_fee,
    )


def shipping_fee(order: Order, shop: Shop, net_goods: int, agreed_fee: int | None = None) -> int:
    """The order's shipping fee: free from the threshold, compared as priced, after discounts (TAX-04); an individual
    recipient's surcharge on top: of the shop's table, else as agreed (INT-04, TAX-07). What replaces goods is sent for nothing."""
    if order.replaces is not None:
        return 0
    fee = 0 if _ships_free(shop, net_goods) else shop.shipping.fee
    surcharge = individual_surcharge(order, shop)
    return fee + ((agreed_fee or 0) if surcharge is None else surcharge)


def individual_surcharge(order: Order, shop: Shop) -> int | None:
    """Extra fee for an individual recipient, 0 where none applies, None where the table has no row (INT-04)."""
    if shop.intake.individuals != "surcharge" or order.ship_to.kind != "individual" or order.replaces is not None:
        return 0
    table = shop.shipping.individual_surcharge
    return table.get(prefecture(order.ship_to.region) or "*", table.get("*"))


def method_fee(order: Order, shop: Shop, nets: Sequence[int], shipping: int) -> int:
    """Fee of the payment method for goods and shipping, tax included.

    The fee is part of what is paid, so it is looked up by the amount without it (B.6.6).
    """
    fee = METHODS[order.method].fee
    if fee is None:
        return 0
    collected = sum(nets) + shipping
    if shop.price.display == "ex_tax":
        collected += sum(one.tax for one in _taxes(order, shop, nets, shipping))
    return fee(shop, collected)


def _leaves_to_pay(order: Order, shop: Shop, nets: Sequence[int], shipping: int, points: int) -> bool:
    """Whether anything is left to pay but a method's own fee, once the customer's ``points`` are used: where they cover goods
    and shipping, nothing is paid by the method, and it costs nothing (PAY-13, B.6.6)."""
    amount = sum(nets) + shipping
    if shop.price.display == "ex_tax":
        amount += sum(one.tax for one in _taxes(order, shop, nets, shipping))
    return point_rules.used(order.points_use, points, shop.points.use_cap, amount) < amount


def _taxes(order: Order, shop: Shop, nets: Sequence[int], extras: int) -> tuple[TaxAmount, ...]:
    """Tax per rate, highest rate first, rounded once per rate; shipping and fees at the standard rate (TAX-08)."""
    bases: dict[int, int] = {STANDARD_RATE: extras} if extras else {}
    for line, net in zip(order.lines, nets, strict=True):
        bases[line.tax_rate] = bases.get(line.tax_rate, 0) + net
    compute = tax_on if shop.price.display == "ex_tax" else tax_in
    return tuple(
        TaxAmount(rate, bases[rate], compute(bases[rate], rate, shop.price.rounding))
        for rate in sorted(bases, reverse=True)
    )


def _tax_shares(order: Order, nets: Sequence[int], extras: int, tax: Sequence[TaxAmount]) -> tuple[list[int], int]:
    """Each line's part of the tax, and that of shipping with fees: a rate's tax is split by the largest remainder."""
    shares, extras_share = [0] * len(nets), 0
    for one in tax:
        members = [index for index, line in enumerate(order.lines) if line.tax_rate == one.rate]
        weights = [nets[index] for index in members] + ([extras] if one.rate == STANDARD_RATE else [])
        parts = largest_remainder(one.tax, weights)
        for position, index in enumerate(members):
            shares[index] = parts[position]
        if one.rate == STANDARD_RATE:
            extras_share = parts[-1]
    return shares, extras_share


def _earn_bases(order: Order, shop: Shop, nets: Sequence[int], by_points: Sequence[int]) -> tuple[int, list[int]]:
    """(scale, amount of each line that earns in 1/scale yen): goods ex tax after coupons, shipping never (PTS-02)."""
    amounts = list(nets)
    if shop.points.earn_base_minus_points:
        amounts = [max(0, net - used) for net, used in zip(nets, by_points, strict=True)]
    if shop.price.display == "ex_tax":
        return 1, amounts
    scale = lcm(*(100 + line.tax_rate for line in order.lines))
    return scale, [
        amount * 100 * scale // (100 + line.tax_rate) for amount, line in zip(amounts, order.lines, strict=True)
    ]
