"""Issuing over HTTP: numbers without gaps, one receipt whatever is clicked, a crash that consumes nothing (ports 8, DOC-01, DOC-02)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from models.store import documents
from pipelines.documents.issue import issue
from pipelines.documents.keep import Request, Stored, Typesets
from pipelines.documents.kinds import Kind
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict
from tests.documents.orders import text_of
from tests.web.site import Site, problem
from tests.world import SHOPS, World, a_line, document
from workers.documents.typesetter import typesetter
from workers.mail.rendering import Renderer

WHERE = "/v1/orders/{shop}/{number}/documents"


def sent(world: World, shop: str = "salon", number: str = "S-1", **changes: Any) -> str:
    """An order that is paid and has left; where its documents are."""
    world.take(document(number, shop=shop, **changes))
    world.settle()
    world.ship_all(number, shop=shop)
    return WHERE.format(shop=shop, number=number)


def test_a_receipt_is_issued_stored_and_the_same_bytes_for_ever(site: Site) -> None:
    where = sent(site.world)
    offered = {one["kind"]: one for one in site.get(where).json()}
    assert (offered["receipt"]["allowed"], offered["receipt"]["issued"]) == (True, [])
    made = site.post(where, {"kind": "receipt", "addressee": "株式会社見本"})
    assert made.status_code == 201, made.text
    assert (made.json()["number"], made.json()["reissue"]) == ("SALON-R-000001", False)
    first, again = site.get(made.json()["url"]), site.get(made.json()["url"])
    assert first.headers["content-type"] == "application/pdf"
    assert first.content == again.content
    assert first.headers["etag"] == f'"{hashlib.sha256(first.content).hexdigest()}"'
    tag = first.headers["etag"]
    known = {tag: 304, f'"other", {tag}': 304, f"W/{tag}": 304, "*": 304, '"other"': 200, tag.strip('"'): 200}
    for named, status in known.items():
        assert site.get(made.json()["url"], headers={"if-none-match": named}).status_code == status, named
    text = text_of(first.content)
    assert "株式会社見本御中" in text
    assert "¥11,000−" in text
    assert "SALON-R-000001" in text
    assert "クレジットカード利用" in text, "DOC-05"
    assert "再発行" not in text
    assert [one["number"] for one in site.get(where).json()[0]["issued"]] == ["SALON-R-000001"]


def test_its_customer_hears_of_a_receipt_once_it_is_stored(site: Site) -> None:
    """DOC-02, A.14: of the first that is fetched, whoever asked for it; of no copy, no other document, none that goes on paper, and
    never of one that was refused."""
    world = site.world
    told = {"S-1": {}, "S-2": {"locale": "en"}, "S-3": {"payment": {"method": "bank_transfer"}}}
    for number, changes in told.items():
        world.take(document(number, **changes))
        world.settle()
        if number == "S-3":
            world.tell(world.deposit(number, world.show(number)["totals"]["grand_total"]))
            world.settle()
        assert site.post(WHERE.format(shop="salon", number=number), {"kind": "delivery_note"}).status_code == 409
        world.ship_all(number)
        for kind in ("receipt", "delivery_note", "receipt"):
            assert site.post(WHERE.format(shop="salon", number=number), {"kind": kind}).status_code == 201
        world.settle()
    mails = {n: [m["template"] for m in world.show(n)["mails"] if m["template"] == "receipt_ready"] for n in told}
    assert mails == {"S-1": ["receipt_ready"], "S-2": ["receipt_ready"], "S-3": []}
    ready = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == "receipt_ready"]
    assert "領収書をご用意いたしました" in str(ready[0]["Subject"])
    assert "Your receipt is ready" in str(ready[1]["Subject"])
    plain = ready[0].get_body(("plain",))
    assert plain is not None
    assert "SALON-R-000001" in plain.get_content()
    assert "/o/" in plain.get_content(), "it is loaded from the order's page"
    assert world.broken() == {}


def _paid_and_cancelled(world: World) -> tuple[str, str]:
    """A transfer that came in, and then the customer wanted nothing of it."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", world.show("S-1")["totals"]["grand_total"]))
    world.settle()
    world.tell(world.ask("order.cancel", "S-1", by="operations", operator=True, fault="customer", reason=""))
    world.settle()
    return "salon", "S-1"


