"""Requests of operators about one order (依頼): each is granted or refused whole, on what the one before it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
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
    denied: Callable[[EventFacts, str], None] = lambda event, why: None,
) -> None:
    """`answer` for a stage that hears several actions: by the type of the event, the action and what grants it; ``denied`` is
    told of an event that is refused, and why."""
    for event in draft.waiting:
        action, grant = grants[event.type]
        if (asked := heard(action, draft, shop, now, event, denied)) is None:
            continue
        grant(event, asked)
        draft.applied(event)
        break
    if draft.waiting:
        draft.again(now)


def heard(
    action: Action[Asked],
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    event: EventFacts,
    denied: Callable[[EventFacts, str], None] = lambda event, why: None,
) -> Asked | None:
    """What ``event`` asks for; None if it cannot be granted as the order stands, and then it is refused and ``denied`` told why.

    What is asked of returns, or of whatever has a window, is judged by the moment at which it was asked: days and minutes end while it
    waits to be decided.
    """

    def refuse(refused: Iterable[Refusal | Problem]) -> None:
        why = "; ".join(_kept(one) for one in refused)
        draft.refused(event, why)
        denied(event, why)

    try:
        asked = action.heard(event.body)
    except Invalid as unreadable:
        refuse(unreadable.problems)
        return None
    at = event.at if action.about == About.RETURN or action.opens is not None or action.has_window else now
    case = Case(draft, shop, at, bool(event.body.get("operator")))
    if action.about == About.SHIPMENT:
        named = event.body.get("shipment")
        shipment = next((one for one in draft.shipments if one.id == named), None)
        if shipment is None:
            refuse([Problem("shipment", f"the order has no shipment {named}")])
            return None
        case = replace(case, shipment=shipment)
    elif action.about == About.RETURN:
        returned = draft.return_(str(event.body.get("return")))
        if returned is None:
            refuse([Problem("return", f"the order has no return {event.body.get('return')}")])
            return None
        case = replace(case, returned=returned)
    if refused := action.refusals(case, asked):
        refuse(refused)
        return None
    return asked


def _kept(refused: Refusal | Problem) -> str:
    if isinstance(refused, Problem):
        return refused.message
    says = refused.says("en")
    return f"{refused.rule}: {says}" if refused.rule else says


def asker(event: EventFacts) -> str:
    """Who asked, as the history names them."""
    return str(event.body.get("by") or "an operator")
