"""A customer's account over HTTP: what may be told, by whom, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.application import application
from tests.world import World, document

Call = Callable[..., httpx.Response]
CARD = "4242 4242 4242 4242"


@pytest.fixture
def call(world: World) -> Iterator[Call]:
    """Requests with the key of a storefront of apparel and clinic; ``by="operator"`` with that of reuse's operator."""
    app = application(world.house)
    keys = {
        "storefront": world.enrol("storefront", "front", shops=["apparel", "clinic"]).key,
        "operator": world.enrol("operator", "desk", shops=["reuse"]).key,
        "supplier": world.enrol("supplier", "warehouse").key,
    }
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shukka")

        def send(method: str, path: str, body: Any = None, *, by: str = "storefront") -> httpx.Response:
            headers = {"Authorization": f"Bearer {keys[by]}"}
            return runner.run(client.request(method, f"/v1/customers/{path}", json=body, headers=headers))

        yield send
        runner.run(client.aclose())


def fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert CARD not in answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_facts_are_told_in_parts_and_stay(call: Call) -> None:
    """What is left out stays as it is, null forgets, the same again changes nothing."""
    first = call("PUT", "apparel/M-1", {"email": "Hana@Example.JP", "name": "花子", "birth_date": "1990-03-01"})
    assert first.status_code == 201
    assert first.json() == call("GET", "apparel/M-1").json()
    told = {"postal_stop": True, "mail_consent": False}
    second, again = (call("PUT", "apparel/M-1", told) for _ in range(2))
    assert (second.status_code, again.status_code) == (200, 200)
    assert second.json() == again.json() == {**first.json(), **told}
    forgotten = call("PUT", "apparel/M-1", {"email": None, "birth_date": None}).json()
    assert (forgotten["email"], forgotten["birth_date"], forgotten["name"]) == (None, None, "花子")


def test_null_forgets_whatever_was_told(call: Call) -> None:
    """A storefront that knows no more sends null: how the customer stands then is how an unknown one does."""
    told = {
        "email": "hana@example.jp",
        "name": "花子",
        "locale": "en",
        "birth_date": "1990-03-01",
        "mail_consent": True,
        "postal_stop": True,
    }
    call("PUT", "apparel/M-1", told)
    empty = call("PUT", "apparel/M-2", {}).json()
    answer = call("PUT", "apparel/M-1", dict.fromkeys(told))
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in told} == {name: empty[name] for name in told}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"withdrawn": None}, "Must be true or false."),
        ({"postal_stop": "yes"}, "Must be true or false."),
        ({"registered": None}, "Must be true."),
    ],
)
def test_true_and_false_are_called_as_json_writes_them(call: Call, body: Any, says: str) -> None:
    assert [error["message"] for error in call("PUT", "apparel/M-1", body).json()["errors"]] == [says]


def test_an_account_shows_balance_rank_and_counters_with_their_window(call: Call) -> None:
    """PTS-08, INT-14."""
    account = call("PUT", "apparel/M-1", {"registered": True}).json()
    assert account["balance"] == {"pending": 0, "valid": 500, "held": 0, "usable": 500}
    assert account["rank"] == "REGULAR"
    assert account["counters"] == {
        "window": {"days": 365, "from": "2025-11-20", "to": "2026-11-20"},
        "undelivered_returns": {"count": 0, "holds_from": 2},
        "customer_returns": {"count": 0, "holds_from": 3},
        "customer_cancels": {"count": 0, "holds_from": None},
    }
    assert (account["allowed_methods"], account["proposal"], account["withdrawn_at"]) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"email": "no address"}, ["email"]),
        ({"email": ""}, ["email"]),
        ({"email": "a@example.jp,b@example.jp"}, ["email"]),
        ({"email": "Hana <a@example.jp>"}, ["email"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": f"card {CARD}"}, ["name"]),
        ({"name": "名" * 255}, ["name"]),
        ({"birth_date": "2026-11-21"}, ["birth_date"]),
        ({"birth_date": "1990-2-1"}, ["birth_date"]),
        ({"withdrawn": None}, ["withdrawn"]),
        ({"withdrawn": "yes"}, ["withdrawn"]),
        ({"postal_stop": 1}, ["postal_stop"]),
        ({"registered": False}, ["registered"]),
        ({"locale": "fr"}, ["locale"]),
        ({"allowed_methods": ["card"]}, ["allowed_methods"]),
        ({"rank": "GOLD"}, ["rank"]),
        ({"email": "no address", "birth_date": "2026-11-21"}, ["email", "birth_date"]),
        ([], ["order"]),
    ],
)
def test_what_cannot_be_told_is_named_and_changes_nothing(
    world: World, call: Call, body: Any, named: list[str]
) -> None:
    """INT-02, INT-17, PTS-09: the door of orders; methods are for operators (INT-15)."""
    assert fields(call("PUT", "apparel/M-1", body)) == named
    assert world.rows("SELECT FROM customer") == []


