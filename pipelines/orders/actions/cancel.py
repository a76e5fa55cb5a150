"""Cancel (キャンセル): the whole order ends before its goods leave (A.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from models.states import ALL_LEFT, OrderState, PaymentState
from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Reason
from pipelines.orders.actions import cancel_lines, return_lines
from pipelines.rules.cancel import refusal
from pipelines.rules.explain import Refusal, Sentence, sentence

_LEFT: Final = (OrderState.PARTLY_SHIPPED, *ALL_LEFT)
_HAVE_LEFT: Final = Sentence(
    "商品の一部またはすべてがすでに発送されています。次の操作で対応してください: {ways_out}",
    "Goods have left already: use {ways_out}.",
)
_NOTHING_LEFT: Final = Sentence(
    "すべての商品が取消・返品などで処理済みのため、取り消すものが残っていません。",
    "Nothing is left to cancel: all of it was taken out, has come back or was settled.",
)


class OrderCancelled(Reason):
    """The whole order ends before its goods leave."""

    fault: Annotated[
        Literal["customer", "shop"] | None,
        Field(
            default=None,
            description="customer: they wished it, their mail says so, and it is counted (INT-15); shop: the shop decided it. Left "
            "out: shop where an operator asks, customer where the storefront does",
        ),
    ]


def is_wished(asked: OrderCancelled, *, by_operator: bool) -> bool:
    """Whether a cancel is at the customer's wish (INT-15): what their own storefront asks always is; an operator says so, since
    an enquiry is the only way to cancel for most methods (CAN-03)."""
    return not by_operator or asked.fault == "customer"


def stands(case: Case) -> Sequence[Refusal]:
    """Why the order cannot be cancelled now; an operator is bound only by what has already left (CAN-01, CAN-06)."""
    if case.by_operator:
        return _for_the_shop(case)
    order = case.order
    told = order.state == OrderState.RELEASED or any(not shipment.is_untold for shipment in order.shipments)
    refused = refusal(
        shop=case.shop,
        state=OrderState(order.state),
        method=order.facts.method,
        payment_state=PaymentState(order.money.state),
        placed_at=order.facts.placed_at,
        now=case.now,
        any_instructed=told,
        store_pull_in=order.facts.pickup is not None,
    )
    return [refused] if refused else []


def _for_the_shop(case: Case) -> Sequence[Refusal]:
    """What has left comes back, or is lost, as a return; what has not is taken out."""
    if case.order.state == OrderState.CANCELLED:
        return [Refusal(sentence("cancel.over"), rule="CAN-02")]
    if case.order.state not in _LEFT:
        return []
    ways_out = tuple(other.name for other in (cancel_lines.ACTION, return_lines.ACTION) if other.is_open(case))
    return [Refusal(_HAVE_LEFT if ways_out else _NOTHING_LEFT, rule="CAN-06", ways_out=ways_out)]


def faults(case: Case, asked: OrderCancelled) -> Sequence[Problem]:
    """A customer cannot say that it was the shop's decision."""
    if case.by_operator or asked.fault != "shop":
        return []
    return [Problem("fault", "Must be customer, or left out: only an operator cancels as the shop's decision.")]


def _is_cancelled(order: OrderDraft) -> bool:
    return order.state == OrderState.CANCELLED


ACTION = Action(
    name="cancel",
    label=Sentence("注文をキャンセルする", "Cancel the order"),
    says=Sentence(
        "注文を終了し、代金・ポイント・クーポン・一点物を戻して、お客様と、指示済みの出荷元にお知らせします。"
        "お客様のご希望による場合はその旨を指定します(指定がなければ、担当者の操作は当店の判断)。",
        "End the order: money, points, coupons and one-of-a-kind items go back; the customer is told, and suppliers that were "
        "told to ship. Say so where the customer wished it; without a word an operator's cancel is the shop's decision.",
    ),
    model=OrderCancelled,
    roles=("storefront", "operator"),
    wakes="order.cancel",
    stands=stands,
    faults=faults,
    is_done=_is_cancelled,
    has_window=True,  # CAN-03: fifteen minutes, inclusive
)
