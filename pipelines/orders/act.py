"""Acting on an order (操作): which actions are possible now, what one would do, and the event that a request becomes.

Every way in asks here: HTTP, the command line, later the console. A request is looked at on the order as it stands, so that
what cannot be is refused at once; it becomes a received event, and the stage that the event wakes decides again under
the order's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy import Connection

from models.store import inbox, orders
from pipelines.engine.decision import Decision
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts
from pipelines.engine.gather import facts_of
from pipelines.engine.inbox import Received
from pipelines.engine.stage import Stage
from pipelines.errors import Conflict, Invalid, Misconfigured, NotFound, Problem
from pipelines.orders.action import About, Action, Case
from pipelines.plugins import Registry
from pipelines.route import STAGES, WOKEN_BY
from pipelines.rules.explain import Refusal
from pipelines.shops import Shop

#: Under which name an event carries the return that it is about, or opens.
OPENED: Final = "return"
_FOUND: Final[Registry[Action[Any]]] = Registry("actions", Action, "pipelines.orders.actions", "action")


def actions() -> tuple[Action[Any], ...]:
    """Every action, by name. Raises Misconfigured for one that no stage would hear, that names a shipment without a field
    for it, or whose request is called as another's, since the published schema knows requests by their names."""
    found = tuple(_FOUND.values())
    models: dict[str, type[BaseModel]] = {}
    for action in found:
        where = f"action {action.name!r}"
        if action.wakes not in WOKEN_BY:
            raise Misconfigured(where, f"wakes {action.wakes!r}, which no stage consumes")
        if (action.about == About.SHIPMENT) != ("shipment" in action.model.model_fields):
            raise Misconfigured(where, "its request must have a field `shipment`, and only if it is about a shipment")
        if models.setdefault(action.model.__name__, action.model) is not action.model:
            raise Misconfigured(where, f"its request is called {action.model.__name__}, as another action's is")
    return found


