"""Reviews (PTS-10): which product is meant, and whether the customer has it."""

from __future__ import annotations

import pytest

from pipelines.rules.reviews import product_of, reviewed_product
from tests.rules.build import SHOPS

GOODS = (("TEE-WH-M", None), ("SOCK", None), ("4901", "SHOES"), ("-odd", None))


@pytest.mark.parametrize(
    ("shop", "reviewed", "product"),
    [
        ("apparel", "TEE", "TEE"),
        ("apparel", "TEE-WH-M", "TEE"),
        ("apparel", "TEE-BK-L", None),
        ("apparel", "SOCK", "SOCK"),
        ("apparel", "SHOES", "SHOES"),
        ("apparel", "4901", "SHOES"),
        ("apparel", "-odd", "-odd"),
        ("apparel", "", None),
        ("apparel", "HAT", None),
        ("salon", "TEE", None),
        ("salon", "TEE-WH-M", "TEE-WH-M"),
    ],
)
def test_the_product_that_a_review_is_of(shop: str, reviewed: str, product: str | None) -> None:
    assert reviewed_product(reviewed, GOODS, SHOPS[shop]) == product


def test_what_the_storefront_names_goes_before_the_sku() -> None:
    assert product_of("TEE-WH-M", "T-SHIRT", SHOPS["apparel"]) == "T-SHIRT"
