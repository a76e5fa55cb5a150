"""Lists of orders (contract: ``GET /v1/orders``): filters, words in any spelling, pages, tenancy and hostile input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.store import search
from models.store.search import Filter, ListedRow, Place
from pipelines.carriers import CARRIERS
from pipelines.orders.listing import sought
from pipelines.values.cursor import Cursor
from tests.conftest import Running, fresh_database
from tests.customers.test_erasure import erase
from tests.rules.build import at
from tests.web.site import Site, fields, problem
from tests.world import World, a_line, document, tracking_number
from workers.mail.rendering import Renderer


def numbers(site: Site, key: str = "", **asked: Any) -> list[str]:
    """The orders that a key is listed, each with its shop's first letter in its number."""
    answer = site.get("/v1/orders", params=asked, key=key)
    assert answer.status_code == 200, answer.text
    return [one["number"] for one in answer.json()["orders"]]


@pytest.fixture
def shop_floor(site: Site) -> Site:
    """One order delivered, one held, one that waits for money, one of another supplier and shop, one of a stranger's shop."""
    world = site.world
    other = {"id": "M-2", "name": "Jane Doe", "email": "Jane.Doe@Example.jp", "account": "local", "rank": None}
    to = {**document()["ship_to"], "name": "渡邊 龍", "phone": "+81 90-1234-5678"}
    world.take(
        document("S-1", placed_at="2026-11-20T08:00:00+09:00"),
        document("S-2", remarks="クーポン AUTUMN", placed_at="2026-11-20T08:10:00+09:00"),
        document("S-3", payment={"method": "bank_transfer"}, placed_at="2026-11-20T08:20:00+09:00"),
        document(
            "C-1",
            a_line(supplier="maker-a", sku="ISO/9 b"),
            shop="clinic",
            customer="",
            ship_to=to,
            placed_at="2026-11-20T08:30:00+09:00",
        )
        | {"customer": other},
        document("R-1", shop="reuse", customer="M-7", placed_at="2026-11-20T08:40:00+09:00"),
    )
    world.settle()
    world.tell(world.shipped(world.shipments("S-1")[0], tracking_number=tracking_number(44_441_375_870)))
    world.settle()
    return site


#: What is asked -> the orders found, newest first (as an operator, who sees every shop).
FILTERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "all": ({}, ["R-1", "C-1", "S-3", "S-2", "S-1"]),
    "empty is left out": ({"shop": "", "q": "", "state": ""}, ["R-1", "C-1", "S-3", "S-2", "S-1"]),
    "shop": ({"shop": "salon"}, ["S-3", "S-2", "S-1"]),
    "state": ({"state": "awaiting_payment"}, ["S-3"]),
    "state that rests": ({"state": "shipped"}, ["S-1"]),
    "condition": ({"condition": "held"}, ["S-2"]),
    "hold": ({"hold": "coupons_in_remarks"}, ["S-2"]),
    "another hold": ({"hold": "refund_due"}, []),
    "supplier": ({"supplier": "maker-a"}, ["C-1"]),
    "day": ({"dispatch_on": "2026-11-20", "shop": "salon"}, ["S-1"]),
    "from": ({"placed_from": "2026-11-20T08:30:00+09:00"}, ["R-1", "C-1"]),
    "to": ({"placed_to": "2026-11-20T08:10:00+09:00"}, ["S-1"]),
    "a word and a state": ({"q": "S-", "state": "awaiting_payment"}, ["S-3"]),
}


def test_filters(shop_floor: Site) -> None:
    found = {name: numbers(shop_floor, shop_floor.operator, **asked) for name, (asked, _) in FILTERS.items()}
    assert found == {name: expected for name, (_, expected) in FILTERS.items()}


#: What somebody types -> the orders found.
WORDS = {
    "S-1": ["S-1"],
    "s1": ["S-1"],
    " Ｓ－１ ": ["S-1"],
    "S": ["S-3", "S-2", "S-1"],
    "高橋": ["R-1", "S-3", "S-2", "S-1"],
    "髙橋　﨑子": ["R-1", "S-3", "S-2", "S-1"],
    "橋": [],
    "渡辺": ["C-1"],
    "jane": ["C-1"],
    "jane.doe@example.jp": ["C-1"],
    "JANE.DOE@": ["C-1"],
    "janedoe@example.jp": [],
    "090-1234-5678": ["C-1"],
    "０９０１２３４５６７８": ["C-1"],
    "+81 90 1234": ["C-1"],
    "+81 (0)90-1234-5678": ["C-1"],
    "052": [],
    "S-0": [],
    "iso9B": ["C-1"],
    "ISO": [],
    "M-7": ["R-1"],
    "M": [],
    "444413758703": ["S-1"],
    "4444-1375-8703": ["S-1"],
    "４４４４－１３７５－８７０３": ["S-1"],
    "S-1%": [],
    "_-1": [],
    "%": [],
    "-": [],
    "'; DROP TABLE order_term; --": [],
    "\u202eS-1": ["S-1"],
    "𠮷": [],
    "\ufeff": [],
}


