"""Customers over HTTP: their facts (A.14), and their points: statement, grants, holds and their release (A.8)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from starlette.responses import Response

from models.database import glance
from pipelines.customers.erase import forget
from pipelines.customers.schema import CustomerFactsDocument, CustomerPath
from pipelines.customers.tell import shown, tell
from pipelines.doors import question, read
from pipelines.errors import Invalid, Problem
from pipelines.points import grants, holds
from pipelines.points.requests import Answered
from pipelines.points.schema import GrantDocument, HoldDocument, ReleaseDocument
from pipelines.points.statement import Statement, statement
from pipelines.rules.dates.periods import last_day
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.card_number import mask
from workers.patience import patiently
from workers.web.answers import as_json, not_found
from workers.web.app_state import AppState, state_of
from workers.web.body import read_json, takes
from workers.web.clients import Caller
from workers.web.customer_path import CUSTOMER
from workers.web.query import parameters_of, query_of
from workers.web.shapes import ErasureShown, Kept, KnownCustomer, Points, answers

router = APIRouter(prefix="/v1", tags=["points"])

_BODY_LIMIT = 65_536
_NUMBER = re.compile("[1-9][0-9]{0,17}")

#: Documents that the published schema describes.
DOCUMENTS = (CustomerFactsDocument, GrantDocument, HoldDocument, ReleaseDocument)


@router.put(
    f"/customers/{{shop}}/{CUSTOMER}",
    tags=["customers"],
    responses=answers(s200=KnownCustomer, s201=KnownCustomer),
    openapi_extra=takes(CustomerFactsDocument),
)
async def put_customer(request: Request, shop: str, customer: str) -> Response:
    """Tell facts of a customer, those that are new or changed: 201 for a new customer, else 200, with all that is known.

    What is left out stays as it is; the same again changes nothing. 409 for a mail address of another account (INT-01).
    """
    state, caller, raw = await _read(request)
    profile = _profile(state, caller, shop)
    read(CustomerPath, {"customer": customer})
    told = read(CustomerFactsDocument, raw)
    house, by_operator = state.house, caller.kind == "operator"
    answered = await _kept(lambda: tell(house.engine, profile, house.clock, customer, told, by_operator=by_operator))
    return as_json(201 if answered.new else 200, answered.body)


@router.delete(
    f"/customers/{{shop}}/{CUSTOMER}", tags=["customers"], responses=answers(s200=ErasureShown, s202=ErasureShown)
)
async def delete_customer(request: Request, shop: str, customer: str) -> Response:
    """Forget a customer: 200 once personal data is gone, 202 while something waits; the same again tells how it stands.

    An operator's key alone: a storefront's that was stolen must not be able to destroy anything.
    """
    state = state_of(request)
    caller = await state.caller(request, "operator")
    profile = _profile(state, caller, shop)
    house = state.house
    told = await asyncio.to_thread(forget, house.engine, profile, house.clock, customer, by=caller.name)
    return as_json(200 if told["status"] == "erased" else 202, told)


def _profile(state: AppState, caller: Caller, shop: str) -> Shop:
    """The shop of a path; one that the key may not see looks like one that there is not."""
    profile = state.house.shops.get(shop)
    if profile is None or not caller.sees(shop):
        raise not_found()
    return profile


def _place(word: object) -> int:
    if not (isinstance(word, str) and _NUMBER.fullmatch(word)):
        raise ValueError("Must be `next` of the page before.")
    return int(word)


class PointsQuery(BaseModel):
    """Which page of a ledger is meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: Annotated[int, BeforeValidator(_place), WithJsonSchema({"type": "string"})] | None = Field(
        default=None, description="`next` of the page before"
    )
    limit: int = Field(default=50, ge=1, le=200, description="Entries a page")


