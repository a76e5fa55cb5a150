"""Trying a shop out: ``/console/shops/{shop}/try``: an order as it would be taken, a stored one if it were otherwise, and the last month's
orders by a changed profile. Nothing is stored, and nobody hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from secrets import token_hex
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import orders
from models.store.orders import PastOrderRow
from pipelines.backtest import Comparison, backtest
from pipelines.backtest_chart import chart
from pipelines.errors import Invalid, NotFound
from pipelines.operators import Role
from pipelines.orders.document import order_from_json
from pipelines.orders.lookup import as_it_stands
from pipelines.orders.plan import preview
from pipelines.orders.what_if import what_if
from pipelines.shops import Shop
from pipelines.shops.load import ProfileErrors, changed_shop
from workers.installation import INSTALLATION
from workers.operators import PATH
from workers.web.body import BadBody, parse_json
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/shops", include_in_schema=False, route_class=ConsoleRoute)

_OTHERWISE: Final = ("at", "region", "method")
_LONGEST: Final = 100_000
#: What a backtest plans at most: the first orders of the last days.
_DAYS: Final = 30
_MOST: Final = 1_000


@router.get("/{shop}/try")
async def read_forms(request: Request, shop: str) -> Response:
    """The forms; with ``?number=&at=&region=&method=`` also when that order's goods would leave if it were otherwise."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        chosen = {name: request.query_params.get(name, "").strip() for name in ("number", *_OTHERWISE)}
        if not chosen["number"]:
            return _page(visit, profile)
        try:
            shipments = await visit.read(lambda connection: _otherwise(connection, profile, chosen))
        except Invalid as wrong:
            return _page(visit, profile, 422, chosen=chosen, wrong=_said(wrong))
        return _page(visit, profile, chosen=chosen, shipments=shipments)

    return await visited(request, shown)


@router.post("/{shop}/try/preview")
async def preview_order(request: Request, shop: str) -> Response:
    """What the pipeline would do with an order (``document``, as ``POST /v1/orders/preview`` takes it)."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        text = (await visit.form()).text("document", _LONGEST)
        try:
            raw = parse_json(text.encode())
            shops = {profile.key: profile}
            made = await visit.read(lambda connection: preview(raw, shops, partial(as_it_stands, connection, shops)))
        except BadBody as bad:
            return _page(visit, profile, 422, document=text, wrong=[("", bad.detail)])
        except Invalid as wrong:
            return _page(visit, profile, 422, document=text, wrong=_said(wrong))
        return _page(visit, profile, document=text, preview=made)

    return await visited(request, shown)


@router.post("/{shop}/try/backtest")
async def backtest_profile(request: Request, shop: str) -> Response:
    """The last month's orders by the profile with other parameters (``parameters``, TOML), for whoever may act at the shop."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop, Role.OPERATOR)
        text = (await visit.form()).text("parameters", _LONGEST)
        try:
            other = changed_shop(profile, text, INSTALLATION)
        except ProfileErrors as wrong:
            return _page(visit, profile, 422, parameters=text, wrong=[(key, why) for _, key, why in wrong.entries])
        found: Comparison = await visit.read(lambda connection: _compared(connection, visit, profile, other))
        drawn = chart(found, f"{profile.key}: {found.before.orders}")
        return _page(visit, profile, parameters=text, found=found.to_json(), chart=drawn)

    return await visited(request, shown)


def _page(visit: Visit, shop: Shop, status: int = 200, **told: Any) -> Response:
    nothing: dict[str, Any] = {
        "wrong": [],
        "shipments": None,
        "preview": None,
        "found": None,
        "chart": "",
        "document": "",
        "parameters": "",
    }
    methods = sorted({one for listed in shop.payment.methods.values() for one in listed})
    chosen = dict.fromkeys(("number", *_OTHERWISE), "")
    acts = visit.may(shop.key, Role.OPERATOR)
    values = {**nothing, "chosen": chosen, **told}
    return visit.show(
        "try", status, shop=shop, methods=methods, acts=acts, once=token_hex(16), most=_MOST, days=_DAYS, **values
    )


def _otherwise(connection: Connection, shop: Shop, chosen: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    """Raises NotFound for no such order, Invalid for what cannot be."""
    document = orders.document_of(connection, shop.key, chosen["number"])
    if document is None:
        raise NotFound
    changes = {name: chosen[name] for name in _OTHERWISE if chosen[name]}
    if len(changes.get("at", "")) == len("2026-11-20T09:00"):
        changes["at"] += ":00+09:00"
    return what_if(orjson.loads(document), changes, {shop.key: shop})


def _compared(connection: Connection, visit: Visit, shop: Shop, other: Shop) -> Comparison:
    begin = PastOrderRow(0, visit.now - timedelta(days=_DAYS), "")
    past = orders.past(connection, shop.key, begin)[:_MOST]
    return backtest((order_from_json(orjson.loads(row.document)) for row in past), shop, other)


def _said(wrong: Invalid) -> list[tuple[str, str]]:
    """What is wrong, by the field that the document has; an option of the command line has none here."""
    return [("" if one.field.startswith("--") else one.field, one.message) for one in wrong.problems]
