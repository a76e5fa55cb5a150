"""Acting on what waits for a human: each thing through the door that there is for it, each with its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field

from models.database import glance
from models.store.orders import OrderKey
from pipelines.doors import read
from pipelines.engine import inbox
from pipelines.errors import Conflict, Invalid, NotFound, ShukkaError
from pipelines.orders.act import Asker, Asking, action_named
from pipelines.orders.action import About, Reason, Request
from pipelines.orders.schema import Key
from pipelines.points import postings
from pipelines.review.desk import ReviewAct, ReviewKey
from pipelines.review.kinds import ASSIGN, DISMISS, OWN, POSTED, RETRY
from pipelines.review.queue import Item, Seen, named
from workers.effects.retrying import try_again
from workers.patience import patiently
from workers.web.answers import order_url
from workers.web.app_state import AppState
from workers.web.handing_in import hand_in
from workers.wiring import House


class TransferOrder(Request):
    """Which order a transfer is for."""

    shop: Key
    number: Key


class WhatItIs(Request):
    """What a transfer is that is no order's money."""

    reason: str = Field(min_length=1, max_length=500)


#: What the requests of choices are that are no actions of orders.
_BODIES: Final[Mapping[str, type[BaseModel]]] = {
    RETRY: Reason,
    POSTED: Reason,
    ASSIGN: TransferOrder,
    DISMISS: WhatItIs,
}


async def act(
    state: AppState, asker: Asker, seen: Seen, asked: ReviewAct, key: str | None, language: str | None = None
) -> list[dict[str, Any]]:
    """One result a thing, in the order asked: ``status`` as the same request alone would be answered. None takes its neighbour
    with it; ``key`` is the request's Idempotency-Key, ``asker`` whoever asks, and ``language`` that of refusals, the order's where none is named."""
    return [await _one(state, asker, seen, asked, item, key, language) for item in asked.items]


async def _one(
    state: AppState, asker: Asker, seen: Seen, asked: ReviewAct, item: ReviewKey, key: str | None, language: str | None
) -> dict[str, Any]:
    told = {"kind": item.kind, "key": item.key}
    try:
        found = await asyncio.to_thread(_found, state, item, seen)
        if asked.action not in found.choices:
            raise Conflict(f"{asked.action} is no way out of this; there is {', '.join(found.choices) or 'none here'}")
        if asked.action not in OWN:
            return {**told, **await _of_order(state, asker, found, asked, key, language)}
        return {**told, **await asyncio.to_thread(_here, state.house, asker, found, asked)}
    except ShukkaError as refused:
        return {**told, **_refused(refused)}


def _found(state: AppState, item: ReviewKey, seen: Seen) -> Item:
    with glance(state.house.engine) as connection:
        return named(connection, state.house.clock.now(), item.kind, item.key, seen)


async def _of_order(
    state: AppState, asker: Asker, item: Item, asked: ReviewAct, key: str | None, language: str | None
) -> dict[str, Any]:
    """An action of the order that it is about; one about a shipment is about the hold's, unless the request names another."""
    action, hold, row = action_named(asked.action), item.hold, item.row
    assert row.shop is not None
    assert row.number is not None
    body = dict(asked.body)
    if action.about == About.SHIPMENT and hold is not None and hold.shipment is not None:
        body.setdefault("shipment", hold.shipment)
    asking = Asking(action, row.shop, row.number, action.read(body), asker, f"{key}:{row.key}" if key else None)

    looked = await hand_in(state, asking, state.house.clock.now(), language)
    return {"status": 202, "state": looked.state, "url": order_url(row.shop, row.number)}


def _here(house: House, asker: Asker, item: Item, asked: ReviewAct) -> dict[str, Any]:
    """What is done at once, in a transaction of its own. One whose answer was lost is made again, and finds it done."""
    body, do = read(_BODIES[asked.action], asked.body), _DOORS[asked.action]
    patiently(lambda again: do(_Doing(house, asker.name, again), item, body))
    return {"status": 200}


@dataclass(frozen=True, slots=True)
class _Doing:
    """Who does it where; ``again``: it may have happened already."""

    house: House
    by: str
    again: bool


def _retry(doing: _Doing, item: Item, body: BaseModel) -> None:
    house = doing.house
    with house.engine.begin() as connection:
        tried = try_again(connection, item.row.kind, [int(item.row.key)], house.clock.now())
    if not tried and not doing.again:
        raise Conflict("It cannot be read, or names no order: its sender must send it right.")


def _assign(doing: _Doing, item: Item, body: BaseModel) -> None:
    assert isinstance(body, TransferOrder)
    house = doing.house
    with house.engine.begin() as connection:
        inbox.assign(connection, int(item.row.key), OrderKey(body.shop, body.number), house.clock.now())


def _dismiss(doing: _Doing, item: Item, body: BaseModel) -> None:
    assert isinstance(body, WhatItIs)
    with doing.house.engine.begin() as connection:
        inbox.dismiss(connection, int(item.row.key), body.reason)


def _posted(doing: _Doing, item: Item, body: BaseModel) -> None:
    postings.done(doing.house.engine, doing.house.clock, int(item.row.key), doing.by)


_DOORS: Final[Mapping[str, Callable[[_Doing, Item, BaseModel], None]]] = {
    RETRY: _retry,
    ASSIGN: _assign,
    DISMISS: _dismiss,
    POSTED: _posted,
}


def _refused(error: ShukkaError) -> dict[str, Any]:
    if isinstance(error, NotFound):
        return {"status": 404, "title": "Not found", "detail": "There is nothing here that this key may see."}
    if isinstance(error, Invalid):
        errors = [{"field": one.field, "message": one.message} for one in error.problems]
        return {"status": 422, "title": "Refused", "errors": errors}
    if isinstance(error, Conflict):
        detail = f"{error.detail} ({error.rule})" if error.rule else error.detail
        return {"status": 409, "title": "Conflict", "detail": detail, "ways_out": list(error.ways_out)}
    raise error
