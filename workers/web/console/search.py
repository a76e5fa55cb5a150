"""The search box: ``/console/search?q=``: an order by its number (or ``shop/number``), name, mail, phone, SKU or tracking number. One
hit opens it, several are a list."""

from __future__ import annotations

import unicodedata
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import orders
from pipelines.errors import Invalid
from pipelines.orders.listing import OrderListQuery, asked_of, page
from workers.operators import PATH
from workers.web.console.frame import see
from workers.web.console.order import order_path
from workers.web.console.orders import list_page
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

_LONGEST: Final = 200
#: As many as tell one hit from several.
_ENOUGH: Final = 2


@router.get("/search")
async def search(request: Request) -> Response:
    """The orders of the visitor's shops that the word leads to."""

    async def found(visit: Visit) -> Response:
        word = unicodedata.normalize("NFKC", request.query_params.get("q", ""))[:_LONGEST].strip().replace("\x00", "")
        hits = await visit.read(lambda connection: _hits(connection, visit, word)) if word else []
        if len(hits) == 1:
            return see(order_path(*hits.pop()))
        return await list_page(visit, {"q": word}, "search")

    return await visited(request, found)


def _hits(connection: Connection, visit: Visit, word: str) -> list[tuple[str, str]]:
    """Shop and number of the orders that are called so, else of those that are found by it, as many as tell one from several."""
    shop, slash, rest = word.partition("/")
    shops, number = ([shop], rest) if shop and slash and rest else (list(visit.shops), word)
    called = [orders.by_number(connection, shop, number) for shop in shops if shop in visit.shops]
    exact = [(one.shop, one.number) for one in called if one is not None]
    if exact:
        return exact
    try:
        asked: OrderListQuery = asked_of({"q": word}).model_copy(update={"limit": _ENOUGH})
    except Invalid:
        return []
    rows, _ = page(connection, visit.shops, asked)
    return [(one.shop, one.number) for one in rows]
