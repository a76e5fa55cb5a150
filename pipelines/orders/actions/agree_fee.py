"""Agree on the fee (個人宛送料の登録): what the shipping to an individual costs more, where no fee is published (INT-04)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState
from pipelines.changes.money import asked as asked_of_gateway
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.money.pricing import individual_surcharge
from pipelines.rules.money.repricing import fee_problems, with_fee

_NOTHING_TO_QUOTE: Final = Sentence(
    "この注文の送料は見積りを要しません。", "The fee of this order needs no quote: it is published, or there is none."
)
_TOO_LATE: Final = Sentence(
    "現在、注文状態は{state}、処理状況は{condition}です。送料を登録できるのは、保留中で、お支払いを依頼する前に限ります。",
    "Now the order is {state} and {condition}: a fee is added while it is held and nobody was asked to pay.",
)


class FeeAgreed(Request):
    """What the shipping costs more, as it was agreed with the customer."""

    fee: Annotated[
        int,
        Field(
            ge=1,
            le=9_999_999,
            description="Yen in the shop's price display, so without tax where prices are; in place of a fee that was agreed "
            "before. Where nothing is added, release the order instead",
        ),
    ]
    reason: Annotated[
        str,
        Field(
            default="", max_length=500, pattern=MANY_LINES, description="How it was agreed; kept with the former prices"
        ),
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """No fee is published for this individual, somebody has the order, and the amount may still grow: never after the customer
    was asked for it (INT-04, CAN-02)."""
    order = case.order
    if individual_surcharge(order.facts.order, case.shop) is not None:
        return [Refusal(_NOTHING_TO_QUOTE, rule="INT-04")]
    if order.state != OrderState.ACCEPTED or not order.held or asked_of_gateway(order) is not None:
        return [Refusal(_TOO_LATE, {"state": order.state, "condition": order.condition}, rule="INT-04")]
    return []


def faults(case: Case, asked: FeeAgreed) -> Sequence[Problem]:
    """A fee with which the order's method cannot carry its total."""
    facts = case.order.facts
    return fee_problems(facts.order, case.shop, with_fee(facts.order, case.shop, facts.breakdown, asked.fee))


ACTION = Action(
    name="fee:agree",
    label=Sentence("個人宛の送料を登録する", "Add the agreed fee"),
    says=Sentence(
        "お客様と合意した個人宛の送料を加えて金額を計算し直し、お客様にお知らせします。",
        "The fee that was agreed for the shipping to an individual is added and the order priced again; the customer gets the new "
        "total.",
    ),
    model=FeeAgreed,
    wakes="order.agree_fee",
    stands=stands,
    faults=faults,
)
