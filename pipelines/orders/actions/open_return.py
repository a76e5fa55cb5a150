"""A return (返品) that a customer, or an operator for one, asks for: the rules of the shop say whether it may be (A.12)."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Sequence
from typing import Final

from pipelines.changes.coming_back import sold_of
from pipelines.errors import Problem
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.actions.return_lines import exhausted
from pipelines.orders.returning import HAS_LEFT
from pipelines.returns.preview import asked_line
from pipelines.returns.schema import ReturnLines
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.returns.case import AskedLine, LineJudgement
from pipelines.rules.returns.judge import judge

_NOT_LEFT: Final = Sentence(
    "現在の注文状態は{state}です。返品をお申し込みいただけるのは、発送済みの商品に限ります。",
    "Now the order is {state}: only goods that have left can be returned.",
)
_REFUSED: Final = Sentence("返品をお受けできません。{says}", "This cannot be returned. {says}")
_SEVERAL: Final = "one return gives one remedy: ask for lines with another one in a return of their own"


class ReturnAsked(Request):
    """Pieces that are to come back, each with its reason."""

    lines: ReturnLines


def stands(case: Case) -> Sequence[Refusal]:
    """Something has left."""
    return [] if case.order.state in HAS_LEFT else [Refusal(_NOT_LEFT, {"state": case.order.state})]


def faults(case: Case, asked: ReturnAsked) -> Sequence[Refusal | Problem]:
    """What is wrong with the request, and else what the shop's rules refuse of it."""
    judged = judge(sold_of(case.order, case.shop), case.shop, asked_lines(asked), case.now)
    if judged.problems:
        return judged.problems
    if refused := [_refusal(one) for one in judged.lines if not one.allowed]:
        return refused
    if len({one.remedy for one in judged.lines}) > 1:
        return [Problem("lines", _SEVERAL)]
    named = [(one.line, one.reason) for one in asked.lines]
    twice = [index for index, one in enumerate(named) if one in named[:index]]
    return [Problem(f"lines[{index}].line", "is named twice for one reason: add its pieces up") for index in twice]


def _refusal(line: LineJudgement) -> Refusal:
    says = " ".join(one.says for one in line.because)
    return Refusal(_REFUSED, {"says": says}, rule=next((one.rule for one in line.because), None))


def asked_lines(asked: ReturnAsked) -> list[AskedLine]:
    """The lines of a request as the rules see them."""
    return [asked_line(one) for one in asked.lines]


def return_id(request: str) -> str:
    """The public id of the return that ``request`` (its id, unique for ever) opens: the same again for the same."""
    return "RT-" + b32encode(hashlib.sha256(request.encode()).digest()[:10]).decode()


ACTION = Action(
    name="returns",
    label=Sentence("返品を申し込む", "Ask for a return"),
    says=Sentence(
        "商品の返品を申し込みます。お店の返品規定に従って承認され、返送先と期限をお客様にお知らせします。",
        "These pieces are to come back: approved by the shop's own rules, and the customer hears where to and until when.",
    ),
    model=ReturnAsked,
    wakes="return.requested",
    roles=("storefront", "operator"),
    stands=stands,
    faults=faults,
    exhausted=exhausted,
    opens=return_id,
)
