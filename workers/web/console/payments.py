"""Money that no order's page shows: ``/console/payments``: transfers without an order, what is paid out by hand, the nightly
comparison with the gateways, the closing of a day or a month, and whom the month's bills go to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.states import HoldReason
from models.store import deposits, jobs, payments, refund_accounts, today
from models.store.deposits import UnassignedRow
from models.store.orders import BilledCustomerRow, OrderKey
from models.store.refund_accounts import PayoutRow
from pipelines import billing
from pipelines.engine import inbox
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.operators import Role
from pipelines.values.calendar import in_japan
from pipelines.values.moment import read_day, read_month
from workers.closing import as_csv, day_of, month_of, payouts
from workers.operators import PATH
from workers.reconciliation import NAME
from workers.web.console.frame import HEADERS, see
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/payments", include_in_schema=False, route_class=ConsoleRoute)

#: What the nightly comparison, and gateways themselves, leave to a person.
_OPEN: Final = (HoldReason.PAYMENT_DIFFERS, HoldReason.PAYMENT_UNKNOWN, HoldReason.DEPOSIT_MISMATCH)
_LONGEST: Final = 500
#: What stands in the form of a transfer that nobody touched.
_NOTHING_TYPED: Final = {"transfer": "", "shop": "", "number": "", "reason": ""}
_MOST_BILLS: Final = 200


class Period(NamedTuple):
    """What is closed: a day, or the whole month of it."""

    day: date
    is_month: bool

    @property
    def name(self) -> str:
        """As it is written: ``2026-11-20``, ``2026-11``."""
        return f"{self.day:%Y-%m}" if self.is_month else self.day.isoformat()

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """When it begins and ends in Japan."""
        return month_of(self.day) if self.is_month else day_of(self.day)


class Money(NamedTuple):
    """What the page shows; of transfers nothing for somebody of single shops, since whose they are is not known."""

    transfers: Sequence[UnassignedRow]
    owed: Sequence[PayoutRow]
    compared_until: datetime | None
    open: Mapping[str, int]
    closing: Sequence[Mapping[str, Any]]
    bills: Sequence[BilledCustomerRow]
    to_give_back: Mapping[tuple[str, str], int]


@router.get("")
async def read_payments(request: Request) -> Response:
    """All of it at the visitor's shops; ``?date=`` is the day, or ``?month=`` the month, that is closed."""

    async def shown(visit: Visit) -> Response:
        return await _page(visit, _period(visit))

    return await visited(request, shown)


@router.get("/closing.csv")
async def read_closing(request: Request) -> Response:
    """What the day (``?date=``) or the month (``?month=``) held, took and gave back, by shop, gateway and method."""

    async def shown(visit: Visit) -> Response:
        period = _period(visit)
        rows = await visit.read(lambda connection: _closing(connection, visit, period))
        await visit.record(visit.did("payments.closing"))
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="closing-{period.name}.csv"'}
        return Response(as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)

    return await visited(request, shown)


@router.post("/transfers/{transfer}")
async def settle_transfer(request: Request, transfer: int) -> Response:
    """Say which order a transfer is for (``act=assign``: ``shop``, ``number``), or that it is none's (``act=dismiss``: ``reason``)."""

    async def settled(visit: Visit) -> Response:
        visit.check_everywhere(Role.OPERATOR)
        form = await visit.form()
        act, reason = form.text("act"), form.text("reason", _LONGEST)
        order = OrderKey(form.text("shop"), form.text("number"))

        def settle() -> None:
            with visit.house.engine.begin() as connection:
                if act == "assign":
                    inbox.assign(connection, transfer, order, visit.now)
                else:
                    inbox.dismiss(connection, transfer, reason)

        if act not in ("assign", "dismiss"):
            raise NotFound
        typed = {"transfer": str(transfer), "shop": order.shop, "number": order.number, "reason": reason}
        if (act == "assign" and not all(order)) or (act == "dismiss" and not reason):
            return await _page(visit, _period(visit), 422, typed, fault="needed")
        try:
            await asyncio.to_thread(settle)
        except (Conflict, Invalid, NotFound) as refused:
            await visit.record(visit.did(f"payments.{act}", "refused"))
            return await _page(visit, _period(visit), 409, typed, fault="refused", says=str(refused))
        await visit.record(visit.did(f"payments.{act}"))
        return see(f"{PATH}/payments?done={act}")

    return await visited(request, settled)


async def _page(
    visit: Visit, period: Period, status: int = 200, typed: Mapping[str, str] = _NOTHING_TYPED, **fault: str
) -> Response:
    money: Money = await visit.read(lambda connection: _look(connection, visit, period))
    return visit.show(
        "payments",
        status,
        money=money,
        closed=period,
        most=_MOST_BILLS,
        fault=fault.get("fault", ""),
        refusal=fault.get("says", ""),
        typed=typed,
        acts=visit.is_everywhere(Role.OPERATOR),
        sees_transfers=visit.is_everywhere(),
        done=visit.request.query_params.get("done", ""),
    )


def _look(connection: Connection, visit: Visit, period: Period) -> Money:
    shops, month = set(visit.shops), period.day.replace(day=1)
    profiles = [visit.house.shops[one] for one in visit.shops]
    bills = billing.customers(connection, profiles, month, _MOST_BILLS + 1) if period.is_month else []
    done = {one.name: one.done_until for one in jobs.progress(connection)}
    held = Counter[str]()
    for one in today.held(connection, visit.shops):
        if one.reason in _OPEN:
            held[one.reason] += one.orders
    return Money(
        deposits.unassigned(connection) if visit.is_everywhere() else [],
        [one for one in refund_accounts.payouts(connection, None) if one.shop in shops],
        done.get(NAME),
        held,
        _closing(connection, visit, period),
        bills,
        _to_give_back(connection, visit, bills[:_MOST_BILLS], month),
    )


def _to_give_back(
    connection: Connection, visit: Visit, bills: Sequence[BilledCustomerRow], month: date
) -> dict[tuple[str, str], int]:
    """By shop and customer, yen of bills on which more was given back than is due: they go back by hand (PAY-12)."""
    found = {}
    for one in bills:
        if one.changes:
            bill = billing.statement(connection, visit.house.shops[one.shop], one.customer_id, month)
            found[one.shop, one.customer_id] = int(bill["to_give_back"])
    return {customer: yen for customer, yen in found.items() if yen}


def _closing(connection: Connection, visit: Visit, period: Period) -> list[dict[str, Any]]:
    since, until = period.bounds
    rows = [one for one in payments.closing(connection, since, until) if one.shop in visit.shops]
    return payouts(rows, period.name)


def _period(visit: Visit) -> Period:
    """The month or the day that is asked for, today where none is. Raises NotFound."""
    told = visit.request.query_params
    month, day = told.get("month", ""), told.get("date", "")
    try:
        if month:
            return Period(read_month(month), True)
        return Period(read_day(day) if day else in_japan(visit.now).date(), False)
    except ValueError:
        raise NotFound from None
