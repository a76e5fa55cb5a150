"""``shukka files``: a day's labels out, the numbers back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.console import in_process
from tests.files.house import PROFILE, SHIPPED, answered, as_bytes, cells, told
from tests.files.labels import faults
from tests.world import SHOPS, World, a_line, document, tracking_number


@pytest.fixture
def world_at(database: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The salon, whose warehouse has a label program."""
    from pipelines.shops.load import PACKAGED

    text = (PACKAGED / "salon.toml").read_text("utf-8")
    profile = PROFILE.format(changes="", files='format = "b2"')
    (shops := tmp_path / "shops").mkdir()
    (shops / "salon.toml").write_text(text.replace(SHIPPED, profile), "utf-8")
    monkeypatch.setenv("SHOPS_DIR", str(shops))
    monkeypatch.setenv("SHUKKA_CLOCK", "2026-11-20T16:00:00+09:00")
    return database


def test_a_supplier_that_is_none_is_told(
    world_at: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name mistyped is no day without shipments."""
    arguments = ("export", "--supplier", "warehose", "--format", "b2", "--out", str(tmp_path / "out"))
    code, said, wrong = in_process(capsys, monkeypatch, "files", *arguments)
    assert (code, said) == (2, "")
    assert "--supplier: no profile has a supplier warehose; the suppliers are" in wrong


def test_a_file_of_a_supplier_that_is_none_is_not_read(
    world_at: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row would wait for an operator as one of a shipment that is not there. One whom an order alone names is a supplier."""
    file = tmp_path / "hakko.csv"
    row = ["SH-AAAAAAAAAAAAA", tracking_number(1), "2026/11/20"]
    file.write_bytes(as_bytes([row], ["お客様管理番号", "伝票番号", "出荷予定日"]))
    arguments = ("files", "import", str(file), "--supplier", "atelier")
    code, said, wrong = in_process(capsys, monkeypatch, *arguments)
    assert (code, said) == (2, "")
    assert "--supplier: no profile has a supplier atelier; the suppliers are" in wrong
    assert world_at.value("SELECT count(*) FROM inbox_event") == 0
    order = document("S-1")
    order["lines"][0]["supplier"] = "atelier"
    world_at.take(order)
    world_at.settle()
    assert in_process(capsys, monkeypatch, *arguments)[0] == 1


def test_out_and_back(
    world_at: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def files(*arguments: str) -> tuple[int, Any]:
        code, said, wrong = in_process(capsys, monkeypatch, "files", *arguments, "--json")
        assert wrong == ""
        return code, json.loads(said)

    told(world_at, 3)
    out = tmp_path / "out"
    code, written = files("export", "--supplier", "warehouse", "--format", "b2", "--out", str(out))
    assert (code, written["shipments"], written["held"]) == (0, 3, [])
    (path,) = out.iterdir()
    assert [one["file"] for one in written["files"]] == [str(path)]
    assert faults("b2", path.read_bytes()) == []

    rows = answered("b2", [path.read_bytes()])
    back = tmp_path / "hakko.csv"
    back.write_bytes(rows)
    importing = ("import", str(back), "--supplier", "warehouse", "--format")
    assert files(*importing, "auto", "--dry-run")[1]["applied"] == 3
    code, found = files(*importing, "b2")
    assert (code, found["file"], found["applied"], found["known"]) == (0, str(back), 3, 0)
    assert files(*importing, "auto")[1]["known"] == 3

    back.write_bytes(
        as_bytes([["SH-AAAAAAAAAAAAA", tracking_number(1), "2026/11/20"]], ["お客様管理番号", "伝票番号", "出荷予定日"])
    )
    code, found = files(*importing, "auto")
    assert (code, [row["row"] for row in found["quarantined"]]) == (1, [2])


@pytest.mark.parametrize("form", ["b2", "csv"])
def test_the_shops_that_ship_have_their_labels_in_one_file(
    database: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """All four have their goods sent by the warehouse, with Yamato; each label names its own shop as its sender."""
    database.take(
        document("A-1", shop="apparel"),
        document("C-1", shop="clinic"),
        document("R-1", a_line(unit_price=3_300), shop="reuse"),
        document("S-1"),
    )
    database.settle()
    told_of = database.rows("SELECT FROM shipment WHERE state = 'instructed'")
    code, said, _ = in_process(
        capsys,
        monkeypatch,
        "files",
        "export",
        "--supplier",
        "warehouse",
        "--format",
        form,
        "--out",
        str(tmp_path),
        "--json",
    )
    found = json.loads(said)
    assert (code, found["held"], found["shipments"]) == (0, [], len(told_of))
    ((path),) = tmp_path.iterdir()
    assert path.name.startswith(f"warehouse-{form}-1of1-")
    rows = cells(path.read_bytes())
    assert len(rows) == 1 + len(told_of)
    if form == "b2":
        assert {row[24] for row in rows[1:]} == {
            SHOPS[row.shop].name for row in database.rows("SELECT shop FROM shop_order")
        }


def test_a_label_that_cannot_be_printed_is_told_and_nobody_else_waits(
    world_at: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world_at, 1)
    made = document("S-9", customer="M-9")
    made["ship_to"]["name"] = "サロン 𩸽"
    world_at.take(made)
    world_at.settle()
    asked = ("files", "export", "--supplier", "warehouse", "--format", "b2", "--out", str(tmp_path))
    code, said, _ = in_process(capsys, monkeypatch, *asked)
    assert code == 1
    assert "U+29E3D" in said
    assert "1 shipments in 1 files, 1 held" in said


@pytest.mark.parametrize("form", ["excel", "clickpost"])
def test_a_format_that_nothing_is_written_in(
    world_at: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    told(world_at, 1)
    asked = ("files", "export", "--supplier", "warehouse", "--format", form, "--out", str(tmp_path))
    code, _, wrong = in_process(capsys, monkeypatch, *asked)
    assert code == 2
    assert "--format" in wrong
