"""Changes after the order over HTTP: lines taken out (INT-13), goods that came back (A.12), money given back by hand.

Each is an operator's word: looked at here, so that what cannot be is refused at once, and decided under the order's lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from models.store import inbox, orders
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.gather import facts_of
from pipelines.engine.inbox import Received
from pipelines.engine.stage import Stage
from pipelines.errors import Invalid, Problem
from pipelines.orders.document import problems_of
from pipelines.orders.schema import MANY_LINES, ONE_LINE
from pipelines.stages import adjust, returns, settle
from pipelines.values.money import MOST_YEN
from workers.web.answers import HttpProblem, as_json, not_found, order_url
from workers.web.api.orders import idempotency_key
from workers.web.app_state import state_of
from workers.web.body import read_json, takes

router = APIRouter(prefix="/v1", tags=["orders"])

_BODY_LIMIT = 65_536


class Pieces(BaseModel):
    """Pieces of one line."""

    model_config = ConfigDict(extra="forbid", strict=True)

    line: Annotated[str, Field(min_length=1, max_length=64, pattern=ONE_LINE, description="The line's id in the order")]
    quantity: Annotated[int, Field(ge=1, le=9999, description="Pieces of it")]


class LinesCancelled(BaseModel):
    """Lines that leave the order before they are sent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lines: Annotated[list[Pieces], Field(min_length=1, max_length=200)]
    fault: Annotated[
        Literal["customer", "shop"],
        Field(default="shop", description="shop: they cannot be supplied (INT-13); customer: the customer wished it"),
    ]
    reason: Annotated[
        str,
        Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the change; suppliers read it"),
    ]


class LinesReturned(BaseModel):
    """Goods that left and came back, or came to nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lines: Annotated[list[Pieces], Field(min_length=1, max_length=200)]
    fault: Annotated[
        Literal["customer", "shop"],
        Field(
            default="customer",
            description="customer: coupons are recovered (CPN-04) and the return fee is due (TAX-05); shop: wrong, broken "
            "or lost on the way, neither is",
        ),
    ]
    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the change")]


class RefundMade(BaseModel):
    """Money that was given back where no gateway can: a transfer, cash on delivery, a refund the gateway declined."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(ge=1, le=MOST_YEN, description="Yen given back; at most what is due back")]
    reference: Annotated[
        str,
        Field(default="", max_length=200, pattern=ONE_LINE, description="Where to find it, such as the transfer's id"),
    ]


Asked = TypeVar("Asked", bound=BaseModel)


@router.post("/orders/{shop}/{number}/lines:cancel", status_code=202, openapi_extra=takes(LinesCancelled))
async def cancel_lines(request: Request, shop: str, number: str) -> Response:
    """Take lines out before they left: 202, 409 where the order stands too far, 422 for lines that are not there."""
    return await ask(request, shop, number, LinesCancelled, adjust.STAGE, _of_lines(adjust.refusals))


@router.post("/orders/{shop}/{number}/lines:return", status_code=202, openapi_extra=takes(LinesReturned))
async def return_lines(request: Request, shop: str, number: str) -> Response:
    """Settle goods that left: 202, 409 where nothing has left, 422 for pieces that are not with the customer."""
    return await ask(request, shop, number, LinesReturned, returns.STAGE, _of_lines(returns.refusals))


@router.post("/orders/{shop}/{number}/refunds", status_code=202, openapi_extra=takes(RefundMade))
async def record_refund(request: Request, shop: str, number: str) -> Response:
    """Record money given back by hand: 202, 409 where nothing is due back, 422 for more than is."""

    def refused(draft: OrderDraft, asked: RefundMade) -> list[Problem]:
        return settle.refusals(draft, asked.amount)

    return await ask(request, shop, number, RefundMade, settle.STAGE, refused)


def _of_lines(
    refusals: Callable[[OrderDraft, dict[str, int]], list[Problem]],
) -> Callable[[OrderDraft, Any], list[Problem]]:
    """The refusals of a request that names lines, each once."""

    def refused(draft: OrderDraft, asked: LinesCancelled | LinesReturned) -> list[Problem]:
        return refusals(draft, {one.line: one.quantity for one in asked.lines})

    return refused


async def ask(
    request: Request,
    shop: str,
    number: str,
    model: type[Asked],
    stage: Stage,
    refused: Callable[[OrderDraft, Asked], list[Problem]],
) -> Response:
    """Hand an operator's word to ``stage``; the same ``Idempotency-Key`` again changes nothing.

    A problem with the field ``state`` is a conflict, any other a fault of the request.
    """
    state = state_of(request)
    caller = await state.caller(request, "operator")
    key = idempotency_key(request)
    _, raw = await read_json(request, _BODY_LIMIT)
    asked = _read(model, raw)
    if not caller.sees(shop):
        raise not_found()

    body = {**asked.model_dump(), "by": caller.name}
    (type_,) = stage.consumes
    source, event_id = f"client:{caller.id}", f"{type_}:{shop}/{number}:{key or uuid4()}"
    look_at = replace(stage, needs=stage.needs & ~Need.PURSE)  # locks nobody's points

    def look() -> tuple[str, list[Problem]] | None:
        with state.house.engine.connect() as connection:
            row = orders.by_number(connection, shop, number)
            if row is None:
                return None
            (facts,) = facts_of(connection, look_at, [row], state.house.clock.now())
            known = inbox.body_of(connection, source, event_id) if key is not None else None
            if known is not None and known != body:
                says = "this Idempotency-Key was used for another request: send a new key with it"
                return facts.state, [Problem("state", says)]
            if known is not None:
                return facts.state, []  # the same request again: what it asked for was decided
            return facts.state, refused(OrderDraft(facts), asked)

    found = await asyncio.to_thread(look)
    if found is None:
        raise not_found()
    standing, problems = found
    if problems and problems[0].field == "state":
        raise HttpProblem(409, "Conflict", f"Nothing was changed: {problems[0].message}.")
    if problems:
        raise Invalid(problems)
    await state.desk.event(
        Received(
            source=source,
            event_id=event_id,
            type=type_,
            body=body,
            at=state.house.clock.now(),
            order=(shop, number),
            shops=caller.shops,
        )
    )
    return as_json(202, {"shop": shop, "number": number, "state": standing, "url": order_url(shop, number)})


#: Documents that the published schema describes.
DOCUMENTS = (LinesCancelled, LinesReturned, RefundMade)


def _read(model: type[Asked], raw: object) -> Asked:
    """The request, every fault of it named. Raises Invalid."""
    try:
        asked = model.model_validate(raw)
    except ValidationError as error:
        raise Invalid(problems_of(error)) from None
    lines = [one.line for one in getattr(asked, "lines", [])]
    twice = [index for index, line in enumerate(lines) if line in lines[:index]]
    if twice:
        raise Invalid([Problem(f"lines[{twice[0]}].line", "is named twice: add its pieces up")])
    return asked
