"""The order document: JSON from a storefront in, an ``Order`` out, and back again.

``parse_order`` is the only door: whatever passes is within the contract's types and bounds, so no rule checks a type.
What a *shop* refuses is not decided here but in ``pipelines.rules.refusals``. Texts are kept exactly as received
(formats.md B.9.2); only times are normalised, to Asia/Tokyo.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import orjson
from pydantic import BaseModel, ValidationError

from pipelines.errors import Invalid, Problem
from pipelines.orders.schema import (
    COUNTRY,
    MANY_LINES,
    MOST_POINTS,
    ONE_LINE,
    ORDER_NUMBER,
    AssumeDocument,
    OrderDocument,
    PreviewDocument,
)
from pipelines.rules.order import TO_BE_NAMED, Coupon, Customer, Exchange, Line, Order, Pickup, ShipTo
from pipelines.values.calendar import JST
from pipelines.values.card_number import mask
from pipelines.values.mail_address import addr_spec
from pipelines.values.moment import NO_DATE, NO_TIME

__all__ = [
    "AssumeDocument",
    "Content",
    "OrderDocument",
    "PreviewDocument",
    "content_of",
    "field_path",
    "order_from_json",
    "order_to_json",
    "parse_order",
    "parse_preview",
    "told_number",
]

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field; remove it or correct its name.",
    "int_type": "Must be a whole number (no text, no decimals, no true or false).",
    "int_parsing": "Must be a whole number.",
    "string_type": "Must be text.",
    "string_unicode": "Must be well-formed Unicode text (a lone surrogate was found).",
    "string_too_short": "Must have at least {min_length} character(s).",
    "string_too_long": "Must have at most {max_length} characters.",
    "greater_than_equal": "Must be {ge} or more.",
    "less_than_equal": "Must be {le} or less.",
    "bool_type": "Must be true or false.",
    "list_type": "Must be a list.",
    "too_short": "Must have at least {min_length} item(s).",
    "too_long": "Must have at most {max_length} items.",
    "literal_error": "Must be {expected}.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "dict_type": "Must be an object.",
    **dict.fromkeys(("timezone_aware", "datetime_type", "datetime_parsing", "datetime_from_date_parsing"), NO_TIME),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"), NO_DATE),
}

_POINTS: Final = f'Must be a whole number of points from 0 to {MOST_POINTS}, or "all".'
_LONGEST_NUMBER: Final = 64
_ORDER_NUMBER: Final = re.compile(ORDER_NUMBER)

_PATTERNS: Final[Mapping[str, str]] = {
    ONE_LINE: "Must not contain control characters or line breaks.",
    MANY_LINES: "Must not contain control characters.",
    ORDER_NUMBER: "Must not contain spaces, slashes or control characters.",
    COUNTRY: "Must be a two-letter country code such as JP.",
}


def field_path(loc: Iterable[int | str]) -> str:
    """Join a location into the contract's form, e.g. ``lines[0].quantity``; an empty one is ``order``.

    A name that nobody knows may be anything: one that is a card number is masked (INT-17).
    """
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return mask(path) or "order"


def told_number(raw: object) -> str | None:
    """The order number of a document that was refused, to name it by; masked if it is none that an order can have."""
    if not isinstance(raw, str):
        return None
    return raw if len(raw) <= _LONGEST_NUMBER and _ORDER_NUMBER.fullmatch(raw) else mask(raw)[:_LONGEST_NUMBER]


def fault_of(error: ValidationError) -> str:
    """The first thing that is wrong with what a partner said, as ``field: reason``, in the words in which a request is refused."""
    first = error.errors(include_url=False, include_input=False)[0]
    path = field_path(first["loc"]) if first["loc"] else "the document"
    return f"{path}: {_sentence(first)}"


def _sentence(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "Is not written as it must be.")
    if kind == "literal_error" and context["expected"] in ("True", "False"):
        return f"Must be {context['expected'].lower()}."  # as JSON writes it
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**context)
    return f"{error['msg']}."


def _location(error: Mapping[str, Any]) -> tuple[int | str, ...]:
    # a union adds its member's name to the path: ("points", "use", "int") is about points.use
    loc: tuple[int | str, ...] = tuple(error["loc"])
    return loc[:2] if loc[:2] == ("points", "use") else loc


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    found: dict[str, str] = {}
    for one in error.errors(include_url=False, include_input=False):
        path = field_path(_location(one))
        sentence = _POINTS if path == "points.use" else _sentence(one)
        found.setdefault(path, sentence)
    return tuple(Problem(path, sentence) for path, sentence in found.items())


#: Where a document keeps what an ``Order`` calls otherwise; everything else has one name in both.
_GROUPED: Final[Mapping[str, tuple[str, str]]] = {
    "points_use": ("points", "use"),
    "method": ("payment", "method"),
    "token": ("payment", "token"),
    "delivery_date": ("delivery", "date"),
    "delivery_slot": ("delivery", "slot"),
    "shown_total": ("totals", "grand_total"),
}
#: By name, what JSON does not have as it is: how it is read, and how it is written. None stays None.
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "placed_at": lambda text: datetime.fromisoformat(text).astimezone(JST),
    "delivery_date": date.fromisoformat,
    "expected_on": date.fromisoformat,
    "visit_on": date.fromisoformat,
    "points_rate": Decimal,
    "flags": frozenset,
}
_WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "placed_at": lambda at: at.astimezone(JST).isoformat(),
    "delivery_date": date.isoformat,
    "expected_on": date.isoformat,
    "visit_on": date.isoformat,
    "points_rate": lambda rate: format(rate.normalize(), "f"),
    "flags": sorted,
}


class _Fields:
    """The fields of a class of which an order consists: as a dictionary, and which of them JSON does not have."""

    def __init__(self, of: type[Any]) -> None:
        self.names = tuple(one.name for one in fields(of))
        self.special = tuple(name for name in self.names if name in _READ)
        self._get = attrgetter(*self.names)

    def written(self, value: object) -> dict[str, Any]:
        """``value`` as JSON has it."""
        return self._through(_WRITTEN, dict(zip(self.names, self._get(value), strict=True)))

    def read(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What JSON has, as the class takes it."""
        return self._through(_READ, dict(document))

    def _through(self, change: Mapping[str, Callable[[Any], Any]], values: dict[str, Any]) -> dict[str, Any]:
        for name in self.special:
            if (value := values[name]) is not None:
                values[name] = change[name](value)
        return values


