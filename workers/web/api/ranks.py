"""A customer's rank over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.ranks import standing
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.customer_path import CUSTOMER
from workers.web.shapes import Standing, answers

router = APIRouter(prefix="/v1", tags=["customers"])


@router.get(f"/customers/{{shop}}/{CUSTOMER}/rank", responses=answers(s200=Standing))
async def read_rank(request: Request, shop: str, customer: str) -> Response:
    """Rank, since when, spend in the window, what is missing to the next, and the history; 404 where a shop has no ranks."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    profile = state.house.shops.get(shop)
    if profile is None or not caller.sees(shop) or not profile.ranks.levels:
        raise not_found()

    def read() -> dict[str, Any]:
        with glance(state.house.engine) as connection:
            return standing(connection, profile, customer, state.house.clock.now())

    return as_json(200, await asyncio.to_thread(read))
