"""Suppliers that come by themselves (contract: Suppliers without a webhook): their list of work, and what they say of it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.doors import question
from pipelines.suppliers.news import PostedEvent, posted_id
from pipelines.suppliers.work import LISTS, PAGE, Work, WorkQuery, fetched, listed
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.body import read_told, takes
from workers.web.clients import Caller
from workers.web.headers import KEYED, idempotency_key, webhook_id
from workers.web.query import parameters_of, query_of
from workers.web.shapes import answers
from workers.web.supplier_news import store_news, stored
from workers.web.supplier_shapes import Stored, SupplierWork

router = APIRouter(prefix="/v1/suppliers", tags=["suppliers"])

#: Documents that the published schema describes.
DOCUMENTS = (PostedEvent,)


@router.get(
    "/{supplier}/work", responses=answers(s200=SupplierWork), openapi_extra={"parameters": parameters_of(WorkQuery)}
)
async def read_work(request: Request, supplier: str) -> Response:
    """The supplier's own shipments, at most 100 a page. Of a supplier whose channel is `poll`, what is answered here counts as
    told; `state=cancellation_requested` is what it is asked not to ship."""
    caller = await _caller(request, supplier)
    query = question(WorkQuery, query_of(request))
    name, asked = query.state, LISTS[query.state]
    state = state_of(request)
    house = state.house
    shops = {key: shop for key, shop in house.shops.items() if caller.sees(key)}

    def look() -> list[Work]:
        with glance(house.engine) as connection:
            return listed(connection, shops, supplier, asked, after=query.cursor or "", limit=PAGE + 1)

    found = await asyncio.to_thread(look)
    page = found[:PAGE]
    # Before it is answered: what was handed out is told, even if the answer is lost; it is in the next one as well.
    await asyncio.gather(*(state.desk.event(event) for event in fetched(page, house.clock)))
    following = page[-1].told.shipment if len(found) > PAGE else None
    work = [one.to_json() for one in page]
    return as_json(200, {"supplier": supplier, "state": name, "work": work, "next": following})


@router.post(
    "/{supplier}/events",
    status_code=202,
    responses=answers(s202=Stored, s200=Stored),
    openapi_extra={**takes(PostedEvent), **KEYED},
)
async def supplier_says(request: Request, supplier: str) -> Response:
    """The webhook's event with the supplier's key instead of a signature: 202 stored, 200 known: by its `id`, else by the header
    `webhook-id` or Idempotency-Key, else by all that it says. What cannot be right is stored as well, does nothing and goes to the operator."""
    caller = await _caller(request, supplier)
    raw, fault = await read_told(request)
    event_id = posted_id(raw, webhook_id(request), idempotency_key(request))
    new = await store_news(request, raw, supplier=supplier, shops=caller.shops, event_id=event_id, fault=fault)
    return stored(new, event_id)


async def _caller(request: Request, supplier: str) -> Caller:
    """The supplier of the path, by its own key; anybody else's looks as if there were none of that name."""
    caller = await state_of(request).caller(request, "supplier")
    if caller.name != supplier:
        raise not_found()
    return caller
