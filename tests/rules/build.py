"""Orders and shops for the tests of the rules: a plain order, changed only where a test cares."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pipelines.rules.order import Customer, Line, Order, ShipTo
from pipelines.shops import PACKAGED, Shop, load_shops, parse_shop
from pipelines.values.calendar import JST
from workers.installation import INSTALLATION

SHOPS = load_shops(installation=INSTALLATION)


def at(text: str) -> datetime:
    """``"2026-11-20 14:59:30"`` in Asia/Tokyo."""
    return datetime.fromisoformat(text).replace(tzinfo=JST)


def day(text: str) -> date:
    return date.fromisoformat(text)


def a_line(line: str = "1", price: int = 1_000, quantity: int = 1, **changes: Any) -> Line:
    return replace(Line(line, f"SKU-{line}", f"商品{line}", quantity, price), **changes)


def an_order(shop: str, *lines: Line, placed_at: str = "2026-11-20 10:00:00", **changes: Any) -> Order:
    return Order(
        **{
            "shop": shop,
            "number": "N-1",
            "placed_at": at(placed_at),
            "channel": "web",
            "locale": "en",
            "customer": Customer("M-1", "山田 花子", "hanako@example.jp"),
            "ship_to": ShipTo("organisation", "山田商店", "460-0008", "愛知県", "名古屋市中区", "栄1-2-3"),
            "lines": lines or (a_line(),),
            **changes,
        }
    )


def shop_with(key: str, extra: str = "", **swaps: str) -> Shop:
    """A packaged shop whose file says something else: ``swaps`` replace text, ``extra`` is put on top."""
    text = (PACKAGED / f"{key}.toml").read_text("utf-8")
    for old, new in swaps.items():
        assert old in text
        text = text.replace(old, new)
    return parse_shop(key, extra + text, INSTALLATION)


def plain_shop(text: str = "") -> Shop:
    """A shop of which everything but ``text`` is default."""
    return parse_shop("plain", 'name = "店"\n' + text, INSTALLATION)
