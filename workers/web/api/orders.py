"""Orders over HTTP: intake, batch, one order, preview."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from models.database import glance
from pipelines.doors import formed
from pipelines.errors import Conflict, Invalid, Problem
from pipelines.orders.document import OrderDocument, PreviewDocument, parse_order, told_number
from pipelines.orders.intake import KEY_USED, Answer, Ending, Submission, is_used
from pipelines.orders.lookup import as_it_stands
from pipelines.orders.plan import preview
from pipelines.orders.schema import MOST_BYTES
from pipelines.rules.order import Order
from pipelines.values.card_number import mask
from workers.web.answers import as_json, invalid, not_found, order_url
from workers.web.api.actions import offered
from workers.web.api.views import show_order
from workers.web.app_state import AppState, state_of
from workers.web.batch import Unreadable, read_batch
from workers.web.body import BadBody, parse_json, read_body, read_json, takes
from workers.web.clients import Caller
from workers.web.headers import KEYED, idempotency_key, language
from workers.web.order_shapes import Preview, ShownOrder
from workers.web.problem import problem
from workers.web.shapes import BatchResults, OrderReference, answers

router = APIRouter(prefix="/v1", tags=["orders"])


class _Batch(BaseModel):
    """The body of a batch; each order in it is read on its own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    orders: list[Any]


MOST_ORDERS = 500
_BATCH_LIMIT = 16 * MOST_BYTES
#: Status and title of an answer that names no field.
_UNTAKEN: Final = {
    Ending.CONFLICT: (409, "Conflict"),
    Ending.BUSY: (503, "Busy"),
    Ending.FAILED: (500, "Fault"),
}


@router.post(
    "/orders",
    status_code=202,
    responses=answers(s202=OrderReference, s200=OrderReference),
    openapi_extra={**takes(OrderDocument), **KEYED},
)
async def accept_order(request: Request) -> Response:
    """Take one order in: 202 once it is durable, 200 and the same answer for the same again, 409 and 422 as the contract says. Where
    the order stands by now, `GET` says."""
    caller = await state_of(request).caller(request, "storefront")
    key = idempotency_key(request)
    state_of(request).count_orders(request, caller, 1)
    body = await read_body(request, MOST_BYTES)
    try:
        order = _seen(parse_order(parse_json(body)), caller)
    except (Invalid, BadBody):
        if key is not None and await asyncio.to_thread(_is_used, state_of(request), caller, key):
            raise Conflict(KEY_USED) from None
        raise
    answer = await state_of(request).desk.order(Submission(order, caller.id, key))
    if answer is None:
        return problem(
            409, "Still in flight", "The same order is being taken in this moment; ask again in a second.",
            headers={"Retry-After": "1"},
        )  # fmt: skip
    return _answered(answer)


@router.post(
    "/orders:batch",
    status_code=207,
    responses=answers(s207=BatchResults),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["orders"],
                        "additionalProperties": False,
                        "properties": {
                            "orders": {
                                "type": "array",
                                "maxItems": MOST_ORDERS,
                                "items": {"$ref": "#/components/schemas/OrderDocument"},
                            }
                        },
                    }
                }
            },
        }
    },
)
async def accept_batch(request: Request) -> Response:
    """Take up to 500 orders in; each has its own result and none takes its neighbour with it."""
    caller = await state_of(request).caller(request, "storefront")
    documents = _batch(read_batch(await read_body(request, _BATCH_LIMIT)))
    state_of(request).count_orders(request, caller, len(documents))
    results: list[dict[str, Any] | None] = [None] * len(documents)
    submissions: list[tuple[int, Submission]] = []
    for index, document in enumerate(documents):
        if isinstance(document, Unreadable):
            results[index] = _refusal(document.told, (Problem("order", document.reason),))
            continue
        try:
            submissions.append((index, Submission(_seen(parse_order(document), caller), caller.id)))
        except Invalid as refused:
            results[index] = _refusal(document, refused.problems)
    answers = await state_of(request).desk.orders([s for _, s in submissions]) if submissions else []
    for (index, _), answer in zip(submissions, answers, strict=True):
        results[index] = _result(answer)
    return as_json(207, {"results": results})


