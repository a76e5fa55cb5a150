"""A customer's statement of a month (請求明細): its orders on one bill, with the shop's registration number, and what was changed in it
of earlier months' orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection

from models.store import orders
from models.store.orders import BilledCustomerRow, BilledOrderRow
from pipelines.rules.billing import Bill, Credit, OrderHistory, bill, billed_methods, credits_of, on_bill
from pipelines.rules.dates.periods import same_day_months_later
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown, TaxAmount
from pipelines.shops import Shop
from pipelines.values.calendar import JST, in_japan


def statement(connection: Connection, shop: Shop, customer: str, month: date) -> dict[str, Any]:
    """The bill of the month that begins with ``month``, as JSON: its orders as they stood when it ended, and what was changed in it
    of earlier ones (PAY-12); amounts in yen."""
    since, until = _moment(month), _moment(same_day_months_later(month, 1))
    rows = orders.billed(connection, shop.key, customer, billed_methods(), since, until)
    histories = [_history(row) for row in rows]
    made = bill(
        [one for history in histories if (one := on_bill(history, month)) is not None],
        sorted((one for history in histories for one in credits_of(history, month)), key=lambda one: one.made_on),
        display=shop.price.display,
        rounding=shop.price.rounding,
        points_treatment=shop.price.points_treatment,
        tax_unit=shop.price.tax_unit,
    )
    names = {(row.number, line["line"]): str(line["name"]) for row in rows for line in row.lines or ()}
    return bill_json(made, shop, customer, month, names)


def customers(connection: Connection, shops: Sequence[Shop], month: date, limit: int) -> list[BilledCustomerRow]:
    """Whom a bill of the month that begins with ``month`` goes to, at most ``limit`` of them (PAY-01, PAY-12). Orders of earlier months
    that were cancelled in it are looked for at shops that bill."""
    since, until, methods = _moment(month), _moment(same_day_months_later(month, 1)), billed_methods()
    billing = [shop.key for shop in shops if not shop.payment.allowed.isdisjoint(methods)]
    every = [shop.key for shop in shops]
    return orders.billed_customers(connection, every, billing, methods, since, until, limit)


def _history(row: BilledOrderRow) -> OrderHistory:
    return OrderHistory(
        number=row.number,
        placed_on=_day(row.placed_at),
        came_on=_day(row.billed_at),
        method=row.method,
        breakdown=Breakdown.from_json(row.breakdown),
        repriced=[(_told(one), Breakdown.from_json(one["before"])) for one in row.repricings or ()],
        changes=[(_told(one), Adjustment.from_json(one["amounts"])) for one in row.adjustments or ()],
        cancelled_on=_day(row.cancelled_at) if row.cancelled_at else None,
    )


def _told(one: Mapping[str, Any]) -> date:
    return _day(datetime.fromisoformat(one["at"]))


def _day(moment: datetime) -> date:
    return in_japan(moment).date()


def bill_json(
    made: Bill, shop: Shop, customer: str, month: date, names: Mapping[tuple[str, str], str] | None = None
) -> dict[str, Any]:
    """A bill as JSON; ``names`` are the goods' by order and line."""
    return {
        "shop": shop.key,
        "issuer": shop.name,
        "registration_number": shop.registration_number,
        "customer": customer,
        "month": f"{month:%Y-%m}",
        "price_display": shop.price.display,
        "tax_unit": shop.price.tax_unit,
        "orders": [
            {
                "number": one.number,
                "placed_on": one.placed_on.isoformat(),
                "method": one.method,
                "bases": [{"rate": rate, "base": base} for rate, base in one.bases.items()],
                "shown_tax": one.shown_tax,
                "points_used": one.points_used,
            }
            for one in made.orders
        ],
        "tax": _taxes(made.tax),
        "tax_total": made.tax_total,
        "shown_tax": made.shown_tax,
        "total": made.total,
        "points_used": made.points_used,
        "due": made.due,
        "gross_after_points": _gross(made.after_points),
        "credits": [_credit(one, names or {}) for one in made.credits],
        "credit_tax": _taxes(made.credit_tax),
        "credit_total": made.credit_total,
        "credit_points": made.credit_points,
        "credit_gross_after_points": _gross(made.credit_after_points),
        "points_kept": made.points_kept,
        "to_give_back": made.to_give_back,
    }


def _credit(one: Credit, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    return {
        "number": one.number,
        "placed_on": one.placed_on.isoformat(),
        "method": one.method,
        "made_on": one.made_on.isoformat(),
        "kind": one.kind,
        "lines": [
            {"line": line, "name": names.get((one.number, line), ""), "quantity": quantity}
            for line, quantity in one.lines
        ],
        "bases": [{"rate": rate, "base": base} for rate, base in one.bases.items()],
        "shown_tax": one.shown_tax,
        "points_returned": one.points,
        "points_kept": one.points_kept,
    }


def _taxes(taxes: Sequence[TaxAmount]) -> list[dict[str, int]]:
    return [{"rate": one.rate, "base": one.base, "tax": one.tax} for one in taxes]


def _gross(gross: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"rate": rate, "gross": yen} for rate, yen in gross.items()]


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), JST)
