"""A customer's statement of a month (請求明細): its orders on one bill, with the shop's registration number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import Connection

from models.store import orders
from models.store.orders import BilledCustomerRow
from pipelines.rules.billing import Bill, bill, billed, billed_methods
from pipelines.rules.dates.periods import same_day_months_later
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.shops import Shop
from pipelines.values.calendar import JST


def statement(connection: Connection, shop: Shop, customer: str, month: date) -> dict[str, Any]:
    """The bill of the orders placed in the month that begins with ``month``, as JSON; amounts in yen."""
    since, until = _moment(month), _moment(same_day_months_later(month, 1))
    standing = [
        billed(
            row.number,
            row.placed_at.astimezone(JST).date(),
            row.method,
            Breakdown.from_json(row.breakdown),
            [Adjustment.from_json(one) for one in row.adjustments or ()],
        )
        for row in orders.billed(connection, shop.key, customer, billed_methods(), since, until)
    ]
    made = bill(
        standing,
        display=shop.price.display,
        rounding=shop.price.rounding,
        points_treatment=shop.price.points_treatment,
        tax_unit=shop.price.tax_unit,
    )
    return bill_json(made, shop, customer, month)


def customers(connection: Connection, shops: Sequence[str], month: date, limit: int) -> list[BilledCustomerRow]:
    """Whom a bill of the month that begins with ``month`` goes to, at most ``limit`` of them (PAY-01, PAY-12)."""
    since, until = _moment(month), _moment(same_day_months_later(month, 1))
    return orders.billed_customers(connection, shops, billed_methods(), since, until, limit)


def bill_json(made: Bill, shop: Shop, customer: str, month: date) -> dict[str, Any]:
    """A bill as JSON."""
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
        "tax": [{"rate": one.rate, "base": one.base, "tax": one.tax} for one in made.tax],
        "tax_total": made.tax_total,
        "shown_tax": made.shown_tax,
        "total": made.total,
        "points_used": made.points_used,
        "due": made.due,
        "gross_after_points": [{"rate": rate, "gross": gross} for rate, gross in made.after_points.items()],
    }


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), JST)
