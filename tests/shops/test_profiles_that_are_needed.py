"""A profile stays while orders of its shop are not over: without it nobody could decide them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.errors import Misconfigured
from tests.world import SHOPS, World, document


def test_nothing_starts_without_the_profile_of_a_shop_whose_orders_are_not_over(world: World) -> None:
    house = replace(world.house, shops={name: shop for name, shop in SHOPS.items() if name != "clinic"})
    house.need_shops()
    world.take(document("C-1", shop="clinic"), document("S-1"))
    world.house.need_shops()
    with pytest.raises(Misconfigured, match=r"^clinic.toml: .* \(1, C-1 among them\)"):
        house.need_shops()
    world.execute("UPDATE shop_order SET condition = 'done' WHERE shop = 'clinic'")
    house.need_shops()
