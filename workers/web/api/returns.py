"""Returns over HTTP: one as it stands, and the preview of one. What may be asked of one is made from the actions
(``workers.web.api.actions``)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.database import glance
from models.return_photo import MOST_PHOTOS
from models.states import ReturnState
from models.store import orders, return_photos, returns
from pipelines.engine.returns_rows import return_of
from pipelines.orders.schema import MOST_BYTES
from pipelines.returns.preview import preview
from pipelines.returns.schema import ReturnPreviewDocument
from workers.web.answers import as_json, not_found, order_url
from workers.web.api.views import show_return
from workers.web.app_state import state_of
from workers.web.body import read_json, takes
from workers.web.shapes import ReturnPreview, ShownReturn, answers

router = APIRouter(prefix="/v1/returns", tags=["returns"])

_PLACES: Final = tuple(str(n) for n in range(1, MOST_PHOTOS + 1))
#: Looked at once it is known who asks.
_Place = Annotated[str, Path(json_schema_extra={"type": "integer", "minimum": 1, "maximum": MOST_PHOTOS})]
_JPEG: Final = {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}


@router.post("/preview", responses=answers(s200=ReturnPreview), openapi_extra=takes(ReturnPreviewDocument))
async def preview_return(request: Request) -> Response:
    """What may be returned of an order until when, at whose cost, and what it gives back; stores nothing, looks nothing up."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    _, raw = await read_json(request, MOST_BYTES)
    # A key sees only its own shops; another's looks like one that does not exist.
    shops = {key: shop for key, shop in state.house.shops.items() if caller.sees(key)}
    return as_json(200, await asyncio.to_thread(preview, raw, shops, state.house.clock.now()))


@router.get("/{return_id}", responses=answers(s200=ShownReturn))
async def read_return(request: Request, return_id: str) -> Response:
    """One return of an order of the key's own shops; one that was asked for a moment ago is `requested`."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")

    def read() -> dict[str, Any] | None:
        with glance(state.house.engine) as connection:
            place = returns.place(connection, return_id)
            if place is None or not caller.sees(place.shop):
                return None
            named = {"shop": place.shop, "number": place.number, "url": order_url(place.shop, place.number)}
            seen = return_photos.places(connection, return_id) if caller.kind == "operator" else None
            photos = {} if seen is None else {"photos": [f"/v1/returns/{return_id}/photos/{one}" for one in seen]}
            return {**named, **_shown(connection, place, return_id), **photos}

    shown = await asyncio.to_thread(read)
    if shown is None:
        raise not_found()
    return as_json(200, shown)


class Jpeg(Response):
    """The bytes of a picture."""

    media_type = "image/jpeg"


@router.get("/{return_id}/photos/{place}", response_class=Jpeg, responses={200: {"content": _JPEG}})
async def read_photo(request: Request, return_id: str, place: _Place) -> Response:
    """A photo that the customer sent of the goods, the first is 1; operators alone see it."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    if place not in _PLACES:
        raise not_found()

    def read() -> bytes | None:
        with glance(state.house.engine) as connection:
            of = returns.place(connection, return_id)
            return return_photos.image(connection, return_id, int(place)) if of and caller.sees(of.shop) else None

    image = await asyncio.to_thread(read)
    if image is None:
        raise not_found()
    return Jpeg(image, headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"})


def _shown(connection: Connection, place: returns.ReturnPlaceRow, return_id: str) -> dict[str, Any]:
    order = orders.by_number(connection, place.shop, place.number)
    rows = returns.of_orders(connection, [order.id] if order else [])
    found = next((show_return(return_of(row)) for row in rows if row.id == return_id), None)
    return found or {"return": return_id, "state": ReturnState.REQUESTED}


#: Documents that the published schema describes.
DOCUMENTS = (ReturnPreviewDocument,)
