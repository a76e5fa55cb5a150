"""What a command's words name: a shop or a supplier of the profiles, or from where to where. What is none is a mistake, said in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from pipelines.errors import Invalid, Problem

if TYPE_CHECKING:
    from pipelines.shops import Shop

Bound = TypeVar("Bound", date, int)


def shop_named(shops: Mapping[str, Shop], name: str, field: str = "SHOP") -> Shop:
    """The shop ``name``. Raises Invalid for none, with the names of those that are."""
    if name not in shops:
        raise Invalid([Problem(field, f"there is no shop {name}; the shops are {', '.join(sorted(shops))}")])
    return shops[name]


def need_shops(names: Iterable[str], field: str = "--shop") -> None:
    """Raise Invalid for the first of what ``field`` named that is no shop of the profiles."""
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.settings import load

    if given := [*names]:
        shops = load_shops(load().shops_dir, INSTALLATION)
        for name in given:
            shop_named(shops, name, field)


def need_supplier(shops: Mapping[str, Shop], name: str, field: str = "--supplier") -> None:
    """Raise Invalid where no profile has the supplier ``name``."""
    known = {one for shop in shops.values() for one in shop.suppliers}
    if name not in known:
        says = f"no profile has a supplier {name}; the suppliers are {', '.join(sorted(known))}"
        raise Invalid([Problem(field, says)])


def need_order(first: Bound | None, last: Bound | None, names: tuple[str, str]) -> None:
    """Raise Invalid where the options ``names`` go from ``first`` back to ``last``: nothing lies between."""
    if first is not None and last is not None and last < first:
        raise Invalid([Problem(names[1], f"lies before {names[0]}: nothing can lie between them")])
