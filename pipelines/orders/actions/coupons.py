"""Coupons (クーポン適用): those that the customer wrote into the remarks are applied, and the order is priced again (CPN-03)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState
from pipelines.changes.money import asked as asked_of_gateway
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.schema import MANY_LINES, CouponDocument
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.money.repricing import problems
from pipelines.rules.order import Coupon

_TOO_LATE: Final = Sentence(
    "現在、注文状態は{state}、処理状況は{condition}です。クーポンを適用できるのは、保留中で、決済代行に依頼する前に限ります。",
    "Now the order is {state} and {condition}: coupons are applied while it is held and nothing was asked of a gateway.",
)


class CouponsApplied(Request):
    """The coupons of an order that waits for its amount to be fixed."""

    coupons: Annotated[
        list[CouponDocument],
        Field(
            max_length=20,
            description="All coupons of yen and percent that the order has from now on, those of its coupon field "
            "included; none: it has none",
        ),
    ]
    reason: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the prices that held before")
    ]


def coupons_of(asked: CouponsApplied) -> list[Coupon]:
    """What was asked for, as rules know it."""
    return [Coupon(one.code, one.kind, one.value) for one in asked.coupons]


def stands(case: Case) -> Sequence[Refusal]:
    """The amount may change until a gateway was asked for it, and only while somebody looks at the order."""
    order = case.order
    if order.state == OrderState.ACCEPTED and order.held and asked_of_gateway(order) is None:
        return []
    return [Refusal(_TOO_LATE, {"state": order.state, "condition": order.condition}, rule="CPN-03")]


def faults(case: Case, asked: CouponsApplied) -> Sequence[Problem]:
    """Coupons that the shop refuses, as it would at intake."""
    facts = case.order.facts
    return problems(facts.order, case.shop, facts.breakdown, coupons_of(asked), facts.known)


ACTION = Action(
    name="coupons",
    label=Sentence("クーポンを適用する", "Apply coupons"),
    says=Sentence(
        "指定したクーポンを適用して金額を計算し直し、お客様にお知らせします。",
        "The order has these coupons from now on and is priced again; the customer gets the new sums.",
    ),
    model=CouponsApplied,
    wakes="order.apply_coupons",
    stands=stands,
    faults=faults,
)
