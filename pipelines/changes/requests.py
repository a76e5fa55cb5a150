"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts
from pipelines.errors import Invalid, Problem
from pipelines.orders.action import Action, Case
from pipelines.rules.explain import Refusal
from pipelines.shops import Shop

Asked = TypeVar("Asked", bound=BaseModel)


def answer(
    action: Action[Asked], draft: OrderDraft, shop: Shop, now: datetime, grant: Callable[[EventFacts, Asked], None]
) -> None:
    """Grant the first request for ``action`` that can be, and refuse those before it with every reason. What comes after it
    waits for the next decision: the customer's purse, and how often the order was priced, are gathered anew for it."""
    for event in draft.waiting:
        if (asked := heard(action, draft, shop, now, event)) is None:
            continue
        grant(event, asked)
        draft.applied(event)
        break
    if draft.waiting:
        draft.again(now)


def heard(action: Action[Asked], draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts) -> Asked | None:
    """What ``event`` asks for; None if it cannot be granted as the order stands, and then it is refused."""
    try:
        asked = action.heard(event.body)
    except Invalid as unreadable:
        _refuse(draft, event, unreadable.problems)
        return None
    if refused := action.refusals(Case(draft, shop, now, bool(event.body.get("operator"))), asked):
        _refuse(draft, event, refused)
        return None
    return asked


def _refuse(draft: OrderDraft, event: EventFacts, refused: Iterable[Refusal | Problem]) -> None:
    """The request is not granted; why is kept with it, for operators."""
    draft.refused(event, "; ".join(_kept(one) for one in refused))


def _kept(refused: Refusal | Problem) -> str:
    if isinstance(refused, Problem):
        return refused.message
    says = refused.says("en")
    return f"{refused.rule}: {says}" if refused.rule else says
