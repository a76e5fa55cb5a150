"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts
from pipelines.errors import Invalid, Problem
from pipelines.orders.action import About, Action, Case
from pipelines.rules.explain import Refusal
from pipelines.shops import Shop

Asked = TypeVar("Asked", bound=BaseModel)


def answer(
    action: Action[Asked], draft: OrderDraft, shop: Shop, now: datetime, grant: Callable[[EventFacts, Asked], None]
) -> None:
    """Grant the first request for ``action`` that can be, and refuse those before it with every reason. What comes after it
    waits for the next decision: the customer's purse, and how often the order was priced, are gathered anew for it."""
    answer_each({action.wakes: (action, grant)}, draft, shop, now)


def answer_each(
    grants: Mapping[str, tuple[Action[Any], Callable[[EventFacts, Any], None]]],
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
) -> None:
    """`answer` for a stage that hears several actions: by the type of the event, the action and what grants it."""
    for event in draft.waiting:
        action, grant = grants[event.type]
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
    shipment = None
    if action.about == About.SHIPMENT:
        named = event.body.get("shipment")
        shipment = next((one for one in draft.shipments if one.id == named), None)
        if shipment is None:
            draft.refused(event, f"the order has no shipment {named}")
            return None
    if refused := action.refusals(Case(draft, shop, now, bool(event.body.get("operator")), shipment), asked):
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


def asker(event: EventFacts) -> str:
    """Who asked, as the history names them."""
    return str(event.body.get("by") or "an operator")
