"""Webhooks: signed by the peer's own library, stored before they are answered, never more powerful than their sender."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.odd_json import ODD
from tests.rules.build import at
from tests.web.site import Site, problem, signature
from tests.world import document, tracking_number


@pytest.fixture
def shipment(site: Site) -> str:
    site.order(document("S-1"))
    site.world.settle()
    return site.world.shipments()[0]


def shipped(shipment: str, **data: Any) -> dict[str, Any]:
    return {
        "type": "shipment.shipped",
        "timestamp": "2026-11-20T16:05:00+09:00",
        "data": {
            "shipment": shipment,
            "carrier": "yamato",
            "tracking_number": tracking_number(44_441_375_870),
            "shipped_at": "2026-11-20T15:40:00+09:00",
            "lines": [{"line": "1", "quantity": 1}],
            **data,
        },
    }


def stored(site: Site) -> list[str]:
    return [row.state for row in site.world.rows("SELECT state FROM inbox_event ORDER BY id")]


def test_the_contracts_event_ships_the_order(site: Site, shipment: str) -> None:
    site.world.clock.set(at("2026-11-20 16:05:00"))
    assert site.hook(shipped(shipment)).status_code == 202
    assert stored(site) == ["pending"], "stored before it is answered, acted on later"
    site.world.settle()
    assert site.world.states() == {"S-1": ("shipped", "done")}


def test_the_same_id_again_is_200_and_nothing_is_done(site: Site, shipment: str) -> None:
    answers = [site.hook(shipped(shipment), event_id="msg-1").status_code for _ in range(3)]
    assert (answers, stored(site)) == ([202, 200, 200], ["pending"])
    assert site.hook(shipped(shipment, tracking_number=None), event_id="msg-1").status_code == 200


@pytest.mark.parametrize("state", ["57014", "55P03", "40P01"], ids=["too slow", "locked", "deadlock"])
def test_what_others_were_in_the_way_of_is_not_acknowledged(site: Site, shipment: str, state: str) -> None:
    """503, so that it comes again: a sender that heard 202 would never send it again."""
    site.world.refuse("inbox_event", state)
    refused = site.hook(shipped(shipment), event_id="msg-1")
    problem(refused, 503)
    assert (int(refused.headers["retry-after"]) >= 1, stored(site)) == (True, [])
    site.world.refuse_no_more("inbox_event")
    assert site.hook(shipped(shipment), event_id="msg-1").status_code == 202


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "the document: Must be an object."),
        ({"data": {}}, "type: This field is required."),
        (
            {"type": "shipment.shipped", "timestamp": "2026-11-20", "data": []},
            "timestamp: Must be an RFC 3339 time with an",
        ),
    ],
    ids=["no object", "no type", "no time"],
)
def test_why_news_cannot_be_read_is_told_in_the_words_of_a_refusal(site: Site, body: Any, says: str) -> None:
    """The operator asks the sender with them: they name the field and what it must be."""
    assert site.hook(body).status_code == 202
    (reason,) = site.world.rows("SELECT reason FROM inbox_event")
    assert reason.reason.startswith(says)


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-signature": None},
        {"webhook-id": ""},
        {"webhook-id": "other"},
        {"webhook-id": "x" * 256},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "9" * 20},
        {"webhook-timestamp": "-1"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,!!!"},
        {"webhook-signature": "v2,c2lnbmF0dXJl"},
        {"webhook-signature": "v1a,c2lnbmF0dXJl"},
        {"webhook-signature": "v1," + base64.b64encode(bytes(32)).decode()},
        {"webhook-signature": " " * 500},
    ],
    ids=lambda headers: " ".join(f"{k}={str(v)[:12]}" for k, v in headers.items()),
)
def test_a_signature_that_is_none_is_401(shared_site: Site, headers: dict[str, str | None]) -> None:
    problem(shared_site.hook(shipped("SH-1"), headers=headers), 401)
    assert stored(shared_site) == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({**signature("whsec_YQ==", b"{}", "msg-1"), "webhook-timestamp": "1"}, 401),
        ({"content-length": "9999999"}, 413),
    ],
    ids=["no signature", "an old one", "too large"],
)
def test_a_body_whose_headers_prove_nothing_is_not_waited_for(
    shared_site: Site, headers: dict[str, str], status: int
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    answer = shared_site.run(
        lambda: shared_site.request(
            "POST", "/v1/webhooks/suppliers/warehouse", key=None, content=endless(), headers=headers
        )
    )
    problem(answer, status)


def test_another_secret_another_body_and_another_sender_are_401(site: Site, shipment: str) -> None:
    problem(site.hook(shipped(shipment), secret=site.secrets["maker-a"]), 401)
    tampered = signature(site.secrets["warehouse"], b"{}", "msg-1")
    problem(site.hook(shipped(shipment), headers=tampered), 401)
    problem(site.hook(shipped(shipment), path="/v1/webhooks/suppliers/nobody"), 401)
    problem(site.hook(shipped(shipment), path="/v1/webhooks/payments/warehouse"), 401)
    assert stored(site) == []


@pytest.mark.parametrize(("age", "status"), [(290, 202), (310, 401), (-290, 202), (-310, 401)])
def test_the_tolerance_is_five_minutes_either_way(site: Site, shipment: str, age: float, status: int) -> None:
    assert site.hook(shipped(shipment), age=age).status_code == status


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"a":1,"a":2}', 202),
        (b'{"a": NaN}', 400),
        (b"[1]", 202),
        (b'"text"', 202),
        (b"{}", 202),
        (b"1" * 1_048_577, 413),
    ],
    ids=["empty", "cut", "key twice", "not a number", "list", "text", "empty object", "too large"],
)
def test_what_a_known_sender_says_badly(site: Site, raw: bytes, status: int) -> None:
    """Not JSON is 400; JSON that says nothing readable is kept for the operator."""
    answer = site.hook(None, raw=raw)
    assert answer.status_code == status
    assert stored(site) == (["quarantined"] if status == 202 else [])


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("door", ["webhook", "key"])
def test_what_nobody_reads_keeps_no_news_out(site: Site, shipment: str, odd: str, door: str) -> None:
    """A partner's own id may be any number: its field is none of ours."""
    told = json.dumps(shipped(shipment))
    raw = (told[:-1] + f', "theirs": {odd}' + "}").encode()
    if door == "webhook":
        assert site.hook(None, raw=raw).status_code == 202
    else:
        path, key = "/v1/suppliers/warehouse/events", site.keys["warehouse"]
        assert [site.post(path, key=key, content=raw).status_code for _ in range(2)] == [202, 200]
    assert stored(site) == ["pending"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ('{"shipment": "SH-1", "lines": [{"line": "1", "quantity": 18446744073709551615}]}', "quantity"),
        ('{"shipment": "SH-\\u0000"}', "u0000"),
        ('{"shipment": "SH-\\ud800"}', "shipment"),
        ('{"shipment": "SH-1", "shipment": "SH-2"}', "twice"),
        ("[" * 40 + "]" * 40, "data"),
        ("[" * 100_000 + "]" * 100_000, "nested"),
    ],
    ids=["quantity", "U+0000", "half a pair", "key twice", "40 levels", "100,000 levels"],
)
def test_what_cannot_be_read_of_an_event_goes_to_the_operator_with_its_reason(site: Site, data: str, why: str) -> None:
    raw = f'{{"type": "shipment.shipped", "timestamp": "2026-11-20T16:05:00+09:00", "data": {data}}}'.encode()
    assert [site.hook(None, raw=raw, event_id=one).status_code for one in ("m-1", "m-1", "m-2")] == [202, 200, 202]
    assert stored(site) == ["quarantined"] * 2
    assert why in site.world.value("SELECT min(reason) FROM inbox_event")


