"""Every published vector that an order can be, issued on a real engine and read from the stored PDF, to the yen (B.1, TAX-09)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models.store.documents import file_of
from pipelines.documents.issue import issue, listed
from pipelines.documents.issue_apart import issue_quotation
from pipelines.documents.keep import Request, Stored
from pipelines.documents.kinds import Kind
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict
from pipelines.shops import Shop
from tests.documents.orders import text_of
from tests.returns.counter import Counter
from tests.world import SHOPS, World, a_line, document
from workers.documents.typesetter import typesetter
from workers.mail.rendering import Renderer

VECTORS = {one["id"]: one for one in json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))}
#: By price display, rounding and what points are: a shop that sells so, sends free of charge and is registered.
SELLERS = {
    ("ex", "floor", "discount"): "salon",
    ("ex", "half_up", "discount"): "clinic",
    ("incl", "floor", "discount"): "apparel",
    ("incl", "floor", "payment"): "boutique",
}
DISPLAY = {"ex": "ex_tax", "incl": "tax_included"}


def sellers() -> Mapping[str, Shop]:
    """The shops of the vectors."""
    made = {}
    for (prices, rounding, treatment), key in SELLERS.items():
        shop = SHOPS[key if key in SHOPS else "apparel"]
        price = {
            "display": DISPLAY[prices],
            "rounding": rounding,
            "points_treatment": treatment,
            "member_discount_percent": 0,
        }
        made[key] = shop.model_copy(
            update={
                "key": key,
                "registration_number": "T6120001113618",
                "price": shop.price.model_copy(update=price),
                "shipping": shop.shipping.model_copy(update={"fee": 0}),
                "ranks": SHOPS["clinic"].ranks,
            }
        )
    return made


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Any:
    with World(engine, database_url, renderer, shops=sellers()) as world:
        yield world


def of(vector: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The shop and the order of a vector."""
    told, points = vector["input"], vector.get("points", {"used": 0, "treated": "discount"})
    shop = SELLERS[told["prices"], told["rounding"], points["treated"]]
    lines = [
        a_line(str(at), one["qty"], one["unit"], name=one["name"], tax_rate=one["rate"], sku=f"{vector['id']}-{at}")
        for at, one in enumerate(told["lines"], start=1)
    ]
    return shop, document(vector["id"], *lines, shop=shop, points={"use": points["used"]})


def printed(world: World, made: Stored) -> str:
    with world.engine.connect() as connection:
        row = file_of(connection, made.id)
    assert row is not None
    return text_of(row.file)


def issued(world: World, number: str, shop: str, kind: str, subject: str = "") -> str:
    asking, now = Request(f"{number} {kind} {subject}", "test"), world.clock.now()
    with world.engine.begin() as connection:
        wish = Wish(Kind(kind), subject=subject)
        made = issue(connection, world.shops[shop], number, wish, asking, now, typesetter())
    return printed(world, made)


def states(text: str, wanted: Mapping[str, Any]) -> None:
    """The document says the vector's sums by rate and in all."""
    ex = sum(one["ex"] for one in wanted["rates"])
    for one in wanted["rates"]:
        reduced = "（軽減税率）" if one["rate"] == 8 else ""
        assert f"{one['rate']}%対象{reduced}¥{one['ex']:,}¥{one['tax']:,}¥{one['incl']:,}" in text
    assert f"合計¥{ex:,}¥{wanted['tax_total']:,}¥{wanted['total']:,}" in text


def test_the_vectors_are_issued_to_the_yen(world: World) -> None:
    """D01 to D18, but for D08, whose receipt is the carrier's: receipts, invoices, return invoices, notes, a quotation."""
    for shop in ("apparel", "boutique"):
        world.grant(2_000, shop=shop)
    orders = {
        name: of(one) for name, one in VECTORS.items() if one["kind"] not in ("stamp", "quotation") and name != "D08"
    }
    for number, (shop, told) in orders.items():
        if number == "D09":
            continue
        world.take(told)
        world.settle()
        world.ship_all(number, shop=shop)
    for number, (shop, _) in orders.items():
        vector = VECTORS[number]
        if number in ("D09", "D16"):
            continue
        if vector["kind"] == "return_invoice":
            lines = [{"line": "1", "quantity": 1}]
            Counter(world, shop, number).ask("lines:return", lines=lines, fault="shop")
        states(issued(world, number, shop, vector["kind"]), vector["printed"])
    with pytest.raises(Conflict, match="Nothing was paid in money"):
        issued(world, "D16", "apparel", "receipt")

    quoted = VECTORS["D15"]
    _, told = of(quoted)
    with world.engine.begin() as connection:
        asking, wish = Request("D15", "test"), Wish(Kind.QUOTATION)
        made = issue_quotation(connection, world.shops, told, wish, asking, world.clock.now(), typesetter())
    text = printed(world, made)
    states(text, quoted["printed"])
    assert "有効期限2026年12月20日" in text


def test_two_notes_and_their_invoice(world: World) -> None:
    """D09: each parcel's note rounds for itself and says that its tax is for reference; the invoice rounds once, a yen more."""
    vector = VECTORS["D09"]
    shop, told = of(vector)
    world.take(told)
    world.settle()
    (shipment,) = world.shipments("D09", shop)
    for lines in ({"1": 5, "2": 1}, {"1": 4, "3": 1}):
        pieces = [{"line": line, "quantity": quantity} for line, quantity in lines.items()]
        world.tell(world.shipped(shipment, lines=pieces))
        world.settle()
    with world.engine.connect() as connection:
        found = listed(connection, world.shops[shop], "D09", world.clock.now())
    notes = [one["subject"] for one in found if one["kind"] == "delivery_note"]
    assert len(notes) == 2
    for subject, wanted in zip(notes, vector["delivery_notes"], strict=True):
        text = issued(world, "D09", shop, "delivery_note", subject)
        states(text, wanted)
        assert "本書の消費税額は参考です" in text
    states(issued(world, "D09", shop, "invoice"), vector["printed"])
