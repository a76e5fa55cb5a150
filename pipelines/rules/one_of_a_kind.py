"""One-of-a-kind goods (一点物, INT-10): the first order that is accepted has the item, and no second one gets it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pipelines.errors import Problem
from pipelines.rules.order import Line, Order

if TYPE_CHECKING:
    from pipelines.shops import Shop

UNIQUE: Final = "unique"
"""The availability of a line whose item there is once."""


def as_sold(order: Order, shop: Shop) -> Order:
    """``order`` as its shop sells it (`lines_as_sold`). Everything later, from the price to the shipments, sees the order so."""
    lines = lines_as_sold(order.lines, shop)
    return order if lines is order.lines else replace(order, lines=lines)


def lines_as_sold(lines: tuple[Line, ...], shop: Shop) -> tuple[Line, ...]:
    """``lines`` with what the profile knows and no storefront can make otherwise: where every item is one of a kind each line is,
    and nothing is back-ordered, so that no day is waited for either. The same object where that changes nothing."""
    if not shop.intake.every_item_unique or all(_is_unique(line) for line in lines):
        return lines
    return tuple(replace(line, availability=UNIQUE, expected_on=None) for line in lines)


def _is_unique(line: Line) -> bool:
    return line.availability == UNIQUE and line.expected_on is None


def items_of(order: Order) -> list[str]:
    """The SKU of each one-of-a-kind line of an order as it is sold (`as_sold`)."""
    return [line.sku for line in order.lines if line.availability == UNIQUE]


def problems(order: Order, taken: Collection[str] = ()) -> Iterator[Problem]:
    """What an order as it is sold asks of one-of-a-kind items that cannot be. ``taken``: SKUs that live orders have."""
    unique, first = set(items_of(order)), dict[str, int]()
    for index, line in enumerate(order.lines):
        if line.sku not in unique:
            continue
        if line.availability == UNIQUE and line.quantity != 1:
            yield Problem(f"lines[{index}].quantity", "Must be 1 for a one-of-a-kind item (INT-10).")
        if (earlier := first.setdefault(line.sku, index)) != index:
            says = f"Is one of a kind and on lines[{earlier}] already; remove one of the two (INT-10)."
            yield Problem(f"lines[{index}].sku", says)
        elif line.availability == UNIQUE and line.sku in taken:
            yield Problem(f"lines[{index}].sku", "is one of a kind and sold already (INT-10)")
