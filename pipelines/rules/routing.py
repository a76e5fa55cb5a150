"""Who sends the lines for which the storefront names nobody (出荷元の割り当て): rules rank the shop's suppliers.

A rule gives each candidate a rank, the least is best, or abstains; the rules are asked in the profile's order (``split.routing``), each
about those that the one before left level. Whatever stays level is decided by the profile's own order of suppliers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pipelines.rules.order import Line, Order
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Question:
    """Who sends ``line`` of ``order``; ``chosen`` are the suppliers of its other lines so far."""

    line: Line
    order: Order
    shop: Shop
    chosen: Collection[str]


Rank = Callable[[str, Question], int | None]


def by_goods(name: str, asked: Question) -> int | None:
    """Whoever keeps such goods, by the beginning of their SKU (``suppliers.NAME.skus``), then those that do not say, then those that
    keep others."""
    skus = asked.shop.supplier(name).skus
    return 1 if not skus else 0 if asked.line.sku.startswith(skus) else 2


def by_company(name: str, asked: Question) -> int | None:
    """Whoever sends other lines of the order already: fewer parcels. Abstains while nobody does."""
    return None if not asked.chosen else int(name not in asked.chosen)


def by_day(name: str, asked: Question) -> int | None:
    """Whoever could send it soonest, counted in days from the order."""
    ordered_at = in_japan(asked.order.placed_at)
    days, profile = asked.shop.dispatch_days(name), asked.shop.supplier(name)
    ready = days.calendar.add_business_days(days.first_for(ordered_at), profile.lead_days + profile.transfer_days)
    return (ready - ordered_at.date()).days


#: The rules that a profile may name.
RULES: Final[Mapping[str, Rank]] = {"goods": by_goods, "company": by_company, "day": by_day}


def routed(order: Order, shop: Shop) -> Order:
    """``order`` with a supplier for every line; as it is where each has one."""
    if all(line.supplier for line in order.lines):
        return order
    chosen = {line.supplier for line in order.lines if line.supplier}
    lines: list[Line] = []
    for line in order.lines:
        supplier = line.supplier or choose(Question(line, order, shop, chosen))
        chosen.add(supplier)
        lines.append(replace(line, supplier=supplier))
    return replace(order, lines=tuple(lines))


def choose(asked: Question) -> str:
    """The supplier that ranks best; the shop's home where the profile lists none."""
    left: Sequence[str] = list(asked.shop.suppliers) or [asked.shop.split.home]
    for name in asked.shop.split.routing:
        left = _best(left, RULES[name], asked)
        if len(left) == 1:
            break
    return left[0]


def _best(candidates: Sequence[str], rule: Rank, asked: Question) -> Sequence[str]:
    """Those that rank best; those of which the rule says nothing come after all that it ranks, and all stay where it abstains."""
    ranks = {name: rank for name in candidates if (rank := rule(name, asked)) is not None}
    if not ranks:
        return candidates
    best = min(ranks.values())
    return [name for name in candidates if ranks.get(name) == best]
