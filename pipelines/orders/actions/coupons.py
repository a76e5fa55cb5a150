"""Coupons (クーポン適用): those that the customer wrote into the remarks are applied, and the order is priced again (CPN-03)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState, PaymentState
from pipelines.changes.money import asked as asked_of_gateway
from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.schema import MANY_LINES, CouponDocument
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.money.repricing import problems, reprice
from pipelines.rules.order import Coupon

_TOO_LATE: Final = Sentence(
    "現在、注文状態は{state}、処理状況は{condition}です。クーポンを適用できるのは、保留中で、決済代行に依頼する前か、売上の確定前に限ります。",
    "Now the order is {state} and {condition}: coupons are applied while it is held and nothing was asked of a gateway, or less can be captured.",
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
    """The amount may change until a gateway was asked for it, and shrink until it is taken; and only while somebody looks at
    the order."""
    order = case.order
    if order.held and (_is_open(order) or _may_take_less(order)):
        return []
    return [Refusal(_TOO_LATE, {"state": order.state, "condition": order.condition}, rule="CPN-03")]


def _is_open(order: OrderDraft) -> bool:
    """Nobody was asked for the order's amount yet."""
    return order.state == OrderState.ACCEPTED and asked_of_gateway(order) is None


def _may_take_less(order: OrderDraft) -> bool:
    """The money waits for the goods: it is authorized and nothing of it was captured, or it is collected afterwards."""
    money = order.money
    is_later = money.state == PaymentState.PENDING and asked_of_gateway(order) is None
    waits = (money.state == PaymentState.AUTHORIZED or is_later) and not money.captured
    return order.state == OrderState.AUTHORIZED and waits and not order.adjustments


def faults(case: Case, asked: CouponsApplied) -> Sequence[Problem]:
    """Coupons that the shop refuses, as it would at intake, and those that leave more to take than was authorized."""
    facts, coupons, money = case.order.facts, coupons_of(asked), case.order.money
    if found := problems(facts.order, case.shop, facts.breakdown, coupons, facts.known):
        return found
    due = reprice(facts.order, case.shop, facts.breakdown, coupons).grand_total
    if money.state == PaymentState.AUTHORIZED and due > money.authorized:
        return [Problem("coupons", f"Leaves {due:,} yen to pay, more than the {money.authorized:,} authorized.")]
    return []


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
