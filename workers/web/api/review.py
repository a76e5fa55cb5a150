"""The review queue over HTTP, for operators: what waits for a human, whose it is, notes, and one action on many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.database import glance
from pipelines.doors import read, shops_meant
from pipelines.orders.act import Asker
from pipelines.review import desk
from pipelines.review.desk import ReviewAct, ReviewAssign, ReviewNoteDocument, ReviewQuery
from pipelines.review.queue import Item, Seen, page
from workers.patience import patiently
from workers.web.answers import as_json
from workers.web.app_state import AppState, state_of
from workers.web.body import read_json, takes
from workers.web.clients import Caller
from workers.web.headers import KEYED, idempotency_key, language
from workers.web.list_shapes import Review, ReviewItem, ReviewResults
from workers.web.query import parameters_of, query_of
from workers.web.review_desk import act
from workers.web.shapes import answers

router = APIRouter(prefix="/v1", tags=["review"])

#: Documents that the published schema describes.
DOCUMENTS = (ReviewAssign, ReviewNoteDocument, ReviewAct)


@router.get("/review", responses=answers(s200=Review), openapi_extra={"parameters": parameters_of(ReviewQuery)})
async def read_review(request: Request) -> Response:
    """What waits for a human, the longest first; what is of no shop for a key of every shop alone."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    asked = desk.query_asked(query_of(request))
    seen = _seen(state, caller, asked.shop)

    def look() -> dict[str, Any]:
        now = state.house.clock.now()
        with glance(state.house.engine) as connection:
            items, following = page(connection, now, asked.which, seen, cursor=asked.cursor, limit=asked.limit)
        return {"items": [item.shown(language(request)) for item in items], "next": following}

    return as_json(200, await asyncio.to_thread(look))


@router.post("/review:assign", responses=answers(s200=ReviewItem), openapi_extra=takes(ReviewAssign))
async def assign_item(request: Request) -> Response:
    """Let somebody look at it; the last word counts."""
    state, caller, raw = await _read(request)
    asked, seen = read(ReviewAssign, raw), _seen(state, caller, None)
    return await _changed(request, lambda connection: desk.assign(connection, state.house.clock.now(), asked, seen))


@router.post("/review:note", responses=answers(s200=ReviewItem), openapi_extra=takes(ReviewNoteDocument))
async def note_item(request: Request) -> Response:
    """Write something down about it; notes stay with it and are not changed."""
    state, caller, raw = await _read(request)
    asked, seen = read(ReviewNoteDocument, raw), _seen(state, caller, None)
    return await _changed(
        request, lambda connection: desk.write_down(connection, state.house.clock.now(), asked, caller.name, seen)
    )


@router.post(
    "/review:act",
    status_code=207,
    responses=answers(s207=ReviewResults),
    openapi_extra={**takes(ReviewAct), **KEYED},
)
async def act_on_items(request: Request) -> Response:
    """One action on up to 200 things that wait, each with its own result as the same request alone would be answered: 202 asked
    of its order, 200 done, 404, 409, 422."""
    state, caller, raw = await _read(request)
    asked = read(ReviewAct, raw)
    asker = Asker(f"client:{caller.id}", caller.name, caller.kind, caller.shops)
    results = await act(state, asker, _seen(state, caller, None), asked, idempotency_key(request))
    return as_json(207, {"results": results})


async def _read(request: Request) -> tuple[AppState, Caller, object]:
    state = state_of(request)
    caller = await state.caller(request, "operator")
    _, raw = await read_json(request)
    return state, caller, raw


def _seen(state: AppState, caller: Caller, shop: str | None) -> Seen:
    """What the key may see, or of it what is of ``shop``. Raises Invalid for a shop that is none of the key's."""
    if shop is not None:
        return Seen(tuple(shops_meant(shop, [key for key in state.house.shops if caller.sees(key)])))
    return Seen(caller.shops or None)


async def _changed(request: Request, change: Callable[[Connection], Item]) -> Response:
    """Change it in a transaction, and answer it as it stands then."""
    engine = state_of(request).house.engine

    def attempt(again: bool) -> Item:
        with engine.begin() as connection:
            return change(connection)

    item = await asyncio.to_thread(patiently, attempt)
    return as_json(200, item.shown(language(request)))
