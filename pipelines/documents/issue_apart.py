"""Issuing what is of no single order: the statement of a customer's month (請求書, TAX-02), a quotation (見積書, DOC-06).

Numbered and kept as those of an order are. Nobody else issues one of the shop and kind meanwhile, so that two clicks come one
after the other; the same again is a copy of the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial

import orjson
from sqlalchemy import Connection

from models.store import documents
from pipelines import billing
from pipelines.documents.gather import order_row, sale_facts
from pipelines.documents.keep import About, Press, Request, Stored, Typesets, answered, keep, keep_copy
from pipelines.documents.kinds import Kind
from pipelines.documents.paper import Document
from pipelines.documents.parties import addressee_of
from pipelines.documents.quoting import quoted
from pipelines.documents.statement_paper import statement
from pipelines.documents.writing import Wish, locale_of
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.orders.document import order_to_json
from pipelines.orders.lookup import as_it_stands
from pipelines.orders.plan import Plan, planned_of
from pipelines.rules.dates.periods import end_of, same_day_months_later
from pipelines.shops import Shop


def statement_subject(customer: str, month: date) -> str:
    """What the statement of a customer's month is about; ``month`` is its first day."""
    return f"{customer}/{month:%Y-%m}"


def issue_statement(
    connection: Connection,
    shop: Shop,
    customer: str,
    month: date,
    wish: Wish,
    request: Request,
    now: datetime,
    typesets: Typesets,
) -> Stored:
    """Issue the statement of the customer's orders of the month that begins with ``month``, once it is over.

    What changes afterwards is on the statement of the month in which it is made (PAY-12): a copy says what the first said. Raises
    NotFound where the customer has nothing in that month, Conflict before it is over.
    """
    press, about = (
        Press(connection, request, now, typesets),
        About(shop, Kind.STATEMENT, statement_subject(customer, month)),
    )

    def written() -> Document:
        if now < end_of(same_day_months_later(month, 1) - timedelta(days=1)):
            raise Conflict(f"The month {month:%Y-%m} is not over; its statement has all orders of it.", rule="TAX-02")
        bill = billing.statement(connection, shop, customer, month)
        newest = next(reversed([*bill["credits"], *bill["orders"]]), None)
        row = order_row(connection, shop.key, newest["number"]) if newest else None
        if row is None:
            raise NotFound(f"customer {customer} has nothing on a bill of {shop.key} in {month:%Y-%m}")
        order = sale_facts(connection, row, shop, now).order
        locale = locale_of(wish, order)
        return statement(bill, shop, addressee_of(order, locale, wish.addressee, with_address=True), locale)

    return _issued(press, about, wish, written)


def issue_quotation(
    connection: Connection,
    shops: Mapping[str, Shop],
    raw: object,
    wish: Wish,
    request: Request,
    now: datetime,
    typesets: Typesets,
) -> Stored:
    """Issue a quotation of the order ``raw``, decoded JSON, at the figures that ``POST /v1/preview`` answers at this moment.

    The same order on the same day again is a copy. Raises Invalid for what is no order, or one that the shop does not take.
    """
    planned, shop = planned_of(raw, shops, partial(as_it_stands, connection, shops))
    if planned.problems:
        raise Invalid(planned.problems)
    press = Press(connection, request, now, typesets)
    about = About(shop, Kind.QUOTATION, _quoted_subject(planned, wish, press.today))
    return _issued(press, about, wish, lambda: quoted(planned, shop, wish, press.today))


def _issued(press: Press, about: About, wish: Wish, written: Callable[[], Document]) -> Stored:
    documents.alone(press.connection, about.shop.key, about.kind)
    if (before := answered(press, about, wish)) is not None:
        return before
    if copies := documents.of_no_order(press.connection, about.shop.key, about.kind, about.subject):
        return keep_copy(press, about, copies, wish.addressee)
    return keep(press, about, written())


def _quoted_subject(planned: Plan, wish: Wish, on: date) -> str:
    said = [order_to_json(planned.order), planned.breakdown.to_json(), wish.addressee, wish.locale]
    digest = hashlib.blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
    return f"{digest}/{on.isoformat()}"