@router.get(
    f"/customers/{{shop}}/{CUSTOMER}/points",
    responses=answers(s200=Points),
    openapi_extra={"parameters": parameters_of(PointsQuery)},
)
async def read_points(request: Request, shop: str, customer: str) -> Response:
    """Balance by state, lots as they will be spent, and a page of the ledger, newest first."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    asked = question(PointsQuery, query_of(request))
    if not caller.sees(shop):
        raise not_found()

    def look() -> Statement | None:
        with glance(state.house.engine) as connection:
            return statement(
                connection, shop, customer, state.house.clock.now(), before=asked.cursor, limit=asked.limit
            )

    found = await asyncio.to_thread(look)
    if found is None:
        raise not_found()
    return as_json(200, _shown(shop, customer, found))


def _shown(shop: str, customer: str, found: Statement) -> dict[str, Any]:
    balance = found.balance
    return {
        "shop": shop,
        "customer": customer,
        "balance": {
            "pending": balance.pending,
            "valid": balance.valid,
            "held": balance.held,
            "usable": found.usable,
        },
        "lots": [
            {
                "lot": lot.id,
                "kind": lot.kind,
                "state": lot.state,
                "points": lot.amount,
                "remaining": lot.remaining,
                "held": lot.held,
                "limited": lot.limited,
                "granted_at": lot.at.astimezone(JST).isoformat(),
                "expires_on": last_day(lot.expires_at).isoformat() if lot.expires_at else None,
            }
            for lot in found.lots
        ],
        "ledger": [
            {
                "id": one.id,
                "at": one.at.astimezone(JST).isoformat(),
                "kind": one.kind,
                "from": one.debit,
                "to": one.credit,
                "points": one.amount,
                "lot": one.lot_id,
                "order": one.number,
            }
            for one in found.entries
        ],
        "next": None if found.next is None else str(found.next),
    }


# Behind the others: a customer number may hold a slash, and this path takes all of it.
@router.get(f"/customers/{{shop}}/{CUSTOMER}", tags=["customers"], responses=answers(s200=KnownCustomer))
async def read_customer(request: Request, shop: str, customer: str) -> Response:
    """What is known of a customer: facts, balance, rank, and what is counted of the past with its window (INT-14)."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    profile = _profile(state, caller, shop)
    house = state.house
    found = await asyncio.to_thread(shown, house.engine, profile, house.clock, customer)
    if found is None:
        raise not_found()
    return as_json(200, found)


@router.post(
    "/points/grants", status_code=201, responses=answers(s201=Kept, s200=Kept), openapi_extra=takes(GrantDocument)
)
async def grant_points(request: Request) -> Response:
    """Give points once by key: 201, 200 for the same again, 409 and 422 as for orders."""
    state, caller, raw = await _read(request)
    wish = read(GrantDocument, raw)
    _seen(caller, wish.shop)
    house = state.house
    answered = await _kept(lambda: grants.grant(house.engine, house.shops, house.clock, wish))
    return as_json(201 if answered.new else 200, answered.body)


@router.post(
    "/points/holds", status_code=201, responses=answers(s201=Kept, s200=Kept), openapi_extra=takes(HoldDocument)
)
async def hold_points(request: Request) -> Response:
    """Take points aside while something is looked into, once by key: 201, 200 for the same again."""
    state, caller, raw = await _read(request)
    wish = read(HoldDocument, raw)
    _seen(caller, wish.shop)
    house = state.house
    answered = await _kept(lambda: holds.hold(house.engine, house.shops, house.clock, wish))
    return as_json(201 if answered.new else 200, answered.body)


@router.post("/points/holds/{key:path}/release", responses=answers(s200=Kept), openapi_extra=takes(ReleaseDocument))
async def release_points(request: Request, key: str) -> Response:
    """End a hold: its points are valid again, or void for good."""
    state, caller, raw = await _read(request)
    wish = read(ReleaseDocument, raw)
    house = state.house

    def end() -> Answered:
        with glance(house.engine) as connection:
            known = holds.holds_of(connection, key, caller.sees)
        shops = [shop for shop in known if wish.shop in (None, shop)]
        if not shops:
            raise not_found()
        if len(shops) > 1:
            raise Invalid([Problem("shop", f"is needed: {', '.join(sorted(shops))} have a hold of this key")])
        return holds.release(house.engine, house.shops, house.clock, shops[0], key, wish.outcome)

    answered = await _kept(end)
    return as_json(200, answered.body)


async def _kept(ask: Callable[[], Answered]) -> Answered:
    """What ``ask`` answers once the database answers; what it finds when asked again may be its own, and is new then."""

    def attempt(again: bool) -> Answered:
        answered = ask()
        return replace(answered, new=answered.new or again)

    return await asyncio.to_thread(patiently, attempt)


async def _read(request: Request) -> tuple[AppState, Caller, object]:
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    _, raw = await read_json(request, _BODY_LIMIT)
    return state, caller, raw


def _seen(caller: Caller, shop: str) -> None:
    """A key sees only its own shops; another's looks like one that does not exist."""
    if not caller.sees(shop):
        raise Invalid([Problem("shop", f"is unknown: no profile {mask(shop)!r}")])