def test_words(shop_floor: Site) -> None:
    """Any spelling finds, a pattern is a text as any other, and what has no letter finds nothing rather than all."""
    assert tracking_number(44_441_375_870) == "444413758703"
    shown = {word: numbers(shop_floor, shop_floor.operator, q=word) for word in WORDS}
    assert shown == WORDS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("q", "x" * 10_000),
        ("q", "a\x00b"),
        ("q", "a\nb"),
        ("state", "gone"),
        ("condition", "asleep"),
        ("hold", "no_reason"),
        ("dispatch_on", "2026-02-30"),
        ("placed_from", "yesterday"),
        ("placed_to", "2026-11-20T08:00:00"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", "LTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuMQ"),
        ("cursor", "é"),
        ("cursor", Cursor(at("2026-11-20 09:00:00"), ["1"]).written()),
        ("cursor", Cursor(at("2026-11-20 09:00:00"), [2**63]).written()),
        ("cursor", Cursor(at("2026-11-20 09:00:00"), [1]).written() + "A"),
        ("shop", "nowhere"),
        ("colour", "red"),
    ],
)
def test_a_wrong_value_is_named(shared_site: Site, name: str, value: str) -> None:
    assert fields(shared_site.get("/v1/orders", params={name: value})) == [name]


def test_a_key_sees_its_own_shops_and_less_of_people(shop_floor: Site) -> None:
    """Another's shop looks like one that there is not; who ordered is told where ``GET`` of the order tells it."""
    assert numbers(shop_floor) == ["C-1", "S-3", "S-2", "S-1"]
    assert numbers(shop_floor, shop_floor.stranger) == ["R-1"]
    assert (
        numbers(shop_floor, shop_floor.stranger, q="S-1")
        == numbers(shop_floor, shop_floor.stranger, q="4444-1375-8703")
        == []
    )
    forbidden, absent = (
        shop_floor.get("/v1/orders", params={"shop": shop}, key=shop_floor.stranger) for shop in ("salon", "nowhere")
    )
    assert problem(forbidden, 422) == problem(absent, 422)
    for key in shop_floor.keys.values():
        problem(shop_floor.get("/v1/orders", key=key), 404)
    problem(shop_floor.get("/v1/orders", key=None), 401)
    assert "橋" not in shop_floor.get("/v1/orders").text
    seen = shop_floor.get("/v1/orders", key=shop_floor.operator, params={"q": "S-1"}).json()["orders"]
    assert seen[0]["customer"] == {"id": "M-1", "name": "髙橋 﨑子"}


def test_who_is_erased_is_found_no_more(world: World) -> None:
    """The number still leads to the order, which the books keep; no word leads to the person."""
    world.take(document("S-1", customer="M-9"))
    world.settle()
    world.ship_all("S-1")
    shipment = world.shipments()[0]
    world.tell(world.news("shipment.delivered", shipment))
    world.settle()

    def found(word: str) -> list[str]:
        with world.engine.connect() as connection:
            return [
                one.number
                for one in search.listed(connection, ["salon"], Filter(words=sought(word) if word else None), limit=9)
            ]

    assert found("高橋") == found("052-000-0000") == found("S-1") == ["S-1"]
    world.at("2027-03-01 09:00:00")
    world.settle()
    erase(world, "M-9")
    assert (found("高橋"), found("052-000-0000"), found("S-1")) == ([], [], ["S-1"])


def test_a_new_address_is_found_too(world: World) -> None:
    world.take(document("S-1"))
    world.settle()
    to = {**document()["ship_to"], "name": "佐藤 花", "phone": "03-1111-2222"}
    world.tell(world.ask("order.change_address", "S-1", ship_to=to, reason="moved", operator=True))
    world.settle()
    with world.engine.connect() as connection:
        assert [one.number for one in search.listed(connection, ["salon"], Filter(words=sought("佐藤")), limit=9)] == [
            "S-1"
        ]


_MANY = 60


@pytest.fixture(scope="module")
def many(running: Running, template: str, renderer: Renderer) -> Any:
    """A world with sixty orders of two shops, many placed in the same second."""
    from models.database import connect

    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with World(engine, url, renderer) as world:
            world.take(
                *(
                    document(
                        f"S-{n}",
                        shop=("salon", "clinic")[n % 2],
                        customer=f"M-{n}",
                        placed_at=f"2026-11-20T08:00:0{n % 3}+09:00",
                    )
                    for n in range(_MANY)
                )
            )
            yield world
        engine.dispose()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 70), word=st.sampled_from((None, "S", "高橋", "SKU-1")), data=st.data())
def test_each_order_once_while_others_come(many: World, limit: int, word: str | None, data: st.DataObject) -> None:
    """Whatever the size of pages: all that was there at the start comes once, in order, while orders come in between pages."""
    shops, seen, after = ["salon", "clinic"], list[ListedRow](), None
    started = {row.number for row in many.rows("SELECT number FROM shop_order")}
    while True:
        with many.engine.connect() as connection:
            found = search.listed(
                connection, shops, Filter(words=sought(word) if word else None), after=after, limit=limit
            )
        seen += found
        if len(found) < limit:
            break
        after = found[-1].place
        if data.draw(st.booleans()) and len(started) < 150:
            count = many.value("SELECT count(*) FROM shop_order")
            many.take(document(f"S-{count}", customer=f"M-{count}", placed_at="2026-11-20T08:00:01+09:00"))
    places = [one.place for one in seen]
    assert places == sorted(set(places), reverse=True)
    assert started <= {one.number for one in seen}


def test_no_shop_no_orders(many: World) -> None:
    with many.engine.connect() as connection:
        assert search.listed(connection, [], Filter(), limit=9) == []
        last = search.listed(connection, ["salon"], Filter(), limit=200)[-1].place
        assert search.listed(connection, ["salon"], Filter(), after=Place(last.placed_at, last.id), limit=9) == []


def test_every_carriers_spelling_is_looked_for() -> None:
    """TRK-03: a number is looked up as each carrier would keep it."""
    from pipelines.orders.listing import _numbers

    for one in CARRIERS.values():
        assert set(_numbers("4444-1375-8703")) >= {one.normalise("444413758703")} or one.check("444413758703")
