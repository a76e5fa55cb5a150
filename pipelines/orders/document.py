"""The order document: JSON from a storefront in, an ``Order`` out, and back again.

``parse_order`` is the only door: whatever passes is within the contract's types and bounds, so no rule checks a type.
What a *shop* refuses is not decided here but in ``pipelines.rules.refusals``. Texts are kept exactly as received
(formats.md B.9.2); only times are normalised, to Asia/Tokyo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import ValidationError

from pipelines.errors import Invalid, Problem
from pipelines.orders.schema import (
    COUNTRY,
    MANY_LINES,
    ONE_LINE,
    ORDER_NUMBER,
    AssumeDocument,
    OrderDocument,
    PreviewDocument,
)
from pipelines.rules.order import Coupon, Customer, Line, Order, ShipTo
from pipelines.values.calendar import JST
from pipelines.values.mail_address import addr_spec

__all__ = [
    "AssumeDocument",
    "OrderDocument",
    "PreviewDocument",
    "content_hash",
    "field_path",
    "order_from_json",
    "order_to_json",
    "parse_order",
    "parse_preview",
]

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field; remove it or correct its name.",
    "int_type": "Must be a whole number (no text, no decimals, no true or false).",
    "string_type": "Must be text.",
    "string_unicode": "Must be well-formed Unicode text (a lone surrogate was found).",
    "string_too_short": "Must have at least {min_length} character(s).",
    "string_too_long": "Must have at most {max_length} characters.",
    "greater_than_equal": "Must be {ge} or more.",
    "less_than_equal": "Must be {le} or less.",
    "list_type": "Must be a list.",
    "too_short": "Must have at least {min_length} item(s).",
    "too_long": "Must have at most {max_length} items.",
    "literal_error": "Must be {expected}.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "dict_type": "Must be an object.",
}

_PATTERNS: Final[Mapping[str, str]] = {
    ONE_LINE: "Must not contain control characters or line breaks.",
    MANY_LINES: "Must not contain control characters.",
    ORDER_NUMBER: "Must not contain spaces, slashes or control characters.",
    COUNTRY: "Must be a two-letter country code such as JP.",
}


def field_path(loc: Iterable[int | str]) -> str:
    """Join a location into the contract's form, e.g. ``lines[0].quantity``; an empty one is ``order``."""
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or "order"


def fault_of(error: ValidationError) -> str:
    """The first thing that is wrong, as ``field: reason``, in pydantic's words."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{field_path(first['loc'])}: {first['msg']}"


def _sentence(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "Is not written as it must be.")
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
        sentence = 'Must be a whole number of points, 0 or more, or "all".' if path == "points.use" else _sentence(one)
        found.setdefault(path, sentence)
    return tuple(Problem(path, sentence) for path, sentence in found.items())


def _build(document: OrderDocument) -> Order:
    to, who = document.ship_to, document.customer
    return Order(
        document.shop,
        document.number,
        document.placed_at,
        document.channel,
        document.locale,
        Customer(who.id or "", who.name, who.email, who.account, who.rank),
        ShipTo(to.kind, to.name, to.postal_code, to.region, to.city, to.line1, to.line2, to.phone, to.country),
        tuple(
            Line(
                one.line,
                one.sku,
                one.name,
                one.quantity,
                one.unit_price,
                one.tax_rate,
                one.supplier,
                one.availability,
                one.expected_on,
                one.points_rate,
                frozenset(one.flags),
            )
            for one in document.lines
        ),
        tuple(Coupon(one.code, one.kind, one.value) for one in document.coupons),
        document.points.use,
        document.payment.method,
        document.payment.token,
        document.delivery.date,
        document.delivery.slot,
        document.remarks,
        document.totals.grand_total,
    )


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
    order = _build(document)
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


def _rate_text(rate: Decimal | None) -> str | None:
    return None if rate is None else format(rate.normalize(), "f")


def order_to_json(order: Order) -> dict[str, Any]:
    """The normalised, complete JSON form of an order: equal orders give equal documents."""
    who, to = order.customer, order.ship_to
    return {
        "shop": order.shop,
        "number": order.number,
        "placed_at": order.placed_at.astimezone(JST).isoformat(),
        "channel": order.channel,
        "locale": order.locale,
        "customer": {"id": who.id, "name": who.name, "email": who.email, "account": who.account, "rank": who.rank},
        "ship_to": {
            "kind": to.kind,
            "name": to.name,
            "postal_code": to.postal_code,
            "region": to.region,
            "city": to.city,
            "line1": to.line1,
            "line2": to.line2,
            "phone": to.phone,
            "country": to.country,
        },
        "lines": [
            {
                "line": one.line,
                "sku": one.sku,
                "name": one.name,
                "quantity": one.quantity,
                "unit_price": one.unit_price,
                "tax_rate": one.tax_rate,
                "supplier": one.supplier,
                "availability": one.availability,
                "expected_on": one.expected_on.isoformat() if one.expected_on else None,
                "points_rate": _rate_text(one.points_rate),
                "flags": sorted(one.flags),
            }
            for one in order.lines
        ],
        "coupons": [{"code": one.code, "kind": one.kind, "value": one.value} for one in order.coupons],
        "points": {"use": order.points_use},
        "payment": {"method": order.method, "token": order.token},
        "delivery": {
            "date": order.delivery_date.isoformat() if order.delivery_date else None,
            "slot": order.delivery_slot,
        },
        "remarks": order.remarks,
        "totals": {"grand_total": order.shown_total},
    }


def order_from_json(document: Mapping[str, Any]) -> Order:
    """Rebuild an order from ``order_to_json``'s own output; trusts it, so it is quick."""
    return Order(
        document["shop"],
        document["number"],
        datetime.fromisoformat(document["placed_at"]).astimezone(JST),
        document["channel"],
        document["locale"],
        Customer(**document["customer"]),
        ShipTo(**document["ship_to"]),
        tuple(_line_from_json(one) for one in document["lines"]),
        tuple(Coupon(one["code"], one["kind"], one["value"]) for one in document["coupons"]),
        document["points"]["use"],
        document["payment"]["method"],
        document["payment"]["token"],
        date.fromisoformat(wish) if (wish := document["delivery"]["date"]) else None,
        document["delivery"]["slot"],
        document["remarks"],
        document["totals"]["grand_total"],
    )


def _line_from_json(one: Mapping[str, Any]) -> Line:
    return Line(
        one["line"],
        one["sku"],
        one["name"],
        one["quantity"],
        one["unit_price"],
        one["tax_rate"],
        one["supplier"],
        one["availability"],
        date.fromisoformat(one["expected_on"]) if one["expected_on"] else None,
        Decimal(one["points_rate"]) if one["points_rate"] is not None else None,
        frozenset(one["flags"]),
    )


def content_hash(order: Order) -> bytes:
    """SHA-256 (32 bytes) of the canonical JSON form: equal content, equal hash, whatever the spelling (INT-18)."""
    return hashlib.sha256(orjson.dumps(order_to_json(order), option=orjson.OPT_SORT_KEYS)).digest()
