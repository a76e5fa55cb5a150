"""Shops and orders as hypothesis draws them: the four profiles with any display, rounding and rule that touches money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any

from hypothesis import strategies as st

from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon, Customer, Order
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order

ROUNDINGS = ("floor", "half_up", "ceil")


@dataclass(frozen=True)
class Case:
    """An order, its shop, the customer's points, and what it comes to."""

    order: Order
    shop: Shop
    balance: int
    sums: Breakdown


@cache
def varied(
    key: str,
    display: str,
    rounding: str,
    member: tuple[int, str],
    shipping: tuple[int, int | None, bool],
    points: tuple[str, bool, int | None],
    recover_on: tuple[str, ...],
) -> Shop:
    """The packaged shop ``key`` with other rules of money, and everything else its own.

    ``member``: (percent off, rounding); ``shipping``: (fee, free from, falls due after a change); ``points``: (scope of
    rounding, whether points used lessen what earns, cap).
    """
    shop, (fee, free_from, charged), (scope, minus_points, cap) = SHOPS[key], shipping, points
    changes = {
        "price": {
            "display": display,
            "rounding": rounding,
            "member_discount_percent": member[0],
            "member_discount_rounding": member[1],
        },
        "shipping": {"fee": fee, "free_from": free_from, "charge_after_change": charged},
        "points": {"rounding_scope": scope, "earn_base_minus_points": minus_points, "use_cap": cap},
        "coupons": {"recover_on": recover_on},
    }
    sections = {name: getattr(shop, name).model_copy(update=update) for name, update in changes.items()}
    return shop.model_copy(update=sections)


#: Drawn as one choice out of all combinations: much quicker than one choice each.
VARIED_SHOPS = st.sampled_from(
    list(
        product(
            sorted(SHOPS),
            ("ex_tax", "tax_included"),
            ROUNDINGS,
            [(0, "floor"), *((5, rounding) for rounding in ROUNDINGS)],
            [(0, None, False), (550, None, False), (600, 10_000, False), (600, 10_000, True)],
            [("line", False, None), ("rate_group", False, 5_000), ("order", True, None), ("order", False, 0)],
            [("return",), (), ("return", "cancel"), ("return", "cancel", "short")],
        )
    )
).map(lambda drawn: varied(*drawn))

#: Tax rate, flags, the line's own points rate, supplier, availability.
_KINDS_OF_LINE = list(
    product(
        (10, 8, 0),
        ((), ("sale",), ("fixed_points",)),
        (None, Decimal("0.025")),
        ("warehouse", "maker-a", "store-1"),
        ("in_stock", "backorder"),
    )
)
_LINES = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 4), st.sampled_from(_KINDS_OF_LINE)), min_size=1, max_size=4
)
_COUPONS = st.lists(
    st.sampled_from([("amount", 500), ("amount", 3_333), ("amount", 99_999), ("percent", 7), ("points", 300)]),
    max_size=2,
)


def _case(shop: Shop, drawn: list[Any], coupons: list[tuple[str, int]], use: Any, balance: int, how: Any) -> Case:
    lines = [
        a_line(
            str(n),
            unit_price,
            pieces,
            tax_rate=tax_rate,
            flags=frozenset(flags),
            points_rate=points_rate,
            supplier=supplier,
            availability=availability,
        )
        for n, (unit_price, pieces, (tax_rate, flags, points_rate, supplier, availability)) in enumerate(drawn)
    ]
    method, member, rank = how
    order = an_order(
        shop.key,
        *lines,
        coupons=tuple(Coupon(f"C{n}", kind, value) for n, (kind, value) in enumerate(coupons)),
        points_use=use,
        method=method,
        customer=Customer("M-1" if member else "", "客", "a@example.jp", rank=rank),
    )
    return Case(order, shop, balance, price(order, shop, balance=balance))


CASES = st.builds(
    _case,
    VARIED_SHOPS,
    _LINES,
    _COUPONS,
    st.just("all") | st.integers(0, 40_000),
    st.integers(-500, 40_000),
    st.sampled_from(list(product(("card", "cod"), (True, False), (None, "VIP")))),
)