def _seen_and_not_bought(world: World) -> tuple[str, str]:
    """Goods that left for a store, paid by card, for which nobody came (STO-01)."""
    goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
    world.take(document("R-1", goods, shop="reuse", pickup={"store": "store-1", "visit_on": "2026-11-28"}))
    world.at("2026-11-20 10:00:00")
    world.ship_all("R-1", shop="reuse")
    return _not_bought(world)


def _not_bought(world: World) -> tuple[str, str]:
    world.at("2026-11-22 12:00:00")
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments("R-1", "reuse")))
    world.at("2026-12-06 00:00:00")
    return "reuse", "R-1"


@pytest.mark.parametrize("ended", [_paid_and_cancelled, _seen_and_not_bought])
def test_a_cancelled_order_has_no_receipt(site: Site, ended: Callable[[World], tuple[str, str]]) -> None:
    """DOC-05, CAN-04: what was received goes back, so that a receipt would say more than the books."""
    shop, number = ended(site.world)
    assert site.world.states()[number][0] == "cancelled"
    where = WHERE.format(shop=shop, number=number)
    offered = {one["kind"]: one for one in site.get(where, key=site.operator).json()}
    assert not offered["receipt"]["allowed"]
    refused = site.post(where, {"kind": "receipt"}, key=site.operator)
    assert refused.status_code == 409
    assert "CAN-04" in refused.text
    assert site.world.value("SELECT count(*) FROM document") == 0


def test_an_invoice_of_goods_that_nobody_bought_is_taken_back(
    engine: Engine, database_url: str, renderer: Renderer
) -> None:
    """B.1.4: it was issued once they had left, 50,000 yen of which 4,545 are tax; the cancel gives them back."""
    registered = SHOPS["reuse"].model_copy(update={"registration_number": "T6120001113618"})
    with World(engine, database_url, renderer, shops={**SHOPS, "reuse": registered}) as world:
        site, where = Site(world), WHERE.format(shop="reuse", number="R-1")
        goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
        world.take(document("R-1", goods, shop="reuse", pickup={"store": "store-1", "visit_on": "2026-11-28"}))
        world.at("2026-11-20 10:00:00")
        world.ship_all("R-1", shop="reuse")
        invoice = site.post(where, {"kind": "invoice"}, key=site.operator).json()["number"]
        _not_bought(world)
        offered = {one["kind"]: one for one in site.get(where, key=site.operator).json()}
        told = offered["return_invoice"]
        assert not offered["invoice"]["allowed"]
        assert (told["allowed"], told["must"], told["subject"]) == (True, True, "cancel")
        made = [site.post(where, {"kind": "return_invoice"}, key=site.operator).json() for _ in range(2)]
        assert [one["reissue"] for one in made] == [False, True]
        text = text_of(site.get(made[0]["url"], key=site.operator).content)
        for said in (invoice, "返還日2026年12月6日", "¥45,455¥4,545¥50,000", "ご返金額¥50,000"):
            assert said in text, said
        assert world.broken() == {}
        site.close()


def test_a_second_copy_says_so_and_nothing_else_changes(site: Site) -> None:
    """DOC-01: the same content, marked; it takes no number of its own."""
    where = sent(site.world)
    first = site.post(where, {"kind": "receipt", "addressee": "株式会社見本"}).json()
    other = problem(site.post(where, {"kind": "receipt", "addressee": "別の会社"}), 409)
    assert "DOC-02" in other["detail"]
    copy = site.post(where, {"kind": "receipt"}).json()
    assert (copy["number"], copy["reissue"]) == ("SALON-R-000001-2", True)
    text = text_of(site.get(copy["url"]).content)
    assert "再発行" in text
    assert "株式会社見本御中" in text
    sent(site.world, number="S-2")
    second = site.post(WHERE.format(shop="salon", number="S-2"), {"kind": "receipt"}).json()
    assert second["number"] == "SALON-R-000002"
    assert first["id"] != copy["id"] != second["id"]


