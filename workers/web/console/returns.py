"""Returns: ``/console/returns`` by state, and one with what may be done about it, through the order's own actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.return_photo import MOST_PHOTOS
from models.states import ReturnState
from models.store import orders, return_photos, returns
from models.store.returns import ListedReturnRow
from pipelines.engine.returns_rows import return_of
from pipelines.errors import NotFound
from pipelines.operators import Role
from pipelines.orders.act import Possible, possible, standing
from workers.operators import PATH
from workers.web.api.views import show_return
from workers.web.console.frame import FRAMED
from workers.web.console.order import order_path
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/returns", include_in_schema=False, route_class=ConsoleRoute)

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Story:
    """A return as the console shows it."""

    shop: str
    number: str
    shown: dict[str, Any]
    possible: list[Possible]
    photos: list[int]


@router.get("")
async def read_returns(request: Request) -> Response:
    """Returns that wait for something, the most pressing first, or those of one state: ``?state=&shop=``."""

    async def shown(visit: Visit) -> Response:
        state, shop = (request.query_params.get(name, "") for name in ("state", "shop"))
        if state and state not in set(ReturnState):
            raise NotFound
        shops = [visit.shop(shop).key] if shop else visit.shops

        def look(connection: Connection) -> list[ListedReturnRow]:
            return returns.listed(connection, shops, state or None, _MOST + 1)

        rows: list[ListedReturnRow] = await visit.read(look)
        return visit.show(
            "returns",
            rows=rows[:_MOST],
            most=_MOST,
            has_more=len(rows) > _MOST,
            states=list(ReturnState),
            chosen={"state": state, "shop": shop},
        )

    return await visited(request, shown)


@router.get("/{return_id}")
async def read_return(request: Request, return_id: str) -> Response:
    """One return, and the actions that are possible about it now."""

    async def shown(visit: Visit) -> Response:
        story: Story = await visit.read(lambda connection: _story(connection, visit, return_id))
        return visit.show(
            "return",
            one=story.shown,
            number=story.number,
            path=order_path(story.shop, story.number),
            photos=story.photos,
            possible=[one for one in story.possible if not one.refusals],
            impossible=[one for one in story.possible if one.refusals],
            acts=visit.may(story.shop, Role.OPERATOR),
        )

    return await visited(request, shown)


@router.get("/{return_id}/photos/{place}")
async def read_photo(request: Request, return_id: str, place: int) -> Response:
    """A photo that the customer sent of the goods, the first is 1: a JPEG that was drawn anew, and that may do nothing."""

    async def shown(visit: Visit) -> Response:
        def look(connection: Connection) -> bytes | None:
            of = returns.place(connection, return_id)
            if of is None or not 1 <= place <= MOST_PHOTOS:
                return None
            visit.shop(of.shop)
            return return_photos.image(connection, return_id, place)

        image: bytes | None = await visit.read(look)
        if image is None:
            raise NotFound
        return Response(image, media_type="image/jpeg", headers=FRAMED)

    return await visited(request, shown)


def _story(connection: Connection, visit: Visit, return_id: str) -> Story:
    """Raises NotFound."""
    place = returns.place(connection, return_id)
    if place is None:
        raise NotFound
    shop = visit.shop(place.shop)
    order = orders.by_number(connection, place.shop, place.number)
    facts = standing(connection, place.shop, place.number, visit.now)
    rows = returns.of_orders(connection, [order.id]) if order is not None else []
    row = next((one for one in rows if one.id == return_id), None)
    if row is None or facts is None:
        raise NotFound
    acts = [one for one in possible(facts, shop, visit.now) if one.about == return_id]
    return Story(
        place.shop, place.number, show_return(return_of(row)), acts, return_photos.places(connection, return_id)
    )
