"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from pipelines.engine.stage import Decision, EventFacts, Facts
from pipelines.errors import Invalid, Problem
from pipelines.orders.action import Action, Case
from pipelines.rules.explain import Refusal
from pipelines.shops import Shop

Asked = TypeVar("Asked", bound=BaseModel)


def answer(
    action: Action[Asked],
    facts: Facts,
    shop: Shop,
    now: datetime,
    stage: str,
    grant: Callable[[Decision, EventFacts, Asked], None],
) -> Decision:
    """Grant the first request for ``action`` that can be, and refuse those before it with every reason; what comes after it
    waits for the next decision of ``stage``, since facts are those of the order as it was."""
    decision = Decision(facts)
    for event in facts.events:
        try:
            asked = action.heard(event.body)
        except Invalid as unreadable:
            refuse(decision, event, unreadable.problems)
            continue
        if refused := action.refusals(Case(facts, shop, now), asked):
            refuse(decision, event, refused)
            continue
        grant(decision, event, asked)
        decision.events.append((event.id, "applied", None))
        break
    if len(facts.events) > len(decision.events):
        decision.next(stage, now)
    return decision


def refuse(decision: Decision, event: EventFacts, refused: Iterable[Refusal | Problem]) -> None:
    """The request is not granted; why is kept with it, for operators."""
    decision.events.append((event.id, "refused", "; ".join(_kept(one) for one in refused)))


def _kept(refused: Refusal | Problem) -> str:
    if isinstance(refused, Problem):
        return refused.message
    says = refused.says("en")
    return f"{refused.rule}: {says}" if refused.rule else says