DEPOSIT = {
    "type": "deposit.received",
    "timestamp": "2026-11-20T12:00:00+09:00",
    "data": {"shop": "salon", "number": "S-1", "amount": 11_000, "reference": "FT-1"},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_nobody_reads_keeps_no_money_out(site: Site, odd: str) -> None:
    site.order(document("S-1", payment={"method": "bank_transfer"}))
    site.world.settle()
    raw = (json.dumps(DEPOSIT)[:-1] + f', "theirs": {odd}' + "}").encode()
    assert [site.hook(None, sender="bank", raw=raw).status_code for _ in range(2)] == [202, 200]
    site.world.settle()
    assert site.world.show()["payment"]["state"] == "captured"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ('"data": {"shop": "salon", "number": "S-1", "amount": 18446744073709551615}', "amount"),
        ('"data": {"shop": "salon", "number": "S-1", "amount": 1, "amount": 2}', "twice"),
        ('"data": {"shop": "salon", "number": "S-\\u0000", "amount": 11000}', "u0000"),
        ('"data": {"shop": "salon", "number": "S-1", "amount": 11000, "reference": "\\ud800"}', "surrogate"),
        ('"data": {"shop": "salon", "number": "S-1", "amount": 11000, "at": "0001-01-01T00:00:00+14:00"}', "at"),
        ('"data": ' + "[" * 100_000 + "]" * 100_000, "nested"),
    ],
    ids=["amount", "key twice", "U+0000", "half a pair", "no such time", "100,000 levels"],
)
def test_money_that_cannot_be_understood_is_kept_and_somebody_has_it(site: Site, changes: str, why: str) -> None:
    raw = f'{{"type": "deposit.received", "timestamp": "2026-11-20T16:05:00+09:00", {changes}}}'.encode()
    assert [site.hook(None, sender="bank", raw=raw, event_id=one).status_code for one in ("m-1", "m-1")] == [202, 200]
    assert stored(site) == ["quarantined"]
    assert why in site.world.value("SELECT reason FROM inbox_event")


