"""Money given back by hand (手動返金), where no gateway can: a transfer, cash on delivery, a refund that was declined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import PaymentState
from pipelines.engine.stage import Decision
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import ONE_LINE
from pipelines.rules.explain import Refusal, Sentence
from pipelines.stages.refunding import outstanding

_HAS_MONEY: Final = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED)
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


def due_back(decision: Decision) -> int:
    """Yen that a human may give back as the order stands after ``decision``."""
    return outstanding(decision) if decision.facts.money.state in _HAS_MONEY else 0


def stands(case: Case) -> Sequence[Refusal]:
    """Something is due back that nobody has sent."""
    return refused(due_back(Decision(case.facts)))


def refused(left: int) -> list[Refusal]:
    """The refusal where ``left`` yen are due back, which are none."""
    return [Refusal(_NOTHING_DUE)] if left <= 0 else []


def faults(case: Case, asked: RefundMade) -> list[Problem]:
    """More than is due back."""
    return too_much(due_back(Decision(case.facts)), asked.amount)


def too_much(left: int, amount: int) -> list[Problem]:
    """The problem of ``amount`` yen where ``left`` are due back."""
    return [Problem("amount", f"only {left} yen are due back")] if amount > left else []


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
