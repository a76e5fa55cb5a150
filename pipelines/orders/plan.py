"""The plan of an order: what the pipeline would do, by the same rules it runs on, storing nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from models.states import HoldReason
from pipelines.errors import Invalid, Problem
from pipelines.methods import Method, Terms, agreed
from pipelines.orders.document import AssumeDocument, parse_preview
from pipelines.orders.instructions import instructions_json, not_offered
from pipelines.orders.judgement import Known, judge
from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.cutoff import DispatchPlan, plan_dispatch
from pipelines.rules.holds import Hold, holds
from pipelines.rules.marks import Mark, counters
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import MadeCode
from pipelines.rules.order import Order
from pipelines.rules.split import Part, split
from pipelines.rules.warnings import warnings_json
from pipelines.shops import Shop
from pipelines.values.card_number import masked
from pipelines.values.coupon_key import coupon_key


@dataclass(frozen=True, slots=True)
class Assume:
    """What a plan takes for granted: when the money came, the customer's points and rank, the time, the codes of coupons
    that the customer has used, the SKUs of one-of-a-kind items that are sold, and why the number cannot be used; of the
    customer what `Known` says, the marks that are counted (INT-14), and what the shop made
    of the order's codes (CUT-05); what leaves already where a supplier has a capacity."""

    paid_at: datetime | None = None
    points_balance: int = 0
    rank: str | None = None
    now: datetime | None = None
    used_coupons: tuple[str, ...] = ()
    taken_items: tuple[str, ...] = ()
    number_taken: str | None = None
    allowed_methods: Collection[str] | None = None
    withdrawn_at: datetime | None = None
    shares_mailbox: bool = False
    marks: tuple[Mark, ...] = ()
    made_codes: Mapping[str, MadeCode] = field(default_factory=dict)
    load: Load = field(default_factory=Load)


@dataclass(frozen=True, slots=True)
class PlannedShipment:
    """One shipment and when it should leave."""

    part: Part
    dispatch: DispatchPlan


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the pipeline would do with an order; amounts are in the smallest unit of ``currency``."""

    currency: str
    order: Order
    breakdown: Breakdown
    method: Method
    gateway: str | None
    terms: Terms
    shipments: tuple[PlannedShipment, ...]
    instructions: tuple[Mapping[str, Any], ...]
    holds: tuple[Hold, ...]
    mails: tuple[str, ...]
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """The contract's Preview."""
        pay = self.terms
        return {
            "shop": self.order.shop,
            "currency": self.currency,
            "totals": self.breakdown.totals_json(),
            "points": self.breakdown.points_json(),
            "breakdown": self.breakdown.spread_json(),
            "payment": {
                "method": self.method.name,
                "gateway": self.gateway,
                "fee": self.breakdown.fees,
                "release_when": self.method.secured_by.release_when,
                "pay_by": pay.pay_by.isoformat() if pay.pay_by else None,
                "remind_at": pay.remind_at.isoformat() if pay.remind_at else None,
                "cancel_at": pay.cancel_at.isoformat() if pay.cancel_at else None,
            },
            "shipments": [_shipment_json(one) for one in self.shipments],
            "instructions": list(self.instructions),
            "holds": [{"reason": hold.reason, "says": hold.says(self.order.locale)} for hold in self.holds],
            "mails": list(self.mails),
            "warnings": warnings_json(self.order),
            "problems": [{"field": problem.field, "message": problem.message} for problem in self.problems],
        }


