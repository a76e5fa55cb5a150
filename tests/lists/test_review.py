"""The review queue: what waits for a human, why, what was tried, whose it is, and one action on many."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.store import review
from pipelines.review.kinds import KINDS
from pipelines.review.queue import waiting
from tests.cli.console import in_process
from tests.customers.test_erasure import erase
from tests.web.site import Site, fields, problem
from tests.world import World, document


def items(site: Site, **asked: Any) -> list[dict[str, Any]]:
    """What an operator of every shop is shown."""
    key = asked.pop("key", site.operator)
    answer = site.get("/v1/review", params=asked, key=key, headers=asked.pop("headers", {}))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.fixture
def busy(site: Site) -> Site:
    """Something of most kinds waits: three held orders of two shops, a refusal, a transfer, an odd event, what was given up."""
    world = site.world
    world.take(
        document("S-1", remarks="クーポン AUTUMN"),
        document("S-2"),
        document("S-3", remarks="クーポン WINTER"),
        document("C-1", shop="clinic", customer="M-2", remarks="鳩時計を添えてください"),
    )
    world.settle()
    world.tell(world.news("shipment.refused", world.shipments("S-2")[0], reason="sold out"))
    world.settle()
    world.execute(
        """INSERT INTO inbox_event (source, event_id, type, body, at, state, reason) VALUES
           ('gateway:bank', 'statement:1', 'deposit.received', '{"amount": 330, "payer": "ﾋﾐﾂ"}', now(), 'quarantined', 'no number'),
           ('supplier:maker-a', 'e-1', 'shipment.shipped', '{}', now(), 'quarantined', 'unknown shipment')"""
    )
    world.execute(
        "UPDATE mail SET state = 'failed', code = '550' WHERE id = (SELECT min(m.id) FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE o.number = 'S-2')"
    )
    world.execute(
        "UPDATE effect SET state = 'needs_review', outcome = '{\"code\": \"timeout\"}' WHERE kind = 'payment.authorize'"
        " AND order_id = (SELECT id FROM shop_order WHERE number = 'S-2')"
    )
    world.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code) VALUES ('mail.send', 'example.jp', now(), 7, 'refused')"
    )
    return site


def test_all_that_waits_is_said(busy: Site) -> None:
    """Each with why, since when, the way out and safe choices; the longest first."""
    found = items(busy)
    assert {one["kind"] for one in found} == {"hold", "transfer", "event", "mail", "effect", "circuit"}
    held = {one["which"]: one for one in found if one["kind"] == "hold"}
    assert {which: one["reason"] for which, one in held.items()} == {
        "salon/S-1": "coupons_in_remarks",
        "salon/S-2": "supplier_refused",
        "salon/S-3": "coupons_in_remarks",
        "clinic/C-1": "needs_human",
    }
    refused = held["salon/S-2"]
    assert refused["says"].endswith("sold out")
    assert refused["choices"][0] == {"action": "shipments:reroute", "url": "/v1/orders/salon/S-2/shipments:reroute"}
    by_kind = {one["kind"]: one for one in found if one["kind"] != "hold"}
    assert by_kind["transfer"]["says"].startswith("330 yen in, ")
    assert by_kind["effect"]["says"].startswith("payment.authorize: timeout")
    assert by_kind["circuit"]["tried"] == "It failed 7 times on end."
    assert {kind: [one["action"] for one in each["choices"]] for kind, each in by_kind.items()} == {
        kind: list(KINDS[kind].choices) for kind in by_kind
    }
    assert "ﾋﾐﾂ" not in json.dumps(found, ensure_ascii=False)
    assert [one["since"] for one in found] == sorted(one["since"] for one in found)


def test_it_is_said_in_japanese(busy: Site) -> None:
    found = items(busy, kind="transfer", headers={"accept-language": "ja"})
    assert found[0]["label"] == "注文不明の入金"
    assert found[0]["says"].startswith("330円の入金、")


#: Filters -> orders, or kinds, found.
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"kind": "hold", "shop": "clinic"}, ["clinic/C-1"]),
    ({"reason": "coupons_in_remarks"}, ["salon/S-1", "salon/S-3"]),
    ({"kind": "circuit"}, ["mail.send example.jp"]),
    ({"kind": "circuit", "shop": "salon"}, []),
    ({"assigned": "hana"}, []),
]


@pytest.mark.parametrize(("asked", "expected"), FILTERS)
def test_filters(busy: Site, asked: dict[str, str], expected: list[str]) -> None:
    assert sorted(one["which"] for one in items(busy, **asked)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "gone"),
        ("reason", "none"),
        ("limit", "0"),
        ("cursor", "x"),
        ("colour", "red"),
        ("assigned", "a\x00"),
        ("shop", "nowhere"),
    ],
)
def test_a_wrong_value_is_named(shared_site: Site, name: str, value: str) -> None:
    answer = shared_site.get("/v1/review", params={name: value}, key=shared_site.operator)
    assert fields(answer) == [name]


def test_attention_is_the_same_list(
    busy: Site, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    _, printed, _ = in_process(capsys, monkeypatch, "attention", "--json")
    told = [json.loads(line) for line in printed.splitlines()]
    assert [(one["what"], one["id"]) for one in told] == [(one["label"], one["which"]) for one in items(busy)]


def test_pages_bring_each_once(busy: Site) -> None:
    whole, seen, cursor = items(busy), list[dict[str, Any]](), ""
    while True:
        page = busy.get("/v1/review", params={"limit": "2", "cursor": cursor}, key=busy.operator).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [(one["kind"], one["key"]) for one in seen] == [(one["kind"], one["key"]) for one in whole]


def test_somebody_has_it_and_writes_it_down(busy: Site) -> None:
    """What an operator takes others see as taken; notes stay in order, with who and when."""
    one = items(busy, reason="supplier_refused")[0]
    key = {"kind": one["kind"], "key": one["key"]}
    assert one["assigned"] is None
    taken = busy.post("/v1/review:assign", {**key, "operator": "hana"}, key=busy.operator)
    assert (taken.status_code, taken.json()["assigned"]) == (200, "hana")
    for says in ("asked the maker", "answers tomorrow"):
        noted = busy.post("/v1/review:note", {**key, "says": says}, key=busy.operator)
    assert [(note["operator"], note["says"]) for note in noted.json()["notes"]] == [
        ("operations", "asked the maker"),
        ("operations", "answers tomorrow"),
    ]
    assert [each["which"] for each in items(busy, assigned="hana")] == ["salon/S-2"]
    assert "salon/S-2" not in {each["which"] for each in items(busy, assigned="nobody")}
    given = busy.post("/v1/review:assign", {**key, "operator": None}, key=busy.operator).json()
    assert given["assigned"] is None


def test_a_key_of_one_shop_sees_its_own_alone(busy: Site) -> None:
    """Another's thing, and what is of no shop, look as if there were none."""
    clinic = busy.world.enrol("operator", "clinic-desk", shops=["clinic"]).key
    assert [one["which"] for one in items(busy, key=clinic)] == ["clinic/C-1"]
    for shop in ("salon", "nowhere"):
        assert fields(busy.get("/v1/review", params={"shop": shop}, key=clinic)) == ["shop"]
    foreign = [one for one in items(busy) if one["which"] != "clinic/C-1"]
    for one in foreign:
        key = {"kind": one["kind"], "key": one["key"]}
        problem(busy.post("/v1/review:assign", {**key, "operator": "me"}, key=clinic), 404)
        problem(busy.post("/v1/review:note", {**key, "says": "mine"}, key=clinic), 404)
    acted = busy.post(
        "/v1/review:act",
        {"items": [{"kind": one["kind"], "key": one["key"]} for one in foreign], "action": "retry"},
        key=clinic,
    ).json()["results"]
    assert {one["status"] for one in acted} == {404}
    assert busy.world.value("SELECT count(*) FROM review_note") == 0
    for other in (busy.storefront, *busy.keys.values()):
        problem(busy.get("/v1/review", key=other), 404)
        problem(busy.post("/v1/review:act", {"items": [], "action": "retry"}, key=other), 404)
    problem(busy.get("/v1/review", key=None), 401)