@pytest.mark.parametrize("number", ["x" * 65, "4242424242424242", "a%0Ab"])
def test_no_customer_has_such_a_number(world: World, call: Call, number: str) -> None:
    answer = call("PUT", f"apparel/{number}", {"name": "花子"})
    assert fields(answer) == ["customer"]
    assert "4242424242424242" not in answer.text
    assert world.rows("SELECT FROM customer") == []


def test_an_address_that_needs_quotes_is_kept_as_it_came(call: Call) -> None:
    """INT-02: under carrier_legacy it is never refused."""
    assert call("PUT", "apparel/M-1", {"email": "a..b@docomo.ne.jp"}).json()["email"] == "a..b@docomo.ne.jp"


def test_absent_and_forbidden_look_the_same(world: World, call: Call) -> None:
    world.take(document("S-1"))
    answers = [
        call("GET", "apparel/M-404"),
        call("GET", "salon/M-1"),
        call("GET", "nowhere/M-1"),
        call("PUT", "salon/M-1", {"withdrawn": True}),
        call("PUT", "nowhere/M-1", {"withdrawn": True}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert call("GET", "apparel/M-1", by="supplier").status_code == 404


def test_one_mailbox_is_one_account(call: Call) -> None:
    """INT-01: whatever the spelling; until the account is withdrawn, and not where the shop does not ask for it."""
    assert call("PUT", "clinic/C-1", {"email": "A.b@Example.JP"}).status_code == 201
    taken = call("PUT", "clinic/C-2", {"email": '"a.b"@example.jp'})
    assert (taken.status_code, "INT-01" in taken.json()["detail"]) == (409, True)
    assert call("GET", "clinic/C-2").status_code == 404
    assert call("PUT", "clinic/C-1", {"email": "a.B@EXAMPLE.jp"}).status_code == 200
    assert call("PUT", "clinic/C-1", {"withdrawn": True}).status_code == 200
    assert call("PUT", "clinic/C-2", {"email": "a.b@example.jp"}).status_code == 201
    assert call("PUT", "clinic/C-1", {"withdrawn": False}).status_code == 409
    assert [call("PUT", f"apparel/{one}", {"email": "a@example.jp"}).status_code for one in "AB"] == [201, 201]


def test_operators_dictate_methods_that_the_shop_has(call: Call) -> None:
    """INT-15."""
    assert fields(call("PUT", "reuse/R-1", {"allowed_methods": ["direct_debit"]}, by="operator")) == ["allowed_methods"]
    assert fields(call("PUT", "reuse/R-1", {"allowed_methods": []}, by="operator")) == ["allowed_methods"]
    told = call("PUT", "reuse/R-1", {"allowed_methods": ["bank_transfer"]}, by="operator")
    assert told.json()["allowed_methods"] == ["bank_transfer"]
    assert call("PUT", "reuse/R-1", {"allowed_methods": None}, by="operator").json()["allowed_methods"] is None
