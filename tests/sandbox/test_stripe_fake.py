"""The fake Stripe keeps Stripe's rules, asked as anybody may ask it and not as our adapter does (gateways.md 1, 10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.payments.providers import Fake, served
from workers.sandbox.gateways.ledger import Kind
from workers.sandbox.gateways.stripe import KEY, Stripe

INTENTS = "/v1/payment_intents"
CARD = {
    "amount": "5500",
    "currency": "jpy",
    "payment_method_types[0]": "card",
    "payment_method_options[card][capture_method]": "manual",
    "payment_method": "pm_card_visa",
    "confirm": "true",
    "return_url": "https://shop.example/back",
    "metadata[order]": "SO-1001",
}
VOUCHER = {
    "amount": "5500",
    "currency": "jpy",
    "payment_method_types[]": "konbini",
    "payment_method_data[type]": "konbini",
    "payment_method_data[billing_details][name]": "山田 花子",
    "payment_method_data[billing_details][email]": "hanako@example.jp",
    "confirm": "true",
    "metadata[order]": "SO-1002",
}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with served(Stripe(), tmp_path / "journal") as one:
        yield one


def post(fake: Fake, path: str, form: Mapping[str, str], key: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"} | ({"idempotency-key": key} if key else {})
    return httpx.post(f"{fake.url}{path}", data=dict(form), headers=headers)


def get(fake: Fake, path: str, **asked: str) -> httpx.Response:
    return httpx.get(f"{fake.url}{path}", params=asked, auth=(KEY, ""))


def code(answer: httpx.Response) -> tuple[int, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error.get("code") or error["type"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {KEY}", 200),
        (httpx.BasicAuth(KEY, "")._auth_header, 200),
        ("Bearer sk_test_another", 401),
        ("Basic !", 401),
        (KEY, 401),
        ("", 401),
    ],
)
def test_only_the_secret_key_opens(fake: Fake, authorization: str, status: int) -> None:
    answer = httpx.get(f"{fake.url}{INTENTS}", headers={"authorization": authorization})
    assert answer.status_code == status


def test_a_manual_capture_is_answered_as_the_reference_shows(fake: Fake) -> None:
    shown = post(fake, INTENTS, CARD).json()
    expected = {
        "object": "payment_intent",
        "status": "requires_capture",
        "amount": 5500,
        "amount_capturable": 5500,
        "amount_received": 0,
        "currency": "jpy",
        "next_action": None,
        "last_payment_error": None,
        "metadata": {"order": "SO-1001"},
    }
    assert {name: shown[name] for name in expected} == expected
    assert shown["latest_charge"].startswith("ch_")
    charge = get(fake, f"{INTENTS}/{shown['id']}", **{"expand[]": "latest_charge"}).json()["latest_charge"]
    assert charge["payment_method_details"]["card"]["capture_before"] > charge["created"]


@pytest.mark.parametrize(
    ("form", "refused"),
    [
        (CARD | {"description": "not of this fake"}, (400, "parameter_unknown")),
        (CARD | {"amount": "49"}, (400, "amount_too_small")),
        (CARD | {"amount": "100000000"}, (400, "amount_too_large")),
        (CARD | {"amount": "5500.0"}, (400, "parameter_invalid_integer")),
        (CARD | {"currency": "usd"}, (400, "parameter_invalid")),
        (CARD | {"payment_method": "pm_nobody"}, (400, "resource_missing")),
        (CARD | {"payment_method": "pm_card_chargeDeclined"}, (402, "card_declined")),
        (CARD | {"payment_method": "pm_card_chargeDeclinedExpiredCard"}, (402, "expired_card")),
        (VOUCHER | {"amount": "119"}, (400, "amount_too_small")),
        (VOUCHER | {"amount": "300001"}, (400, "amount_too_large")),
        (VOUCHER | {"payment_method_data[billing_details][email]": ""}, (400, "parameter_missing")),
        (VOUCHER | {"payment_method_options[konbini][expires_after_days]": "61"}, (400, "parameter_invalid")),
        (VOUCHER | {"payment_method_options[konbini][expires_at]": "1"}, (400, "parameter_invalid")),
        (VOUCHER | {"payment_method_options[konbini][confirmation_number]": "0000000000"}, (400, "parameter_invalid")),
        (VOUCHER | {"payment_method_options[konbini][product_description]": "x" * 23}, (400, "parameter_invalid")),
        ({"amount": "5500", "currency": "jpy", "confirm": "true"}, (400, "parameter_invalid")),
    ],
)
def test_what_stripe_refuses_is_refused(fake: Fake, form: Mapping[str, str], refused: tuple[int, str]) -> None:
    assert code(post(fake, INTENTS, form)) == refused
    assert fake.provider.ledger.moves == []


def test_a_key_replays_status_and_body_and_compares_parameters(fake: Fake) -> None:
    first, again = (post(fake, INTENTS, CARD, "k") for _ in range(2))
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert code(post(fake, INTENTS, CARD | {"amount": "5501"}, "k")) == (400, "idempotency_error")
    assert len(fake.moves("SO-1001", Kind.HOLD)) == 1
    declined = [post(fake, INTENTS, CARD | {"payment_method": "pm_card_chargeDeclined"}, "d") for _ in range(2)]
    assert [one.status_code for one in declined] == [402, 402]
    assert declined[0].json() == declined[1].json()


def test_what_was_refused_before_it_was_begun_is_not_remembered(fake: Fake) -> None:
    assert code(post(fake, INTENTS, CARD | {"amount": "1"}, "k")) == (400, "amount_too_small")
    assert post(fake, INTENTS, CARD, "k").status_code == 200


def test_without_a_key_or_after_a_day_the_same_request_is_another_payment(fake: Fake) -> None:
    for key in (None, None, "k"):
        assert post(fake, INTENTS, CARD, key).status_code == 200
    fake.clock(datetime.now(UTC) + timedelta(hours=24, seconds=1))
    assert post(fake, INTENTS, CARD, "k").status_code == 200
    assert len(fake.moves("SO-1001", Kind.HOLD)) == 4


def test_one_capture_and_what_is_left_is_released(fake: Fake) -> None:
    id_ = post(fake, INTENTS, CARD).json()["id"]
    assert code(post(fake, f"{INTENTS}/{id_}/capture", {"amount_to_capture": "5501"})) == (400, "amount_too_large")
    assert post(fake, f"{INTENTS}/{id_}/capture", {"amount_to_capture": "3000"}).json()["amount_received"] == 3000
    unexpected = (400, "payment_intent_unexpected_state")
    assert code(post(fake, f"{INTENTS}/{id_}/capture", {"amount_to_capture": "2500"})) == unexpected
    assert code(post(fake, f"{INTENTS}/{id_}/cancel", {})) == unexpected
    charge = get(fake, f"{INTENTS}/{id_}", **{"expand[]": "latest_charge"}).json()["latest_charge"]
    assert (charge["amount_captured"], charge["amount_refunded"], charge["refunded"]) == (3000, 2500, False)


def test_no_more_goes_back_than_was_taken(fake: Fake) -> None:
    id_ = post(fake, INTENTS, CARD).json()["id"]
    refund = {"payment_intent": id_, "amount": "3000"}
    assert code(post(fake, "/v1/refunds", refund)) == (400, "payment_intent_unexpected_state")
    post(fake, f"{INTENTS}/{id_}/capture", {})
    assert post(fake, "/v1/refunds", refund).json()["status"] == "succeeded"
    assert post(fake, "/v1/refunds", refund).status_code == 400
    assert post(fake, "/v1/refunds", {"payment_intent": id_}).json()["amount"] == 2500
    assert code(post(fake, "/v1/refunds", refund)) == (400, "charge_already_refunded")
    listed = get(fake, "/v1/refunds", payment_intent=id_).json()
    assert [one["amount"] for one in listed["data"]] == [2500, 3000]


def test_a_voucher_ends_at_the_end_of_its_day_in_japan(fake: Fake) -> None:
    form = VOUCHER | {"payment_method_options[konbini][expires_after_days]": "2"}
    shown = post(fake, INTENTS, form).json()["next_action"]["konbini_display_details"]
    tokyo = datetime.fromtimestamp(shown["expires_at"], UTC) + timedelta(hours=9)
    begun = datetime.now(UTC) + timedelta(hours=9)
    assert (tokyo.date() - begun.date(), tokyo.time().isoformat()) == (timedelta(days=2), "23:59:59")
    assert set(shown["stores"]) == {"familymart", "lawson", "ministop", "seicomart"}


def test_a_voucher_is_refunded_to_an_address_for_instructions_only(fake: Fake) -> None:
    id_ = post(fake, INTENTS, VOUCHER).json()["id"]
    fake.buyer("pay_at_store", order="SO-1002")
    assert code(post(fake, "/v1/refunds", {"payment_intent": id_})) == (400, "parameter_missing")
    refund = post(fake, "/v1/refunds", {"payment_intent": id_, "instructions_email": "hanako@example.jp"}).json()
    assert refund["status"] == "requires_action"
    assert fake.moves("SO-1002", Kind.GIVE_BACK) == []


def test_the_index_of_the_search_lags_behind_and_the_list_does_not(fake: Fake) -> None:
    id_ = post(fake, INTENTS, CARD).json()["id"]
    query = "metadata['order']:'SO-1001'"
    assert get(fake, f"{INTENTS}/search", query=query).json()["data"] == []
    assert [one["id"] for one in get(fake, INTENTS).json()["data"]] == [id_]
    fake.clock(datetime.now(UTC) + timedelta(minutes=2))
    assert [one["id"] for one in get(fake, f"{INTENTS}/search", query=query).json()["data"]] == [id_]
    assert get(fake, f"{INTENTS}/search", query="status:'x'").status_code == 400


def test_a_list_has_pages(fake: Fake) -> None:
    made = [post(fake, INTENTS, CARD).json()["id"] for _ in range(5)]
    first = get(fake, INTENTS, limit="3").json()
    rest = get(fake, INTENTS, limit="3", starting_after=first["data"][-1]["id"]).json()
    assert [one["id"] for one in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert get(fake, INTENTS, limit="101").status_code == 400
    assert get(fake, INTENTS, starting_after="pi_nobody").status_code == 400


@pytest.mark.parametrize("path", [f"{INTENTS}/pi_nobody", "/v1/nothing", f"{INTENTS}/pi_1/confirm"])
def test_what_is_not_there_is_missing(fake: Fake, path: str) -> None:
    assert code(get(fake, path)) == (404, "resource_missing")
