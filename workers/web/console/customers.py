"""A customer: ``/console/customers/{shop}/{id}``: facts, orders, points with lots and ledger, rank, what is counted, and what may be
changed, through the same doors as the interface's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store.documents import of_no_order
from models.store.search import ListedRow
from pipelines.billing import statement as statement_of
from pipelines.customers.account import account
from pipelines.customers.erase import forget
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.documents.issue_apart import statement_subject
from pipelines.documents.kinds import Kind
from pipelines.doors import read
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.operators import Role
from pipelines.orders.listing import MOST, asked_of, page
from pipelines.points import grants
from pipelines.points.schema import GrantDocument
from pipelines.points.statement import Statement, statement
from pipelines.shops import Shop
from pipelines.values.moment import read_month
from workers.operators import PATH
from workers.patience import patiently
from workers.web.console.causes import worded
from workers.web.console.fields import number_of
from workers.web.console.frame import see, words
from workers.web.console.visit import ConsoleRoute, Visit, visited
from workers.web.customer_path import CUSTOMER
from workers.web.pages.forms import Form

router = APIRouter(prefix=f"{PATH}/customers", include_in_schema=False, route_class=ConsoleRoute)

_ENTRIES: Final = 100
_METHOD: Final = "method."


@dataclass(frozen=True, slots=True)
class Known:
    """All that the console shows of a customer."""

    facts: Mapping[str, Any]
    points: Statement
    orders: Sequence[ListedRow]


@router.get("")
async def find(request: Request) -> Response:
    """Go to a customer by number (``?shop=&customer=``), or say how one is found."""

    async def shown(visit: Visit) -> Response:
        shop, customer = (request.query_params.get(name, "").strip() for name in ("shop", "customer"))
        if shop and customer:
            visit.shop(shop)
            known = await visit.read(
                lambda connection: account(connection, visit.house.shops[shop], customer, visit.now)
            )
            if known is not None:
                return see(customer_path(shop, customer))
        return visit.show("customers", chosen={"shop": shop, "customer": customer})

    return await visited(request, shown)


@router.get(f"/{{shop}}/{CUSTOMER}/bills/{{month}}")
async def read_bill(request: Request, shop: str, customer: str, month: str) -> Response:
    """The customer's bill of a month (``2026-11``), to be read and printed (TAX-02)."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        try:
            begins = read_month(month)
        except ValueError:
            raise NotFound from None
        await _known(visit, profile, customer)
        bill = await visit.read(lambda connection: statement_of(connection, profile, customer, begins))
        subject = statement_subject(customer, begins)
        issued = await visit.read(lambda connection: of_no_order(connection, shop, Kind.STATEMENT, subject))
        return visit.show(
            "bill",
            bill=bill,
            issued=issued,
            path=customer_path(shop, customer),
            once=token_hex(16),
            acts=visit.may(shop, Role.OPERATOR),
        )

    return await visited(request, shown)


# Behind the bills: a customer number may hold a slash, and this path takes all of it.
@router.get(f"/{{shop}}/{CUSTOMER}")
async def read_customer(request: Request, shop: str, customer: str) -> Response:
    """The customer."""

    async def shown(visit: Visit) -> Response:
        return await _page(visit, visit.shop(shop), customer)

    return await visited(request, shown)


@router.post(f"/{{shop}}/{CUSTOMER}/methods")
async def leave_methods(request: Request, shop: str, customer: str) -> Response:
    """Leave the customer the payment methods that are ticked (``method.NAME``); all of them for none (INT-15)."""

    def change(visit: Visit, profile: Shop, form: Form) -> None:
        ticked = sorted(name.removeprefix(_METHOD) for name in form.fields if name.startswith(_METHOD))
        asked = read(CustomerFactsDocument, {"allowed_methods": ticked or None})
        tell(visit.house.engine, profile, visit.house.clock, customer, asked, by_operator=True)

    return await _changed(request, shop, customer, "customers.methods", Role.OPERATOR, change)


