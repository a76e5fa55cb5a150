"""Letters with coupon codes over HTTP: what is to be posted, and what was (CUT-05)."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from models.database import glance
from pipelines.doors import question, shops_meant
from pipelines.orders.schema import Key
from pipelines.points import postings
from pipelines.values.calendar import in_japan
from workers.patience import patiently
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.query import parameters_of, query_of
from workers.web.shapes import Posting, PostingList, answers

router = APIRouter(prefix="/v1/postings", tags=["postings"])

_DIGITS = 18


class PostingsQuery(BaseModel):
    """What may be asked of the letters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: Key | None = Field(default=None, description="Left out: every shop of the key")
    state: Literal["open", "done"] = Field(
        default="open",
        description="open: still to be posted, the oldest first; done: posted, or mailed instead, the newest first",
    )


@router.get("", responses=answers(s200=PostingList), openapi_extra={"parameters": parameters_of(PostingsQuery)})
async def read_postings(request: Request) -> Response:
    """Letters with what to print and where they go, at most 1,000; days are of Japan."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    asked = question(PostingsQuery, query_of(request))
    shops = shops_meant(asked.shop, [key for key in state.house.shops if caller.sees(key)])

    def look() -> list[dict[str, Any]]:
        today = in_japan(state.house.clock.now()).date()
        with glance(state.house.engine) as connection:
            return postings.listed(connection, shops, today, done=asked.state == "done")

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
