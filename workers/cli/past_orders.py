"""A file of past orders: one a line, or one document that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import IO

from pipelines.errors import Invalid, Problem
from pipelines.orders.document import parse_order
from pipelines.rules.order import Order
from workers.web.body import BadBody, parse_json


def read(file: IO[bytes]) -> Iterator[Order]:
    """The orders in ``file``: one a line, as they come, or all of one document, which is an order, a list of orders, or what
    ``POST /v1/orders:batch`` takes. Raises ``Invalid`` naming the line, or the place in the list, and the field."""
    lines: Iterator[tuple[int, bytes]] = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
    if (first := next(lines, None)) is None:
        return
    if not _is_order(first[1]):
        rest = list(lines)
        if (found := _document(b"".join(line for _, line in (first, *rest)))) is not None:
            yield from found
            return
        lines = iter(rest)
    for number, line in chain([first], lines):
        try:
            raw = parse_json(line)
        except BadBody as bad:
            raise Invalid([Problem(f"line {number}", bad.detail)]) from None
        yield _order(raw, f"line {number}: ")


def _is_order(line: bytes) -> bool:
    """Whether a line is an object of its own that may be an order."""
    try:
        raw = parse_json(line)
    except BadBody:
        return False
    return isinstance(raw, dict) and "orders" not in raw


def _document(data: bytes) -> Iterator[Order] | None:
    """The orders of one document; None where ``data`` is none."""
    try:
        raw = parse_json(data)
    except BadBody:
        return None
    listed = raw["orders"] if isinstance(raw, dict) and set(raw) == {"orders"} else raw
    if isinstance(listed, list):
        return (_order(one, f"orders[{place}].") for place, one in enumerate(listed))
    return iter([_order(raw, "")])


def _order(raw: object, where: str) -> Order:
    try:
        return parse_order(raw)
    except Invalid as wrong:
        raise Invalid([Problem(f"{where}{one.field}", one.message) for one in wrong.problems]) from None
