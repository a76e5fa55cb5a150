"""Realistic orders of the four shops, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.values.calendar import is_national_holiday
from workers.demo.catalogue import CARRIER_MAILBOXES, CATALOGUE, FOREIGNERS, PEOPLE, PLACES, Product
from workers.sandbox.faults import seeded

SHOPS = ("clinic", "apparel", "reuse", "salon")

_LETTER = {"clinic": "C", "apparel": "A", "reuse": "R", "salon": "S"}
_ORGANISATION = {"clinic": "クリニック", "salon": "サロン"}
# PAY-01: at the clinic the account decides how it is paid.
_CLINIC_METHODS = {"local": "card", "partner_web": "direct_debit", "partner_claims": "claims_offset"}
_METHODS = {"card": 70, "bank_transfer": 18, "cod": 12}
# PAY-03: reuse sells with all its methods.
_REUSE_METHODS = {"card": 40, "bank_transfer": 14, "cod": 10, "konbini": 12, "paypay": 10, "amazon_pay": 7, "loan": 7}
_BY_TOKEN = ("card", "paypay", "amazon_pay")
_TOKENS = {
    "tok_ok": 930,
    "tok_3ds_ok": 20,
    "tok_3ds_challenge": 20,
    "tok_declined": 14,
    "tok_insufficient": 8,
    "tok_expired_card": 8,
    "tok_debit": 8,
    "tok_error_once": 5,
    "tok_unknown": 5,
    "tok_timeout_once": 2,
}
_BEFORE_A_VISIT = ("card", "paypay", "bank_transfer")
# Wednesdays at the one store, weekends at the other.
_NO_VISITS = (2, 5, 6)
_COD_LIMIT = 300_000
_REUSE_SLOTS = ("AM", "14-16", "16-18", "18-20", "19-21")


def orders(seed: int, count: int, start: datetime, end: datetime, shops: Sequence[str] = SHOPS) -> list[dict[str, Any]]:
    """``count`` orders as ``POST /v1/orders`` takes them, placed from ``start`` up to ``end`` (aware), in that order.

    Totals are left out: the pipeline's own figure holds.  Raises KeyError for a shop that is not among ``SHOPS``.
    """
    chance = seeded("orders", seed)
    seconds = (end - start).total_seconds()
    moments = sorted(chance.uniform(0, seconds) for _ in range(count))
    return [
        _order(chance, chance.choice(shops), f"{seed:02d}-{n:05d}", start + timedelta(seconds=int(moment)))
        for n, moment in enumerate(moments, start=1)
    ]


def ordered(order: Mapping[str, Any]) -> dict[str, Any]:
    """What a storefront's journal keeps of an order that was acknowledged: line -> [SKU, pieces], how it is
    paid, when it was placed, from whom its goods come, and whether nothing but the cutoff has a say in when it leaves."""
    lines = {line["line"]: [line["sku"], line["quantity"]] for line in order["lines"]}
    is_plain = not order["remarks"] and not any(order["delivery"].values())
    is_plain &= all(line["availability"] in ("in_stock", "unique") for line in order["lines"])
    return {
        "lines": lines, "method": order["payment"]["method"], "placed_at": order["placed_at"], "is_plain": is_plain,
        "sources": sorted({line["supplier"] for line in order["lines"]}),
    }  # fmt: skip


def sent_by(order: dict[str, Any], sources: Mapping[str, str]) -> dict[str, Any]:
    """The order, each line of whose goods ``sources`` (SKU -> supplier) names a sender comes from there."""
    lines = [{**line, "supplier": sources.get(line["sku"], line["supplier"])} for line in order["lines"]]
    return {**order, "lines": lines}


def _order(chance: random.Random, shop: str, number: str, placed_at: datetime) -> dict[str, Any]:
    english = chance.random() < 0.06
    account, method = _account_and_method(chance, shop)
    lines = [
        _line(chance, shop, product, f"{number}-{n}", placed_at, english=english)
        for n, product in enumerate(_basket(chance, shop), start=1)
    ]
    # Half the service's limit leaves room for tax, shipping and its fee (B.6.6).
    total = sum(line["unit_price"] * line["quantity"] for line in lines)
    if method in ("cod", "konbini") and total > _COD_LIMIT // 2:
        method = "card"
    customer = _customer(chance, shop, number, account, english=english)
    coupons = _coupons(chance, shop)
    order = {
        "shop": shop,
        "number": f"{_LETTER[shop]}{number}",
        "placed_at": placed_at.isoformat(),
        "channel": "web",
        "locale": "en" if english else "ja",
        "customer": customer,
        "ship_to": _ship_to(chance, shop, customer["name"]),
        "lines": lines,
        "coupons": coupons,
        "points": {"use": "all" if any(coupon["kind"] == "points" for coupon in coupons) else 0},
        "payment": {"method": method, "token": _token(chance, method)},
        "delivery": {"date": None, "slot": _slot(chance, shop)},
        "remarks": _remarks(chance, shop, placed_at),
    }
    return _called_to_store(order, placed_at) if shop == "reuse" else order


def _called_to_store(order: dict[str, Any], placed_at: datetime) -> dict[str, Any]:
    """STO-01: some of reuse's goods are called to a store, to be seen in a week. Drawn apart, so that every other order stays as it is."""
    chance = seeded("pickups", order["number"])
    if chance.random() >= 0.15 or order["payment"]["method"] not in _BEFORE_A_VISIT:
        return order
    called = {key: value for key, value in order.items() if key != "ship_to"}
    lines = [{**line, "flags": [*line["flags"], "pull_in"]} for line in order["lines"]]
    visit_on = placed_at.date() + timedelta(days=7)
    while visit_on.weekday() in _NO_VISITS or is_national_holiday(visit_on):
        visit_on += timedelta(days=1)
    pickup = {"store": chance.choice(("store-1", "counter-1")), "visit_on": visit_on.isoformat()}
    return {**called, "lines": lines, "delivery": {"date": None, "slot": None}, "pickup": pickup}


