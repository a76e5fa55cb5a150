"""Letters with coupon codes over HTTP: what is to be posted, and what was (CUT-05)."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.points import postings
from pipelines.values.calendar import in_japan
from workers.patience import patiently
from workers.web.answers import HttpProblem, as_json, not_found
from workers.web.app_state import state_of
from workers.web.shapes import Posting, PostingList, answers

router = APIRouter(prefix="/v1/postings", tags=["postings"])

_SHOP = {"name": "shop", "in": "query", "schema": {"type": "string"}, "description": "Left out: every shop of the key"}
_STATE = {
    "name": "state",
    "in": "query",
    "schema": {"type": "string", "enum": ["open", "done"], "default": "open"},
    "description": "open: still to be posted, the oldest first; done: posted, or mailed instead, the newest first",
}
_DIGITS = 18


@router.get("", responses=answers(s200=PostingList), openapi_extra={"parameters": [_SHOP, _STATE]})
async def read_postings(request: Request) -> Response:
    """Letters with what to print and where they go, at most 1,000; days are of Japan."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    shop, which = request.query_params.get("shop"), request.query_params.get("state", "open")
    if which not in ("open", "done"):
        raise HttpProblem(400, "Bad state", "state must be open or done.")
    if shop is not None and (shop not in state.house.shops or not caller.sees(shop)):
        raise not_found()
    shops = [shop] if shop is not None else [key for key in state.house.shops if caller.sees(key)]

    def look() -> list[dict[str, Any]]:
        today = in_japan(state.house.clock.now()).date()
        with glance(state.house.engine) as connection:
            return postings.listed(connection, shops, today, done=which == "done")

    return as_json(200, {"postings": await asyncio.to_thread(look)})


@router.post("/{posting}/done", responses=answers(s200=Posting))
async def posting_done(request: Request, posting: str) -> Response:
    """The letter was posted. The same again changes nothing; 409 where the customer withdrew or wants no letters any more."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    if not (posting.isascii() and posting.isdigit() and len(posting) <= _DIGITS):
        raise not_found()
    house, by = state.house, caller.name

    def done(again: bool) -> dict[str, Any]:
        return postings.done(house.engine, house.clock, int(posting), by, caller.sees)

    shown = await asyncio.to_thread(patiently, done)
    return as_json(200, shown)
