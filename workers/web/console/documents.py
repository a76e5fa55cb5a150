"""Documents in the console: those of an order and of a customer's month are issued where they are shown, and read as PDF."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import documents
from models.store.documents import FileRow
from pipelines.documents.issue import issue
from pipelines.documents.issue_apart import issue_quotation, issue_statement
from pipelines.documents.keep import Request as Asking
from pipelines.documents.keep import Stored
from pipelines.documents.kinds import OF_AN_ORDER, Kind
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.operators import Role
from pipelines.shops import Shop
from pipelines.values.moment import read_month
from workers.documents.typesetter import typesetter
from workers.operators import PATH
from workers.patience import patiently
from workers.web.api.documents import Pdf, file_name
from workers.web.body import BadBody, parse_json
from workers.web.console.customers import customer_path, said_of
from workers.web.console.frame import HEADERS, see
from workers.web.console.order import order_path
from workers.web.console.visit import ConsoleRoute, Visit, visited
from workers.web.customer_path import CUSTOMER
from workers.web.pages.forms import Form

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

_LONGEST = 100_000

Issue = Callable[[Connection, Visit, Shop, Form, Asking], Stored]


@router.get("/documents/{document}")
async def read_document(request: Request, document: str) -> Response:
    """The PDF of a document of a shop that the visitor sees."""

    async def shown(visit: Visit) -> Response:
        row: FileRow | None = await visit.read(lambda connection: documents.file_of(connection, document))
        if row is None or not row.file:
            raise NotFound
        visit.shop(row.shop)
        kept = f"inline; filename*=UTF-8''{quote(file_name(row))}"
        return Pdf(row.file, headers={**HEADERS, "Content-Disposition": kept})

    return await visited(request, shown)


@router.post("/orders/{shop}/{number}/documents")
async def issue_of_order(request: Request, shop: str, number: str) -> Response:
    """Issue a document of the order (``kind``, ``subject``); the same form again issues nothing more."""

    def made(connection: Connection, visit: Visit, profile: Shop, form: Form, asking: Asking) -> Stored:
        kind = next((one for one in OF_AN_ORDER if one == form.text("kind")), None)
        if kind is None:
            raise NotFound
        wish = Wish(kind, subject=form.text("subject", 200))
        return issue(connection, profile, number, wish, asking, visit.now, typesetter())

    return await _issued(request, shop, made, order_path(shop, number))


@router.post(f"/customers/{{shop}}/{CUSTOMER}/bills/{{month}}")
async def issue_bill(request: Request, shop: str, customer: str, month: str) -> Response:
    """Issue the statement of the customer's month (TAX-02); the same form again issues nothing more."""

    def made(connection: Connection, visit: Visit, profile: Shop, form: Form, asking: Asking) -> Stored:
        try:
            begins = read_month(month)
        except ValueError:
            raise NotFound from None
        wish = Wish(Kind.STATEMENT)
        return issue_statement(connection, profile, customer, begins, wish, asking, visit.now, typesetter())

    return await _issued(request, shop, made, f"{customer_path(shop, customer)}/bills/{quote(month, safe='')}")


@router.post("/shops/{shop}/quotations")
async def issue_quoted(request: Request, shop: str) -> Response:
    """Issue a quotation of an order that is not placed (``document``, as `POST /v1/preview` takes it), and show its PDF."""

    def made(connection: Connection, visit: Visit, profile: Shop, form: Form, asking: Asking) -> Stored:
        try:
            raw = parse_json(form.text("document", _LONGEST).encode())
        except BadBody as bad:
            raise Conflict(bad.detail) from None
        shops = {profile.key: profile}
        return issue_quotation(connection, shops, raw, Wish(Kind.QUOTATION), asking, visit.now, typesetter())

    return await _issued(request, shop, made, f"{PATH}/shops/{quote(shop, safe='')}/try", shows=True)


async def _issued(request: Request, shop: str, made: Issue, path: str, *, shows: bool = False) -> Response:
    """Issue within one transaction and go back to ``path``, or to the document where it ``shows``; a refusal goes back and says why."""

    async def issued(visit: Visit) -> Response:
        profile = visit.shop(shop, Role.OPERATOR)
        form = await visit.form()
        asking = Asking(f"console:{visit.account}:{path}:{form.text('once')}", visit.name)

        def make(again: bool) -> Stored:
            with visit.house.engine.begin() as connection:
                return made(connection, visit, profile, form, asking)

        try:
            kept = await asyncio.to_thread(patiently, make)
        except (Conflict, Invalid) as refused:
            await visit.record(visit.did("documents.issue", "refused"))
            status = 422 if isinstance(refused, Invalid) else 409
            return visit.show("document_refused", status, refused=said_of(refused, visit.language), back=path)
        await visit.record(visit.did("documents.issue"))
        return see(f"{PATH}/documents/{kept.id}" if shows else f"{path}?done=documents.issue#documents")

    return await visited(request, issued)
