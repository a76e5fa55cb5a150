"""Lists of orders over HTTP (contract: ``GET /v1/orders``)."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.orders.listing import OrderListQuery, asked_of, page, shown
from workers.web.answers import as_json
from workers.web.app_state import state_of
from workers.web.list_shapes import OrderList
from workers.web.query import parameters_of, query_of
from workers.web.shapes import answers

router = APIRouter(prefix="/v1", tags=["orders"])


@router.get("/orders", responses=answers(s200=OrderList), openapi_extra={"parameters": parameters_of(OrderListQuery)})
async def list_orders(request: Request) -> Response:
    """The key's own orders, newest first, a page at a time; for operators with who ordered."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    asked = asked_of(query_of(request, "placed_from", "placed_to"))
    house = state.house
    shops = [key for key in house.shops if caller.sees(key)]

    def look() -> dict[str, Any]:
        with glance(house.engine) as connection:
            rows, following = page(connection, shops, asked)
        return {
            "orders": [shown(row, to_operator=caller.kind == "operator") for row in rows],
            "next": following,
        }

    return as_json(200, await asyncio.to_thread(look))
