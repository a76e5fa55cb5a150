"""The preview of a return over HTTP."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.orders.schema import MOST_BYTES
from pipelines.returns.preview import preview
from pipelines.returns.schema import ReturnPreviewDocument
from workers.web.answers import as_json
from workers.web.app_state import state_of
from workers.web.body import read_json, takes
from workers.web.shapes import ReturnPreview, answers

router = APIRouter(prefix="/v1/returns", tags=["returns"])


@router.post("/preview", responses=answers(s200=ReturnPreview), openapi_extra=takes(ReturnPreviewDocument))
async def preview_return(request: Request) -> Response:
    """What may be returned of an order until when, at whose cost, and what it gives back; stores nothing, looks nothing up."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    _, raw = await read_json(request, MOST_BYTES)
    # A key sees only its own shops; another's looks like one that does not exist.
    shops = {key: shop for key, shop in state.house.shops.items() if caller.sees(key)}
    return as_json(200, await asyncio.to_thread(preview, raw, shops, state.house.clock.now()))


#: Documents that the published schema describes.
DOCUMENTS = (ReturnPreviewDocument,)
