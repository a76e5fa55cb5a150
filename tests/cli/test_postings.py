"""``shukka postings``: letters with coupon codes, from the list to the letter box (CUT-05)."""

from __future__ import annotations

import json

import pytest

from tests.cli.console import in_process
from tests.rules.build import at
from tests.world import World, document


@pytest.fixture
def letter(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """One letter of clinic, three days late; the receiver's name would colour a terminal."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    world.clock.set(at("2026-09-17 10:00:00"))
    order = document("C-1", shop="clinic", placed_at="2026-09-17T10:00:00+09:00")
    order["ship_to"]["name"] = "[red]田中\u202e医院"
    world.take(order)
    world.execute(
        """INSERT INTO posted_coupon (shop, customer_id, code, code_key, points, order_id, way, due_on, made_at)
           SELECT 'clinic', 'M-1', 'THX-7K2M-QX9D-4HPA', 'thx-7k2m-qx9d-4hpa', 3000, id, 'post', '2026-09-29', now()
           FROM shop_order"""
    )
    monkeypatch.setenv("SHUKKA_CLOCK", "2026-10-02T09:00:00+09:00")
    return world


def test_a_letter_is_listed_printed_and_ticked_off(
    letter: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shukka(*arguments: str) -> tuple[int, str]:
        code, out, err = in_process(capsys, monkeypatch, "postings", *arguments)
        return code, out + err

    id_ = str(letter.value("SELECT id FROM posted_coupon"))
    code, listed = shukka("list")
    assert (code, "2026-09-29" in listed, "THX" in listed) == (0, True, False)
    (one,) = map(json.loads, shukka("list", "--json")[1].splitlines())
    assert (one["days_overdue"], one["code"]) == (3, "THX-7K2M-QX9D-4HPA")
    code, label = shukka("label", id_)
    assert (code, "\u202e" in label) == (0, False)
    assert all(part in label for part in ("〒460-0008", "愛知県名古屋市中区栄1-2-3", "[red]田中", "THX-7K2M-QX9D-4HPA"))
    assert shukka("list", "--done") == (0, "no letter was posted yet\n")
    assert shukka("done", id_)[0] == 0
    assert shukka("list") == (0, "no letter is to be posted\n")
    assert "command line" in shukka("list", "--done")[1]
    code, says = shukka("label", id_)
    assert (code, "It went by post on 2026-10-02" in says) == (1, True)
    assert shukka("done", "99")[0] == 1


def test_attention_says_how_late_a_letter_is(
    letter: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = in_process(capsys, monkeypatch, "attention", "--json")
    (one,) = map(json.loads, out.splitlines())
    assert (code, one["what"]) == (0, "posting")
    assert "clinic/C-1, due 2026-09-29, 3 days overdue" in one["why"]
    assert "shukka postings label" in one["way_out"]
