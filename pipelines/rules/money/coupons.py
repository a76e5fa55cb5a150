"""Coupons (クーポン): which offer of the shop a code names, what it discounts, and what speaks against it (A.10).

A code has many spellings and one key. A code that no offer of the profile names is taken as the storefront sent it,
unless the shop knows all of its codes (``coupons.codes``). Codes of the form that the shop makes itself (`is_made_here`) are good
only as they were made: one customer's, once, for so many points (CUT-05).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pipelines.errors import Problem
from pipelines.rules.dates.periods import last_day
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.order import Coupon, Line, Order
from pipelines.values.calendar import in_japan
from pipelines.values.coupon_key import coupon_key

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.selling import CouponOffer

UNPAID: Final = ("unpaid", "loan_timeout")
"""The reason codes of a cancel for want of payment (CAN-05)."""

CODE_PREFIX: Final = "THX"
CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 and O, 1, I and L."""
CODE_GROUPS: Final = (4, 4, 4)
_CODE: Final = re.compile("-".join((CODE_PREFIX, *(f"[{CODE_LETTERS}]{{{size}}}" for size in CODE_GROUPS))).casefold())
_UNKNOWN: Final = "This shop has no such coupon; correct the code or remove it."
_USED: Final = "This coupon was used already by this customer, and is good once; remove it."


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code that the shop made for one customer: good once, for ``points``, before ``expires_at`` (aware; None: for ever)."""

    customer: str
    points: int
    expires_at: datetime | None
    is_used: bool = False


NO_CODES: Final[Mapping[str, MadeCode]] = {}


def is_made_here(key: str) -> bool:
    """Whether the coupon's key has the form of those that the shop makes itself (CUT-05)."""
    return _CODE.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Use:
    """A code that an order has used; ``unpaid_before`` counts earlier orders of the customer that gave the same code
    back because they were left unpaid."""

    key: str
    kind: str
    unpaid_before: int = 0


def is_once(coupon: Coupon, shop: Shop) -> bool:
    """Whether a customer may use it in one order only: points always (PTS-15), else as the offer or the kind says."""
    if coupon.kind == "points":
        return True
    if (found := _offer(coupon, shop)) is not None:
        return found[1].once_per_customer
    return coupon.kind in shop.coupons.once_per_customer


def discounted(coupon: Coupon, order: Order, shop: Shop) -> tuple[bool, ...]:
    """For each line of the order, whether the coupon discounts it."""
    found = _offer(coupon, shop)
    return tuple(found is None or _applies(found[1], line) for line in order.lines)


def discount(coupon: Coupon, shop: Shop, goods: int) -> int:
    """Yen that a coupon of yen or percent takes off ``goods`` yen of the lines it discounts; never more than those."""
    if coupon.kind == "amount":
        return min(goods, coupon.value)
    off = goods * min(coupon.value, 100) // 100
    found = _offer(coupon, shop)
    most = found[1].maximum_discount if found is not None else None
    return off if most is None else min(off, most)


def comes_back(use: Use, shop: Shop, reason: str) -> bool:
    """Whether a coupon comes back when its whole order is cancelled before dispatch for ``reason`` (CAN-04).

    Not where it was left unpaid for the second time; and never points, which stay in the balance (PTS-15).
    """
    if use.kind == "points" or not shop.coupons.return_on_cancel:
        return False
    return reason not in UNPAID or use.unpaid_before == 0


def problems(
    order: Order,
    shop: Shop,
    breakdown: Breakdown,
    *,
    rank: str | None = None,
    used: Collection[str] = (),
    made: Mapping[str, MadeCode] = NO_CODES,
) -> Iterator[Problem]:
    """Everything that speaks against the order's coupons (CPN-01, CPN-03, CPN-05, CPN-06, CUT-05, PTS-15).

    ``rank``: the customer's, else the order's own, else the lowest. ``used``: keys of the codes that the customer's
    standing orders have used. ``made``: by key, those of the order's codes that the shop made itself.
    """
    rules = shop.coupons
    if not order.coupons:
        return
    if rules.max_per_order == 0 or not rules.kinds:
        yield Problem("coupons", "This shop gives no discounts; remove the coupons.")
        return
    if len(order.coupons) > rules.max_per_order:
        yield Problem("coupons", f"Must be at most {rules.max_per_order} in one order at this shop.")
    seen: set[str] = set()
    for index, coupon in enumerate(order.coupons):
        field, key = f"coupons[{index}]", coupon_key(coupon.code)
        found = _offer(coupon, shop)
        if coupon.kind not in rules.kinds:
            yield Problem(f"{field}.kind", f"Must be {' or '.join(rules.kinds)} at this shop.")
        elif found is not None:
            yield from _differs(field, coupon, *found)
        if key in seen:
            yield Problem(f"{field}.code", "Must not be used twice in one order.")
        elif is_made_here(key):
            yield from _differs_from_made(field, coupon, order, made.get(key), used)
        elif says := _refusal(coupon, order, shop, breakdown, rank, used):
            yield Problem(f"{field}.code", says)
        seen.add(key)


