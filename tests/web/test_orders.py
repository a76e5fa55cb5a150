"""Orders over HTTP: the contract's section "Order", line by line."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.rules.build import at
from tests.web.site import Site, fields, problem
from tests.world import a_line, document


def test_accepted_means_durable(site: Site) -> None:
    answer = site.order(document("S-1"))
    assert answer.status_code == 202
    assert answer.json() == {"shop": "salon", "number": "S-1", "state": "accepted", "url": "/v1/orders/salon/S-1"}
    assert site.world.states() == {"S-1": ("accepted", "running")}
    assert site.get(answer.json()["url"]).status_code == 200


def test_the_same_again_is_200_and_the_same_body(site: Site) -> None:
    first, second = site.order(document("S-1")), site.order(document("S-1"))
    assert (second.status_code, second.json()) == (200, first.json())
    site.world.settle()
    assert site.world.states()["S-1"][0] == "released"
    assert site.order(document("S-1")).json() == first.json()
    assert site.post("/v1/orders:batch", {"orders": [document("S-1")]}).json()["results"] == [
        {"status": 200, **first.json()}
    ]


def test_a_key_of_the_same_again_stands_for_that_order(site: Site) -> None:
    """Contract: a reused Idempotency-Key with another body is a 409, whether the key brought the order or met it."""
    headers = {"idempotency-key": "K1"}
    answers = [site.order(document("S-1")), site.order(document("S-1"), headers=headers)]
    assert [one.status_code for one in answers] == [202, 200]
    assert site.order(document("S-1"), headers=headers).status_code == 200
    problem(site.order(document("S-2"), headers=headers), 409)


@pytest.mark.parametrize(
    "changes", [{"unknown": 1}, {"lines": []}, {"shop": "nowhere"}], ids=["unknown field", "no lines", "no such shop"]
)
def test_a_key_that_was_used_is_a_conflict_before_the_order_is_read(site: Site, changes: dict[str, Any]) -> None:
    used, new = ({"idempotency-key": key} for key in ("K2", "K3"))
    assert site.order(document("S-3"), headers=used).status_code == 202
    problem(site.order({**document("S-3"), **changes}, headers=used), 409)
    problem(site.order({**document("S-3"), **changes}, headers=new), 422)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"shop": NaN}'], ids=["cut", "empty", "no UTF-8", "NaN"])
def test_a_key_that_was_used_is_a_conflict_whatever_the_body_is(site: Site, body: bytes) -> None:
    used, new = ({"idempotency-key": key} for key in ("K2", "K3"))
    assert site.order(document("S-3"), headers=used).status_code == 202
    problem(site.post("/v1/orders", content=body, headers=used), 409)
    problem(site.post("/v1/orders", content=body, headers=new), 400)


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"remarks": "other"}, None), ({"number": "S-2"}, "key-1"), ({"remarks": "other"}, "key-1")],
    ids=["same number", "same key, another number", "same key, other content"],
)
def test_another_order_in_its_place_is_a_conflict(site: Site, changes: dict[str, Any], key: str | None) -> None:
    headers = {"idempotency-key": key} if key else {}
    assert site.order(document("S-1"), headers=headers).status_code == 202
    problem(site.order({**document("S-1"), **changes}, headers=headers), 409)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_none_is_refused(site: Site, key: str) -> None:
    problem(site.order(document("S-1"), headers={"idempotency-key": key}), 400)
    assert site.order(document("S-1"), headers={"idempotency-key": "k" * 255}).status_code == 202


def test_an_identical_request_in_flight_is_asked_to_come_again(site: Site) -> None:
    site.order(document("S-0"))

    async def twice() -> list[httpx.Response]:
        sent = [site.request("POST", "/v1/orders", json=document("S-1")) for _ in range(2)]
        return list(await asyncio.gather(*sent))

    first, second = sorted(site.run(twice), key=lambda answer: answer.status_code)
    assert first.status_code == 202
    problem(second, 409)
    assert int(second.headers["retry-after"]) >= 1
    assert site.order(document("S-1")).status_code == 200


def test_concurrent_orders_share_commits_and_each_is_answered_after_its_own(site: Site) -> None:
    from sqlalchemy import event

    commits: list[int] = []
    event.listen(site.world.engine, "commit", lambda connection: commits.append(1))
    site.order(document("S-0"))
    commits.clear()

    async def many() -> list[httpx.Response]:
        return await asyncio.gather(
            *(site.request("POST", "/v1/orders", json=document(f"S-{n}")) for n in range(1, 61))
        )

    assert {answer.status_code for answer in site.run(many)} == {202}
    assert len(site.world.states()) == 61
    assert len(commits) < 30


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"colour": "red"}, ["colour"]),
        ({"shop": "nowhere"}, ["shop"]),
        ({"lines": []}, ["lines"]),
        ({"lines": [a_line(quantity=0)]}, ["lines[0].quantity"]),
        ({"lines": [a_line(unit_price="10000")]}, ["lines[0].unit_price"]),
        ({"lines": [a_line(), a_line()]}, ["lines[1].line"]),
        ({"placed_at": "yesterday"}, ["placed_at"]),
        ({"placed_at": "2026-11-20T09:00:00"}, ["placed_at"]),
        ({"placed_at": "2026-11-20T09:00:00Z"}, ["placed_at"]),  # nine hours ahead: Japan's time, said to be UTC
        ({"placed_at": "2098-11-20T09:00:00+09:00"}, ["placed_at"]),
        ({"totals": {"grand_total": 1}}, ["totals.grand_total"]),
        ({"payment": {"method": "cheque"}}, ["payment.method"]),
        ({"payment": {"method": "card"}}, ["payment.token"]),
        ({"points": {"use": -1}}, ["points.use"]),
        ({"points": {"use": 5}}, ["points.use"]),
        ({"remarks": "card 4111 1111 1111 1111"}, ["remarks"]),
        ({"lines": [a_line("1", 9_999, 9_999_999)]}, ["lines"]),
        ({"customer": {"id": "M-1", "name": "客", "email": "a@x.jp,b@x.jp"}}, ["customer.email"]),
        ({"remarks": 5, "locale": "fr"}, ["locale", "remarks"]),
    ],
)
def test_every_refusal_names_its_field_and_stores_nothing(
    shared_site: Site, changes: dict[str, Any], named: list[str]
) -> None:
    """INT-17 among them: no card number is ever kept."""
    assert sorted(fields(shared_site.order({**document("S-2"), **changes}))) == named


@pytest.mark.parametrize("missing", ["shop", "number", "placed_at", "customer", "ship_to", "lines", "payment"])
def test_a_missing_field_is_named(shared_site: Site, missing: str) -> None:
    order = document("S-2")
    del order[missing]
    assert fields(shared_site.order(order)) == [missing]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'"order"', 422),
        (b"\xff\xfe{}", 400),
        (b'{"shop": "salon", "shop": "reuse"}', 400),
        (b'{"a": NaN}', 400),
        (b'{"a": 1e999}', 400),
        (b'{"a": 99999999999999999999999}', 400),
        (b'{"a": "\\u0000"}', 400),
        (b'{"a": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 40 + b"1" + b"}" * 40, 400),
        (b'{"a": "' + b"x" * 1_048_576 + b'"}', 413),
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "null",
        "text",
        "not UTF-8",
        "key twice",
        "NaN",
        "too large a number",
        "beyond 64 bits",
        "U+0000",
        "half a pair",
        "deep",
        "deep object",
        "too large",
    ],
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders:batch", "/v1/preview", "/v1/orders/salon/S-1/cancel"])
def test_a_malformed_body_is_the_senders_mistake(shared_site: Site, path: str, body: bytes, status: int) -> None:
    if path.endswith("cancel") and not body:
        assert shared_site.post(path).status_code == 202, "a cancel needs no reason"
        return
    if path.endswith("batch") and status == 413:
        status = 422  # a batch may be larger; this one is no batch
    problem(shared_site.run(lambda: shared_site.request("POST", path, content=body)), status)


def test_a_batch_answers_each_order_on_its_own(site: Site) -> None:
    site.order(document("S-1"))
    sent = [
        document("S-1"),
        document("S-1", remarks="other"),
        document("S-2"),
        document("S-2"),
        document("R-1", shop="reuse"),
        {"number": "S-3"},
        5,
        document("S-4", totals={"grand_total": 1}),
        document("S-5"),
    ]
    answer = site.post("/v1/orders:batch", {"orders": sent})
    assert answer.status_code == 207
    results = answer.json()["results"]
    assert [r["status"] for r in results] == [200, 409, 202, 200, 422, 422, 422, 422, 202]
    assert results[2]["url"] == "/v1/orders/salon/S-2"
    assert results[7]["errors"][0]["field"] == "totals.grand_total"
    assert set(site.world.states()) == {"S-1", "S-2", "S-5"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["orders"]),
        ([], ["orders"]),
        ({"orders": {}}, ["orders"]),
        ({"orders": [], "dry_run": True}, ["dry_run"]),
        ({"orders": [document("S-1")], "dry_run": True, "more": 1}, ["dry_run", "more"]),
        ({"orders": [{}] * 501}, ["orders"]),
    ],
    ids=["nothing", "a list", "no list", "more", "more beside an order", "too many"],
)
def test_what_is_no_batch_is_refused_by_its_fields(shared_site: Site, body: Any, named: list[str]) -> None:
    assert fields(shared_site.post("/v1/orders:batch", body)) == named


def test_five_hundred_at_a_time(site: Site) -> None:
    orders = [document(f"S-{n}") for n in range(500)]
    assert {r["status"] for r in site.post("/v1/orders:batch", {"orders": orders}).json()["results"]} == {202}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/orders"),
        ("POST", "/v1/orders:batch"),
        ("GET", "/v1/orders/salon/S-1"),
        ("POST", "/v1/orders/salon/S-1/cancel"),
        ("POST", "/v1/orders/salon/S-1/release"),
        ("POST", "/v1/preview"),
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic c2hvcDprZXk=", "Bearer \xe9"])
def test_without_a_key_nothing_is_told(shared_site: Site, method: str, path: str, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    answer = shared_site.run(lambda: shared_site.request(method, path, key=None, headers=headers, json={}))
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_sees_only_its_own_shops(site: Site) -> None:
    """Absent and forbidden answer the same."""
    site.order(document("S-1"))
    absent = site.get("/v1/orders/salon/S-404")
    problem(absent, 404)
    for path, key in [("/v1/orders/salon/S-1", site.stranger), ("/v1/orders/nowhere/S-1", site.storefront)]:
        assert (site.get(path, key=key).status_code, site.get(path, key=key).json()) == (404, absent.json())
    assert site.post("/v1/orders/salon/S-1/cancel", key=site.stranger).json() == absent.json()
    assert fields(site.order(document("S-2"), key=site.stranger)) == ["shop"]
    assert fields(site.post("/v1/preview", document("S-2"), key=site.stranger)) == ["shop"]
    assert site.get("/v1/orders/salon/S-1", key=site.operator).status_code == 200


def test_only_storefronts_order_and_only_operators_release(site: Site) -> None:
    problem(site.order(document("S-1"), key=site.operator), 404)
    site.order(document("S-1", remarks="裏口へ"))
    site.world.settle()
    problem(site.post("/v1/orders/salon/S-1/release"), 404)
    problem(site.post("/v1/orders/salon/S-404/release", key=site.operator), 404)
    assert site.post("/v1/orders/salon/S-1/release", {"reason": "read"}, key=site.operator).status_code == 202
    site.world.settle()
    assert site.world.states() == {"S-1": ("released", "running")}
    problem(site.post("/v1/orders/salon/S-1/release", key=site.operator), 409)


def test_an_order_is_shown_whole(site: Site) -> None:
    site.order(document("S-1", a_line(quantity=2, unit_price=6_600)))
    site.world.settle()
    site.world.ship_all("S-1")
    shown = site.get("/v1/orders/salon/S-1").json()
    assert {
        "shop",
        "number",
        "state",
        "condition",
        "hold",
        "payment",
        "shipments",
        "points",
        "totals",
        "timeline",
        "mails",
    } <= set(shown)
    assert set(shown["payment"]) >= {"method", "state", "authorized", "captured", "refunded"}
    (shipment,) = shown["shipments"]
    assert set(shipment) >= {
        "id",
        "supplier",
        "state",
        "lines",
        "dispatch_on",
        "because",
        "carrier",
        "tracking_number",
        "tracking_url",
        "tracking_status",
    }
    assert shipment["because"][0]["rule"] == "cutoff"
    assert shipment["tracking_number"] in shipment["tracking_url"]
    assert set(shown["points"]) >= {"used", "earned", "state"}
    assert shown["totals"]["grand_total"] == 14_520
    assert all({"entity", "from", "to", "cause", "at"} <= set(move) for move in shown["timeline"])
    assert shown["mails"]
    assert all({"template", "to", "state", "at"} <= set(mail) for mail in shown["mails"])
    assert {entry["at"][-6:] for entry in shown["timeline"]} == {"+09:00"}


def test_an_operator_sees_people_goods_and_what_the_remarks_ask_for(site: Site) -> None:
    """INT-16: whoever has to read the remarks can; a storefront's answer stays as it is."""
    sent = document("S-1", remarks="11/25着希望。裏口へお願いします")
    site.order(sent)
    site.world.settle()
    shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
    assert (shown["customer"]["name"], shown["ship_to"]["city"]) == ("髙橋 﨑子", "名古屋市中区")
    assert shown["remarks"] == sent["remarks"]
    assert [(one["kind"], one["says"], one["for"]) for one in shown["instructions"]] == [
        ("desired_date", "11/25着希望", "supplier"),
        ("unread", "裏口へお願いします", "operator"),
    ]
    assert "裏口へお願いします" in shown["hold"][0]["says"]
    (line,) = shown["lines"]
    assert line.items() >= {"line": "1", "sku": "SKU-1", "name": "商品 1", "quantity": 1, "unit_price": 10_000}.items()

    site.post("/v1/orders/salon/S-1/release", key=site.operator)
    site.world.settle()
    line = site.get("/v1/orders/salon/S-1", key=site.operator).json()["shipments"][0]["lines"][0]
    assert (line["line"], line["sku"], line["name"], line["quantity"]) == ("1", "SKU-1", "商品 1", 1)
    told = site.get("/v1/orders/salon/S-1").json()
    assert not {"customer", "ship_to", "remarks", "instructions", "lines"} & set(told)
    assert "sku" not in told["shipments"][0]["lines"][0]


