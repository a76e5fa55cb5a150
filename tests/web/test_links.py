"""Signed links: one page, one subject, until one moment; whatever else is the same 404 (``workers.web.links``)."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import Misconfigured, NotFound
from workers.web.links import Links, keep_secret, new_secret, read_links

NOW = datetime(2026, 9, 18, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
OLD, NEW = new_secret(), new_secret()
LINKS = Links([NEW], "https://pay.shop.example")

purposes = st.sampled_from(["refund_account", "supplier", "order"])
subjects = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def refused(links: Links, purpose: str, token: str, now: datetime = NOW) -> bool:
    with pytest.raises(NotFound) as why:
        links.subject(purpose, token, now)
    return str(why.value) == ""


@given(purposes, subjects)
def test_a_link_opens_its_subject(purpose: str, subject: str) -> None:
    assert LINKS.subject(purpose, LINKS.token(purpose, subject, LATER), NOW) == subject


@given(purposes, purposes, subjects)
def test_a_link_opens_no_page_of_another_purpose(purpose: str, other: str, subject: str) -> None:
    token = LINKS.token(purpose, subject, LATER)
    assert purpose == other or refused(LINKS, other, token)


@given(subjects, subjects)
def test_a_signature_is_of_one_subject(subject: str, other: str) -> None:
    """22 characters of a token are the signature's own; put before another subject they prove nothing."""
    mine, theirs = (LINKS.token("order", one, LATER) for one in (subject, other))
    assert subject == other or refused(LINKS, "order", mine[:21] + theirs[21:])


@given(subjects, st.data())
def test_a_link_with_one_character_changed_opens_nothing(subject: str, data: st.DataObject) -> None:
    token = LINKS.token("order", subject, LATER)
    at = data.draw(st.integers(0, len(token) - 1))
    put = data.draw(st.sampled_from("ABCxyz019-_=+/ \n").filter(lambda one: one != token[at]))
    assert refused(LINKS, "order", token[:at] + put + token[at + 1 :])


@given(st.text(max_size=80))
def test_what_nobody_signed_opens_nothing(token: str) -> None:
    assert refused(LINKS, "order", token)


@pytest.mark.parametrize(("seconds", "opens"), [(-1, True), (0, False), (1, False)])
def test_a_link_ends_at_its_second(seconds: int, opens: bool) -> None:
    token = LINKS.token("order", "salon/1", LATER)
    now = LATER + timedelta(seconds=seconds)
    assert (LINKS.subject("order", token, now) == "salon/1") if opens else refused(LINKS, "order", token, now)


def test_a_secret_is_replaced_while_both_open_and_revoked_when_it_is_taken_out() -> None:
    sent = Links([OLD], LINKS.base).token("order", "salon/1", LATER)
    assert Links([NEW, OLD], LINKS.base).subject("order", sent, NOW) == "salon/1"
    assert Links([NEW, OLD], LINKS.base).token("order", "salon/1", LATER) == LINKS.token("order", "salon/1", LATER)
    assert refused(LINKS, "order", sent)


def test_the_same_link_is_the_same_whenever_it_is_made() -> None:
    """So that a mail that is rendered twice is the same mail."""
    one, again = (LINKS.url("/r/", "order", "salon/1", LATER) for _ in range(2))
    assert one == again
    assert one.startswith("https://pay.shop.example/r/")


def test_a_secret_is_kept_for_the_next_start_and_for_its_owner_alone(tmp_path: Path) -> None:
    secret = keep_secret(tmp_path / "data")
    assert keep_secret(tmp_path / "data") == secret
    assert stat.S_IMODE((tmp_path / "data" / "link_secret").stat().st_mode) == 0o600
    kept = read_links(None, "https://shop.example/", tmp_path / "data")
    assert kept == Links([secret], "https://shop.example")


@pytest.mark.parametrize(
    ("secret", "base"),
    [(None, "https://shop.example"), (NEW, None), (" , ", "https://shop.example")],
    ids=["no secret", "no address", "an empty one"],
)
def test_without_a_secret_or_an_address_there_are_no_links(
    secret: str | None, base: str | None, tmp_path: Path
) -> None:
    assert read_links(secret, base, tmp_path) is None


def test_a_secret_that_can_be_guessed_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="SHUKKA_LINK_SECRET") as why:
        read_links("short-secret", "https://shop.example", tmp_path)
    assert "short-secret" not in str(why.value)
    assert NEW not in repr(LINKS)