def act(site: Site, found: list[dict[str, Any]], action: str, **body: Any) -> list[dict[str, Any]]:
    asked = {"items": [{"kind": one["kind"], "key": one["key"]} for one in found], "action": action, "body": body}
    answer = site.post("/v1/review:act", asked, key=site.operator)
    assert answer.status_code == 207, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    site.world.settle()
    return results


def test_one_action_on_many_orders(busy: Site) -> None:
    """Through the door of the order's own action; what it does not answer is refused alone."""
    found = items(busy, kind="hold")
    by_order = dict(zip((one["which"] for one in found), act(busy, found, "coupons", coupons=[]), strict=True))
    assert {which: one["status"] for which, one in by_order.items()} == {
        "salon/S-1": 202,
        "salon/S-2": 409,
        "salon/S-3": 202,
        "clinic/C-1": 409,
    }
    assert {one["which"] for one in items(busy, kind="hold")} == {"salon/S-2", "clinic/C-1"}
    assert {number: state for number, (state, _) in busy.world.states().items() if number in ("S-1", "S-3")} == {
        "S-1": "released",
        "S-3": "released",
    }
    ended = [one for one in found if one["which"] == "salon/S-1"]
    assert [one["status"] for one in act(busy, ended, "coupons", coupons=[])] == [404], "it waits no more"