def test_the_same_key_is_answered_once(site: Site) -> None:
    where, key = sent(site.world), {"idempotency-key": "click-1"}
    answers = [site.post(where, {"kind": "receipt"}, headers=key).json() for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert site.post(where, {"kind": "delivery_note"}, headers=key).status_code == 409
    assert site.world.value("SELECT count(*) FROM document") == 1


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"kind": "receipt", "addressee": "株式会社見本"}, {"kind": "receipt", "addressee": "別の会社"}),
        ({"kind": "receipt"}, {"kind": "receipt", "addressee": "別の会社"}),
        ({"kind": "receipt", "addressee": "御中"}, {"kind": "receipt", "addressee": "別の会社"}),
        ({"kind": "receipt"}, {"kind": "receipt", "purpose": "備品代"}),
        ({"kind": "receipt"}, {"kind": "receipt", "locale": "en"}),
        ({"kind": "delivery_note"}, {"kind": "delivery_note", "label": True}),
        ({"kind": "delivery_note"}, {"kind": "delivery_note", "subject": "SH-another/1"}),
    ],
    ids=["another name", "a name", "a name after nobody", "a purpose", "a language", "a label", "another parcel"],
)
def test_a_key_stands_for_one_wish(site: Site, first: dict[str, Any], other: dict[str, Any]) -> None:
    """Nobody is handed what was made out to somebody else; the same wish again is the same document, a copy too."""
    where = sent(site.world)
    for n in (1, 2):
        key = {"idempotency-key": f"click-{n}"}
        made = site.post(where, first, headers=key)
        assert (made.status_code, made.json()["reissue"]) == (201, n > 1)
        assert site.post(where, first, headers=key).json() == made.json()
        if n == 1 or "addressee" in other or "subject" in other:
            assert "Idempotency-Key" in problem(site.post(where, other, headers=key), 409)["detail"]
    assert site.world.value("SELECT count(*) FROM document") == 2


def test_a_key_stands_for_one_document_of_two_that_are_asked_for_at_one_moment(site: Site) -> None:
    """Whoever is second hears what it would have heard a moment later, and takes no number."""
    places, key = [sent(site.world, number=f"S-{n}") for n in (1, 2)], {"idempotency-key": "click-1"}

    async def clicks() -> list[int]:
        asked = (site.request("POST", place, json={"kind": "receipt"}, headers=key) for place in places)
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert sorted(site.run(clicks)) == [201, 409]
    assert site.world.value("SELECT last FROM document_counter") == 1


def test_a_key_sees_only_its_own_shops(site: Site) -> None:
    where = sent(site.world)
    made = site.post(where, {"kind": "receipt"}).json()
    for path in (where, made["url"], "/v1/documents/DC-none"):
        problem(site.get(path, key=site.stranger), 404)
    problem(site.post(where, {"kind": "receipt"}, key=site.stranger), 404)
    problem(site.get(WHERE.format(shop="salon", number="S-9")), 404)
    assert site.get(made["url"], key=site.operator).status_code == 200


def test_what_is_no_wish_is_refused_by_its_field(site: Site) -> None:
    where = sent(site.world)
    for body, field in (({"kind": "love_letter"}, "kind"), ({"kind": "receipt", "for": "me"}, "for"), ({}, "kind")):
        assert [one["field"] for one in problem(site.post(where, body), 422)["errors"]] == [field]
    assert "DOC-04" in problem(site.post(where, {"kind": "invoice"}), 409)["detail"], "salon is not registered"


def once(world: World, number: str = "R-1") -> str:
    """A shop that issues a receipt once (DOC-02)."""
    lines = [a_line("1", 1, 50_000, sku=f"BAG-{number}", availability="unique")]
    world.take(document(number, *lines, shop="reuse", customer="M-1"))
    world.settle()
    world.ship_all(number, shop="reuse")
    return WHERE.format(shop="reuse", number=number)


def test_sixty_four_clicks_give_one_receipt(site: Site) -> None:
    """DOC-02: whoever is first has it; the others are told that it was issued."""
    where = once(site.world)

    async def clicks() -> list[int]:
        asked = (site.request("POST", where, key=site.stranger, json={"kind": "receipt"}) for _ in range(64))
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert sorted(site.run(clicks)) == [201] + [409] * 63
    assert site.world.rows("SELECT number FROM document") == [("REUSE-R-000001",)]
    assert site.world.value("SELECT last FROM document_counter") == 1


