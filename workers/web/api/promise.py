"""The dispatch promise over HTTP: for a product page, and for a cart."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.engine.gather import loads_of, with_capacity
from pipelines.orders.promise import Answer, asked_of, cart_of, cart_promise, promise
from pipelines.orders.schema import MOST_BYTES, CartDocument, ProductDocument
from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.promise import right_until
from pipelines.shops import Shop
from workers.web.answers import as_json
from workers.web.app_state import AppState, state_of
from workers.web.body import read_json, takes
from workers.web.headers import KNOWN, NOT_MODIFIED, is_known
from workers.web.query import parameters_of, query_of
from workers.web.shapes import CartPromise, Promise, answers

router = APIRouter(prefix="/v1", tags=["promise"])

_SECOND: Final = timedelta(seconds=1)
#: Seconds for which an answer is kept where a day may fill up at any moment.
_MAY_FILL_UP: Final = 30
#: What changes with every second of the same promise.
_FLEETING: Final = frozenset({"at", "seconds_left"})
#: What a page of any site may read: the answer, and how old it is.
_ANY_SITE: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Age, Date, ETag"}
#: A key, or none where the profile says so.
_OPEN: Final[Mapping[str, Any]] = {"security": [{"key": []}, {}]}


@router.get(
    "/promise",
    responses={**answers(s200=Promise), **NOT_MODIFIED},
    openapi_extra={**_OPEN, "parameters": [*parameters_of(ProductDocument), KNOWN]},
)
async def read_promise(request: Request) -> Response:
    """Which day a product leaves that is ordered now, until when, and why; fresh until that changes."""
    state, asked = state_of(request), asked_of(query_of(request, "at"))
    shops, now = await _seen(request, asked.shop), state.house.clock.now()
    load = await _load(state, shops.get(asked.shop), now)
    answer = promise(asked, shops, now, lambda shop: load)
    tag = _tag(answer.document)
    headers = {**_shared(answer.shop), "ETag": tag, "Cache-Control": _fresh(answer)}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return _with(as_json(200, answer.document), headers)


@router.post("/promise", responses=answers(s200=CartPromise), openapi_extra={**_OPEN, **takes(CartDocument)})
async def read_cart_promise(request: Request) -> Response:
    """The same for a cart: one answer a parcel, by the split that its order would get."""
    state = state_of(request)
    _, raw = await read_json(request, MOST_BYTES)
    asked = cart_of(raw)
    shops, now = await _seen(request, asked.shop), state.house.clock.now()
    load = await _load(state, shops.get(asked.shop), now)
    answer = cart_promise(asked, shops, now, lambda shop: load)
    return _with(as_json(200, answer.document), {**_shared(answer.shop), "Cache-Control": "no-store"})


#: Documents that the published schema describes.
DOCUMENTS = (CartDocument,)


async def _seen(request: Request, named: str) -> Mapping[str, Shop]:
    """The shops that whoever asks may see: one whose profile makes its promise public, else those of a key."""
    state = state_of(request)
    shops = state.house.shops
    shop = shops.get(named)
    if shop is not None and shop.promise.public:
        state.count_public(request)
        return {named: shop}
    caller = await state.caller(request, "storefront", "operator")
    return {key: one for key, one in shops.items() if caller.sees(key)}


async def _load(state: AppState, shop: Shop | None, now: datetime) -> Load:
    """What leaves already; the database is asked where the shop has a supplier with a capacity, and only there."""
    limited = with_capacity({shop.key: shop}) if shop is not None else []
    if not limited:
        return Load()

    def read() -> Load:
        with glance(state.house.engine) as connection:
            return loads_of(connection, limited, now).get(limited[0].shop, Load())

    return await asyncio.to_thread(read)


def _fresh(answer: Answer) -> str:
    """How long caches may keep it: while it stays right; those of others too where it is public."""
    seconds = (right_until(answer.found, answer.at) - answer.at) // _SECOND
    if any(answer.shop.dispatch_days(one.part.supplier).capacity is not None for one in answer.found):
        seconds = min(seconds, _MAY_FILL_UP)
    return f"{'public' if answer.shop.promise.public else 'private'}, max-age={max(0, seconds)}"


def _shared(shop: Shop) -> Mapping[str, str]:
    """A page of any site may read what is public."""
    return _ANY_SITE if shop.promise.public else {"Vary": "Authorization"}


def _tag(document: Mapping[str, Any]) -> str:
    """The same while the promise is, whatever the second: a weak validator (RFC 9110)."""
    lasting = {name: value for name, value in document.items() if name not in _FLEETING}
    return f'W/"{hashlib.sha256(orjson.dumps(lasting)).hexdigest()[:32]}"'


def _with(response: Response, headers: Mapping[str, str]) -> Response:
    response.headers.update(headers)
    return response