def plan(order: Order, shop: Shop, assume: Assume) -> Plan:
    """Plan ``order`` at ``shop``. What the shop refuses is in ``problems``; the rest of the plan is complete anyway."""
    judged = judge(order, shop, _known(order, assume))
    order, breakdown, problems = judged.order, judged.breakdown, judged.problems
    if assume.number_taken is not None:
        problems = (Problem("number", assume.number_taken),)
    method = agreed(order.method, breakdown.grand_total)
    paid = order if method.name == order.method else replace(order, method=method.name)
    counts_at = assume.paid_at if method.secured_by.is_awaited else order.placed_at
    shipments = tuple(_shipments(paid, shop, counts_at, assume))
    missed = any(one.dispatch.request_met is False for one in shipments)
    counted = counters(assume.marks, shop, assume.now or order.placed_at)
    reasons = holds(order, shop, counted=counted, shares_mailbox=assume.shares_mailbox)
    if missed and shop.delivery.requests == "strict":
        reasons = (*reasons, Hold(HoldReason.REQUEST_NOT_MET))
    return Plan(
        shop.currency,
        order,
        breakdown,
        method,
        method.asked_at(shop),
        method.terms_of(shop, order.placed_at, assume.now or order.placed_at),
        shipments,
        tuple(instructions_json(order, shop)),
        reasons,
        _mails(method, held=bool(reasons), missed=missed, answered=bool(not_offered(order, shop))),
        problems,
    )


def _shipments(order: Order, shop: Shop, counts_at: datetime | None, assume: Assume) -> Iterator[PlannedShipment]:
    """The order's shipments, each of which takes a place on its day."""
    load = Load.of(assume.load.planned)
    for part in split(order.lines, shop, order.called_to):
        when = plan_dispatch(part, order, shop, counts_at=counts_at, not_before=assume.now, load=load)
        load.take(part.supplier, when.dispatch_on)
        yield PlannedShipment(part, when)


def _known(order: Order, assume: Assume) -> Known:
    return Known(
        assume.now or order.placed_at,
        assume.points_balance,
        assume.rank,
        {coupon_key(code) for code in assume.used_coupons},
        assume.taken_items,
        assume.allowed_methods,
        assume.withdrawn_at,
        assume.shares_mailbox,
        assume.made_codes,
    )


def as_told(order: Order, told: AssumeDocument) -> Assume:
    """What the request tells; what it leaves out is nothing: no points, the lowest rank, nothing used or sold."""
    return Assume(told.paid_at, told.points_balance, told.rank, told.now, tuple(told.used_coupons))


def preview(
    raw: object, shops: Mapping[str, Shop], look_up: Callable[[Order, AssumeDocument], Assume] = as_told
) -> dict[str, Any]:
    """The contract's Preview of a decoded order with an optional ``assume`` object; raises ``Invalid``.

    ``look_up``: what is taken for granted of an order beside what the request tells.
    """
    planned, _ = planned_of(raw, shops, look_up)
    return masked(planned.to_json())  # the reasons quote what was sent (INT-17)


def planned_of(
    raw: object, shops: Mapping[str, Shop], look_up: Callable[[Order, AssumeDocument], Assume] = as_told
) -> tuple[Plan, Shop]:
    """The plan of a decoded order and the shop that it is of, as ``preview``."""
    order, told = parse_preview(raw)
    shop = shops.get(order.shop)
    if shop is None:
        raise Invalid([Problem("shop", f"There is no shop of this name; the shops are {', '.join(sorted(shops))}.")])
    if told.rank is not None and shop.rank_rates and told.rank not in shop.rank_rates:
        raise Invalid([Problem("assume.rank", f"This shop's ranks are {', '.join(shop.rank_rates)}.")])
    return plan(order, shop, look_up(order, told)), shop


def _mails(method: Method, *, held: bool, missed: bool, answered: bool) -> tuple[str, ...]:
    mails = ["order_accepted"]
    if method.instructs:
        mails.append("payment_instructions")
    if held:
        mails.append("order_held")
    if answered:
        mails.append("not_offered")
    if missed:
        mails.append("request_not_met")
    return tuple(mails)


def _shipment_json(one: PlannedShipment) -> dict[str, Any]:
    when = one.dispatch
    return {
        "supplier": one.part.supplier,
        "lines": [{"line": line, "quantity": quantity} for line, quantity in one.part.lines],
        "dispatch_on": when.dispatch_on.isoformat() if when.dispatch_on else None,
        "arrive_on": when.arrive_on.isoformat() if when.arrive_on else None,
        "because": [{"rule": reason.rule, "says": reason.says} for reason in when.because],
    }