def test_clicks_on_many_orders_have_numbers_without_gaps(site: Site) -> None:
    places = [sent(site.world, number=f"S-{n}") for n in range(1, 9)]

    async def clicks() -> list[int]:
        asked = (site.request("POST", place, json={"kind": "receipt"}) for place in places * 2)
        return [one.status_code for one in await asyncio.gather(*asked)]

    assert site.run(clicks) == [201] * 16
    numbers = [row.sequence for row in site.world.rows("SELECT sequence FROM document WHERE copy = 1 ORDER BY 1")]
    assert numbers == list(range(1, 9))
    assert site.world.broken() == {}


class Breaks:
    """A press that breaks before it has set anything."""

    def pdf(self, content: Mapping[str, Any]) -> bytes:
        raise RuntimeError("the press broke")


class Died(Exception):
    """The process died here."""


class Dies:
    """A press that sets the document and dies before anything can be committed."""

    def pdf(self, content: Mapping[str, Any]) -> bytes:
        assert typesetter().pdf(content)
        raise Died


def _dies_before_the_commit(world: World, *steps: Callable[[Connection], object]) -> None:
    with world.engine.begin() as connection:
        for step in steps:
            step(connection)
        raise Died


def test_a_crash_at_any_step_consumes_nothing(site: Site) -> None:
    """Once a number is taken, in the press, after it, before the commit: no number, no document, no event; then all works."""
    world, shop = site.world, site.world.house.shops["reuse"]
    once(world)
    now, before = world.clock.now(), world.value("SELECT count(*) FROM effect")

    def asked(press: Typesets, key: str = "cli:1") -> Callable[[Connection], Stored]:
        return lambda connection: issue(connection, shop, "R-1", Wish(Kind.RECEIPT), Request(key, "test"), now, press)

    for steps, fault in (
        ([lambda connection: documents.next_number(connection, "reuse", "receipt")], Died),
        ([asked(Breaks())], RuntimeError),
        ([asked(Dies())], Died),
        ([asked(typesetter())], Died),
    ):
        with pytest.raises(fault):
            _dies_before_the_commit(world, *steps)
    assert world.value("SELECT count(*) FROM document") == 0
    assert world.value("SELECT count(*) FROM document_counter") == 0
    assert world.value("SELECT count(*) FROM effect") == before
    for _ in range(2):  # the answer was lost: the same request is told the same
        with world.engine.begin() as connection:
            assert asked(typesetter())(connection).number == "REUSE-R-000001"
    with pytest.raises(Conflict), world.engine.begin() as connection:
        asked(typesetter(), "cli:2")(connection)


def test_storefronts_hear_of_it(site: Site) -> None:
    """``document.issued``: one event a document, with the order's shop and number."""
    world = site.world
    world.enrol("storefront", "listening", shops=["salon"], url="https://shop.example/hook")
    made = site.post(sent(world), {"kind": "receipt"}).json()
    (event,) = world.rows("SELECT payload FROM effect WHERE payload->>'type' = 'document.issued'")
    said = event.payload["data"]
    assert (said["shop"], said["number"], said["document"]) == ("salon", "S-1", made["id"])
    assert (said["document_number"], said["reissue"]) == ("SALON-R-000001", False)
    assert (said["from"], said["to"], said["cause"]) == (None, "issued", "asked_for")
    assert said["sequence"] == world.value("SELECT sequence FROM shop_order")
    assert said["at"] == event.payload["at"]


def test_every_parcel_has_its_own_note(site: Site) -> None:
    """DOC-03: it says that it is no receipt."""
    where = sent(site.world)
    (note,) = [one for one in site.get(where).json() if one["kind"] == "delivery_note"]
    made = site.post(where, {"kind": "delivery_note", "subject": note["subject"]}).json()
    text = text_of(site.get(made["url"]).content)
    assert made["number"] == "SALON-D-000001"
    assert "本書は領収書ではありません" in text


def test_what_is_no_longer_kept_is_gone(site: Site) -> None:
    """``documents_days``: content and bytes go; that the number was issued stays."""
    where = sent(site.world)
    made = site.post(where, {"kind": "receipt"}).json()
    with site.world.engine.begin() as connection:
        assert documents.end(connection, [site.world.value("SELECT id FROM shop_order")]) == 1
    problem(site.get(made["url"]), 410)
    problem(site.post(where, {"kind": "receipt"}), 409)
    assert site.world.value("SELECT last FROM document_counter") == 1