def _offer(coupon: Coupon, shop: Shop) -> tuple[str, CouponOffer] | None:
    offers = shop.coupons.offers_by_key
    return offers.get(coupon_key(coupon.code)) if offers else None


def _applies(offer: CouponOffer, line: Line) -> bool:
    return (not offer.skus or line.sku in offer.skus) and line.flags.isdisjoint(offer.excluded_flags)


def _differs(field: str, coupon: Coupon, code: str, offer: CouponOffer) -> Iterator[Problem]:
    if coupon.kind != offer.kind:
        yield Problem(f"{field}.kind", f"Must be {offer.kind} for {code}.")
    elif coupon.value != offer.value:
        yield Problem(f"{field}.value", f"Must be {offer.value} for {code}.")


def _differs_from_made(
    field: str, coupon: Coupon, order: Order, made: MadeCode | None, used: Collection[str]
) -> Iterator[Problem]:
    """What speaks against a code that the shop makes itself; another customer's is one that there is not (CUT-05)."""
    if made is None or made.customer != order.customer.id:
        yield Problem(f"{field}.code", _UNKNOWN)
    elif made.is_used or coupon_key(coupon.code) in used:
        yield Problem(f"{field}.code", _USED)
    elif made.expires_at is not None and order.placed_at >= made.expires_at:
        yield Problem(
            f"{field}.code", f"This coupon was good until {last_day(made.expires_at).isoformat()}; remove it."
        )
    elif coupon.kind != "points":
        yield Problem(f"{field}.kind", "Must be points for this coupon.")
    elif coupon.value != made.points:
        yield Problem(f"{field}.value", f"Must be {made.points} for this coupon.")


def _refusal(
    coupon: Coupon, order: Order, shop: Shop, breakdown: Breakdown, rank: str | None, used: Collection[str]
) -> str | None:
    """The first reason against a coupon. It names a code as the profile writes it, never as it was sent: what was sent
    may be anything, a card number too (INT-17)."""
    found = _offer(coupon, shop)
    if found is None and shop.coupons.codes == "offers":
        return _UNKNOWN
    if is_once(coupon, shop):
        if not order.customer.id:
            return "This coupon is for members, once each; send the customer number or remove it."
        if coupon_key(coupon.code) in used:
            return _USED
    return None if found is None else _unmet(*found, order, shop, breakdown, rank)


def _unmet(
    code: str, offer: CouponOffer, order: Order, shop: Shop, breakdown: Breakdown, rank: str | None
) -> str | None:
    """The first condition of an offer that the order does not meet."""
    placed_on = in_japan(order.placed_at).date()
    if (offer.from_on and placed_on < offer.from_on) or (offer.until_on and placed_on > offer.until_on):
        return f"{code} is valid {_period(offer)}; remove it."
    if offer.ranks and _rank(order, shop, rank) not in offer.ranks:
        return f"{code} is for members of rank {' or '.join(offer.ranks)}; remove it."
    eligible = [
        share.amount - share.member_discount
        for line, share in zip(order.lines, breakdown.lines, strict=True)
        if _applies(offer, line)
    ]
    if not eligible:
        return f"{code} applies to none of these lines; remove it."
    if (goods := sum(eligible)) < offer.minimum_goods:
        least = offer.minimum_goods
        return f"{code} needs goods of at least {least:,} yen, and it applies to {goods:,}; order more or remove it."
    return None


def _period(offer: CouponOffer) -> str:
    since = f"from {offer.from_on.isoformat()}" if offer.from_on else ""
    until = f"through {offer.until_on.isoformat()}" if offer.until_on else ""
    return " ".join(part for part in (since, until) if part)


def _rank(order: Order, shop: Shop, rank: str | None) -> str | None:
    """The customer's rank; an unknown or missing one is the lowest, and a guest has none."""
    known = rank or order.customer.rank
    if not order.customer.id or known in shop.rank_rates:
        return known if order.customer.id else None
    return next(iter(shop.rank_rates), None)