_ORDER, _LINE, _CUSTOMER, _SHIP_TO, _COUPON = map(_Fields, (Order, Line, Customer, ShipTo, Coupon))
_PICKUP, _EXCHANGE = map(_Fields, (Pickup, Exchange))
#: Left out where there is none, so that content from before there was any stays equal.
_ADDED: Final = ("exchange", "pickup", "replaces")
_ALIKE: Final = tuple(name for name in _ORDER.names if name not in (*_GROUPED, *_ADDED))


def _order(values: dict[str, Any]) -> Order:
    """An order from its fields, its parts as their fields."""
    values["customer"] = Customer(**values["customer"])
    values["ship_to"] = ShipTo(**values["ship_to"])
    values["lines"] = tuple([Line(**one) for one in values["lines"]])
    values["coupons"] = tuple([Coupon(**one) for one in values["coupons"]])
    values["pickup"] = Pickup(**values["pickup"]) if values["pickup"] else None
    values["exchange"] = Exchange(**values["exchange"]) if values["exchange"] else None
    return Order(**values)


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an order from where a document keeps them."""
    values = {name: document[name] for name in _ALIKE}
    for name, (group, key) in _GROUPED.items():
        values[name] = document[group][key]
    for name in _ADDED:
        values[name] = document.get(name)
    return values


def _of_validated(document: OrderDocument) -> Order:
    """The order of a document whose fields have their types already."""
    plain = {name: vars(part) if isinstance(part, BaseModel) else part for name, part in vars(document).items()}
    values = _flat(plain)
    values["customer"] = {**values["customer"], "id": document.customer.id or ""}
    values["ship_to"] = values["ship_to"] or _SHIP_TO.written(TO_BE_NAMED)
    values["lines"] = [
        {**vars(one), "flags": frozenset(one.flags), "supplier": one.supplier or ""} for one in document.lines
    ]
    values["coupons"] = [vars(one) for one in document.coupons]
    return _order(values)


def _beyond_types(order: Order) -> tuple[Problem, ...]:
    """What a schema cannot say: line ids are unique, a percentage is at most 100, the mail address is one."""
    problems = []
    first: dict[str, int] = {}
    for index, line in enumerate(order.lines):
        if (earlier := first.setdefault(line.line, index)) != index:
            problems.append(Problem(f"lines[{index}].line", f"Must be unique; lines[{earlier}] has the same id."))
    for index, coupon in enumerate(order.coupons):
        if coupon.kind == "percent" and coupon.value > 100:
            problems.append(Problem(f"coupons[{index}].value", "Must be 100 or less for a percentage."))
    if order.pickup is None and order.ship_to == TO_BE_NAMED:
        problems.append(Problem("ship_to", _SENTENCES["missing"]))
    if order.number in {".", ".."}:
        problems.append(Problem("number", "Must be more than dots: it stands in a URL."))
    try:
        addr_spec(order.customer.email)
    except ValueError as error:
        problems.append(Problem("customer.email", str(error)))
    return tuple(problems)


def _validated(model: type[OrderDocument], raw: object) -> tuple[OrderDocument, Order]:
    try:
        document = model.model_validate(raw)
    except ValidationError as error:
        raise Invalid(problems_of(error)) from None
    order = _of_validated(document)
    if problems := _beyond_types(order):
        raise Invalid(problems)
    return document, order


def parse_order(raw: object) -> Order:
    """Turn decoded JSON into an ``Order``; raises ``Invalid`` with every problem, by the contract's field paths."""
    return _validated(OrderDocument, raw)[1]


