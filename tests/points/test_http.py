"""The customers' interface: statement, grants, holds; keys, refusals, and who may see what."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from pipelines.errors import Conflict
from pipelines.points.grants import grant
from pipelines.points.schema import GrantDocument
from tests.application import application
from tests.world import World, a_line, document
from workers.cli.main import app as cli

Call = Callable[..., httpx.Response]


@pytest.fixture
def call(world: World) -> Iterator[Call]:
    """Requests with the key of the apparel shop's storefront."""
    app = application(world.house)
    key = world.enrol("storefront", "front", shops=["apparel"]).key
    with asyncio.Runner() as runner:
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://shukka", headers={"Authorization": f"Bearer {key}"}
        )

        def send(method: str, path: str, body: Any = None) -> httpx.Response:
            return runner.run(client.request(method, path, json=body))

        yield send
        runner.run(client.aclose())


def wish(kind: str = "registration", **changes: Any) -> dict[str, Any]:
    return {"shop": "apparel", "customer": "M-1", "kind": kind, "key": f"{kind}-1", **changes}


def refused(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


def test_a_grant_happens_once_by_key(world: World, call: Call) -> None:
    """PTS-08: 500 on registration, valid at once."""
    first, again = (call("POST", "/v1/points/grants", wish()) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["points"] == 500
    assert first.json()["granted"][0]["expires_on"] == "2027-11-20"
    other = call("POST", "/v1/points/grants", wish(birth_date="1990-01-02"))
    assert other.status_code == 409
    another_key = call("POST", "/v1/points/grants", wish(key="registration-2"))
    assert (another_key.status_code, another_key.json()["points"]) == (201, 0)
    assert world.balance(shop="apparel") == (0, 500)
    assert world.broken() == {}


@pytest.mark.parametrize("kind", ["manual", "campaign", "registration"])
def test_a_key_stands_for_one_grant_of_two_that_are_asked_for_at_one_moment(world: World, kind: str) -> None:
    """Of two customers: whoever is second hears what it would have heard a moment later."""
    chosen = {"manual": {"amount": 100}, "campaign": {"amount": 100, "expires_on": "2026-12-24"}}.get(kind, {})
    wishes = [GrantDocument(**wish(kind, customer=one, **chosen)) for one in ("M-1", "M-2")]
    start = threading.Barrier(len(wishes))

    def ask(asked: GrantDocument) -> str:
        start.wait()
        try:
            return "granted" if grant(world.engine, world.shops, world.house.clock, asked).new else "known"
        except Conflict:
            return "a conflict"

    with ThreadPoolExecutor() as pool:
        assert sorted(pool.map(ask, wishes)) == ["a conflict", "granted"]
    assert world.value("SELECT count(*) FROM point_lot") == 1
    assert world.broken() == {}


def test_a_review_earns_once_a_product_after_it_has_shipped(world: World, call: Call) -> None:
    """PTS-10: the customer's own shipped lines; variants are one product, by the SKU or as the storefront names it."""
    goods = (("1", "TEE-WH-M", None), ("2", "TEE-BK-L", None), ("3", "4901", "SHOES"))
    lines = [a_line(line, sku=sku, product=product) for line, sku, product in goods]
    world.take(document("A-1", *lines, shop="apparel"))
    world.take(document("A-2", a_line(sku="HAT-1"), shop="apparel", customer="M-2"))
    world.settle()

    def reviewed(product: str) -> int:
        body = wish("review", key=f"r-{next(keys)}", product=product)
        return call("POST", "/v1/points/grants", body).status_code

    keys = itertools.count()
    assert reviewed("TEE") == 409, "it has not left"
    world.ship_all("A-1", "A-2", shop="apparel")
    before = world.balance(shop="apparel")[1]
    assert [reviewed(one) for one in ("HAT", "HAT-1", "SHIRT", "TEE-WH", "")] == [409, 409, 409, 409, 422]
    assert world.balance(shop="apparel")[1] == before
    assert [reviewed(one) for one in ("TEE", "TEE-BK-L", "TEE-WH-M", "SHOES", "4901")] == [201] * 5
    assert world.balance(shop="apparel")[1] == before + 600
    assert world.broken() == {}


def test_campaign_points_are_limited_in_time(world: World, call: Call) -> None:
    answer = call("POST", "/v1/points/grants", wish("campaign", amount=200, expires_on="2026-12-24"))
    assert (answer.status_code, answer.json()["granted"][0]["expires_on"]) == (201, "2026-12-24")
    (lot,) = call("GET", "/v1/customers/apparel/M-1/points").json()["lots"]
    assert (lot["limited"], lot["remaining"], lot["expires_on"]) == (True, 200, "2026-12-24")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (wish("campaign"), ["amount", "expires_on"]),
        (wish("manual"), ["amount"]),
        (wish(amount=5), ["amount"]),
        (wish("campaign", amount=5, expires_on="2026-11-19"), ["expires_on"]),
        (wish("birthday"), ["birth_date"]),
        (wish("birthday", birth_date="2027-01-01"), ["birth_date"]),
        (wish("birthday", birth_date="19900101"), ["birth_date"]),
        (wish("review"), ["product"]),
        (wish(product="SHIRT"), ["product"]),
        (wish(email="no address"), ["email"]),
        (wish("gift"), ["kind"]),
        (wish("manual", amount=0), ["amount"]),
        (wish("manual", amount=True), ["amount"]),
        (wish(surprise=1), ["surprise"]),
        (wish(shop="salon"), ["shop"]),
        (wish(customer=""), ["customer"]),
        ([], ["order"]),
    ],
)
def test_what_cannot_be_granted_is_named(world: World, call: Call, body: Any, fields: list[str]) -> None:
    assert refused(call("POST", "/v1/points/grants", body)) == fields
    assert world.rows("SELECT FROM point_lot") == []


