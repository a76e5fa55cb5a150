"""Lists of orders: which are asked for, a page of them, and each as JSON or as a row of a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy import Connection

from models.states import Condition, HoldReason, OrderState
from models.store import search
from models.store.search import Filter, ListedRow, Place, Sought
from pipelines.carriers import CARRIERS
from pipelines.doors import question, shops_meant
from pipelines.errors import Invalid, Problem
from pipelines.orders.schema import Day, Key, Time, one_line
from pipelines.values.calendar import in_japan
from pipelines.values.csv_cell import BOM, cell
from pipelines.values.cursor import Cursor, read_cursor
from pipelines.values.search_term import KINDS

PAGE: Final = 50
MOST: Final = 200


def _one_of(values: type[OrderState | Condition | HoldReason]) -> Any:
    names = [str(one) for one in values]

    def known(value: str) -> str:
        if value not in names:
            raise ValueError(f"Must be one of {', '.join(names)}.")
        return value

    return Annotated[str, AfterValidator(known), WithJsonSchema({"type": "string", "enum": names})]


class OrderListQuery(BaseModel):
    """What may be asked of a list of orders; what is left out is any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shop: Key | None = Field(default=None, description="Left out: every shop of the key")
    state: _one_of(OrderState) | None = Field(default=None, description="Where the order stands")  # type: ignore[valid-type]
    condition: _one_of(Condition) | None = Field(default=None, description="Whether it moves, is held or rests")  # type: ignore[valid-type]
    hold: _one_of(HoldReason) | None = Field(default=None, description="An open reason to wait for a person")  # type: ignore[valid-type]
    supplier: Key | None = Field(default=None, description="Who ships something of it")
    dispatch_on: Day | None = Field(default=None, description="A day on which something of it is to leave")
    placed_from: Time | None = Field(default=None, description="Placed at or after this moment")
    placed_to: Time | None = Field(default=None, description="Placed before this moment")
    q: Annotated[str, one_line(200)] | None = Field(
        default=None,
        description="Number, name, mail address or phone by their beginning; customer number, SKU or tracking number whole; in any "
        "spelling",
    )
    cursor: Annotated[str, one_line(100)] | None = Field(default=None, description="`next` of the page before")
    limit: int = Field(default=PAGE, ge=1, le=MOST, description="Orders a page")


def asked_of(raw: Mapping[str, str]) -> OrderListQuery:
    """The question; raises Invalid naming each wrong parameter."""
    return question(OrderListQuery, raw)


def page(connection: Connection, shops: Sequence[str], asked: OrderListQuery) -> tuple[list[ListedRow], str | None]:
    """A page of the orders of ``shops`` that are asked for, newest first, and the cursor of the next one, None behind the last.

    Each order that is there throughout comes once, however many come in meanwhile. Raises Invalid for a shop that is none of
    ``shops``, and for a cursor that no page gave.
    """
    wanted = shops_meant(asked.shop, shops)
    after = None if asked.cursor is None else _place(asked.cursor)
    found = search.listed(connection, wanted, _filter(asked), after=after, limit=asked.limit + 1)
    rows = found[: asked.limit]
    return rows, _next(rows) if len(found) > len(rows) else None


def pages(connect: Callable[[], Connection], shops: Sequence[str], asked: OrderListQuery) -> Iterator[list[ListedRow]]:
    """Every page from ``asked`` on, each by a connection of its own, so that none is kept while somebody reads slowly."""
    following: str | None = asked.cursor
    while True:
        with connect() as connection:
            rows, following = page(connection, shops, asked.model_copy(update={"cursor": following, "limit": MOST}))
        yield rows
        if following is None:
            return


def _filter(asked: OrderListQuery) -> Filter:
    word = asked.q.strip() if asked.q else None
    return Filter(
        state=asked.state,
        condition=asked.condition,
        hold=asked.hold,
        supplier=asked.supplier,
        dispatch_on=asked.dispatch_on,
        since=asked.placed_from,
        until=asked.placed_to,
        words=sought(word) if word else None,
        numbers=_numbers(word) if word else (),
    )


def sought(word: str) -> list[Sought]:
    """What ``word`` may be: a number, a name, an address ..., each in the form in which such terms are kept."""
    return [Sought(*one) for kind in KINDS if (one := kind.sought(word)) is not None]


def _numbers(word: str) -> list[str]:
    """What ``word`` is as a tracking number, each carrier's way (TRK-03)."""
    return sorted({one.normalise(word) for one in CARRIERS.values() if one.check(word) is None})


def _next(rows: Sequence[ListedRow]) -> str:
    last = next(reversed(rows)).place
    return Cursor(last.placed_at, [last.id]).written()


def _place(cursor: str) -> Place:
    try:
        at, (id_,) = read_cursor(cursor, int)
    except ValueError:
        raise Invalid([Problem("cursor", "must be `next` of the page before")]) from None
    return Place(at, int(id_))


def shown(row: ListedRow, *, to_operator: bool) -> dict[str, Any]:
    """An order of a list as JSON; who ordered only for an operator, as with the order itself."""
    return {
        "shop": row.shop,
        "number": row.number,
        "placed_at": in_japan(row.placed_at).isoformat(),
        "state": row.state,
        "condition": row.condition,
        "hold_reasons": list(row.holds),
        "currency": row.currency,
        "grand_total": row.grand_total,
        "payment": {"method": row.method, "state": row.payment_state},
        "shipments": [dict(one) for one in row.shipments],
        **({"customer": {"id": row.customer_id or None, "name": row.customer_name}} if to_operator else {}),
    }


_HEADINGS: Final = (
    "shop",
    "number",
    "placed_at",
    "state",
    "condition",
    "hold_reasons",
    "method",
    "payment_state",
    "grand_total",
    "currency",
    "customer_id",
    "customer_name",
    "suppliers",
    "dispatch_on",
    "tracking_numbers",
)


def csv_of(found: Iterator[list[ListedRow]]) -> Iterator[str]:
    """The orders as CSV for a spreadsheet, as an operator sees them: a heading, then a part a page; no cell is a formula."""
    yield BOM + _lines([_HEADINGS])
    for rows in found:
        yield _lines([_cells(row) for row in rows])


def _cells(row: ListedRow) -> tuple[object, ...]:
    suppliers = dict.fromkeys(one["supplier"] for one in row.shipments)
    days = dict.fromkeys(one["dispatch_on"] for one in row.shipments if one["dispatch_on"])
    numbers = [number for one in row.shipments for number in one["tracking_numbers"]]
    return (
        row.shop,
        row.number,
        in_japan(row.placed_at).isoformat(),
        row.state,
        row.condition,
        " ".join(row.holds),
        row.method,
        row.payment_state,
        row.grand_total,
        row.currency,
        row.customer_id,
        row.customer_name,
        " ".join(suppliers),
        " ".join(days),
        " ".join(numbers),
    )


def _lines(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[cell(value) for value in row] for row in rows])
    return text.getvalue()
