"""Money given back by hand (手動返金), where no gateway can: a transfer, cash on delivery, a refund that was declined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.changes.money import MAY_HAVE_MONEY, outstanding
from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import ONE_LINE
from pipelines.rules.explain import Refusal, Sentence

_NOTHING_DUE: Final = Sentence(
    "返金すべき金額はありません。受領額が注文の金額と一致しているか、返金が処理中です。",
    "Nothing is due back: what was captured is what the order comes to, or a refund is on its way.",
)


class RefundMade(Request):
    """Money that was given back where no gateway can: a transfer, cash on delivery, a refund the gateway declined."""

    amount: Annotated[int, Field(ge=1, le=999_999_999, description="Yen given back; at most what is due back")]
    reference: Annotated[
        str,
        Field(default="", max_length=200, pattern=ONE_LINE, description="Where to find it, such as the transfer's id"),
    ]


def _due_back(order: OrderDraft) -> int:
    return outstanding(order) if order.money.state in MAY_HAVE_MONEY else 0


def stands(case: Case) -> Sequence[Refusal]:
    """Something is due back that nobody has sent."""
    return [] if _due_back(case.order) > 0 else [Refusal(_NOTHING_DUE)]


def faults(case: Case, asked: RefundMade) -> Sequence[Problem]:
    """More than is due back."""
    left = _due_back(case.order)
    return [Problem("amount", f"only {left} yen are due back")] if asked.amount > left else []


ACTION = Action(
    name="refunds",
    label=Sentence("手動返金を記録する", "Record a refund made by hand"),
    says=Sentence(
        "振込などで返金した金額を記録し、お客様にお知らせします。",
        "So many yen were given back where no gateway can; the customer is told.",
    ),
    about=About.PAYMENT,
    model=RefundMade,
    wakes="refund.by_hand",
    stands=stands,
    faults=faults,
)