def action_named(name: str) -> Action[Any]:
    """The action ``name``; raises Invalid with those that there are."""
    found = {action.name: action for action in actions()}
    if name not in found:
        raise Invalid([Problem("ACTION", f"{name!r} is none; there is {', '.join(found)}")])
    return found[name]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: ``source`` tells clients apart for ever, ``name`` is kept with what was asked. ``shops`` empty: every shop."""

    source: str
    name: str
    role: str
    shops: tuple[str, ...] = ()

    @property
    def is_operator(self) -> bool:
        """Whether the shop's own people ask, and not a customer."""
        return self.role == "operator"


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: ``asked`` is what ``action`` read; ``key`` the Idempotency-Key, None without one; ``about`` the return that
    an action about one is about."""

    action: Action[Any]
    shop: str
    number: str
    asked: BaseModel
    asker: Asker
    key: str | None = None
    about: str | None = None


class Possible(NamedTuple):
    """An action on an order, or on its shipment or return ``about``: possible now if nothing refuses it."""

    action: Action[Any]
    about: str | None
    refusals: tuple[Refusal, ...]


def possible(facts: Facts, shop: Shop, now: datetime, *, role: str = "operator") -> list[Possible]:
    """What may be asked of an order by ``role``, each with why it is not possible now and which of the others are instead.
    ``facts`` are those of `standing`."""
    order, answers = OrderDraft(facts), list[Possible]()
    for action in actions():
        if role not in action.roles:
            continue
        for about, case in _cases(action, Case(order, shop, now, role == "operator")):
            answers.append(Possible(action, about, tuple(action.stands(case) or action.exhausted(case))))
    open_ = {one.action.name for one in answers if not one.refusals}
    return [one._replace(refusals=tuple(_leading(refused, open_) for refused in one.refusals)) for one in answers]


def _cases(action: Action[Any], whole: Case) -> list[tuple[str | None, Case]]:
    """What of an order an action may be asked about, by its id: every shipment, every return that is not over, or the order."""
    if action.about == About.SHIPMENT:
        return [(one.id, replace(whole, shipment=one)) for one in whole.order.shipments]
    if action.about == About.RETURN:
        return [(one.id, replace(whole, returned=one)) for one in whole.order.returns if one.is_live]
    return [(None, whole)]


def _leading(refused: Refusal, possible_now: Collection[str]) -> Refusal:
    """A refusal that names no way out which is none now."""
    return replace(refused, ways_out=tuple(name for name in refused.ways_out if name in possible_now))


def standing(
    connection: Connection,
    shop: str,
    number: str,
    now: datetime,
    *needing: Action[Any],
    asking: Asking | None = None,
) -> Facts | None:
    """The facts by which ``needing`` (every action, if none is named) refuse and decide; None if there is no such order.

    With ``asking`` what its request names is looked up too. Locks nothing.
    """
    row = orders.by_number(connection, shop, number)
    if row is None:
        return None
    needs = reduce(or_, (_stage(action).needs for action in needing or actions()))
    looking = Stage("look", lambda draft, shop, now: None, needs)
    (facts,) = facts_of(
        connection, looking, [row], now, lock=False, coming=[_waiting(asking, now)] if asking is not None else ()
    )
    return facts


class Looked(NamedTuple):
    """What became of a request: the order's state (the return's, of a request about one), the event to hand in (None where there
    is nothing left to do), and the id of what it opens."""

    state: str
    event: Received | None
    opened: str | None = None


def look(
    connection: Connection, shops: Mapping[str, Shop], asking: Asking, now: datetime, locale: str | None
) -> Looked:
    """Look at a request: what cannot be is refused at once, in ``locale`` (None: the order's), and changes nothing.

    Raises NotFound (no such order), Conflict (the order stands where this cannot be, or the key stands for another request)
    and Invalid (the request is wrong).
    """
    action = asking.action
    facts = standing(connection, asking.shop, asking.number, now, action, asking=asking)
    if facts is None:
        raise NotFound(f"no order {asking.shop}/{asking.number}")
    asking = _known_by(asking, facts)
    known = inbox.body_of(connection, asking.asker.source, _event_id(asking)) if asking.key is not None else None
    if known is not None:
        if "erased" not in known and action.heard(known) != asking.asked:
            raise Conflict("This Idempotency-Key was used for another request: send a new key with it.")
        return Looked(_state(facts, asking), None, _opened(asking))  # the same again: what it asked for was decided
    if action.is_done(OrderDraft(facts)):
        return Looked(facts.state, None)
    shop = shops[asking.shop]
    _refuse(asking, facts, shop, now, locale, lambda: standing(connection, asking.shop, asking.number, now) or facts)
    event = _event(asking, now)
    return Looked(_state(facts, asking), event, event.body[OPENED] if action.opens is not None else None)


def preview(facts: Facts, shop: Shop, asking: Asking, now: datetime, locale: str | None) -> Decision:
    """What would happen: the stage's own decision on ``facts`` (`standing`, for every action and this request). Raises as
    `look` does."""
    _refuse(asking, facts, shop, now, locale, lambda: facts)
    asked = copy(facts)
    asked.events = [_waiting(asking, now)]
    return _stage(asking.action).decision(asked, shop, now)


def _refuse(
    asking: Asking, facts: Facts, shop: Shop, now: datetime, locale: str | None, whole: Callable[[], Facts]
) -> None:
    """Raises Conflict or Invalid if the request cannot be granted; ``whole`` are the facts for every action."""
    action, order = asking.action, OrderDraft(facts)
    case = Case(order, shop, now, asking.asker.is_operator)
    if action.about == About.SHIPMENT:
        named = getattr(asking.asked, "shipment", None)
        shipment = next((one for one in order.shipments if one.id == named), None)
        if shipment is None:
            raise Invalid([Problem("shipment", f"the order has no shipment {named}")])
        case = replace(case, shipment=shipment)
    elif action.about == About.RETURN:
        returned = order.return_(asking.about or "")
        if returned is None:
            raise NotFound(f"no return {asking.about} of order {asking.shop}/{asking.number}")
        case = replace(case, returned=returned)
    refusals = action.refusals(case, asking.asked)
    for one in refusals:
        if isinstance(one, Refusal):
            there = possible(whole(), shop, now, role=asking.asker.role) if one.ways_out else ()
            leading = _leading(one, {other.action.name for other in there if not other.refusals})
            raise Conflict(leading.says(locale or facts.locale), rule=one.rule, ways_out=leading.ways_out)
    if problems := [one for one in refusals if isinstance(one, Problem)]:
        raise Invalid(problems)


def _waiting(asking: Asking, now: datetime) -> EventFacts:
    """A request as if it had been received and waited for its order."""
    heard = _event(asking, now)
    return EventFacts(0, heard.source, heard.event_id, heard.type, heard.shipment, heard.body, heard.at)


def _event(asking: Asking, now: datetime) -> Received:
    """The event that a request becomes."""
    asked, asker, about = asking.asked, asking.asker, asking.about
    event_id = _event_id(asking)
    if asking.action.opens is not None:
        about = asking.action.opens(f"{asker.source}:{event_id}")
    return Received(
        source=asker.source,
        event_id=event_id,
        type=asking.action.wakes,
        body={
            **asked.model_dump(mode="json"),
            "by": asker.name,
            "operator": asker.is_operator,
            **({OPENED: about} if about else {}),
        },
        at=now,
        shipment=getattr(asked, "shipment", None),
        order=(asking.shop, asking.number),
        shops=asker.shops,
    )


def _opened(asking: Asking) -> str | None:
    """The id of what the request opens, or opened."""
    opens = asking.action.opens
    return opens(f"{asking.asker.source}:{_event_id(asking)}") if opens is not None else None


def _state(facts: Facts, asking: Asking) -> str:
    """How what the request is about stands."""
    returned = OrderDraft(facts).return_(asking.about) if asking.about else None
    return returned.state if returned is not None else facts.state


def _known_by(asking: Asking, facts: Facts) -> Asking:
    """The request under its Idempotency-Key, or by what the action says is the same."""
    if asking.key is not None or asking.action.same is None:
        return asking
    same, turn = asking.action.same(asking.asked), asking.action.turn(OrderDraft(facts), asking.asked)
    return replace(asking, key=f"same {same}:{turn}" if turn else f"same {same}")


def _event_id(asking: Asking) -> str:
    """The one id of a request: the same again under its key."""
    about = f"{asking.about}:" if asking.about else ""
    return f"{asking.action.name}:{asking.shop}/{asking.number}:{about}{asking.key or uuid4()}"


def _stage(action: Action[Any]) -> Stage:
    return STAGES[WOKEN_BY[action.wakes]]
