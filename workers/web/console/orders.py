"""Orders in lists: ``/console/orders`` with every filter of ``GET /v1/orders``, lists that are kept under a name, and CSV."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response, StreamingResponse

from models.states import Condition, HoldReason, OrderState
from models.store import operator_filters
from models.store.operator_filters import FilterRow
from models.store.search import ListedRow
from pipelines.errors import Invalid, NotFound
from pipelines.orders.listing import OrderListQuery, asked_of, csv_of, page, pages
from workers.operators import PATH
from workers.web.console.frame import HEADERS, see
from workers.web.console.visit import ConsoleRoute, Visit, visited
from workers.web.query import query_of

router = APIRouter(prefix=f"{PATH}/orders", include_in_schema=False, route_class=ConsoleRoute)

#: What a list may be narrowed by, as its address has it.
FILTERS: Final = tuple(name for name in OrderListQuery.model_fields if name not in ("cursor", "limit"))
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST: Final = 1_000
_LONGEST_NAME: Final = 60


@router.get("")
async def read_orders(request: Request) -> Response:
    """The visitor's orders that are meant, the newest first, a page at a time."""

    async def shown(visit: Visit) -> Response:
        return await list_page(visit, query_of(request))

    return await visited(request, shown)


@router.get(".csv")
async def read_csv(request: Request) -> Response:
    """All orders that are meant, as CSV in which no cell is a formula."""

    async def shown(visit: Visit) -> Response:
        try:
            asked = _asked(query_of(request))
        except Invalid:
            raise NotFound from None
        if asked.shop is not None:
            visit.shop(asked.shop)
        await visit.record(visit.did("orders.csv"))
        lines = csv_of(pages(visit.house.engine.connect, visit.shops, asked))
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="orders.csv"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    return await visited(request, shown)


@router.post("/kept")
async def keep_list(request: Request) -> Response:
    """Keep a list under a name (``name``, ``query``), or let go of it (``act=forget``)."""

    async def kept(visit: Visit) -> Response:
        form = await visit.form()
        name, query = form.text("name", _LONGEST_NAME), _plain(form.text("query", _LONGEST))

        def keep() -> None:
            with visit.house.engine.begin() as connection:
                if form.text("act") == "forget":
                    operator_filters.forget(connection, visit.account, name)
                elif name:
                    operator_filters.keep(connection, [FilterRow(visit.account, name, query)])

        await asyncio.to_thread(keep)
        await visit.record(visit.did("orders.forget" if form.text("act") == "forget" else "orders.keep"))
        return see(f"{PATH}/orders?{query}" if query else f"{PATH}/orders")

    return await visited(request, kept)


async def list_page(visit: Visit, raw: Mapping[str, str], heading: str = "orders") -> Response:
    """The list that ``raw`` asks for; what it asks wrongly is said above it, and then it is empty."""
    wrong: Sequence[str] = ()
    rows: list[ListedRow] = []
    following = None
    try:
        asked = _asked(raw)
        if asked.shop is not None:
            visit.shop(asked.shop)
        found = await visit.read(lambda connection: page(connection, visit.shops, asked))
        rows, following = found
    except Invalid as faults:
        wrong = [one.field for one in faults.problems]

    def kept(connection: Connection) -> list[FilterRow]:
        return operator_filters.of_account(connection, visit.account)

    chosen = {name: raw.get(name, "") for name in FILTERS}
    query = urlencode({name: value for name, value in chosen.items() if value})
    return visit.show(
        "orders",
        422 if wrong else 200,
        heading=heading,
        rows=rows,
        wrong=wrong,
        chosen=chosen,
        query=query,
        more=urlencode({**{name: value for name, value in chosen.items() if value}, "cursor": following})
        if following
        else "",
        kept=await visit.read(kept),
        states=list(OrderState),
        conditions=list(Condition),
        holds=sorted(HoldReason),
        suppliers=sorted({name for key in visit.shops for name in visit.house.shops[key].suppliers}),
    )


def _asked(raw: Mapping[str, str]) -> OrderListQuery:
    """The question, in which days are whole days in Japan. Raises Invalid."""
    told = {name: text for name, text in raw.items() if name != "lang"}
    for name, more in (("placed_from", 0), ("placed_to", 1)):
        if _DAY.fullmatch(told.get(name, "")):
            told[name] = _midnight(told[name], more)
    return asked_of(told)


def _midnight(day: str, more: int) -> str:
    """The midnight with which ``day`` begins, so many days later; what is no day is left for the question to refuse."""
    try:
        return f"{date.fromisoformat(day) + timedelta(days=more)}T00:00:00+09:00"
    except (ValueError, OverflowError):
        return day


def _plain(query: str) -> str:
    """Of a query what narrows a list."""
    return urlencode([(name, text) for name, text in parse_qsl(query) if name in FILTERS])
