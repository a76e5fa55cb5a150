"""Release (保留解除): somebody looked at a held order and lets it go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipelines.orders.action import Action, Case, Reason
from pipelines.rules.explain import Refusal, Sentence

_NOT_HELD: Final = Sentence(
    "この注文の処理状況は{condition}で、保留されていません。", "The order is {condition}: nothing holds it."
)


def stands(case: Case) -> Sequence[Refusal]:
    """Only what is held can be let go."""
    return [] if case.order.held else [Refusal(_NOT_HELD, {"condition": case.order.condition})]


ACTION = Action(
    name="release",
    label=Sentence("保留を解除する", "Release"),
    says=Sentence(
        "確認を終えたものとして保留を解除し、注文を次の段階へ進めます。",
        "Somebody has looked at it: lift the hold and let the order go on.",
    ),
    model=Reason,
    wakes="order.release",
    stands=stands,
)
