"""Judgement (受付審査): the one question of intake and preview, whether a shop takes an order, and for how much."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipelines.errors import Problem
from pipelines.methods import METHODS
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import MadeCode
from pipelines.rules.money.pricing import price
from pipelines.rules.one_of_a_kind import as_sold, problems
from pipelines.rules.order import Order
from pipelines.rules.pull_in import to_store
from pipelines.rules.refusals import refusals
from pipelines.rules.routing import routed
from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the order: the time (aware), the customer's usable points and rank (None: the order's own), the
    keys of coupons that the customer used before, and the SKUs of one-of-a-kind items that live orders have.

    ``allowed_methods``: those that the shop leaves the customer, None for all (INT-15). ``withdrawn_at``: when the customer
    withdrew (CON-06). ``shares_mailbox``: the customer is new, and another account has the mailbox (INT-01). ``made_codes``: by key, those of
    the order's codes that the shop made itself (CUT-05).
    """

    now: datetime
    balance: int = 0
    rank: str | None = None
    used_coupons: Collection[str] = ()
    taken_items: Collection[str] = ()
    allowed_methods: Collection[str] | None = None
    withdrawn_at: datetime | None = None
    shares_mailbox: bool = False
    made_codes: Mapping[str, MadeCode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """An order as it is sold, its sum, and every reason against it; it is taken if there is none."""

    order: Order
    breakdown: Breakdown
    problems: tuple[Problem, ...]


def judge(order: Order, shop: Shop, known: Known) -> Judgement:
    """Judge an order that came in at ``shop``."""
    sold = routed(to_store(as_sold(order, shop), shop), shop)
    breakdown = price(sold, shop, balance=known.balance, rank=known.rank)
    found = refusals(
        sold,
        shop,
        breakdown,
        now=known.now,
        balance=known.balance,
        rank=known.rank,
        used_coupons=known.used_coupons,
        allowed_methods=known.allowed_methods,
        withdrawn_at=known.withdrawn_at,
        made_codes=known.made_codes,
    )
    if not any(problem.field.startswith("payment.") for problem in found):
        found += _unpayable(sold, shop, breakdown)
    return Judgement(sold, breakdown, (*found, *problems(sold, known.taken_items)))


def _unpayable(order: Order, shop: Shop, breakdown: Breakdown) -> tuple[Problem, ...]:
    """A method that the shop allows but none of its gateways serves is refused before the customer waits in vain."""
    if breakdown.grand_total == 0:
        return ()
    method = METHODS[order.method]
    if method.needs_token and not order.token:
        says = f"is needed to authorize a {method.name}; send the token the gateway gave the storefront"
        return (Problem("payment.token", says),)
    if _is_connected(order.method, shop):
        return ()
    says = f"{order.method} is not connected to a gateway here; use {_connected(order, shop)}"
    return (Problem("payment.method", says),)


def _connected(order: Order, shop: Shop) -> str:
    allowed = shop.payment.allowed_to(order.customer.account)
    return " or ".join(method for method in allowed if _is_connected(method, shop)) or "another method"


def _is_connected(method: str, shop: Shop) -> bool:
    return not METHODS[method].misses(shop.gateway_for(method))