@router.post(f"/{{shop}}/{CUSTOMER}/points")
async def give_points(request: Request, shop: str, customer: str) -> Response:
    """Give points by hand (``amount``, ``expires_on``); the same form again gives nothing."""

    def change(visit: Visit, profile: Shop, form: Form) -> None:
        amount, expires_on = form.text("amount"), form.text("expires_on")
        told = {
            "shop": profile.key,
            "customer": customer,
            "kind": "manual",
            "key": f"operator:{visit.account}:{form.text('once')}",
            "amount": number_of(amount),
            **({"expires_on": expires_on} if expires_on else {}),
        }
        grants.grant(visit.house.engine, visit.house.shops, visit.house.clock, read(GrantDocument, told))

    return await _changed(request, shop, customer, "customers.points", Role.OPERATOR, change)


@router.post(f"/{{shop}}/{CUSTOMER}/erase")
async def erase(request: Request, shop: str, customer: str) -> Response:
    """Forget the customer, for an admin who typed the number again (``customer``)."""

    def change(visit: Visit, profile: Shop, form: Form) -> None:
        if form.text("customer", 200) != customer:
            raise Conflict("The number that was typed is another one.")
        forget(visit.house.engine, profile, visit.house.clock, customer, by=visit.name)

    return await _changed(request, shop, customer, "customers.erase", Role.ADMIN, change)


def customer_path(shop: str, customer: str) -> str:
    """Where the console shows a customer."""
    return f"{PATH}/customers/{quote(shop, safe='')}/{quote(customer, safe='')}"


async def _changed(
    request: Request,
    shop: str,
    customer: str,
    what: str,
    needs: Role,
    change: Callable[[Visit, Shop, Form], None],
) -> Response:
    async def changed(visit: Visit) -> Response:
        profile = visit.shop(shop, needs)
        form = await visit.form()
        await _known(visit, profile, customer)
        try:
            await asyncio.to_thread(patiently, lambda again: change(visit, profile, form))
        except (Conflict, Invalid) as refused:
            await visit.record(visit.did(what, "refused"))
            status = 422 if isinstance(refused, Invalid) else 409
            return await _page(visit, profile, customer, status, said_of(refused, visit.language))
        await visit.record(visit.did(what))
        return see(f"{customer_path(shop, customer)}?done={what}")

    return await visited(request, changed)


async def _page(visit: Visit, shop: Shop, customer: str, status: int = 200, fault: str = "") -> Response:
    known = await _known(visit, shop, customer)
    return visit.show(
        "customer",
        status,
        shop=shop.key,
        customer=customer,
        path=customer_path(shop.key, customer),
        known=known,
        methods=sorted({one for listed in shop.payment.methods.values() for one in listed}),
        acts=visit.may(shop.key, Role.OPERATOR),
        may_erase=visit.may(shop.key, Role.ADMIN),
        once=token_hex(16),
        fault=fault,
        done=visit.request.query_params.get("done", ""),
    )


async def _known(visit: Visit, shop: Shop, customer: str) -> Known:
    """Raises NotFound."""

    def look(connection: Connection) -> Known:
        facts = account(connection, shop, customer, visit.now)
        points = statement(connection, shop.key, customer, visit.now, limit=_ENTRIES)
        if facts is None or points is None:
            raise NotFound
        return Known(facts, points, _orders(connection, shop.key, customer))

    found: Known = await visit.read(look)
    return found


def _orders(connection: Connection, shop: str, customer: str) -> Sequence[ListedRow]:
    """The customer's newest orders; a number that is found otherwise too brings no other's."""
    try:
        asked = asked_of({"shop": shop, "q": customer}).model_copy(update={"limit": MOST})
    except Invalid:
        return []
    rows, _ = page(connection, [shop], asked)
    return [one for one in rows if one.customer_id == customer]


def said_of(refused: Conflict | Invalid, language: str) -> str:
    """A refusal in a sentence of ``language``: each wrong field, or why and by which rule."""
    if isinstance(refused, Invalid):
        return "; ".join(f"{_called(one.field, language)}: {worded(one.message, language)}" for one in refused.problems)
    return f"{worded(refused.detail, language)} {refused.rule or ''}".strip()


def _called(field: str, language: str) -> str:
    """A field as the page's form calls it; one that no form has, as it is."""
    tables = words(language)["words"]
    name = field.partition("[")[0]
    return str(tables["customer_field"].get(name) or tables["field"].get(name, field))
