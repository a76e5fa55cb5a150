"""``shukka order SHOP/NUMBER``: one order's whole story, enough to know why it stands where it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.test_commands import in_process
from tests.world import World, document
from workers.cli.main import main


@pytest.fixture
def told(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """An order whose supplier was told, and which a remark holds in the same shop."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SHUKKA_CLOCK", world.clock.now().isoformat())
    world.take(document("S-1"), document("S-2", remarks="裏口の犬に注意"))
    world.settle()
    return world


def shown(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], name: str) -> dict[str, Any]:
    monkeypatch.setattr("sys.argv", ["shukka", "order", name, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    read: dict[str, Any] = json.loads(capfdbinary.readouterr().out)
    return read


def test_the_story_as_json(
    told: World, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    story = shown(monkeypatch, capfdbinary, "salon/S-1")
    assert story["customer"]["email"] == "takahashi@example.jp"
    assert [line["sku"] for line in story["lines"]] == ["SKU-1"]
    (attempt,) = story["payment"]["attempts"]
    assert (attempt["kind"], attempt["key"], attempt["outcome"]) == ("authorize", "salon/S-1:authorize", "done")
    authorized = next(one for one in story["timeline"] if one["to"] == "authorized")
    assert attempt["at"] == authorized["at"], "by the Clock, which is set to another day than the database's"
    assert {effect["ended_at"][:10] for effect in story["effects"]} == {authorized["at"][:10]}
    assert {effect["kind"] for effect in story["effects"]} == {"payment.authorize", "supplier.instruct"}
    assert [wait["what"] for wait in story["awaits"]] == [work["what"] for work in story["work"] if work["what"]]
    assert story["shipments"][0]["because"]
    assert story["timeline"][0]["to"] == "accepted"


def test_no_line_of_a_customer_looks_like_one_of_ours(
    told: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Remarks go on under themselves: one said in a line of its own that the order had been paid."""
    told.take(document("S-3", remarks="早めにお願いします\nmoney      card: captured\n\n犬に注意"))
    told.settle()
    code, out, err = in_process(capsys, monkeypatch, "order", "salon/S-3")
    assert (code, err) == (0, "")
    assert "\nremarks    早めにお願いします\n           money      card: captured\n" in out
    assert [line for line in out.splitlines() if line.startswith("money")] != []
    assert not any(line.startswith(("money      card: captured", "犬")) for line in out.splitlines())


def test_what_came_in_is_part_of_it(
    told: World, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (shipment, *_) = told.shipments("S-1")
    told.tell(told.news("shipment.refused", shipment, reason="no stock"))
    told.settle()
    story = shown(monkeypatch, capfdbinary, "salon/S-1")
    (event,) = story["events"]
    assert (event["source"], event["type"], event["state"]) == ("supplier:warehouse", "shipment.refused", "applied")
    assert event["says"] == "no stock", "in the supplier's own words"
    (hold,) = story["holds"]
    assert hold["reason"] == "supplier_refused"
    assert hold["ways_out"]


def test_a_person_reads_the_reason_first(
    told: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = in_process(capsys, monkeypatch, "order", "salon/S-2")
    assert (code, err) == (0, "")
    assert out.startswith("salon/S-2  ")
    head = out[: out.index("customer")]
    assert "needs_human" in head
    assert "裏口の犬に注意" in out
    assert "what happened" in out


@pytest.mark.parametrize("name", ["salon/S-9", "nowhere/S-1", "S-1", "salon/"])
def test_an_order_that_is_not_there_is_said_so(
    told: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    code, out, err = in_process(capsys, monkeypatch, "order", name)
    assert (code, out) == (2, "")
    assert "SHOP/NUMBER: " in err


@pytest.mark.parametrize(
    ("words", "dispatch_on", "arrive_on"),
    [
        ("region=愛知県", "2026-11-20", "2026-11-21"),
        ("at=2026-11-20T15:00:01+09:00", "2026-11-24", "2026-11-25"),
        ("region=沖縄県,method=bank_transfer", "2026-11-20", "2026-11-23"),
    ],
    ids=["as it is", "a second after the cutoff", "farther, and paid at once"],
)
def test_what_if_it_were_otherwise(
    told: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    dispatch_on: str,
    arrive_on: str,
) -> None:
    """CUT-01, CUT-03: the days of the same order, by what plans every order; nothing of it changes."""
    code, out, err = in_process(capsys, monkeypatch, "order", "salon/S-1", "--what-if", words)
    assert (code, err) == (0, "")
    [shipment] = json.loads(out)["shipments"]
    assert (shipment["dispatch_on"], shipment["arrive_on"]) == (dispatch_on, arrive_on)
    assert shipment["because"]


def test_a_moment_that_is_none_is_one_mistake_and_not_three(
    told: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order has fields of which whoever asks knows nothing."""
    _, _, err = in_process(capsys, monkeypatch, "order", "salon/S-1", "--what-if", "at=2026-12-01T15:00")
    assert err.startswith("shukka: --what-if: at: Must be an RFC 3339 time with an offset")
    assert err.count("shukka: ") == 1


@pytest.mark.parametrize(
    "words", ["when=now", "at", "at=soon", "region=Atlantis", "method=loan", "", "method=card,method=cod"]
)
def test_what_cannot_be_otherwise_is_named(
    told: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    code, out, err = in_process(capsys, monkeypatch, "order", "salon/S-1", "--what-if", words)
    assert (code, out) == (2, "")
    assert err
