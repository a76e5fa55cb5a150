"""``shukka ...``: what it prints, its exit codes, and one line for every mistake."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.cli.console import in_process
from tests.contract import EXAMPLE
from tests.world import World, document
from workers.cli.check import OnTerminal
from workers.cli.main import app, main

CHECKOUT = Path(__file__).parents[2]
runner = CliRunner()


def shukka(*arguments: str, stdin: bytes = b"", **settings: str) -> subprocess.CompletedProcess[bytes]:
    """The console script in a process of its own, with these settings alone."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [Path(sys.executable).with_name("shukka"), *arguments],
        cwd=CHECKOUT,
        env={**kept, "SHUKKA_DATA": "/nowhere", **settings},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def told(run: subprocess.CompletedProcess[bytes], code: int) -> str:
    """What it says on standard error when it refuses: nothing on standard output, no traceback."""
    assert (run.returncode, run.stdout) == (code, b""), run.stderr
    text = run.stderr.decode()
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("source", ["file", "-"])
def test_preview_needs_no_service(tmp_path: Path, source: str) -> None:
    body = json.dumps(EXAMPLE).encode()
    path = tmp_path / "order.json"
    path.write_bytes(body)
    run = shukka("preview", str(path)) if source == "file" else shukka("preview", "-", stdin=body)
    assert (run.returncode, run.stderr) == (0, b"")
    shown = json.loads(run.stdout)
    assert (shown["totals"]["grand_total"], shown["shipments"][0]["dispatch_on"]) == (13_970, "2026-11-20")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**EXAMPLE, "shop": "nowhere"}, 422, "shop"),
        ({**EXAMPLE, "colour": "red"}, 422, "colour"),
        ([], 422, "order"),
        (b"{", 400, None),
        (b"\xff", 400, None),
        (b'{"a":1,"a":2}', 400, None),
    ],
    ids=["unknown shop", "unknown field", "no order", "cut", "not UTF-8", "key twice"],
)
def test_a_preview_of_no_order_is_a_problem_document_and_exit_2(
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
    body: Any,
    status: int,
    field: str | None,
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    monkeypatch.setattr(sys, "argv", ["shukka", "preview", "-"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsysbinary.readouterr()
    assert (ended.value.code, said.out) == (2, b"")
    problem = json.loads(said.err)
    assert (problem["status"], bool(problem["detail"])) == (status, True)
    assert [e["field"] for e in problem.get("errors", [])] == ([field] if field else [])


def test_what_the_shop_refuses_is_a_problem_in_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text(json.dumps({**EXAMPLE, "payment": {"method": "loan"}, "totals": {}}))
    found = runner.invoke(app, ["preview", str(path)])
    assert found.exit_code == 0
    assert json.loads(found.stdout)["problems"][0]["field"] == "payment.method"


def test_a_file_that_is_not_there_is_named() -> None:
    text = told(shukka("preview", "/nowhere/order.json"), 2)
    assert json.loads(text)["detail"].startswith("/nowhere/order.json: ")


def test_all_mails_of_a_shop_can_be_looked_at(tmp_path: Path) -> None:
    done = runner.invoke(app, ["mails", "preview", "reuse", "--out", str(tmp_path / "mails")])
    assert (done.exit_code, (tmp_path / "mails" / "order_accepted.ja.html").exists()) == (0, True)


def test_the_shipped_profiles_are_in_order(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, _ = in_process(capsys, monkeypatch, "shops", "check")
    assert code == 0
    assert {line.split(":")[0] for line in out.splitlines()} >= {"apparel", "clinic", "reuse", "salon"}


def test_a_wrong_profile_is_named_with_file_key_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.toml").write_text('name = "店"')
    (tmp_path / "mine.toml").write_text('name = "店"\ncolour = "red"\n[calendar]\ncutoff = "25:00"')
    (tmp_path / "torn.toml").write_text("name = ")
    code, out, err = in_process(capsys, monkeypatch, "shops", "check", str(tmp_path))
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert any("mine.toml: colour: " in line for line in lines)
    assert any("mine.toml: calendar.cutoff: " in line for line in lines)
    assert any("torn.toml: " in line for line in lines)
    assert not any("good.toml" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "says"),
    [
        (["check"], {}, 2, "DATABASE_URL"),
        (["client", "create", "storefront", "x"], {}, 2, "DATABASE_URL"),
        (["migrate"], {}, 2, "DATABASE_URL"),
        (["check"], {"DATABASE_URL": "postgresql://nobody@/nothing?host=/nowhere"}, 1, "DATABASE_URL"),
        (["check", "--full", "--since-last"], {}, 2, "--since-last: is the contrary of --full"),
        (["check", "--until", "2026-11-19T20:30+09:00"], {}, 2, "--until: is about the journals"),
        (["preview", "-"], {"SHUKKA_CLOCK_RATE": "fast"}, 2, "SHUKKA_CLOCK_RATE"),
        (["up", "--data", ""], {}, 2, "--data: is empty"),
        (["shops", "check", "/nowhere"], {}, 1, "/nowhere"),
    ],
)
def test_a_wrong_setting_is_one_line(arguments: list[str], settings: dict[str, str], code: int, says: str) -> None:
    text = told(shukka(*arguments, stdin=json.dumps(EXAMPLE).encode(), **settings), code)
    (line,) = text.strip().splitlines()
    assert says in line


def test_check_tells_what_is_broken(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database.take(document("S-1"))
    database.settle()
    code, out, _ = in_process(capsys, monkeypatch, "check")
    assert (code, out) == (0, "every invariant holds\n")
    code, out, err = in_process(capsys, monkeypatch, "check", "--since-last")
    assert (code, out) == (0, "every invariant holds of what was looked at\n")
    assert "--full looks at all" in err
    database.execute("UPDATE payment SET amount = amount + 1")
    for options, is_incremental in (("--since-last",), True), ((), False), (("--full",), False):
        code, out, err = in_process(capsys, monkeypatch, "check", *options)
        assert (code, out) == (1, "")
        assert "order_has_payment" in err
        assert ("(orders: 1, customers: 1); --full looks at all" in err) == is_incremental
        assert "takahashi" not in err


def test_a_check_shows_on_a_terminal_how_it_gets_on() -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, color_system=None, width=80)
    with OnTerminal(console) as shown:
        shown.asked("payment_entries", 3, 51)
    assert "3 of 51 payment_entries 0:00:00" in said.getvalue()


@pytest.mark.parametrize("command", [["check"], ["attention"], ["points", "statement", "apparel", "M-1"]])
def test_a_database_of_another_version_is_said_to_be_one(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    database.execute("UPDATE alembic_version SET version_num = '0001'")
    code, out, err = in_process(capsys, monkeypatch, *command)
    assert (code, out) == (2, "")
    assert "run `shukka migrate` first" in err


def test_what_a_partner_wrote_is_shown_and_never_obeyed(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brackets are no markup, and no escape sequence or turn of the reading direction reaches the terminal."""
    database.execute(
        """INSERT INTO inbox_event (source, event_id, type, body, at, state, reason)
           VALUES ('supplier:[/y]', E'a\\x1b[2J', 'shipment.shipped', '{}', now(), 'quarantined', U&'\\202Eevil [/red]')"""
    )
    code, out, err = in_process(capsys, monkeypatch, "attention")
    assert (code, err) == (0, "")
    assert "supplier:[/y]" in out
    assert "[/red]" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_the_version_is_that_of_the_distribution(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = in_process(capsys, monkeypatch, "--version")
    assert (code, out) == (0, f"shukka {version('shukka')}\n")


def test_migrating_a_current_database_is_no_work(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = in_process(capsys, monkeypatch, "migrate")
    assert (code, out) == (0, "the schema is current\n")


@pytest.mark.parametrize(
    ("name", "number", "answer"),
    [
        (
            "ヤマト運輸",
            "４４４４-1375-8703",
            {
                "carrier": "yamato",
                "number": "444413758703",
                "valid": True,
                "reason": None,
                "url": "https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id=444413758703",
            },
        ),
        (
            "EMS",
            "EB900717618HK",
            {
                "carrier": "ems",
                "number": "EB900717618HK",
                "valid": False,
                "reason": "The check digit of the tracking number does not match; compare the number with the label.",
                "url": None,
            },
        ),
        (
            "Maker Van",
            "r-1",
            {"carrier": "Maker Van", "number": "R1", "valid": True, "reason": None, "url": None},
        ),
    ],
)
def test_a_tracking_number_is_checked_without_a_service(name: str, number: str, answer: dict[str, Any]) -> None:
    """Contract: any spelling of a carrier and a number; exit 1 where it is not valid."""
    run = runner.invoke(app, ["tracking", name, number, "--json"])
    assert (run.exit_code, json.loads(run.stdout)) == (0 if answer["valid"] else 1, answer)
    told_a_human = runner.invoke(app, ["tracking", name, number])
    assert told_a_human.exit_code == run.exit_code
    assert (answer["reason"] or answer["url"] or "no page") in told_a_human.stdout


def test_a_shell_completes_commands() -> None:
    asked = {"_SHUKKA_COMPLETE": "complete_bash", "COMP_WORDS": "shukka client ro", "COMP_CWORD": "2"}
    run = shukka(**asked)
    assert (run.returncode, run.stdout.split()) == (0, [b"rotate"])


def test_help_names_every_command() -> None:
    text = runner.invoke(app, ["--help"]).stdout
    assert all(name in text for name in ("up", "demo", "preview", "shops", "check", "client", "tracking"))
