"""No neighbour suffers: one bad order among orders of several shops and keys, in a shared commit and in a batch."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.web.site import Site, fields, problem
from tests.world import a_line, document

BAG = a_line(availability="unique", sku="BAG-1")
#: The database itself refuses this number: a fault that no rule foresees.
POISON = "X-666"


def neighbours() -> list[dict[str, Any]]:
    """Good orders of several shops."""
    return [document(f"{shop[0]}-{n}", shop=shop) for n in range(3) for shop in ("salon", "clinic", "apparel")]


def bad(kind: str) -> dict[str, Any]:
    if kind == "poison":
        return document(POISON)
    if kind == "twice":
        return document("X-1", BAG, {**BAG, "line": "2"})
    return document("X-1", {**BAG, "quantity": 2})


@pytest.fixture
def poisoned(site: Site) -> Site:
    """A site whose database raises for one number."""
    site.world.refuse("shop_order", when=f"NEW.number = '{POISON}'")
    return site


def concurrently(site: Site, orders: list[dict[str, Any]]) -> list[httpx.Response]:
    async def send() -> list[httpx.Response]:
        sent = [
            site.request("POST", "/v1/orders", json=one, headers={"idempotency-key": f"key-{one['number']}"})
            for one in orders
        ]
        return list(await asyncio.gather(*sent))

    return site.run(send)


@pytest.mark.parametrize(
    ("kind", "refused"), [("twice", ["lines[1].sku"]), ("two of it", ["lines[0].quantity"]), ("poison", None)]
)
def test_in_a_shared_commit(poisoned: Site, kind: str, refused: list[str] | None) -> None:
    """INT-10: the order is checked against itself; whatever else raises fails alone."""
    good = neighbours()
    *answers, last = concurrently(poisoned, [*good, bad(kind)])
    assert [one.status_code for one in answers] == [202] * len(good)
    if refused is None:
        problem(last, 500)
    else:
        assert fields(last) == refused
    assert set(poisoned.world.states()) == {one["number"] for one in good}


@pytest.mark.parametrize(("kind", "status"), [("twice", 422), ("two of it", 422), ("poison", 500)])
def test_in_a_batch(poisoned: Site, kind: str, status: int) -> None:
    good = neighbours()
    answer = poisoned.post("/v1/orders:batch", {"orders": [*good[:4], bad(kind), *good[4:]]})
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [202] * 4 + [status] + [202] * (len(good) - 4)
    assert results[4]["number"] == bad(kind)["number"]
    assert set(poisoned.world.states()) == {one["number"] for one in good}


#: What stands in one order's JSON in the place of its remarks, and a word of why it is refused.
UNREADABLE = {
    "half a pair": (r'"\ud800"', "surrogate"),
    "U+0000": (r'"a\u0000b"', "u0000"),
    "beyond 64 bits": ("9223372036854775808", "64 bits"),
    "long": ("9" * 5_000, "64 bits"),
    "no number": ("NaN", "NaN"),
    "infinite": ("-Infinity", "Infinity"),
    "too large": ("1e999", "too large"),
    "deep": ("[" * 40 + "]" * 40, "32 levels"),
    "bottomless": ("[" * 200_000 + "]" * 200_000, "32 levels"),
    "twice": ('"", "remarks": ""', "twice"),
}


@pytest.mark.parametrize(("text", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_one_that_cannot_be_read_in_a_batch(site: Site, text: str, reason: str) -> None:
    """Each order has its own result, whatever is in one of them."""
    good = [json.dumps(document(f"S-{n}")) for n in range(3)]
    tricky = json.dumps(document("S-4", remarks='a "quoted" ] } , \\'))
    bad_one = json.dumps(document("X-1", remarks="HERE")).replace('"HERE"', text)
    sent = f'{{"orders": [{good[0]}, {tricky}, {bad_one} , {good[1]},{good[2]}]}}'
    answer = site.run(lambda: site.request("POST", "/v1/orders:batch", content=sent.encode()))
    assert answer.status_code == 207, answer.text
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [202, 202, 422, 202, 202]
    assert results[2]["number"] in {"X-1", None}
    assert [one["field"] for one in results[2]["errors"]] == ["order"]
    assert reason in results[2]["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        r'{"orders": [{"number": "\ud800"}, {]}',
        r'{"orders": [{"number": "\ud800"}], "more": 1}',
        r'{"orders": [{"number": "\ud800"}, nothing]}',
        r'{"orders": [{"number": "\ud800"}',
        r'["\ud800"]',
    ],
)
def test_a_batch_that_cannot_be_taken_apart_is_refused_whole(site: Site, body: str) -> None:
    problem(site.run(lambda: site.request("POST", "/v1/orders:batch", content=body.encode())), 400)


def test_a_shop_where_every_item_is_one_of_a_kind(site: Site) -> None:
    """INT-10: whatever the storefront says of availability; the same again is still the same."""

    def sent(number: str, quantity: int = 1) -> httpx.Response:
        line = {name: value for name, value in a_line(sku="WATCH", quantity=quantity).items() if name != "availability"}
        return site.order(document(number, line, shop="reuse"), key=site.stranger)

    assert fields(sent("R-1", quantity=3)) == ["lines[0].quantity"]
    assert [sent("R-1").status_code, sent("R-1").status_code] == [202, 200]
    assert fields(sent("R-2")) == ["lines[0].sku"]
    shown = site.post("/v1/preview", document("R-3", a_line(sku="WATCH"), shop="reuse"), key=site.stranger).json()
    assert [one["field"] for one in shown["problems"]] == ["lines[0].sku"]
    for claimed in ("backorder", "made_to_order"):
        other = document("R-4", a_line(sku="WATCH", availability=claimed), shop="reuse")
        assert fields(site.order(other, key=site.stranger)) == ["lines[0].sku"]
        shown = site.post("/v1/preview", other, key=site.stranger).json()
        assert [one["field"] for one in shown["problems"]] == ["lines[0].sku"]
    assert site.world.value("SELECT count(*) FROM order_line WHERE availability = 'unique'") == 1
    assert site.world.broken() == {}
