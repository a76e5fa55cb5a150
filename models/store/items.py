"""One-of-a-kind items (一点物): which live order has which (INT-10)."""

from __future__ import annotations

from typing import NamedTuple

from models.order import UniqueAllocation
from models.store.statement import insert, reader, values, writer


class ItemKey(NamedTuple):
    """An item of a shop."""

    shop: str
    sku: str


taken = reader(
    ItemKey,
    f"SELECT u.shop, u.sku FROM {values(ItemKey, UniqueAllocation)} JOIN unique_allocation u USING (shop, sku)",
    ItemKey,
)


class ItemRow(NamedTuple):
    """An item that an order takes."""

    shop: str
    sku: str
    order_id: int


#: Fewer are written where another order has one meanwhile.
take = writer(ItemRow, insert(ItemRow, UniqueAllocation, order_by="shop, sku", conflict="(shop, sku) DO NOTHING"))


class FreedItemRow(NamedTuple):
    """An item of a cancelled or returned line: it can be sold again."""

    order_id: int
    sku: str


free = writer(
    FreedItemRow,
    f"""DELETE FROM unique_allocation u USING {values(FreedItemRow, UniqueAllocation)}
        WHERE u.order_id = v.order_id AND u.sku = v.sku""",
)
