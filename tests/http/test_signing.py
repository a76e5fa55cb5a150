"""Signed webhooks, tried against the reference package of the Standard Webhooks specification in both directions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from pipelines.errors import Misconfigured
from workers.http.signing import SignatureRefused, new_secret, sign, signed_headers, standing, verify

NOW = 1_795_158_000
BODY = '{"type":"shipment.shipped","data":{"carrier":"ヤマト"}}'.encode()
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()


def headers(**changes: str | None) -> dict[str, str]:
    """The headers of a good webhook, with some changed (``webhook_id="..."``) or left out (None)."""
    good: dict[str, str] = signed_headers([SECRET], "evt_1", NOW, BODY)
    for name, value in changes.items():
        header = name.replace("_", "-")
        if value is None:
            del good[header]
        else:
            good[header] = value
    return good


def test_the_published_example_of_the_specification() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_we_sign_the_peer_accepts() -> None:
    now = int(datetime.now(tz=UTC).timestamp())
    for secrets in ([SECRET], [OTHER_SECRET, SECRET]):
        assert Webhook(SECRET).verify(BODY, signed_headers(secrets, "evt_1", now, BODY)) == json.loads(BODY)


def test_what_the_peer_signs_we_accept() -> None:
    signature = Webhook(SECRET).sign("evt_1", datetime.fromtimestamp(NOW, tz=UTC), BODY.decode())
    assert verify([SECRET], headers(webhook_signature=signature), BODY, now=NOW) == "evt_1"


@given(st.binary(max_size=200), st.from_regex(r"[!-~]{1,40}", fullmatch=True), st.integers(0, 10**10))
def test_what_is_signed_verifies_and_one_changed_byte_does_not(body: bytes, webhook_id: str, timestamp: int) -> None:
    good = signed_headers([SECRET], webhook_id, timestamp, body)
    assert verify([SECRET], good, body, now=timestamp) == webhook_id
    with pytest.raises(SignatureRefused):
        verify([SECRET], good, body + b" ", now=timestamp)


def test_header_names_match_in_any_case() -> None:
    shouted = {name.title(): value for name, value in headers().items()}
    assert verify([SECRET], shouted, BODY, now=NOW) == "evt_1"


@pytest.mark.parametrize(
    ("signed_with", "known"),
    [
        ([SECRET], [OTHER_SECRET, SECRET]),
        ([OTHER_SECRET, SECRET], [SECRET]),
        ([SECRET, OTHER_SECRET], [OTHER_SECRET, new_secret()]),
    ],
)
def test_while_a_secret_is_replaced_either_one_counts(signed_with: list[str], known: list[str]) -> None:
    assert verify(known, signed_headers(signed_with, "evt_1", NOW, BODY), BODY, now=NOW) == "evt_1"


def test_signatures_of_other_versions_are_passed_over() -> None:
    good = sign(SECRET, "evt_1", NOW, BODY)
    assert verify([SECRET], headers(webhook_signature=f"v1a,AAAA v2,BBBB {good}"), BODY, now=NOW) == "evt_1"


@pytest.mark.parametrize(("seconds", "accepted"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_a_webhook_counts_for_five_minutes(seconds: int, accepted: bool) -> None:
    if accepted:
        assert verify([SECRET], headers(), BODY, now=NOW + seconds) == "evt_1"
    else:
        with pytest.raises(SignatureRefused, match="300 seconds"):
            verify([SECRET], headers(), BODY, now=NOW + seconds)


REFUSED: list[tuple[Mapping[str, str], str]] = [
    ({}, "webhook-id is missing"),
    (headers(webhook_id=None), "webhook-id is missing"),
    (headers(webhook_id=""), "webhook-id is missing"),
    (headers(webhook_id="evt 1"), "visible ASCII"),
    (headers(webhook_id="evt_é"), "visible ASCII"),
    (headers(webhook_id="e" * 256), "visible ASCII"),
    (headers(webhook_id="evt_2"), "No signature"),
    (headers(webhook_timestamp=None), "webhook-timestamp is missing"),
    (headers(webhook_timestamp="now"), "whole seconds"),
    (headers(webhook_timestamp=f"{NOW}.0"), "whole seconds"),
    (headers(webhook_timestamp=f" {NOW}"), "whole seconds"),
    (headers(webhook_timestamp=f"+{NOW}"), "whole seconds"),
    (headers(webhook_timestamp="１７９５１５８０００"), "whole seconds"),
    (headers(webhook_timestamp="nan"), "whole seconds"),
    (headers(webhook_timestamp="9" * 400), "whole seconds"),
    (headers(webhook_timestamp=str(NOW + 1)), "No signature"),
    (headers(webhook_signature=None), "webhook-signature is missing"),
    (headers(webhook_signature="v1"), "No signature"),
    (headers(webhook_signature="v1,"), "No signature"),
    (headers(webhook_signature="v1,***"), "No signature"),
    (headers(webhook_signature="v1,a,b"), "No signature"),
    (headers(webhook_signature="v1,é"), "must be v1"),
    (headers(webhook_signature=sign(SECRET, "evt_1", NOW, BODY)[3:]), "No signature"),
    (headers(webhook_signature=sign(SECRET, "evt_1", NOW, BODY).replace("v1,", "v2,")), "No signature"),
    (headers(webhook_signature=sign(OTHER_SECRET, "evt_1", NOW, BODY)), "No signature"),
    ({**headers(), "Webhook-Id": "evt_1"}, "more than once"),
]


@pytest.mark.parametrize(("bad_headers", "reason"), REFUSED)
def test_a_malformed_header_is_refused_with_the_reason(bad_headers: Mapping[str, str], reason: str) -> None:
    with pytest.raises(SignatureRefused, match=reason):
        verify([SECRET], bad_headers, BODY, now=NOW)


def test_without_a_secret_nothing_is_accepted() -> None:
    with pytest.raises(SignatureRefused):
        verify([], headers(), BODY, now=NOW)


header_values = st.one_of(st.text(), st.sampled_from([*headers().values(), "v1,", "v1,é", "-1", "1e9", "\x00"]))


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature", "webhook-timestamp", "x"]),
        header_values,
    ),
    st.binary(),
)
def test_only_signature_refused_ever_escapes(any_headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        verify([SECRET], any_headers, body, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "whsec_é", base64.b64encode(b"k" * 32).decode()])
def test_a_secret_of_ours_that_is_none_is_an_operator_s_mistake_and_not_repeated(secret: str) -> None:
    with pytest.raises(Misconfigured, match="whsec_ followed by base64") as refusal:
        sign(secret, "evt_1", NOW, BODY)
    assert not secret.removeprefix("whsec_") or secret not in str(refusal.value)


def test_a_new_secret_is_long_and_works_at_the_peer() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    now = int(datetime.now(tz=UTC).timestamp())
    body = json.dumps({"a": 1}).encode()
    assert Webhook(first).verify(body, signed_headers([first], "evt_1", now, body)) == {"a": 1}


@pytest.mark.parametrize(
    ("left", "counts"),
    [(timedelta(microseconds=1), [SECRET, OTHER_SECRET]), (timedelta(), [SECRET]), (-timedelta(days=1), [SECRET]), (None, [SECRET])],
    ids=["until then", "at that moment", "long after", "none was replaced"],
)  # fmt: skip
def test_a_secret_that_was_replaced_counts_until_its_time_is_over(left: timedelta | None, counts: list[str]) -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    assert standing([SECRET, OTHER_SECRET], None if left is None else now + left, now) == counts
