"""From order lines to shipments (A.4), as a chain of small splitters, each ``packages -> packages``.

Every line starts in one package. The profile names the links and their order (``split.chain``): ``source`` takes it apart by who sends
(SPL-01); ``home`` puts it together again in a shop that does not drop-ship (INT-11, SPL-07); ``availability`` lets in-stock lines go
before back-orders where the shop allows that (SPL-03); ``temperature`` keeps frozen, chilled and other goods apart; ``promise`` lets
goods go before those that take longer to prepare; ``together`` parts what may not travel together; ``limits`` makes parcels that their
carrier takes. What a link took apart without need is then merged. Goods that lie in the store they are called to do not travel, and
pass no link (STO-01). Every piece of every line ends in exactly one package.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from pipelines.rules.order import Line

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.fulfilling import Supplier


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
    """Lines that travel together from ``supplier``, each with so many of its pieces."""

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
    return _apart_by(packages, lambda line: line.expected_on or date.max if is_backorder(line) else None)


def at_one_temperature(packages: Packages, shop: Shop) -> Packages:
    """Frozen, chilled and all other goods travel apart; what is both is frozen."""
    return _apart_by(packages, lambda line: next((one for one in ("frozen", "chilled") if one in line.flags), None))


def as_promised(packages: Packages, shop: Shop) -> Packages:
    """Goods that their source has prepared go before those that take longer (INT-11)."""

    def days(line: Line) -> int:
        source = shop.supplier(line.supplier)
        return source.lead_days + source.transfer_days

    return _apart_by(packages, days)


def apart(packages: Packages, shop: Shop) -> Packages:
    """What may not travel together (``split.apart``): each line goes into the first package that has nothing against it."""
    rules = [frozenset(rule) for rule in shop.split.apart]
    return tuple(
        Package(package.supplier, tuple(lines)) for package in packages for lines in _compatible(package.lines, rules)
    )


def _compatible(lines: Iterable[Line], rules: Sequence[frozenset[str]]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    for line in lines:
        group = next((one for one in groups if not any(_against(line, other, rules) for other in one)), None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    return groups


def _against(line: Line, other: Line, rules: Sequence[frozenset[str]]) -> bool:
    """Whether a rule keeps two lines apart: one flag travels with nothing else, two not with one another. One line's own pieces are
    no other goods."""
    if line.line == other.line:
        return False
    for rule in rules:
        mine, theirs = rule & line.flags, rule & other.flags
        if (len(rule) == 1 and mine | theirs) or (len(rule) == 2 and mine and theirs and mine | theirs == rule):
            return True
    return False


def within_limits(packages: Packages, shop: Shop) -> Packages:
    """Parcels that their supplier's carrier takes: no heavier than ``parcel_weight_g``, and what is larger than ``parcel_size_cm`` each
    on its own. Pieces go in sequence into the first parcel with room; of what has no weight or size told nothing is known, and a
    piece that is too heavy by itself travels alone."""
    return tuple(one for package in packages for one in _boxed(package, shop.supplier(package.supplier)))


def _boxed(package: Package, supplier: Supplier) -> Iterable[Package]:
    if supplier.parcel_weight_g is None and supplier.parcel_size_cm is None:
        return (package,)
    boxes: list[_Box] = []
    for line in package.lines:
        left = line.quantity
        while left:
            box, room = next(((one, room) for one in boxes if (room := one.room(line, supplier))), (None, 0))
            if box is None:
                boxes.append(box := _Box({}, 0, is_full=_is_large(line, supplier)))
                room = 1 if box.is_full else max(1, box.room(line, supplier))
            box.put(line, pieces := min(left, room))
            left -= pieces
    return [Package(package.supplier, tuple(box.lines.values())) for box in boxes]


@dataclass(slots=True)
class _Box:
    """A parcel being packed: pieces by line, grams, and whether nothing fits beside what is in it."""

    lines: dict[str, Line]
    weight: int
    is_full: bool

    def room(self, line: Line, supplier: Supplier) -> int:
        """So many more pieces of ``line`` go in."""
        if self.is_full or _is_large(line, supplier):
            return 0
        if supplier.parcel_weight_g is None or not line.weight_g:
            return line.quantity
        return max(0, supplier.parcel_weight_g - self.weight) // line.weight_g

    def put(self, line: Line, pieces: int) -> None:
        before = self.lines[line.line].quantity if line.line in self.lines else 0
        self.lines[line.line] = replace(line, quantity=before + pieces)
        self.weight += (line.weight_g or 0) * pieces


def _is_large(line: Line, supplier: Supplier) -> bool:
    return supplier.parcel_size_cm is not None and (line.size_cm or 0) > supplier.parcel_size_cm


#: The links that a profile may name, by name.
SPLITTERS: Final[Mapping[str, Splitter]] = {
    "source": at_source,
    "home": at_home,
    "availability": when_ready,
    "temperature": at_one_temperature,
    "promise": as_promised,
    "together": apart,
    "limits": within_limits,
}


def split(lines: Iterable[Line], shop: Shop, called_to: str | None = None) -> tuple[Part, ...]:
    """The shipments of ``lines``, in the order of their first lines; each piece of each line is in exactly one. What lies in the store
    that it is ``called_to`` is one by itself, and goes no way by another supplier (STO-01)."""
    all_lines = tuple(lines)
    place = {line.line: index for index, line in enumerate(all_lines)}
    kept = tuple(line for line in all_lines if line.supplier == called_to)
    sent = tuple(line for line in all_lines if line.supplier != called_to)
    packages = merged(_through((Package("", sent),), shop), shop) if sent else ()
    if kept and called_to is not None:
        packages = (*packages, Package(called_to, kept))
    parts = [
        _part(Package(one.supplier, tuple(sorted(one.lines, key=lambda line: place[line.line])))) for one in packages
    ]
    return tuple(sorted(parts, key=lambda part: place[part.lines[0][0]]))


def _through(packages: Packages, shop: Shop) -> Packages:
    for name in shop.split.chain:
        packages = SPLITTERS[name](packages, shop)
    return packages


def merged(packages: Packages, shop: Shop) -> Packages:
    """``packages`` without those that nothing in the chain keeps apart: two of one supplier are one where the chain leaves them so."""
    kept: list[Package] = []
    for package in packages:
        for index, other in enumerate(kept):
            both = _both(other, package) if other.supplier == package.supplier else None
            if both is not None and len(made := _through((both,), shop)) == 1:
                kept[index] = replace(made[0], supplier=package.supplier)
                break
        else:
            kept.append(package)
    return tuple(kept)


def _both(one: Package, other: Package) -> Package:
    lines = {line.line: line for line in one.lines}
    for line in other.lines:
        before = lines[line.line].quantity if line.line in lines else 0
        lines[line.line] = replace(line, quantity=before + line.quantity)
    return Package(one.supplier, tuple(lines.values()))


def _part(package: Package) -> Part:
    waiting = [line for line in package.lines if is_backorder(line)]
    known = [line.expected_on for line in waiting if line.expected_on is not None]
    expected_on = max(known) if known and len(known) == len(waiting) else None
    return Part(
        package.supplier, tuple((line.line, line.quantity) for line in package.lines), bool(waiting), expected_on
    )


def _apart_by(packages: Packages, key: Callable[[Line], Hashable]) -> Packages:
    """Each package by what ``key`` says of its lines, in the sequence of the first of each."""
    made: list[Package] = []
    for package in packages:
        groups: dict[Hashable, list[Line]] = {}
        for line in package.lines:
            groups.setdefault(key(line), []).append(line)
        apart = (Package(package.supplier, tuple(group)) for group in groups.values())
        made += apart if len(groups) > 1 else (package,)
    return tuple(made)
