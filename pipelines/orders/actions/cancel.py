"""Cancel (キャンセル): the whole order ends before its goods leave (A.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import ALL_LEFT, OrderState, PaymentState
from pipelines.engine.draft import OrderDraft
from pipelines.orders.action import Action, Case, Reason
from pipelines.rules.cancel import refusal
from pipelines.rules.explain import Refusal, Sentence, sentence

_LEFT: Final = (OrderState.PARTLY_SHIPPED, *ALL_LEFT)
_HANDED_OVER: Final = Sentence(
    "商品はすでに出荷元へ引き渡されています。出荷の停止を依頼し、返品として処理してください。",
    "The goods were handed over already: ask the supplier to stop them, then take a return.",
)


def stands(case: Case) -> Sequence[Refusal]:
    """Why the order cannot be cancelled now; an operator is bound only by what has already left (CAN-01, CAN-06)."""
    order = case.order
    told = order.state == OrderState.RELEASED or any(not shipment.is_untold for shipment in order.shipments)
    if case.by_operator:
        if order.state == OrderState.CANCELLED:
            return [Refusal(sentence("cancel.over"), rule="CAN-02")]
        left = Refusal(_HANDED_OVER, rule="CAN-06", ways_out=("lines:cancel", "lines:return"))
        return [left] if order.state in _LEFT or told else []
    refused = refusal(
        shop=case.shop,
        state=OrderState(order.state),
        method=order.facts.method,
        payment_state=PaymentState(order.money.state),
        placed_at=order.facts.placed_at,
        now=case.now,
        any_instructed=told,
    )
    return [refused] if refused else []


def _is_cancelled(order: OrderDraft) -> bool:
    return order.state == OrderState.CANCELLED


ACTION = Action(
    name="cancel",
    label=Sentence("注文をキャンセルする", "Cancel the order"),
    says=Sentence(
        "注文を終了し、代金・ポイント・クーポン・一点物を戻して、お客様にお知らせします。",
        "End the order: money, points, coupons and one-of-a-kind items go back, and the customer is told.",
    ),
    model=Reason,
    roles=("storefront", "operator"),
    wakes="order.cancel",
    stands=stands,
    is_done=_is_cancelled,
)
