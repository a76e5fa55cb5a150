"""``shukka payments``: a bank's statement in the morning, from the file to the last transfer that nobody knew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.console import in_process
from tests.statements.files import Entry, Line, account_03, csv_of, zengin
from tests.world import World, document

DUE = 11_000


class Shell:
    """The commands in the test's own process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        return in_process(self._capsys, self._monkeypatch, *arguments)

    def payments(self, *arguments: str) -> tuple[int, Any]:
        """(exit code, the JSON that was printed)."""
        code, said, wrong = self("payments", *arguments, "--json")
        assert wrong == ""
        return code, json.loads(said)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("SHUKKA_CLOCK", "2026-11-20T09:30:00+09:00")
    return Shell(capsys, monkeypatch)


@pytest.fixture
def waiting(database: World) -> World:
    """Three orders of 11,000 yen that wait for their transfers."""
    for number in ("S-1001", "S-1002", "S-1003"):
        database.take(document(number, customer=f"M-{number}", payment={"method": "bank_transfer"}))
    database.settle()
    return database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """What came in in a night: one whole, one short, one without a number, and a fee that went out."""
    lines = [
        Line(DUE, "S1001 ﾀｶﾊｼ", day="081120", reference="00000001"),
        Line(DUE - 440, "ﾀｶﾊｼ S-1002", day="081120", reference="00000002"),
        Line(DUE, "ﾀｶﾊｼ ｻｷｺ", day="081120", reference="00000003"),
        Line(-440, "ﾃｽｳﾘﾖｳ", day="081120", reference="00000004"),
    ]
    path = tmp_path / "nyukin.txt"
    path.write_bytes(zengin(account_03(lines, made_on="081120")))
    return path


def test_a_morning_from_the_file_to_the_last_transfer(waiting: World, shell: Shell, file: Path) -> None:
    expected = {
        "file": str(file),
        "format": "zengin",
        "encoding": "cp932",
        "rows": 4,
        "matched": [{"row": 2, "order": "salon/S-1001", "amount": DUE}],
        "mismatched": [
            {"row": 3, "order": "salon/S-1002", "amount": 10_560, "due": DUE, "reason": "11000 yen were due"}
        ],
        "unknown": [
            {
                "row": 4,
                "amount": DUE,
                "reason": "no order has its number, and none awaits this amount from this payer",
            }
        ],
        "known": 0,
    }
    assert shell.payments("import", str(file), "--bank", "zengin", "--dry-run") == (1, expected)
    assert waiting.value("SELECT count(*) FROM inbox_event") == 0
    assert shell.payments("import", str(file), "--bank", "zengin") == (1, expected)
    known = {**expected, "matched": [], "mismatched": [], "unknown": [], "known": 3}
    assert shell.payments("import", str(file), "--bank", "zengin") == (0, known)

    code, listed, _ = shell("attention", "--json")
    (one,) = (found for found in map(json.loads, listed.splitlines()) if found["what"] == "transfer")
    assert f"11000 yen in, 2026-11-20: {expected['unknown'][0]['reason']}" == one["why"]
    assert f"shukka payments assign {one['id']} SHOP/NUMBER" in one["way_out"]
    assert "ﾀｶﾊｼ" not in listed
    code, transfer = shell.payments("unassigned")
    assert (code, transfer["text"].split(" ﾐ")[0], transfer["amount"]) == (0, "ﾀｶﾊｼ ｻｷｺ", DUE)
    assert shell("payments", "assign", one["id"], "salon/S-1003")[0] == 0
    waiting.clock.advance(hours=1)
    waiting.settle()
    assert {number: state for number, (state, _) in waiting.states().items()} == {
        "S-1001": "released",
        "S-1002": "awaiting_payment",
        "S-1003": "released",
    }
    assert "every transfer has its order" in shell("payments", "unassigned")[1]


def test_what_is_no_orders_money_is_dismissed(waiting: World, shell: Shell, file: Path) -> None:
    shell("payments", "import", str(file), "--bank", "zengin")
    event = str(waiting.value("SELECT id FROM inbox_event WHERE order_id IS NULL"))
    assert shell("payments", "dismiss", event, "--reason", " ")[0] == 2
    assert shell("payments", "dismiss", event, "--reason", "interest")[0] == 0
    assert (
        waiting.value("SELECT state || ': ' || reason FROM inbox_event WHERE order_id IS NULL") == "ignored: interest"
    )
    code, _, wrong = shell("payments", "dismiss", event, "--reason", "interest")
    assert (code, wrong) == (1, f"shukka: there is no transfer {event} that waits for its order\n")


def test_people_read_a_table_that_names_nobody(waiting: World, shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "meisai.csv"
    path.write_bytes(
        csv_of("smbc", [Entry("2026/11/20", DUE, "S1001 ﾀｶﾊｼ", 50_000), Entry("2026/11/20", 7, "ﾋﾐﾂ", 50_007)])
    )
    code, said, _ = shell("payments", "import", str(path), "--bank", "smbc", "--account", "0000004")
    assert code == 1
    assert "2 rows: 1 matched, 0 mismatched, 1 unknown, 0 known" in said
    assert "salon/S-1001" in said
    assert "ﾋﾐﾂ" not in said


@pytest.mark.parametrize(
    ("bank", "options", "says"),
    [
        ("zengin", (), "FILE: record 1 has"),
        ("smbc", (), "FILE: it has no header with 年月日"),
        ("paper", (), "--bank: there is no format paper; the formats are gmo_aozora, mizuho, mufg"),
        ("mufg", ("--account", "1"), "--account: no shop has it"),
    ],
)
def test_a_mistake_is_one_line_and_books_nothing(
    waiting: World, shell: Shell, tmp_path: Path, bank: str, options: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "meisai.csv"
    path.write_bytes(csv_of("mufg", [Entry("2026/11/20", DUE, "S1001", 50_000)]))
    code, said, wrong = shell("payments", "import", str(path), "--bank", bank, *options)
    assert (code, said, wrong.count("\n")) == (2, "", 1)
    assert says in wrong
    assert waiting.value("SELECT count(*) FROM inbox_event") == 0


def test_a_file_that_is_not_there_is_said_so(waiting: World, shell: Shell, tmp_path: Path) -> None:
    code, _, wrong = shell("payments", "import", str(tmp_path / "none.csv"), "--bank", "mufg")
    assert (code, "none.csv: No such file" in wrong) == (2, True)
    assert (
        shell("payments", "assign", "1", "S-1001")[2]
        == "shukka: SHOP/NUMBER: 'S-1001' is no order; write it as salon/S-1001\n"
    )
