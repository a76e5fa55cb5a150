"""What may be asked of an order over HTTP: one route an action, made from its declaration (``pipelines.orders.actions``).

202 means that the request is durable and will be decided under the order's lock, 201 the same of what opens something; 409 that the order does not stand where this
can be, 422 that the request is wrong, field by field.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from models.database import glance
from models.states import ReturnState
from models.store import returns
from models.store.returns import ReturnPlaceRow
from pipelines.orders.act import Asker, Asking, Looked, possible, standing
from pipelines.orders.action import About, Action
from pipelines.shops import Shop
from workers.web.answers import as_json, not_found, order_url
from workers.web.app_state import state_of
from workers.web.body import parse_json, read_body, takes
from workers.web.clients import Caller
from workers.web.handing_in import hand_in
from workers.web.headers import KEYED, idempotency_key, language
from workers.web.shapes import OrderReference, ReturnReference, answers

_BODY_LIMIT = 1_048_576


def router_of(actions: Sequence[Action[Any]]) -> APIRouter:
    """The routes of ``actions``."""
    router = APIRouter(prefix="/v1")
    for action in actions:
        router.add_api_route(
            action.path,
            _endpoint(action),
            methods=["POST"],
            tags=["returns" if action.about == About.RETURN else "orders"],
            status_code=201 if action.opens else 202,
            responses=_answers(action),
            name=action.name,
            summary=action.label.en,
            description=action.says.en,
            openapi_extra={**takes(action.model, required=_needs_body(action.model)), **KEYED},
        )
    return router


def _answers(action: Action[Any]) -> dict[int | str, dict[str, Any]]:
    if action.opens:
        return answers(s201=ReturnReference)
    return answers(s202=ReturnReference if action.about == About.RETURN else OrderReference)


def documents_of(actions: Sequence[Action[Any]]) -> tuple[type[BaseModel], ...]:
    """The requests that the published schema describes."""
    return tuple(dict.fromkeys(action.model for action in actions))


def offered(connection: Connection, profile: Shop, number: str, now: datetime, locale: str) -> list[dict[str, Any]]:
    """For operators: every action on an order, with why it is not possible now if it is not."""
    facts = standing(connection, profile.key, number, now)
    if facts is None:
        return []
    return [
        {
            "name": action.name,
            "about": about,
            "possible": not refusals,
            "refusals": [{"rule": r.rule, "says": r.says(locale), "ways_out": list(r.ways_out)} for r in refusals],
        }
        for action, about, refusals in possible(facts, profile, now)
    ]


def _endpoint(action: Action[Any]) -> Callable[..., Awaitable[Response]]:
    return _about_return(action) if action.about == About.RETURN else _about_order(action)


def _about_order(action: Action[Any]) -> Callable[[Request, str, str], Awaitable[Response]]:
    async def ask(request: Request, shop: str, number: str) -> Response:
        caller, key, asked = await _read(request, action)
        if not caller.sees(shop):
            raise not_found()
        looked = await _hand_in(request, caller, Asking(action, shop, number, asked, _asker(caller), key))
        if action.opens:
            return as_json(201, {"return": looked.opened, "state": ReturnState.REQUESTED})
        return as_json(202, {"shop": shop, "number": number, "state": looked.state, "url": order_url(shop, number)})

    return ask


def _about_return(action: Action[Any]) -> Callable[[Request, str], Awaitable[Response]]:
    async def ask(request: Request, return_id: str) -> Response:
        caller, key, asked = await _read(request, action)
        engine = state_of(request).house.engine

        def find() -> ReturnPlaceRow | None:
            with glance(engine) as connection:
                return returns.place(connection, return_id)

        place = await asyncio.to_thread(find)
        if place is None or not caller.sees(place.shop):
            raise not_found()
        asking = Asking(action, place.shop, place.number, asked, _asker(caller), key, return_id)
        looked = await _hand_in(request, caller, asking)
        return as_json(202, {"return": return_id, "state": looked.state, **place._asdict()})

    return ask


async def _read(request: Request, action: Action[Any]) -> tuple[Caller, str | None, BaseModel]:
    """Who asks, under which Idempotency-Key, and for what."""
    caller = await state_of(request).caller(request, *action.roles)
    return caller, idempotency_key(request), action.read(await _body(request, action.model))


async def _hand_in(request: Request, caller: Caller, asking: Asking) -> Looked:
    """Look at a request, and store what it becomes."""
    state = state_of(request)
    locale = language(request) if caller.kind == "operator" else None
    return await hand_in(state, asking, state.house.clock.now(), locale)


def _asker(caller: Caller) -> Asker:
    return Asker(f"client:{caller.id}", caller.name, caller.kind, caller.shops)


def _needs_body(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


async def _body(request: Request, model: type[BaseModel]) -> object:
    """The request's JSON; nothing at all says nothing, where nothing is needed."""
    raw = await read_body(request, _BODY_LIMIT)
    return parse_json(raw) if raw or _needs_body(model) else {}