def _account_and_method(chance: random.Random, shop: str) -> tuple[str, str]:
    if shop != "clinic":
        return "local", _weighted(chance, _REUSE_METHODS if shop == "reuse" else _METHODS)
    account = _weighted(chance, {"local": 60, "partner_web": 25, "partner_claims": 15})
    return account, _CLINIC_METHODS[account]


def _token(chance: random.Random, method: str) -> str | None:
    return _weighted(chance, _TOKENS) if method in _BY_TOKEN else None


def _basket(chance: random.Random, shop: str) -> list[Product]:
    most = 2 if shop == "reuse" else 4
    return chance.sample(CATALOGUE[shop], chance.randint(1, most))


def _line(
    chance: random.Random, shop: str, product: Product, identity: str, placed_at: datetime, *, english: bool
) -> dict[str, Any]:
    unique = shop == "reuse"
    availability, expected_on = ("unique", None) if unique else _availability(chance, shop, placed_at)
    return {
        "line": identity.rpartition("-")[2],
        # One of a kind: a SKU is sold once (INT-10).
        "sku": f"{product.sku}-{identity}" if unique else product.sku,
        "name": product.name_en if english else product.name,
        "quantity": 1 if unique or product.price > 50_000 else chance.choice((1, 1, 1, 2, 3, 6)),
        "unit_price": product.price,
        "tax_rate": product.tax_rate,
        "supplier": product.supplier,
        "availability": availability,
        "expected_on": expected_on,
        "points_rate": None,
        "flags": list(product.flags),
    }


def _availability(chance: random.Random, shop: str, placed_at: datetime) -> tuple[str, str | None]:
    draw = chance.random()
    if draw >= (0.06 if shop == "clinic" else 0.015):
        return "in_stock", None
    if draw < 0.003:
        return "backorder", None
    return "backorder", (placed_at.date() + timedelta(days=chance.randint(1, 5))).isoformat()


def _customer(chance: random.Random, shop: str, number: str, account: str, *, english: bool) -> dict[str, Any]:
    name, mailbox = chance.choice(FOREIGNERS if english else PEOPLE)
    if chance.random() < 0.01:
        email = f"{number.replace('-', '')}{chance.choice(CARRIER_MAILBOXES)}@docomo.ne.jp"
    else:
        email = f"{mailbox}+{_LETTER[shop].lower()}{number}@example.jp"
    return {
        "id": f"M-{_LETTER[shop]}{number}",
        "name": name,
        "email": email,
        "account": account,
        "rank": None,
    }


def _ship_to(chance: random.Random, shop: str, name: str) -> dict[str, Any]:
    postal_code, region, city, line1 = chance.choice(PLACES)
    organisation = shop in _ORGANISATION
    return {
        "kind": "organisation" if organisation else "individual",
        "name": f"{name.split(maxsplit=1)[0]}{_ORGANISATION[shop]}" if organisation else name,
        "postal_code": postal_code,
        "region": region,
        "city": city,
        "line1": line1,
        "line2": "",
        "phone": "052-000-0000",
        "country": "JP",
    }


def _coupons(chance: random.Random, shop: str) -> list[dict[str, Any]]:
    draw = chance.random()
    if shop == "salon" and draw < 0.05:
        return [{"code": "AUTUMN", "kind": "amount", "value": 500}]
    if shop == "clinic" and draw < 0.03:
        return [{"code": "WELCOME", "kind": "points", "value": 3000}]
    return []


def _slot(chance: random.Random, shop: str) -> str | None:
    return chance.choice(_REUSE_SLOTS) if shop == "reuse" and chance.random() < 0.3 else None


def _remarks(chance: random.Random, shop: str, placed_at: datetime) -> str:
    """Mostly nothing; what stands here may hold the order for a human (INT-16)."""
    if chance.random() >= 0.01:
        return ""
    wished = placed_at.date() + timedelta(days=7)
    return {
        "clinic": f"配達希望日:{wished.month}月{wished.day}日",
        "apparel": "玄関前に置いてください",
        "reuse": "領収書希望",
        "salon": "クーポン AUTUMN と WINTER を使います",
    }[shop]


def _weighted(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]