def parse_preview(raw: object) -> tuple[Order, AssumeDocument]:
    """Like ``parse_order`` for a preview request, whose ``assume`` object comes back beside the order."""
    document, order = _validated(PreviewDocument, raw)
    assert isinstance(document, PreviewDocument)
    return order, document.assume


def order_to_json(order: Order) -> dict[str, Any]:
    """The normalised, complete JSON form of an order: equal orders give equal documents."""
    document = _ORDER.written(order)
    for name, (group, key) in _GROUPED.items():
        document.setdefault(group, {})[key] = document.pop(name)
    document["customer"] = _CUSTOMER.written(order.customer)
    document["ship_to"] = _SHIP_TO.written(order.ship_to)
    document["lines"] = [_line(one) for one in order.lines]
    document["coupons"] = [_COUPON.written(one) for one in order.coupons]
    if order.replaces is None:
        del document["replaces"]
    if order.exchange is None:
        del document["exchange"]
    else:
        document["exchange"] = _EXCHANGE.written(order.exchange)
    if order.pickup is None:
        del document["pickup"]
    else:
        document["pickup"] = _PICKUP.written(order.pickup)
    return document


def _line(line: Line) -> dict[str, Any]:
    """A line's JSON; what is not told of what came later is left out, so that content from before there was any stays equal."""
    written = _LINE.written(line)
    for name in ("product", "weight_g", "size_cm"):
        if written[name] is None:
            del written[name]
    return written


def is_kept_by(document: Mapping[str, Any], supplier: str) -> bool:
    """Whether what ``supplier`` has of an order lies in the store that it is called to (STO-01)."""
    pickup = document.get("pickup")
    return pickup is not None and pickup["store"] == supplier


def order_from_json(document: Mapping[str, Any]) -> Order:
    """Rebuild an order from ``order_to_json``'s own output; trusts it, so it is quick."""
    values = _ORDER.read(_flat(document))
    values["lines"] = [_LINE.read(one) for one in document["lines"]]
    if values["pickup"]:
        values["pickup"] = _PICKUP.read(values["pickup"])
    return _order(values)


@dataclass(frozen=True, slots=True)
class Content:
    """What an order says: its document, and the SHA-256 (32 bytes) of that; equal content, equal hash, whatever the
    spelling (INT-18)."""

    document: Mapping[str, Any]
    hash: bytes


def content_of(order: Order) -> Content:
    """What ``order`` says."""
    document = order_to_json(order)
    return Content(document, hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest())
