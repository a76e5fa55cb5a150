"""Orders of a crowd: of every shop, by every method that it has, with whatever an order may say."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from tests.world import a_line, document

#: Methods by shop and account (PAY-01); as often as they stand here.
_METHODS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "salon": (("local", "card"), ("local", "card"), ("local", "bank_transfer"), ("local", "cod")),
    "clinic": (
        ("local", "card"),
        ("local", "card"),
        ("partner_web", "direct_debit"),
        ("partner_claims", "claims_offset"),
    ),
    "apparel": tuple(("local", one) for one in ("card", "bank_transfer", "cod", "konbini", "paypay", "amazon_pay")),
    "reuse": tuple(
        ("local", one) for one in ("card", "paypay", "amazon_pay", "konbini", "cod", "bank_transfer", "loan")
    ),
}
_TOKENS: Final = ("tok_ok",) * 8 + ("tok_debit", "tok_declined")
_COUPONS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "salon": ({"code": "AUTUMN", "kind": "amount", "value": 500}, {"code": "TENTH", "kind": "percent", "value": 10}),
    "clinic": ({"code": "WELCOME", "kind": "points", "value": 3_000}, {"code": "MORE", "kind": "points", "value": 700}),
    "apparel": ({"code": "AUTUMN", "kind": "amount", "value": 500}, {"code": "TENTH", "kind": "percent", "value": 10}),
    "reuse": (),
}
_REMARKS: Final = (
    "クーポン AUTUMN と WINTER を使います",
    "領収書をお願いします",
    "12月24日に届けてください",
    "水曜日は不在です",
    "よろしくお願いします。",
    "玄関前に置いてください",
)
#: The share of a shop's orders that are called to one of its stores, where it has some.
_CALLED: Final = 0.3
_STORES: Final = ("store-1", "store-1", "counter-1")
#: Customers of a shop in one crowd: few enough that orders share their points, marks and ranks.
CUSTOMERS: Final = 80
SUPPLIERS: Final = ("warehouse", "maker-a", "maker-b", "maker-c")


def an_order(chance: random.Random, number: str, now: datetime) -> dict[str, Any]:
    """An order of now under ``number``, as a storefront sends it; the shop may refuse it."""
    shop = chance.choice(tuple(_METHODS))
    account, method = chance.choice(_METHODS[shop])
    lines = [_line(chance, shop, number, one, now) for one in range(1, chance.choice((1, 1, 2, 3)) + 1)]
    coupons = [chance.choice(_COUPONS[shop])] if _COUPONS[shop] and chance.random() < 0.25 else []
    made = document(
        number,
        *lines,
        shop=shop,
        customer="" if chance.random() < 0.05 else f"M-{account}-{chance.randrange(CUSTOMERS)}",
        placed_at=now.isoformat(),
        locale=chance.choice(("ja", "ja", "en")),
        coupons=coupons,
        points={"use": chance.choice((0, 0, 0, "all", 100))},
        payment={"method": method, "token": chance.choice(_TOKENS) if method == "card" else None},
        remarks=chance.choice(_REMARKS) if chance.random() < 0.15 else "",
    )
    made["customer"]["account"] = account
    if shop in ("apparel", "reuse"):
        made["ship_to"]["kind"] = "individual"
    if shop == "reuse" and chance.random() < _CALLED:
        return _called(chance, made, now)
    if chance.random() < 0.1:
        made["delivery"]["date"] = (now.date() + timedelta(days=chance.randint(1, 20))).isoformat()
    return made


def _called(chance: random.Random, order: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The order with its goods called to a store (STO-01), to be seen on a day that may be too soon or too late for it."""
    visit_on = now.date() + timedelta(days=chance.randint(3, 32))
    order["pickup"] = {"store": chance.choice(_STORES), "visit_on": visit_on.isoformat()}
    order["payment"] = {"method": "card", "token": chance.choice(_TOKENS)}
    for line in order["lines"]:
        line["flags"] = ["pull_in"]
    return order


def _line(chance: random.Random, shop: str, number: str, line: int, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {"supplier": "warehouse", "tax_rate": 8 if line == 2 else 10}
    if chance.random() < 0.25:
        changes["supplier"] = chance.choice(SUPPLIERS)
    draw = chance.random()
    if shop == "reuse":
        changes |= {"availability": "unique", "sku": f"ITEM-{number}-{line}"}
    elif draw < 0.1:
        expected_on = (now.date() + timedelta(days=chance.randint(1, 60))).isoformat()
        changes |= {"availability": "backorder", "expected_on": chance.choice((expected_on, expected_on, None))}
    elif draw < 0.13:
        changes |= {"availability": "made_to_order", "expected_on": None}
    quantity = 1 if shop == "reuse" else chance.choice((1, 1, 2, 3))
    return a_line(str(line), quantity, chance.choice((40, 980, 3_300, 10_000)), **changes)