def test_the_shipment_of_the_hold_need_not_be_named(busy: Site) -> None:
    """Bulk acts on suppliers' refusals: each hold knows its shipment."""
    found = items(busy, reason="supplier_refused")
    (result,) = act(busy, found, "shipments:reroute", supplier="maker-a")
    assert result["status"] == 202, result
    assert items(busy, reason="supplier_refused") == []
    assert busy.world.rows("SELECT supplier FROM shipment WHERE state <> 'refused' AND order_id = "
                           "(SELECT id FROM shop_order WHERE number = 'S-2')")[-1].supplier == "maker-a"  # fmt: skip


def test_a_wrong_request_is_each_ones_422(busy: Site) -> None:
    (result,) = act(busy, items(busy, reason="supplier_refused"), "shipments:reroute", colour="red")
    assert result["status"] == 422
    assert "colour" in {one["field"] for one in result["errors"]}


@pytest.mark.parametrize("kind", ["mail", "effect"])
def test_what_was_given_up_is_tried_again(busy: Site, kind: str) -> None:
    """The same door as ``shukka retry``."""
    assert [one["status"] for one in act(busy, items(busy, kind=kind), "retry")] == [200]
    assert items(busy, kind=kind) == []


def test_an_event_that_names_no_order_cannot_be_read_again(busy: Site) -> None:
    assert [one["status"] for one in act(busy, items(busy, kind="event"), "retry")] == [409]
    assert len(items(busy, kind="event")) == 1


def test_a_transfer_is_an_orders_or_none(busy: Site) -> None:
    found = items(busy, kind="transfer")
    assert [one["status"] for one in act(busy, found, "dismiss")] == [422]
    assert [one["status"] for one in act(busy, found, "assign", shop="salon", number="S-404")] == [404]
    assert [one["status"] for one in act(busy, found, "dismiss", reason="interest")] == [200]
    assert items(busy, kind="transfer") == []


def test_notes_forget_who_is_erased(world: World) -> None:
    """What an operator wrote about a person goes with the person; that something was written stays."""
    world.take(document("S-1", customer="M-9", remarks="クーポン AUTUMN"))
    world.settle()
    with world.engine.begin() as connection:
        (item,) = waiting(connection, world.clock.now())
        row = item.row
        said = review.NoteRow(row.kind, row.key, row.order_id, "hana", "髙橋 﨑子 called", world.clock.now())
        review.note(connection, [said])
    world.tell(world.ask("order.cancel", "S-1", reason="", operator=True))
    world.settle()
    world.at("2027-03-01 09:00:00")
    world.settle()
    erase(world, "M-9")
    assert world.value("SELECT says FROM review_note") == "… called"


def test_every_kind_has_its_words(world: World) -> None:
    """No kind without a sentence in both languages; no sentence with a place for what is not told."""
    for kind in KINDS.values():
        assert all((kind.label.ja, kind.label.en, kind.way_out.ja, kind.way_out.en, kind.says.ja, kind.says.en))
    with world.engine.connect() as connection:
        assert [review.waiting(connection, world.clock.now(), review.Which(kind)) for kind in review.KINDS] == [
            [] for _ in review.KINDS
        ]


def test_news_that_waits_for_other_news_is_told_of_by_the_clock(site: Site) -> None:
    """A delivery of what never left: a day later by the Clock a person hears of it, however short the machine took to get there."""
    world = site.world
    world.take(document("S-1"))
    world.settle()
    world.tell(world.news("shipment.delivered", world.shipments()[0]))
    world.settle()
    world.clock.advance(hours=23)
    assert items(site, kind="early_event") == []
    world.clock.advance(hours=2)
    (told,) = items(site, kind="early_event")
    assert (told["order"], "shipment.delivered: names a parcel that is not known yet" in told["says"]) == ("S-1", True)