def test_what_looks_wrong_and_was_taken_is_shown(site: Site) -> None:
    """INT-02, B.9.4."""
    odd = document("S-1")
    odd["customer"] = {**odd["customer"], "email": "user..name@docomo.ne.jp"}
    odd["ship_to"] = {**odd["ship_to"], "region": "Kyōto"}
    assert site.order(odd).status_code == 202
    shown = site.get("/v1/orders/salon/S-1").json()["warnings"]
    assert [(one["field"], one["rule"]) for one in shown] == [
        ("customer.email", "nonconforming"),
        ("ship_to.postal_code", "other_prefecture"),
    ]


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/orders:batch", "/v1/preview"])
def test_no_refusal_repeats_a_card_number(shared_site: Site, path: str) -> None:
    """INT-17: neither as the shop, nor as an unknown field, nor in a text."""
    card = "4111-1111-1111-1111"
    for wrong in ({"shop": card}, {f"x{card}": 1}, {"remarks": card, "totals": {"grand_total": 1}}):
        order = {**document("S-9"), **wrong}
        answer = shared_site.post(path, {"orders": [order]} if path.endswith("batch") else order)
        assert "1111" not in answer.text


def test_a_cancel_is_taken_or_refused_by_its_rule(site: Site) -> None:
    site.world.clock.set(at("2026-11-20 15:00:01"))
    late = {"placed_at": "2026-11-20T15:00:01+09:00"}
    site.order(document("S-1", **late))
    site.order(document("C-1", shop="clinic", **late))
    site.world.settle()
    assert "CAN-01" in problem(site.post("/v1/orders/clinic/C-1/cancel", {"reason": "changed my mind"}), 409)["detail"]
    taken = site.post("/v1/orders/salon/S-1/cancel", {"reason": "changed my mind"})
    assert (taken.status_code, taken.json()["number"]) == (202, "S-1")
    site.world.settle()
    assert site.world.states()["S-1"] == ("cancelled", "done")
    assert site.post("/v1/orders/salon/S-1/cancel").status_code == 202, "asking again changes nothing"
    assert site.post("/v1/orders/clinic/C-1/cancel", key=site.operator).status_code == 202
    site.world.settle()
    assert site.world.states()["C-1"] == ("cancelled", "done")
    problem(site.post("/v1/orders/salon/S-404/cancel"), 404)


