"""Shops: ``/console/shops/{shop}``: the profile as it was read, the year of each supplier as a picture, and trying a promise out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from pipelines.engine.gather import loads_of, with_capacity
from pipelines.errors import Invalid, NotFound
from pipelines.orders.promise import asked_of, promise
from pipelines.rules.dates.capacity import Load
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan
from pipelines.year import draw
from workers.operators import PATH
from workers.web.console.frame import FRAMED
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/shops", include_in_schema=False, route_class=ConsoleRoute)

_ASKED: Final = ("supplier", "region", "method", "availability", "at")
_YEARS: Final = range(2000, 2100)


class Parameter(NamedTuple):
    """A parameter of the profile: where it stands, its value, and what it means."""

    name: str
    value: str
    says: str
    is_default: bool


@router.get("")
async def read_shops(request: Request) -> Response:
    """The visitor's shops."""

    async def shown(visit: Visit) -> Response:
        return visit.show("shops", shops=[visit.house.shops[key] for key in visit.shops])

    return await visited(request, shown)


@router.get("/{shop}")
async def read_shop(request: Request, shop: str) -> Response:
    """A section of the profile (``?section=``), and a promise that is tried out: ``?supplier=&region=&method=&availability=&at=``."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        chosen = {name: request.query_params.get(name, "").strip() for name in _ASKED}
        answer, wrong = await _tried(visit, profile, chosen) if chosen["supplier"] else (None, [])
        sections, section = _sections(profile), request.query_params.get("section", "")
        return visit.show(
            "shop",
            422 if wrong else 200,
            shop=profile,
            sections=sections,
            section=section if section in sections else "",
            year=in_japan(visit.now).year,
            suppliers=sorted(profile.suppliers),
            methods=sorted({one for listed in profile.payment.methods.values() for one in listed}),
            chosen=chosen,
            answer=answer,
            wrong=wrong,
        )

    return await visited(request, shown)


@router.get("/{shop}/years/{supplier}/{year}.svg")
async def read_year(request: Request, shop: str, supplier: str, year: int) -> Response:
    """The days of a year on which goods of a supplier leave, drawn."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        if supplier not in profile.suppliers or year not in _YEARS:
            raise NotFound
        return Response(draw(profile, supplier, year), media_type="image/svg+xml", headers=FRAMED)

    return await visited(request, shown)


async def _tried(visit: Visit, shop: Shop, chosen: Mapping[str, str]) -> tuple[Mapping[str, Any] | None, list[str]]:
    """What is promised now, or which fields are wrong."""
    told = {**{name: text for name, text in chosen.items() if text}, "shop": shop.key, "locale": visit.language}
    if len(told.get("at", "")) == len("2026-11-20T09:00"):
        told["at"] += ":00+09:00"

    def look(connection: Connection) -> Mapping[str, Any]:
        limited = with_capacity({shop.key: shop})
        load = loads_of(connection, limited, visit.now).get(shop.key, Load()) if limited else Load()
        return promise(asked_of(told), {shop.key: shop}, visit.now, lambda _: load).document

    try:
        return await visit.read(look), []
    except Invalid as faults:
        return None, [one.field for one in faults.problems]


def _sections(shop: Shop) -> dict[str, list[Parameter]]:
    """The parameters by section, those of the shop itself first."""
    found: dict[str, list[Parameter]] = {}
    for parameter in _parameters(shop, ""):
        section, _, _ = parameter.name.rpartition(".")
        found.setdefault(section, []).append(parameter)
    return dict(sorted(found.items()))


def _parameters(model: BaseModel, prefix: str) -> Iterator[Parameter]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _parameters(value, f"{prefix}{name}.")
        elif isinstance(value, Mapping) and value and all(isinstance(one, BaseModel) for one in value.values()):
            for key, one in value.items():
                yield from _parameters(one, f"{prefix}{name}.{key}.")
        else:
            yield Parameter(f"{prefix}{name}", _written(value), field.description or "", value == field.default)


def _written(value: object) -> str:
    if isinstance(value, BaseModel):
        return ", ".join(f"{name} {_written(one)}" for name, one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_written(one)}" for name, one in value.items())
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(map(_written, value))
    return "" if value is None else str(value)
