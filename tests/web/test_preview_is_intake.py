"""Preview asks exactly what intake asks: `problems` is empty exactly when ``POST /v1/orders`` would answer 202."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from tests.web.site import Site
from tests.world import a_line, document

CARD = "4111 1111 1111 1111"
USED = [{"code": "USED", "kind": "amount", "value": 500}]

#: Changes that one shop or another refuses, and some that none does: (path, values).
CHANGES: list[tuple[tuple[Any, ...], list[Any]]] = [
    (("shop",), ["salon", "clinic", "apparel", "reuse"]),
    (("channel",), ["web", "phone"]),
    (("customer", "id"), ["M-1", "", None]),
    (("customer", "account"), ["local", "partner_web", "partner_claims"]),
    (("customer", "rank"), [None, "VIP", "GOLD"]),
    (("customer", "email"), ["a@docomo.ne.jp", "da.me.@docomo.ne.jp"]),
    (("customer", "name"), ["山田", CARD]),
    (("ship_to", "region"), ["愛知県", "Ruritania"]),
    (("ship_to", "country"), ["JP", "US"]),
    (("ship_to", "kind"), ["organisation", "individual"]),
    (("payment", "method"), ["card", "paypay", "konbini", "bank_transfer", "cod", "loan", "direct_debit", "none"]),
    (("payment", "token"), ["tok_ok", None]),
    (("points", "use"), [0, 100, 700, "all"]),
    (("coupons",), [[], USED, [{"code": "P", "kind": "points", "value": 9}]]),
    (("delivery", "slot"), [None, "AM", "midnight"]),
    (("delivery", "date"), [None, "2026-11-25", "2027-11-25"]),
    (("remarks",), ["", CARD, "11/25納品希望です"]),
    (("totals", "grand_total"), [None, 1]),
    (("placed_at",), ["2026-11-20T09:00:00+09:00", "2026-11-20T08:00:00+09:00"]),
    (("lines", 0, "quantity"), [1, 2, 9999]),
    (("lines", 0, "unit_price"), [10_000, 0, 1, 9_999_999]),
    (("lines", 0, "flags"), [[], ["pharmaceutical"], ["business_address_only"]]),
    (("lines", 0, "availability"), ["in_stock", "unique", "backorder"]),
    (("lines", 0, "sku"), ["SKU-1", "SOLD", "SKU-2"]),
]  # fmt: skip


def mutated(chance: random.Random, number: str) -> dict[str, Any]:
    """An order with a few changes; often one of two lines."""
    order = document(number, *[a_line(str(n)) for n in range(1, chance.choice((2, 3)))])
    for path, values in chance.sample(CHANGES, chance.choice((0, 1, 1, 2, 3, 5))):
        *way, last = path
        inner: Any = order
        for step in way:
            inner = inner[step]
        inner[last] = copy.deepcopy(chance.choice(values))
    return order


@pytest.fixture
def known(site: Site) -> Site:
    """Somebody has sold an item, used a coupon, and has points."""
    world = site.world
    world.grant(700)
    world.take(document("S-0", a_line(availability="unique", sku="SOLD"), coupons=USED))
    world.settle()
    return site


def test_no_problem_is_a_202(known: Site) -> None:
    """Each mutated order is previewed, then sent; points, coupons and items run out meanwhile."""
    chance, answers = random.Random(8), {202: 0, 422: 0}
    key = known.world.enrol("storefront", "all shops").key
    for n in range(250):
        order = mutated(chance, f"N-{n}")
        shown = known.post("/v1/preview", order, key=key)
        taken = known.order(order, key=key)
        assert shown.status_code == 200, shown.text
        told = {one["field"] for one in shown.json()["problems"]}
        refused = {one["field"] for one in taken.json().get("errors", [])}
        assert told == refused, order
        assert taken.status_code == (422 if told else 202)
        answers[taken.status_code] += 1
    assert min(answers.values()) > 40, "the changes are to be refused often, and not always"


@pytest.mark.parametrize("changes", [{}, {"remarks": "other"}], ids=["the same", "other content"])
def test_a_number_that_is_taken(known: Site, changes: dict[str, Any]) -> None:
    """INT-18: no new order can come under it."""
    order = document("S-9")
    assert known.post("/v1/preview", order).json()["problems"] == []
    assert known.order(order).status_code == 202
    shown = known.post("/v1/preview", {**order, **changes}).json()
    assert [one["field"] for one in shown["problems"]] == ["number"]


def test_what_is_assumed_is_not_looked_up(known: Site) -> None:
    order = {**document("S-9", points={"use": 700}), "assume": {"points_balance": 0}}
    assert [p["field"] for p in known.post("/v1/preview", order).json()["problems"]] == ["points.use"]


def test_another_keys_shop_looks_like_none(known: Site) -> None:
    answers = [known.post("/v1/preview", document("S-9", shop=shop)) for shop in ("reuse", "nowhere")]
    assert [one.status_code for one in answers] == [422, 422]
    assert answers[0].json() == answers[1].json()
    assert "reuse" not in answers[0].text
