"""Documents over HTTP: what may be issued of an order, issuing it, and its bytes (contract: Documents)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from models.database import glance
from models.store import documents
from models.store.documents import FileRow
from pipelines import doors
from pipelines.documents import issue, issue_apart
from pipelines.documents.keep import Request as Asking
from pipelines.documents.keep import Stored
from pipelines.documents.kinds import ISSUED, OF_AN_ORDER, Kind
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict
from pipelines.orders.schema import MOST_BYTES, ONE_LINE
from pipelines.shops import Shop
from pipelines.values.moment import read_month
from workers.documents.typesetter import typesetter
from workers.patience import patiently
from workers.web.answers import HttpProblem, as_json, not_found
from workers.web.app_state import state_of
from workers.web.body import read_json, takes
from workers.web.clients import Caller
from workers.web.headers import KEYED, KNOWN, NOT_MODIFIED, idempotency_key, is_known
from workers.web.problem import MEDIA_TYPE
from workers.web.shapes import IssuedDocument, OrderDocuments, answers

router = APIRouter(prefix="/v1", tags=["documents"])

_MOST_BYTES: Final = 16_384
_PDF: Final = {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}
_REFUSED: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

_Line = StringConstraints(min_length=1, max_length=100, pattern=ONE_LINE)


def _a_month(text: str) -> str:
    read_month(text)
    return text


_Month = Annotated[str, AfterValidator(_a_month), Field(json_schema_extra={"pattern": r"^\d{4}-(0[1-9]|1[0-2])$"})]
_Locale = Literal["ja", "en"] | None


class Pdf(Response):
    """The bytes of a document."""

    media_type = "application/pdf"


class DocumentWish(BaseModel):
    """A document that is asked for. What is left out is as the order and the shop's profile say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["receipt", "invoice", "return_invoice", "delivery_note", "pick_list"] = Field(
        description="A pick list is for operators alone"
    )
    addressee: Annotated[str, _Line] | None = Field(default=None, description="宛名; 様 or 御中 is added")
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=ONE_LINE)] | None = Field(
        default=None, description="但し書き of a receipt"
    )
    subject: Annotated[str, StringConstraints(max_length=200, pattern=ONE_LINE)] | None = Field(
        default=None, description="The parcel, change or shipment meant, as it is listed; else the only or last one"
    )
    locale: Literal["ja", "en"] | None = Field(default=None, description="Language; else the order's")
    label: bool = Field(default=False, description="A delivery note of a label's size, 100 x 150 mm, without prices")


class StatementWish(BaseModel):
    """The statement of a customer's month (TAX-02)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    shop: Annotated[str, _Line]
    customer: Annotated[str, _Line]
    month: _Month = Field(description="The month of the orders, as 2026-11; it is over")
    addressee: Annotated[str, _Line] | None = Field(default=None, description="宛名; else as the newest order says")
    locale: _Locale = Field(default=None, description="Language; else the newest order's")


class QuotationWish(BaseModel):
    """A quotation of what is not ordered yet (DOC-06)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    order: dict[str, Any] = Field(description="The order as POST /v1/preview takes it")
    addressee: Annotated[str, _Line] | None = Field(default=None, description="宛名; else as the order says")
    locale: _Locale = Field(default=None, description="Language; else the order's")


#: Documents that the published schema describes.
DOCUMENTS = (DocumentWish, StatementWish, QuotationWish)


@router.get("/orders/{shop}/{number}/documents", responses=answers(s200=OrderDocuments))
async def read_documents(request: Request, shop: str, number: str) -> Response:
    """What may be issued of an order, until when and why, and what was; one entry a parcel and a change, and to operators a
    shipment that is to be picked."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    profile = _profile(state.house.shops.get(shop), seen=caller.sees(shop))

    def look(again: bool) -> list[dict[str, Any]]:
        with glance(state.house.engine) as connection:
            return issue.listed(connection, profile, number, state.house.clock.now(), _kinds(caller))

    return as_json(200, await asyncio.to_thread(patiently, look))


@router.post(
    "/orders/{shop}/{number}/documents",
    status_code=201,
    responses=answers(s201=IssuedDocument),
    openapi_extra={**takes(DocumentWish), **KEYED},
)
async def issue_document(request: Request, shop: str, number: str) -> Response:
    """Issue a document: 201 once its bytes are stored, 409 with the rule where it may not be issued now. A document that was issued
    already comes as a marked copy, or not at all where the shop issues it once. The same Idempotency-Key again: the same answer."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    profile = _profile(state.house.shops.get(shop), seen=caller.sees(shop))
    asking = _asking(request, caller)
    _, raw = await read_json(request, _MOST_BYTES)
    wish = wish_of(raw)
    if wish.kind not in _kinds(caller):
        raise Conflict("A pick list is for the operators of a shop and for who sends the goods.", rule="DOC-03")

    def make(again: bool) -> Stored:
        press, house = typesetter(), state.house
        with house.engine.begin() as connection:
            return issue.issue(connection, profile, number, wish, asking, house.clock.now(), press)

    return _made(await asyncio.to_thread(patiently, make))


