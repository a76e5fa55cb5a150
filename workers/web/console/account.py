"""An operator's own account: ``/console/account``: language, password, codes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Engine
from starlette.responses import Response

from models.store import operators as operator_store
from models.store.operators import AccountRow
from pipelines.errors import Invalid
from workers import operators
from workers.operators import LEAST_PASSWORD, PATH
from workers.web.console.frame import LANGUAGES, see
from workers.web.console.visit import LONGEST_PAGE, ConsoleRoute, SignInNeeded, Visit, inside, visited
from workers.web.pages.forms import Form

router = APIRouter(prefix=f"{PATH}/account", include_in_schema=False, route_class=ConsoleRoute)


@router.get("")
async def read_account(request: Request) -> Response:
    """The account of whoever is signed in."""

    async def shown(visit: Visit) -> Response:
        return await _shown(visit, done=request.query_params.get("done", ""))

    return await visited(request, shown)


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Speak another language from now on."""

    async def chosen(visit: Visit) -> Response:
        form = await visit.form()
        locale = form.text("language")
        if locale in LANGUAGES:
            await asyncio.to_thread(_keep_locale, visit.house.engine, visit.account, locale)
        return see(inside(form.text("to", LONGEST_PAGE)))

    return await visited(request, chosen)


@router.post("/password")
async def choose_password(request: Request) -> Response:
    """Another password."""

    def change(visit: Visit, form: Form) -> None:
        old, new = form.fields.get("old", ""), form.fields.get("password", "")
        operators.change_password(visit.house.engine, visit.account, old, new, visit.token)

    return await _changed(request, "password", change)


@router.post("/code")
async def ask_for_codes(request: Request) -> Response:
    """Ask for codes of an authenticator from now on."""

    def change(visit: Visit, form: Form) -> None:
        told = form.text("secret"), form.text("code"), form.fields.get("old", "")
        operators.keep_totp(visit.house.engine, visit.account, *told)

    return await _changed(request, "code", change)


@router.post("/code/end")
async def ask_for_no_codes(request: Request) -> Response:
    """Ask for codes no more."""

    def change(visit: Visit, form: Form) -> None:
        operators.end_totp(visit.house.engine, visit.account, form.fields.get("old", ""))

    return await _changed(request, "code_end", change)


async def _changed(request: Request, what: str, change: Callable[[Visit, Form], None]) -> Response:
    async def changed(visit: Visit) -> Response:
        form = await visit.form()
        try:
            await asyncio.to_thread(change, visit, form)
        except Invalid as wrong:
            await visit.record(visit.did(f"account.{what}", "refused"))
            faults = {one.field: one.message for one in wrong.problems}
            return await _shown(visit, 422, what=what, wrong=faults, secret=form.text("secret"))
        await visit.record(visit.did(f"account.{what}"))
        return see(f"{PATH}/account?done={what}")

    return await visited(request, changed)


async def _shown(visit: Visit, status: int = 200, **values: Any) -> Response:
    account = await asyncio.to_thread(_account, visit.house.engine, visit.account)
    enrolment = operators.totp(visit.name, values.pop("secret", ""))
    told = {"what": "", "wrong": {}, "done": "", **values}
    return visit.show(
        "account",
        status,
        account=account,
        enrolment=enrolment,
        least=LEAST_PASSWORD,
        **told,
    )


def _account(engine: Engine, account: int) -> AccountRow:
    with engine.begin() as connection:
        found = operator_store.by_id(connection, account)
    if found is None:
        raise SignInNeeded
    return found


def _keep_locale(engine: Engine, account: int, locale: str) -> None:
    with engine.begin() as connection:
        operator_store.set_locale(connection, account, locale)
