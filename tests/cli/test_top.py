"""``shukka top``: what goes through now, what waits and for how long, what ended and how."""

from __future__ import annotations

import json

import pytest

from tests.cli.console import in_process
from tests.world import World, document


@pytest.fixture
def busy(database: World) -> World:
    """A house in which S-1 has gone on, S-2 waits for its first stage, and a partner does not answer."""
    database.take(document("S-1"))
    database.settle()
    database.take(document("S-2", customer="M-2"))
    database.execute(
        "INSERT INTO circuit (kind, target, probe_at, failures, code)"
        " VALUES ('supplier.instruct', 'maker-a', now() + interval '1 minute', 7, 'timeout')"
    )
    return database


def test_what_is_counted(busy: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHUKKA_CLOCK", busy.clock.now().isoformat())
    code, said, _ = in_process(capsys, monkeypatch, "top", "--json")
    seen = json.loads(said)
    assert code == 0
    assert seen["orders_per_second"]["released"] > 0
    assert {one["stage"]: one["due"] for one in seen["stages"]}["accept"] == 1
    ended = {(one["kind"], one["state"]): one["ended"] for one in seen["effects"]}
    assert ended["payment.authorize", "done"] == 1
    assert ended["mail.send", "sent"] == busy.value("SELECT count(*) FROM mail WHERE state = 'sent'")
    assert all(one["p95"] >= one["p50"] >= 0 for one in seen["effects"])
    assert seen["circuits"] == ["supplier.instruct maker-a"]


def test_one_page(busy: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, said, _ = in_process(capsys, monkeypatch, "top", "--once")
    assert code == 0
    for words in (
        "released",
        "stages",
        "accept",
        "effects that ended",
        "payment.authorize",
        "maker-a",
        "waits for a human",
    ):
        assert words in said


def test_an_idle_house(database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, said, _ = in_process(capsys, monkeypatch, "top", "--once")
    assert (code, "no order" in said, "waits for a human: nothing" in said) == (0, True, True)
