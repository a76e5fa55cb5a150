"""Reviews (PTS-10): which product a review is of, and whether it is of something that the customer has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.shops import Shop


def product_of(sku: str, named: str | None, shop: Shop) -> str:
    """What the variants of a product (colours, sizes) have in common: the product that the storefront ``named``, else the
    SKU's part before the profile's separator."""
    separator = shop.points.product_separator
    return named or (sku.partition(separator)[0] if separator else "") or sku


def reviewed_product(reviewed: str, goods: Iterable[tuple[str, str | None]], shop: Shop) -> str | None:
    """The product that is reviewed, by its own name or a variant's SKU; None if it is none of ``goods``, each (SKU, product
    that the storefront named) of a line that was shipped to the customer."""
    for sku, named in goods:
        product = product_of(sku, named, shop)
        if reviewed in (sku, product):
            return product
    return None
