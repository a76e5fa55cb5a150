"""Collected (代金受領): the money of an order that was to be paid on delivery is in, though no carrier's word says so (PAY-09)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState
from pipelines.changes.collection import to_be_collected
from pipelines.changes.money import is_owed_on_delivery
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import ONE_LINE
from pipelines.rules.explain import Refusal, Sentence

_NOTHING_OUT: Final = Sentence(
    "代金引換で未回収の金額はありません。", "No money of this order is still to be collected on delivery."
)
_NOT_LEFT: Final = Sentence(
    "商品がまだ発送されていません。代金は発送後に記録してください。",
    "Nothing has left yet: money on delivery is recorded once the goods have.",
)


class MoneyCollected(Request):
    """Money that was due on delivery and came in: by the carrier's statement, or from the customer another way."""

    amount: Annotated[
        int,
        Field(
            ge=1,
            le=999_999_999,
            description="Yen that came in: what the order comes to by now, or what the parcel's label said",
        ),
    ]
    reference: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=ONE_LINE,
            description="Where to find it, such as the carrier's statement or the transfer's id",
        ),
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """Money is due on delivery, goods have left, and it is not in."""
    order = case.order
    if order.state == OrderState.CANCELLED or not is_owed_on_delivery(order):
        return [Refusal(_NOTHING_OUT, rule="PAY-09")]
    return [] if any(order.shipped.values()) else [Refusal(_NOT_LEFT, rule="PAY-09")]


def faults(case: Case, asked: MoneyCollected) -> Sequence[Problem]:
    """Another sum than is due, or than the carrier was told to collect before lines were taken out."""
    due, labelled = case.order.due, to_be_collected(case.order, case.shop)
    if asked.amount in (due, labelled):
        return []
    label = f", and the parcel's label says {labelled}" if labelled != due else ""
    return [Problem("amount", f"{due} yen are due on delivery{label}")]


ACTION = Action(
    name="collected",
    label=Sentence("代引代金の受領を記録する", "Record money collected on delivery"),
    says=Sentence(
        "代金引換の代金を、運送会社の精算やお客様からの振込などで受け取ったものとして記録します。",
        "The money due on delivery is in: by the carrier's statement, or from the customer another way.",
    ),
    about=About.PAYMENT,
    model=MoneyCollected,
    wakes="cod.collected",
    stands=stands,
    faults=faults,
)