@pytest.mark.parametrize("own", ["\u0000", "\ud800", "m" * 255], ids=["U+0000", "half a pair", "long"])
def test_an_id_of_any_characters_makes_news_once(site: Site, shipment: str, own: str) -> None:
    path, key = "/v1/suppliers/warehouse/events", site.keys["warehouse"]
    raw = json.dumps({**shipped(shipment), "id": own}).encode()
    assert [site.post(path, key=key, content=raw).status_code for _ in range(2)] == [202, 200]
    assert stored(site) == ["pending"]


def test_bytes_that_are_no_text_are_no_webhook(site: Site) -> None:
    assert site.hook(None, raw=b"\xff\xfe").status_code in (400, 401)
    assert stored(site) == []


@pytest.mark.parametrize("whose", ["unknown", "another's"])
def test_what_a_supplier_may_not_touch_is_kept_and_changes_nothing(site: Site, shipment: str, whose: str) -> None:
    """Both look exactly the same from outside."""
    before = site.get("/v1/orders/salon/S-1").json()
    answer = (
        site.hook(shipped("SH-NOBODY"), event_id="m")
        if whose == "unknown"
        else site.hook(shipped(shipment), sender="maker-a", event_id="m")
    )
    assert (answer.status_code, answer.json()) == (202, {"id": "m", "status": "stored"})
    site.world.settle()
    assert (stored(site), site.get("/v1/orders/salon/S-1").json()) == (["quarantined"], before)


@pytest.mark.parametrize("type_", ["order.cancel", "order.release", "deposit.received", "anything"])
def test_a_supplier_has_no_word_in_other_matters(site: Site, shipment: str, type_: str) -> None:
    assert site.hook({**shipped(shipment), "type": type_}).status_code == 202
    site.world.settle()
    assert stored(site) == ["quarantined"]
    assert site.world.states() == {"S-1": ("released", "running")}


def test_a_deposit_notice_releases_a_transfer(site: Site) -> None:
    site.order(document("S-1", payment={"method": "bank_transfer"}))
    site.world.settle()
    notice = {
        "type": "deposit.received",
        "timestamp": "2026-11-20T12:00:00+09:00",
        "data": {"shop": "salon", "number": "S-1", "amount": 11_000, "reference": "ｻﾛﾝﾀｶﾊｼ"},
    }
    assert site.hook(notice, sender="bank").status_code == 202
    site.world.settle()
    assert site.world.show()["payment"]["state"] == "captured"


def test_a_long_reason_takes_nothing_from_a_refusal(site: Site, shipment: str) -> None:
    """Nobody told the maker how long a reason may be."""
    told = {"type": "shipment.refused", "timestamp": "2026-11-20T16:05:00+09:00"}
    assert site.hook({**told, "data": {"shipment": shipment, "reason": "在庫切れ。\n" * 1000}}).status_code == 202
    site.world.settle()
    assert site.world.states() == {"S-1": ("released", "held")}
    (reason,) = [row.body["reason"] for row in site.world.rows("SELECT body FROM inbox_event")]
    assert (len(reason), reason[:12], reason[-1]) == (500, "在庫切れ。 在庫切れ。 ", "…")


def test_odd_senders_in_the_path_are_nobody(site: Site) -> None:
    for name in ("%00", "%ff", "x" * 5_000):
        assert site.hook({}, path=f"/v1/webhooks/suppliers/{name}").status_code in (401, 404)