@router.get("/orders/{shop}/{number}", responses=answers(s200=ShownOrder))
async def read_order(request: Request, shop: str, number: str) -> Response:
    """One order with its payment, shipments, points, timeline and mails; for operators also what they may do with it."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    if not caller.sees(shop):
        raise not_found()

    def read() -> dict[str, Any] | None:
        now = state.house.clock.now()
        with glance(state.house.engine) as connection:
            profile = state.house.shops.get(shop)
            if caller.kind != "operator":
                return show_order(connection, shop, number, now, profile=profile)
            shown = show_order(connection, shop, number, now, language(request), profile=profile, inside=True)
            if shown is not None and profile is not None:
                shown["actions"] = offered(connection, profile, number, now, language(request))
            return shown

    shown = await asyncio.to_thread(read)
    if shown is None:
        raise not_found()
    return as_json(200, shown)


@router.post("/preview", responses=answers(s200=Preview), openapi_extra=takes(PreviewDocument))
async def preview_order(request: Request) -> Response:
    """What the pipeline would do with an order; stores nothing."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    _, raw = await read_json(request, MOST_BYTES)
    house = state.house
    # A key sees only its own shops; another's looks like one that does not exist.
    shops = {key: shop for key, shop in house.shops.items() if caller.sees(key)}

    def plan() -> dict[str, Any]:
        with glance(house.engine) as connection:
            return preview(raw, shops, partial(as_it_stands, connection, shops))

    return as_json(200, await asyncio.to_thread(plan))


#: Documents that the published schema describes.
DOCUMENTS = (OrderDocument, PreviewDocument)


def _seen(order: Order, caller: Caller) -> Order:
    """A key sees only its own shops; another's looks like one that does not exist."""
    if not caller.sees(order.shop):
        raise Invalid([Problem("shop", f"is unknown: no profile {mask(order.shop)!r}")])
    return order


def _is_used(state: AppState, caller: Caller, key: str) -> bool:
    with glance(state.house.engine) as connection:
        return is_used(connection, caller.id, key)


def _batch(raw: object) -> list[object]:
    if not isinstance(raw, dict):
        raise Invalid([Problem("orders", 'the body must be {"orders": [...]}')])
    orders = formed(_Batch, raw).orders
    if len(orders) > MOST_ORDERS:
        raise Invalid([Problem("orders", f"holds {len(orders)} orders; send at most {MOST_ORDERS} at a time")])
    return orders


def _answered(answer: Answer) -> Response:
    if answer.ending == Ending.REFUSED:
        return invalid(answer.problems)
    if answer.ending in _UNTAKEN:
        headers = {"Retry-After": "1"} if answer.ending == Ending.BUSY else None
        return problem(*_UNTAKEN[answer.ending], answer.detail, headers=headers)
    return as_json(202 if answer.ending == Ending.ACCEPTED else 200, _reference(answer))


def _reference(answer: Answer) -> dict[str, Any]:
    return {
        "shop": answer.shop,
        "number": answer.number,
        "state": answer.state,
        "url": order_url(answer.shop, answer.number),
    }


def _result(answer: Answer) -> dict[str, Any]:
    if answer.ending == Ending.REFUSED:
        return _refusal({"shop": answer.shop, "number": answer.number}, answer.problems)
    if answer.ending in _UNTAKEN:
        status, title = _UNTAKEN[answer.ending]
        named = {"shop": answer.shop, "number": answer.number}
        return {"status": status, **named, "title": title, "detail": answer.detail}
    return {"status": 202 if answer.ending == Ending.ACCEPTED else 200, **_reference(answer)}


def _refusal(document: object, problems: tuple[Problem, ...]) -> dict[str, Any]:
    named = document if isinstance(document, dict) else {}
    return {
        "status": 422,
        "shop": mask(named["shop"]) if isinstance(named.get("shop"), str) else None,
        "number": told_number(named.get("number")),
        "title": "Refused",
        "errors": [{"field": p.field, "message": p.message} for p in problems],
    }
