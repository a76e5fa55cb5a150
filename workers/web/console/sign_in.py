"""Signing in and out: ``/console/sign-in``, ``/console/enter/{token}`` (one-time links), ``/console/sign-out``."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.errors import NotFound
from workers import operators
from workers.operators import PATH
from workers.web.app_state import state_of
from workers.web.console.frame import LANGUAGES, asset, page
from workers.web.console.visit import LONGEST_PAGE, ConsoleRoute, Visit, check_origin, inside, signed, unsigned, visited
from workers.web.headers import language as language_of
from workers.web.limits import let_through
from workers.web.pages.forms import read_form

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

#: Tries of one address: some at once, and then one every few seconds.
_TRIES_A_MINUTE: Final = 20
_BURST_SECONDS: Final = 30


@router.get("/assets/{name}")
async def read_asset(name: str) -> Response:
    """A file that pages load; it tells nothing, so nobody has to be signed in."""
    found = asset(name)
    if found is None:
        raise NotFound
    return found


@router.get("/sign-in")
async def ask(request: Request) -> Response:
    """Ask who it is."""
    return page("sign_in", _spoken(request), to=inside(request.query_params.get("to", "")), name="", wrong=False)


@router.post("/sign-in")
async def enter(request: Request) -> Response:
    """Sign in; whatever was wrong, the page says the same (401)."""
    check_origin(request)
    _count(request)
    form = await read_form(request)
    house, to = state_of(request).house, inside(form.text("to", LONGEST_PAGE))
    password = form.fields.get("password", "")
    token = await asyncio.to_thread(operators.sign_in, house.engine, form.text("name"), password, form.text("code"))
    if token is None:
        return page("sign_in", _spoken(request), 401, to=to, name=form.text("name"), wrong=True)
    return signed(request, token, to)


@router.get("/enter/{token}")
async def offer(request: Request, token: str) -> Response:
    """Offer what the link does: looking at it, as mail programs do ahead of people, uses nothing up."""
    return page("enter", _spoken(request), action=f"{PATH}/enter/{token}", used=False)


@router.post("/enter/{token}")
async def enter_by_link(request: Request, token: str) -> Response:
    """Sign in with a one-time link, once."""
    check_origin(request)
    _count(request)
    session = await asyncio.to_thread(operators.sign_in_by_link, state_of(request).house.engine, token)
    if session is None:
        return page("enter", _spoken(request), 410, action="", used=True)
    return signed(request, session, PATH)


@router.post("/sign-out")
async def leave(request: Request) -> Response:
    """Sign out."""

    async def left(visit: Visit) -> Response:
        await visit.form()
        await asyncio.to_thread(operators.sign_out, visit.house.engine, visit.token)
        return unsigned(request, f"{PATH}/sign-in")

    return await visited(request, left)


def _count(request: Request) -> None:
    """Count a try; raises 429 where an address makes too many."""
    where = request.client.host if request.client else ""
    standing = state_of(request).limits.take("sign-ins", where, _TRIES_A_MINUTE, _BURST_SECONDS)
    let_through(request.scope, standing, "tries")


def _spoken(request: Request) -> str:
    spoken = request.query_params.get("lang", "")
    return spoken if spoken in LANGUAGES else language_of(request)
