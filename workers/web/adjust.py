"""Lines taken out of an order over HTTP (INT-13): an operator's word, decided under the order's lock."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from models.store import views
from pipelines.document import problems_of
from pipelines.errors import Invalid, Problem
from pipelines.facts import facts_of
from pipelines.inbox import Received
from pipelines.stages import adjust
from workers.web.answers import HttpProblem, as_json, not_found, order_url
from workers.web.app_state import state_of
from workers.web.body import read_json

router = APIRouter(prefix="/v1", tags=["orders"])

_BODY_LIMIT = 65_536


class Pieces(BaseModel):
    """Pieces of one line."""

    model_config = ConfigDict(extra="forbid", strict=True)

    line: Annotated[str, Field(min_length=1, max_length=64, description="The line's id in the order")]
    quantity: Annotated[int, Field(ge=1, le=9999, description="Pieces to take out")]


class LinesCancelled(BaseModel):
    """Lines that cannot be supplied and leave the order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lines: Annotated[list[Pieces], Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(default="", max_length=500, description="Kept with the change; suppliers read it")]


@router.post(
    "/orders/{shop}/{number}/lines:cancel",
    status_code=202,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LinesCancelled"}}},
        }
    },
)
async def cancel_lines(request: Request, shop: str, number: str) -> Response:
    """Take lines out before they left: 202, 409 where the order stands too far, 422 for lines that are not there."""
    state = state_of(request)
    caller = await state.caller(request, "operator")
    key = request.headers.get("idempotency-key")
    if key is not None and not 1 <= len(key) <= 255:
        raise HttpProblem(400, "Bad Idempotency-Key", "Idempotency-Key must have 1 to 255 characters.")
    _, raw = await read_json(request, _BODY_LIMIT)
    asked = _read(raw)
    if not caller.sees(shop):
        raise not_found()

    source, event_id = f"client:{caller.id}", f"lines:{shop}/{number}:{key or uuid4()}"

    def look() -> tuple[str, list[Problem]] | None:
        with state.house.engine.connect() as connection:
            row = views.order(connection, shop, number)
            if row is None:
                return None
            facts = facts_of(connection, adjust.STAGE, [row], state.house.clock.now())[0]
            if key is not None and views.event_is_known(connection, source, event_id):
                return facts.state, []  # the same request again: what it asked for was decided
            return facts.state, adjust.refusals(facts, {one.line: one.quantity for one in asked.lines})

    found = await asyncio.to_thread(look)
    if found is None:
        raise not_found()
    standing, problems = found
    if problems and problems[0].field == "state":
        raise HttpProblem(409, "Too late or too early", f"Nothing was taken out: {problems[0].message}.")
    if problems:
        raise Invalid(problems)
    await state.desk.event(
        Received(
            source=source,
            event_id=event_id,
            type=adjust.REQUESTED,
            body={**asked.model_dump(), "by": caller.name},
            at=state.house.clock.now(),
            order=(shop, number),
            shops=caller.shops,
        )
    )
    return as_json(202, {"shop": shop, "number": number, "state": standing, "url": order_url(shop, number)})


#: Documents that the published schema describes.
DOCUMENTS = (LinesCancelled,)


def _read(raw: object) -> LinesCancelled:
    """The request, every fault of it named. Raises Invalid."""
    try:
        asked = LinesCancelled.model_validate(raw)
    except ValidationError as error:
        raise Invalid(problems_of(error)) from None
    lines = [one.line for one in asked.lines]
    twice = [index for index, line in enumerate(lines) if line in lines[:index]]
    if twice:
        raise Invalid([Problem(f"lines[{twice[0]}].line", "is named twice: add its pieces up")])
    return asked
