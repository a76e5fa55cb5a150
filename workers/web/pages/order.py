"""The customer's page of one order: ``/o/{token}``. Where it is, what is planned and why, money, points, documents; it is
cancelled here while it can be, and a return is withdrawn.

Whoever has the link is its customer. What is pressed goes by the one door of all actions and is decided under the order's lock.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from models.store import documents
from models.store.documents import FileRow
from pipelines.documents import issue
from pipelines.documents.keep import Request as Asking
from pipelines.documents.kinds import Kind
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.orders.actions import cancel, withdraw_return
from workers.documents.typesetter import typesetter
from workers.patience import patiently
from workers.web.api.documents import Pdf, file_name, wish_of
from workers.web.pages import forms
from workers.web.pages.html import HEADERS
from workers.web.pages.order_visit import OrderVisit, answered

router = APIRouter(prefix="/o", include_in_schema=False)

_SAID = frozenset({"cancel", "withdraw", "return", "document"})
#: What is typed on the page, of a receipt.
_TYPED = ("addressee", "purpose")


@router.get("/{token}")
async def read_order(request: Request, token: str) -> Response:
    """The order as it stands."""

    async def shown(visit: OrderVisit) -> Response:
        said = request.query_params.get("said", "")
        return await _page(visit, said=said if said in _SAID else "")

    return await answered(request, token, shown)


@router.post("/{token}")
async def press(request: Request, token: str) -> Response:
    """What was pressed on the page: cancel, withdraw a return, issue a document."""

    async def pressed(visit: OrderVisit) -> Response:
        form = await forms.read_form(request)
        act, typed = form.text("act"), {name: form.text(name, 200) for name in _TYPED}
        once = sha256(f"{form.text('once')}:{act}".encode()).hexdigest()
        try:
            if act == "cancel":
                await visit.ask(cancel.ACTION, cancel.OrderCancelled(reason="", fault=None), once)
            elif act == "withdraw":
                asked = withdraw_return.ReturnWithdrawn()
                await visit.ask(withdraw_return.ACTION, asked, once, form.text("return"))
            elif act == "document":
                return await _issue(visit, form)
            else:
                return await _page(visit, 409)
        except Conflict as refused:
            return await _page(visit, 409, refused=str(refused), typed=typed)
        except Invalid as refused:
            return await _page(visit, 422, wrong=frozenset(one.field for one in refused.problems), typed=typed)
        return visit.back(act)

    return await answered(request, token, pressed)


@router.get("/{token}/documents/{document}")
async def read_document(request: Request, token: str, document: str) -> Response:
    """The PDF of a document of this order, to be kept."""

    async def found(visit: OrderVisit) -> Response:
        def look() -> FileRow | None:
            with glance(visit.state.house.engine) as connection:
                return documents.file_of(connection, document)

        issued = {had["id"] for one in (await visit.view()).documents for had in one["issued"]}
        row = await asyncio.to_thread(look) if document in issued else None
        if row is None or not row.file:
            raise NotFound
        kept = f"attachment; filename*=UTF-8''{quote(file_name(row))}"
        return Pdf(row.file, headers={**HEADERS, "Content-Disposition": kept})

    return await answered(request, token, found)


async def _issue(visit: OrderVisit, form: forms.Form) -> Response:
    """Issue a document once, and show where it is; one that was issued is not issued again."""
    kind, subject = form.text("kind"), form.text("subject", 200)
    papers = (await visit.view()).values()["papers"]
    paper = next((one for one in papers if (one["kind"], one["subject"]) == (kind, subject)), None)
    if paper is None:
        return await _page(visit, 409)
    if paper["issued"]:
        return visit.back("document")
    given = {"kind": kind, "subject": subject, "locale": visit.language}
    if kind == Kind.RECEIPT:
        given |= {name: told for name in _TYPED if (told := form.text(name, 200))}
    wish = wish_of({name: told for name, told in given.items() if told})
    house, key = visit.state.house, f"page:{visit.opens.subject}:{kind}:{subject}"

    def make(again: bool) -> None:
        press = typesetter()
        with house.engine.begin() as connection:
            asking = Asking(key, "customer")
            issue.issue(connection, visit.shop, visit.facts.number, wish, asking, visit.now, press)

    await asyncio.to_thread(patiently, make)
    return visit.back("document")


async def _page(visit: OrderVisit, status: int = 200, **told: Any) -> Response:
    shown = (await visit.view()).values()
    told = {"said": "", "refused": "", "wrong": frozenset(), "typed": dict.fromkeys(_TYPED, ""), **told}
    return visit.show("order", status, **told, **shown, once=token_hex(8))