def test_a_statement_pages_through_the_ledger(world: World, call: Call) -> None:
    for number in range(5):
        assert (
            call("POST", "/v1/points/grants", wish("manual", key=f"m-{number}", amount=10 + number)).status_code == 201
        )
    seen, cursor = [], None
    while True:
        answer = call("GET", f"/v1/customers/apparel/M-1/points?limit=2{f'&cursor={cursor}' if cursor else ''}").json()
        assert answer["balance"] == {"pending": 0, "valid": 60, "held": 0, "usable": 60}
        seen += [(one["from"], one["to"], one["points"]) for one in answer["ledger"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == [("granted", "valid", 14 - n) for n in range(5)]


@pytest.mark.parametrize("path", ["apparel/M-9", "salon/M-1", "nowhere/M-1", "apparel/%00"])
def test_absent_and_forbidden_look_the_same(world: World, call: Call, path: str) -> None:
    world.grant(10, shop="salon")
    answer = call("GET", f"/v1/customers/{path}/points")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is nothing here that this key may see.")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=-1", "cursor=１", "cursor=0", "limit=1&limit=2", "page=2"]
)
def test_bad_paging_is_refused(world: World, call: Call, query: str) -> None:
    assert call("GET", f"/v1/customers/apparel/M-1/points?{query}").status_code == 422


def holding(**changes: Any) -> dict[str, Any]:
    return {"shop": "apparel", "customer": "M-1", "reason": "looks odd", "key": "H/1", **changes}


@pytest.mark.parametrize(("outcome", "left"), [("valid", 100), ("void", 70)])
def test_points_are_held_and_released_once(world: World, call: Call, outcome: str, left: int) -> None:
    """PTS-05."""
    world.grant(100, shop="apparel")
    first, again = (call("POST", "/v1/points/holds", holding(amount=30)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert call("POST", "/v1/points/holds", holding(amount=40)).status_code == 409
    shown = call("GET", "/v1/customers/apparel/M-1/points").json()
    assert shown["balance"] == {"pending": 0, "valid": 70, "held": 30, "usable": 70}
    for _ in range(2):
        assert call("POST", "/v1/points/holds/H%2F1/release", {"outcome": outcome}).status_code == 200
    other = "void" if outcome == "valid" else "valid"
    assert call("POST", "/v1/points/holds/H%2F1/release", {"outcome": other}).status_code == 409
    assert call("POST", "/v1/points/holds/H-2/release", {"outcome": outcome}).status_code == 404
    assert world.balance(shop="apparel") == (0, left)
    assert world.broken() == {}


def test_what_an_order_earned_is_held_before_it_ships(world: World, call: Call) -> None:
    """PTS-05: pending -> held -> valid; the shipment changes nothing of what is held."""
    world.take(document("A-1", a_line(unit_price=10_000), shop="apparel"))
    world.settle()
    earned = world.balance(shop="apparel")[0]
    assert call("POST", "/v1/points/holds", holding(order="A-1")).json()["points"] == earned
    world.ship_all("A-1", shop="apparel")
    assert world.states()["A-1"] == ("shipped", "done")
    assert world.balance(shop="apparel") == (0, 0)
    call("POST", "/v1/points/holds/H%2F1/release", {"outcome": "valid"})
    assert world.balance(shop="apparel") == (0, earned)
    (lot,) = call("GET", "/v1/customers/apparel/M-1/points").json()["lots"]
    assert lot["expires_on"] == "2027-11-20"
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (holding(amount=101), 409),
        (holding(), 422),
        (holding(amount=1, order="A-1"), 422),
        (holding(order="A-9"), 422),
        (holding(amount=1, reason=""), 422),
    ],
)
def test_what_cannot_be_held(world: World, call: Call, body: Any, status: int) -> None:
    world.grant(100, shop="apparel")
    assert call("POST", "/v1/points/holds", body).status_code == status
    assert world.balance(shop="apparel") == (0, 100)


def test_the_interface_is_described(world: World, call: Call) -> None:
    described = call("GET", "/openapi.json").json()
    assert {"GrantDocument", "HoldDocument", "ReleaseDocument"} <= set(described["components"]["schemas"])
    assert "/v1/points/grants" in described["paths"]


def test_movements_add_up_to_what_customers_hold(
    world: World, call: Call, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B.8: granted, activated, used, returned, expired, voided and clawed back, a day and month of the lot."""
    world.grant(100, shop="apparel")
    world.take(document("A-1", a_line(unit_price=10_000), shop="apparel", points={"use": 30}))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    call("POST", "/v1/points/holds", holding(amount=5))
    call("POST", "/v1/points/holds/H%2F1/release", {"outcome": "void"})
    monkeypatch.setenv("DATABASE_URL", database_url)
    day = ["--from", "2026-11-20", "--to", "2026-11-20"]
    printed = CliRunner().invoke(cli, ["points", "movements", *day, "--csv"])
    assert printed.exit_code == 0, printed.output
    (row,) = csv.DictReader(io.StringIO(printed.output))
    pending, valid = world.balance(shop="apparel")
    count = {name: int(row[name]) for name in row if name not in ("shop", "day", "lot_month")}
    gone = count["used"] + count["expired"] + count["voided"] + count["clawed_back"]
    assert count["granted"] + count["returned"] - gone == pending + valid
    assert (row["lot_month"], count["used"], count["voided"]) == ("2026-11", 30, 5)
    shown = CliRunner().invoke(cli, ["points", "statement", "apparel", "M-1"])
    assert shown.exit_code == 0
    assert f"valid {valid:,}" in shown.output
