"""What leaves today: ``/console``, the lists behind its figures, and what the warehouse prints."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import today
from models.store.today import HeldRow, ListedRow
from pipelines.errors import NotFound
from pipelines.suppliers.board import BoardRow, board, midnight, monday
from pipelines.suppliers.work import LISTS, Work, listed
from pipelines.values.calendar import in_japan
from workers.operators import PATH
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

_MOST: Final = 200
"""Rows of a list; a page says so where there are more."""
_MOST_PRINTED: Final = 200


class Board(NamedTuple):
    """The board, and what waits for a human."""

    rows: list[BoardRow]
    held: list[HeldRow]


@router.get("")
async def read_today(request: Request) -> Response:
    """The board of the day at the visitor's shops."""

    async def shown(visit: Visit) -> Response:
        found: Board = await visit.read(lambda connection: _board(connection, visit))
        return visit.show(
            "today",
            rows=found.rows,
            held=found.held,
            total=Counter(
                due=sum(one.due for one in found.rows),
                late=sum(one.late for one in found.rows),
                left=sum(one.left for one in found.rows),
                held=sum(one.orders for one in found.held),
                promised=sum(one.promised for one in found.rows),
                kept=sum(one.kept for one in found.rows),
            ),
            now=visit.now,
            rate=visit.house.settings.shukka_clock_rate,
            names={key: _name(visit, key) for key in visit.shops},
        )

    return await visited(request, shown)


@router.get("/today/{what}")
async def read_list(request: Request, what: str) -> Response:
    """The list behind a figure: ``?shop=&supplier=&reason=``."""

    async def shown(visit: Visit) -> Response:
        if what not in today.LISTS:
            raise NotFound
        shop, supplier, reason = (request.query_params.get(name) or None for name in ("shop", "supplier", "reason"))
        shops = [visit.shop(shop).key] if shop is not None else visit.shops

        def look(connection: Connection) -> list[ListedRow]:
            day = in_japan(visit.now).date()
            found = midnight(visit.now)
            return today.listed(connection, what, shops, day, found, supplier=supplier, reason=reason, limit=_MOST + 1)

        rows: list[ListedRow] = await visit.read(look)
        return visit.show(
            "list",
            what=what,
            rows=rows[:_MOST],
            most=_MOST,
            has_more=len(rows) > _MOST,
            narrowed=[one for one in (shop, supplier) if one],
            reason=reason,
        )

    return await visited(request, shown)


@router.get("/print/{sheet}")
async def read_sheet(request: Request, sheet: str) -> Response:
    """What is printed for a supplier of a shop: ``picks`` (a pick list) or ``notes`` (a delivery note a page)."""

    async def shown(visit: Visit) -> Response:
        if sheet not in ("picks", "notes"):
            raise NotFound
        shop = visit.shop(request.query_params.get("shop", ""))
        supplier, after = (request.query_params.get(name, "") for name in ("supplier", "after"))
        day = in_japan(visit.now).date()

        def look(connection: Connection) -> list[Work]:
            asked = {shop.key: shop}
            return listed(connection, asked, supplier, LISTS["open"], until=day, after=after, limit=_MOST_PRINTED + 1)

        works: list[Work] = await visit.read(look)
        due = [one for one in works[:_MOST_PRINTED] if one.is_open]
        more = (
            {"shop": shop.key, "supplier": supplier, "after": works[_MOST_PRINTED - 1].told.shipment}
            if len(works) > _MOST_PRINTED
            else None
        )
        picks: Counter[tuple[str, str]] = Counter()
        for work in due:
            for line in work.told.lines:
                picks[line["sku"], line["name"]] += line["open"]
        return visit.show(
            sheet,
            works=due,
            more=urlencode(more) if more else "",
            picks=[(*goods, pieces) for goods, pieces in sorted(picks.items()) if pieces],
            shop_name=_name(visit, shop.key),
            supplier=supplier,
            today=day,
        )

    return await visited(request, shown)


def _board(connection: Connection, visit: Visit) -> Board:
    shops = visit.shops
    leaving = today.leaving(connection, shops, in_japan(visit.now).date())
    left = today.left(connection, shops, monday(visit.now))
    return Board(board(leaving, left, visit.house.shops, visit.now), today.held(connection, shops))


def _name(visit: Visit, key: str) -> str:
    shop = visit.house.shops[key]
    return (shop.name_en if visit.language == "en" else "") or shop.name
