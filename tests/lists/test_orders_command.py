"""``shukka orders``: the same list on a terminal, as JSON lines and as a spreadsheet's CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pipelines.values.csv_cell import cell
from tests.cli.console import in_process
from tests.world import World, document


@pytest.fixture
def database(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose database the command uses, with three orders."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    formula = {"id": "=1+1", "name": '=HYPERLINK("http://evil.example","x")', "email": "a@example.jp"}
    world.take(
        document("S-1"),
        document("S-2", placed_at="2026-11-20T09:01:00+09:00") | {"customer": formula},
        document("A-1", shop="apparel", customer="M-3", placed_at="2026-11-20T09:02:00+09:00"),
    )
    return world


def test_table_json_and_csv_list_the_same(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed, _ = in_process(capsys, monkeypatch, "orders")
    assert code == 0
    assert [line.split()[0] for line in printed.splitlines()[1:]] == ["apparel/A-1", "salon/S-2", "salon/S-1"]
    _, lines, _ = in_process(capsys, monkeypatch, "orders", "--shop", "salon", "--json")
    assert [json.loads(line)["number"] for line in lines.splitlines()] == ["S-2", "S-1"]
    _, one, _ = in_process(capsys, monkeypatch, "orders", "--q", "apparel", "--json")
    assert one == ""
    _, first, _ = in_process(capsys, monkeypatch, "orders", "--limit", "1", "--json")
    assert json.loads(first)["number"] == "A-1"


def test_no_cell_is_a_formula(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CWE-1236: what a customer typed stays a text where a spreadsheet opens it; the file says that it is UTF-8."""
    _, text, _ = in_process(capsys, monkeypatch, "orders", "--csv")
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["number"] for row in rows] == ["A-1", "S-2", "S-1"]
    hostile = rows[1]
    assert (hostile["customer_id"], hostile["customer_name"][:3]) == ("'=1+1", "'=H")
    assert rows[0]["grand_total"].isdigit()


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "＝1", "\u3000@x"])
def test_a_formula_is_a_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "S-1", "a=1", "渡辺", 0, -5])
def test_what_is_no_formula_stays(value: object) -> None:
    assert cell(value) == value


def test_a_mistake_is_one_line(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments, says in (
        (("--state", "gone"), "state: Must be one of"),
        (("--shop", "nowhere"), "--shop: there is no shop nowhere"),
        (("--csv", "--json"), "--csv: is another form"),
    ):
        code, _, wrong = in_process(capsys, monkeypatch, "orders", *arguments)
        assert (code, says in wrong) == (2, True), wrong
