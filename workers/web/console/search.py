"""The search box: ``/console/search?q=``: the number of an order, as it is or as ``shop/number``. One hit opens it."""

from __future__ import annotations

import unicodedata
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import orders
from models.store.orders import OrderRow
from workers.operators import PATH
from workers.web.console.frame import see
from workers.web.console.order import order_path
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

_LONGEST: Final = 200


@router.get("/search")
async def search(request: Request) -> Response:
    """The orders of the visitor's shops that are called so."""

    async def found(visit: Visit) -> Response:
        asked = unicodedata.normalize("NFKC", request.query_params.get("q", ""))[:_LONGEST].strip().replace("\x00", "")
        named = [part for part in asked.split("/", 1) if part]
        shops, number = ([named[0]], named[1]) if len(named) == 2 else (list(visit.shops), asked)

        def look(connection: Connection) -> list[OrderRow]:
            there = [orders.by_number(connection, shop, number) for shop in shops if shop in visit.shops]
            return [one for one in there if one is not None]

        rows: list[OrderRow] = await visit.read(look) if number else []
        if len(rows) == 1:
            return see(order_path(rows[0].shop, rows[0].number))
        return visit.show("search", asked=asked, rows=rows)

    return await visited(request, found)