@router.post(
    "/statements",
    status_code=201,
    responses=answers(s201=IssuedDocument),
    openapi_extra={**takes(StatementWish), **KEYED},
)
async def issue_statement(request: Request) -> Response:
    """Issue the statement of a customer's month once it is over: 201 once its bytes are stored; the same again is a marked copy."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    asking = _asking(request, caller)
    _, raw = await read_json(request, _MOST_BYTES)
    asked = doors.read(StatementWish, raw)
    profile = _profile(state.house.shops.get(asked.shop), seen=caller.sees(asked.shop))
    month, wish = read_month(asked.month), Wish(Kind.STATEMENT, asked.addressee, locale=asked.locale)

    def make(again: bool) -> Stored:
        press, house = typesetter(), state.house
        with house.engine.begin() as connection:
            now = house.clock.now()
            return issue_apart.issue_statement(connection, profile, asked.customer, month, wish, asking, now, press)

    return _made(await asyncio.to_thread(patiently, make))


@router.post(
    "/quotations",
    status_code=201,
    responses=answers(s201=IssuedDocument),
    openapi_extra={**takes(QuotationWish), **KEYED},
)
async def issue_quotation(request: Request) -> Response:
    """Issue a quotation of an order that is not placed: 201 once its bytes are stored; the same order on the same day again is a
    marked copy. 422 where the order would not be taken."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")
    asking = _asking(request, caller)
    _, raw = await read_json(request, MOST_BYTES)
    asked = doors.read(QuotationWish, raw)
    shops = {key: shop for key, shop in state.house.shops.items() if caller.sees(key)}
    wish = Wish(Kind.QUOTATION, asked.addressee, locale=asked.locale)

    def make(again: bool) -> Stored:
        press, house = typesetter(), state.house
        with house.engine.begin() as connection:
            now = house.clock.now()
            return issue_apart.issue_quotation(connection, shops, asked.order, wish, asking, now, press)

    return _made(await asyncio.to_thread(patiently, make))


@router.get(
    "/documents/{document}",
    response_class=Pdf,
    responses={
        200: {"content": _PDF},
        **NOT_MODIFIED,
        410: {"description": "It is no longer kept", "content": _REFUSED},
    },
    openapi_extra={"parameters": [KNOWN]},
)
async def read_document(request: Request, document: str) -> Response:
    """The PDF, the same bytes for ever; 410 once it is no longer kept."""
    state = state_of(request)
    caller = await state.caller(request, "storefront", "operator")

    def look(again: bool) -> FileRow | None:
        with glance(state.house.engine) as connection:
            return documents.file_of(connection, document)

    row = await asyncio.to_thread(patiently, look)
    if row is None or not caller.sees(row.shop) or (row.kind == Kind.PICK_LIST and caller.kind != "operator"):
        raise not_found()
    if not row.file:
        raise HttpProblem(410, "Gone", "The document was kept for as long as the shop keeps documents, and is no more.")
    headers = {
        "ETag": f'"{row.digest.hex()}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(file_name(row))}",
        "X-Content-Type-Options": "nosniff",
    }
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Pdf(row.file, headers=headers)


def _kinds(caller: Caller) -> Sequence[Kind]:
    """What of an order the caller may have."""
    return OF_AN_ORDER if caller.kind == "operator" else ISSUED


def _asking(request: Request, caller: Caller) -> Asking:
    """Who asks. Without a key of the client's the request has one of its own: a commit whose answer was lost is found again."""
    return Asking(f"{caller.id}:{idempotency_key(request) or uuid4().hex}", caller.name)


def _made(made: Stored) -> Response:
    answer = {"id": made.id, "number": made.number, "url": issue.url_of(made.id), "reissue": made.reissue}
    return as_json(201, answer)


def file_name(row: FileRow) -> str:
    """The name under which the buyer files it: day, partner, amount, title (電子帳簿保存法)."""
    on: date = row.transaction_on
    amount = "" if row.amount is None else f"_{row.amount}"
    return f"{on:%Y%m%d}_{row.issuer}{amount}_{row.title}.pdf".replace("/", "-")


def wish_of(raw: object) -> Wish:
    """The document that ``raw``, decoded JSON, asks for. Raises Invalid naming every wrong field, and those with a card number."""
    asked = doors.read(DocumentWish, raw)
    return Wish(Kind(asked.kind), asked.addressee, asked.purpose, asked.subject or "", asked.locale, asked.label)


def _profile(shop: Shop | None, *, seen: bool) -> Shop:
    """A key sees only its own shops; another's looks like one that does not exist."""
    if shop is None or not seen:
        raise not_found()
    return shop
