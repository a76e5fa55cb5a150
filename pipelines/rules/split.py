"""From order lines to shipments (A.4), as a chain of small splitters, each ``packages -> packages``.

Every line starts in one package. ``at_source`` takes it apart by who sends (SPL-01); ``at_home`` puts it together
again in a shop that does not drop-ship (INT-11, SPL-07); ``when_ready`` lets in-stock lines go before back-orders
where the shop allows that (SPL-03). Quantities are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pipelines.rules.order import Line

if TYPE_CHECKING:
    from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Part:
    """One shipment to be: ``lines`` are (line id, quantity) in the order's sequence.

    ``backorder``: at least one line is not in stock; ``expected_on`` is when the last of them is expected, None if that
    is unknown.
    """

    supplier: str
    lines: tuple[tuple[str, int], ...]
    backorder: bool = False
    expected_on: date | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """Lines that travel together from ``supplier``."""

    supplier: str
    lines: tuple[Line, ...]


Packages = tuple[Package, ...]
Splitter = Callable[[Packages, "Shop"], Packages]


def is_backorder(line: Line) -> bool:
    """True for what must arrive or be made first; a one-of-a-kind item is in stock."""
    return line.availability in {"backorder", "made_to_order"}


def at_source(packages: Packages, shop: Shop) -> Packages:
    """One package a supplier; goods that travel through another supplier leave from there (INT-11)."""
    suppliers: dict[str, list[Line]] = {}
    for package in packages:
        for line in package.lines:
            suppliers.setdefault(shop.supplier(line.supplier).ships_via or line.supplier, []).append(line)
    return tuple(Package(supplier, tuple(lines)) for supplier, lines in suppliers.items())


def at_home(packages: Packages, shop: Shop) -> Packages:
    """Without drop-shipping one cart is one shipment: several sources are gathered at home (SPL-07)."""
    if shop.split.drop_ship or len(packages) == 1:
        return packages
    return (Package(shop.split.home, tuple(line for package in packages for line in package.lines)),)


def when_ready(packages: Packages, shop: Shop) -> Packages:
    """In-stock lines apart from back-orders, and those apart by the day they are expected, if allowed (SPL-03)."""
    if not shop.split.allow_split_backorder:
        return packages
    ready: list[Package] = []
    for package in packages:
        groups = _groups(package.lines, lambda line: line.expected_on or date.max if is_backorder(line) else None)
        ready += [Package(package.supplier, lines) for lines in groups]
    return tuple(ready)


CHAIN: Final[tuple[Splitter, ...]] = (at_source, at_home, when_ready)


def split(lines: Iterable[Line], shop: Shop) -> tuple[Part, ...]:
    """The shipments of ``lines``, in the order of their first lines; each unit of each line is in exactly one."""
    all_lines = tuple(lines)
    if not all_lines:
        return ()
    place = {line.line: index for index, line in enumerate(all_lines)}
    packages: Packages = (Package("", all_lines),)
    for splitter in CHAIN:
        packages = splitter(packages, shop)
    parts = [
        _part(Package(one.supplier, tuple(sorted(one.lines, key=lambda line: place[line.line])))) for one in packages
    ]
    return tuple(sorted(parts, key=lambda part: place[part.lines[0][0]]))


def _part(package: Package) -> Part:
    waiting = [line for line in package.lines if is_backorder(line)]
    known = [line.expected_on for line in waiting if line.expected_on is not None]
    expected_on = max(known) if known and len(known) == len(waiting) else None
    return Part(
        package.supplier, tuple((line.line, line.quantity) for line in package.lines), bool(waiting), expected_on
    )


def _groups(lines: Iterable[Line], key: Callable[[Line], Hashable]) -> list[tuple[Line, ...]]:
    groups: dict[Hashable, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return [tuple(group) for group in groups.values()]