def test_whose_wish_it_was_is_an_operators_to_say(site: Site) -> None:
    """INT-15, CAN-03."""
    site.world.clock.set(at("2026-11-20 15:00:01"))
    site.order(document("S-1", placed_at="2026-11-20T15:00:01+09:00"))
    site.world.settle()
    path = "/v1/orders/salon/S-1/cancel"
    assert fields(site.post(path, {"fault": "shop"})) == ["fault"]
    assert fields(site.post(path, {"fault": "nobody"}, key=site.operator)) == ["fault"]
    assert site.post(path, {"reason": "by telephone", "fault": "customer"}, key=site.operator).status_code == 202
    site.world.settle()
    assert site.world.states()["S-1"] == ("cancelled", "done")
    causes = {move["cause"] for move in site.world.show("S-1")["timeline"] if move["to"] == "cancelled"}
    assert "cancelled by the operator at the customer's wish" in causes


def test_a_cancel_after_the_release_is_refused(site: Site) -> None:
    """CAN-06."""
    site.order(document("S-1"))
    site.world.settle()
    assert "CAN-06" in problem(site.post("/v1/orders/salon/S-1/cancel"), 409)["detail"]


@pytest.mark.parametrize(
    ("body", "named"), [({"why": "x"}, "why"), ({"reason": 5}, "reason"), ({"reason": "x" * 501}, "reason")]
)
def test_a_cancels_reason_is_read_strictly(shared_site: Site, body: Any, named: str) -> None:
    assert fields(shared_site.post("/v1/orders/salon/S-1/cancel", body)) == [named]


@pytest.mark.parametrize("number", ["%00", "%ff", "..", "S-1%0a", "x" * 5_000, "%F0%9F%93%A6"])
def test_no_number_in_a_path_is_a_fault(shared_site: Site, number: str) -> None:
    for tail in ("", "/cancel"):
        answer = (
            shared_site.post(f"/v1/orders/salon/{number}{tail}")
            if tail
            else shared_site.get(f"/v1/orders/salon/{number}")
        )
        is_the_list = number == ".." and not tail  # clients take the step back themselves
        assert answer.status_code == 200 if is_the_list else answer.status_code in (404, 405), tail
