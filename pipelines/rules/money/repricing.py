"""An order priced again (再計算): with other coupons (CPN-03), or with the fee that was agreed with an individual (INT-04),
before its amount is fixed.

Everything else of the order stays: the rates of its points are those frozen with it (PTS-04), the points it uses are
spent, and the points that a coupon has loaded are in the customer's balance (PTS-15).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipelines.errors import Problem
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import is_once
from pipelines.rules.money.pricing import EXCHANGE, price
from pipelines.rules.order import Coupon, Order
from pipelines.rules.refusals import refusals
from pipelines.values.coupon_key import coupon_key

if TYPE_CHECKING:
    from pipelines.shops import Shop

_MOST = 20
"""Coupons of one order, as many as an order document may list."""
_STAYS = frozenset({"points", EXCHANGE})
"""What no other coupons take the place of: points that were loaded, and goods that came back."""


@dataclass(frozen=True, slots=True)
class Known:
    """What pricing an order again goes by, beside the order.

    ``times``: how often it was done before. ``rank``: the customer's on the day of purchase, None without a history.
    ``used_coupons``: keys of the codes that the customer's other standing orders have used.
    """

    times: int = 0
    rank: str | None = None
    used_coupons: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CouponUse:
    """A coupon that the order uses from now on; ``once``: the customer may use its code in no other order."""

    key: str
    kind: str
    once: bool


@dataclass(frozen=True, slots=True)
class Repricing:
    """What to keep of an order that was priced again; ``name`` names what asked for it, once.

    ``after`` is the sum that holds from now on. ``uses`` are the coupons of yen and percent that were put in place of those
    before; those ``dropped``, by key, come back to the customer.
    """

    name: str
    reason: str
    by: str
    after: Breakdown
    uses: tuple[CouponUse, ...] = ()
    dropped: tuple[str, ...] = ()


def reprice(order: Order, shop: Shop, stored: Breakdown, coupons: Sequence[Coupon]) -> Breakdown:
    """The sum of ``order`` with ``coupons`` in place of those in ``stored``; it uses fewer points than ``stored`` only
    if they do not leave so much to pay."""
    return price(
        _changed(order, stored, coupons), _unbound(shop), balance=stored.points_used, agreed_fee=stored.rules.agreed_fee
    )


def with_fee(order: Order, shop: Shop, stored: Breakdown, fee: int) -> Breakdown:
    """The sum of ``order`` with ``fee`` yen, in the price display, for the shipping to an individual (INT-04); in place of a
    fee that was agreed before. What its coupons take off stays to the yen, whoever applied them."""
    taken = [Coupon(one.code, "amount", one.amount) for one in stored.coupons if one.kind not in _STAYS]
    after = price(_changed(order, stored, taken), _unbound(shop), balance=stored.points_used, agreed_fee=fee)
    return replace(after, coupons=stored.coupons)


def fee_problems(order: Order, shop: Shop, after: Breakdown) -> tuple[Problem, ...]:
    """What speaks against a fee that leaves ``after`` to pay: more than the order's method can carry."""
    found = refusals(replace(order, shown_total=None), _unbound(shop), after, now=order.placed_at)
    if any(problem.field == "payment.method" for problem in found):
        says = f"Leaves {after.grand_total:,} yen, which {order.method} cannot carry; agree on another fee or cancel."
        return (Problem("fee", says),)
    return ()


def problems(
    order: Order, shop: Shop, stored: Breakdown, coupons: Sequence[Coupon], known: Known
) -> tuple[Problem, ...]:
    """Everything that speaks against ``coupons`` for the order; ``coupons[0]`` and so on count those given.

    An operator may apply more of them than the customer could (``max_per_order``); nothing else is waived.
    """
    return tuple(_problems(order, shop, stored, coupons, known))


def record(
    shop: Shop, stored: Breakdown, after: Breakdown, coupons: Sequence[Coupon], *, name: str, reason: str, by: str
) -> Repricing:
    """What to keep of the change from ``stored`` to ``after`` by ``coupons``."""
    uses = tuple(CouponUse(coupon_key(one.code), one.kind, is_once(one, shop)) for one in coupons)
    keys = {one.key for one in uses}
    before = [coupon_key(one.code) for one in stored.coupons if one.kind not in _STAYS]
    return Repricing(name, reason, by, after, uses, tuple(key for key in before if key not in keys))


def _problems(
    order: Order, shop: Shop, stored: Breakdown, coupons: Sequence[Coupon], known: Known
) -> Iterator[Problem]:
    loaded = {coupon_key(one.code) for one in stored.coupons if one.kind == "points"}
    for index, coupon in enumerate(coupons):
        if coupon.kind == "points":
            yield Problem(
                f"coupons[{index}].kind",
                "Must not be points: such a coupon is loaded with the order and stays as it is; leave it out.",
            )
        elif coupon_key(coupon.code) in loaded:
            yield Problem(f"coupons[{index}].code", "Must not be used twice in one order.")
    if any(coupon.kind == "points" for coupon in coupons):
        return
    after = reprice(order, shop, stored, coupons)
    changed = replace(_changed(order, stored, coupons), coupons=tuple(coupons), shown_total=None)
    found = refusals(
        changed,
        _unbound(shop),
        after,
        now=order.placed_at,  # it stands: when it was placed is no question any more
        balance=stored.points_used,
        rank=known.rank,
        used_coupons=known.used_coupons,
    )
    yield from (problem for problem in found if problem.field.startswith("coupons"))
    if after.points_used < stored.points_used:
        says = f"Leaves less to pay than the {stored.points_used:,} points used; apply fewer coupons."
        yield Problem("coupons", says)
    elif any(problem.field in {"payment.method", "points.use"} for problem in found):
        says = f"Leaves {after.grand_total:,} yen, which {order.method} cannot carry; apply other coupons or cancel."
        yield Problem("coupons", says)


def _changed(order: Order, stored: Breakdown, coupons: Sequence[Coupon]) -> Order:
    """The order with ``coupons`` and what is frozen of it; coupons of points that were loaded stay."""
    loaded = [Coupon(one.code, one.kind, one.points) for one in stored.coupons if one.kind == "points"]
    lines = tuple(
        replace(line, points_rate=share.points_rate) for line, share in zip(order.lines, stored.lines, strict=True)
    )
    return replace(order, lines=lines, coupons=(*coupons, *loaded), points_use=stored.points_used)


def _unbound(shop: Shop) -> Shop:
    """The shop without the limits of a checkout: the points are used already (PTS-07), and the shop itself has more
    than one code written into the remarks (CPN-03). A shop without coupons stays without."""
    limits: dict[str, Any] = {
        "points": shop.points.model_copy(update={"use_cap": None}),
        "coupons": shop.coupons.model_copy(update={"max_per_order": _MOST if shop.coupons.max_per_order else 0}),
    }
    return shop.model_copy(update=limits)
