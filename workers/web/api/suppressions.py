"""Addresses that get no more mails, over HTTP: which they are, and letting go of one."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from models.database import glance
from models.store import suppressions
from models.store.suppressions import ReleasedRow, StandingRow
from pipelines.doors import question, shops_meant
from pipelines.orders.schema import Key
from workers.patience import patiently
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.clients import Caller
from workers.web.mail_shapes import Released, SuppressionList
from workers.web.query import parameters_of, query_of
from workers.web.shapes import answers
from workers.wiring import House

router = APIRouter(prefix="/v1/suppressions", tags=["mails"])

_DIGITS = 18


class SuppressionsQuery(BaseModel):
    """What may be asked of the addresses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: Key | None = Field(default=None, description="Left out: every shop of the key")


@router.get("", responses=answers(s200=SuppressionList), openapi_extra={"parameters": parameters_of(SuppressionsQuery)})
async def read_suppressions(request: Request) -> Response:
    """The addresses that get no more mails, the newest first."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    shops = shops_meant(question(SuppressionsQuery, query_of(request)).shop, _shops(state.house, caller))

    def look() -> list[StandingRow]:
        with glance(state.house.engine) as connection:
            return suppressions.standing(connection, shops)

    return as_json(200, {"suppressions": [one._asdict() for one in await asyncio.to_thread(look)]})


@router.delete("/{suppression}", responses=answers(s200=Released))
async def release_suppression(request: Request, suppression: str) -> Response:
    """The address has mails again, and what bounced there counts as seen to. 404 for one that does not stand."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    if not (suppression.isascii() and suppression.isdigit() and len(suppression) <= _DIGITS):
        raise not_found()
    house, shops = state.house, _shops(state.house, caller)

    def let_go(again: bool) -> list[ReleasedRow]:
        with house.engine.begin() as connection:
            return suppressions.release(connection, shops, caller.name, number=int(suppression))

    gone = await asyncio.to_thread(patiently, let_go)
    if not gone:
        raise not_found()
    return as_json(200, [one._asdict() for one in gone].pop())


def _shops(house: House, caller: Caller) -> list[str]:
    return [key for key in house.shops if caller.sees(key)]
