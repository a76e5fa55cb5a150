"""``shukka mails``: what became of mails, which addresses get no more, and letting go of one."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.bounces import samples
from tests.cli.console import in_process
from tests.world import World, document

TO = "takahashi@example.jp"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return lambda *arguments: in_process(capsys, monkeypatch, "mails", *arguments)


@pytest.fixture
def report(database: World, tmp_path: Path) -> str:
    """A file with the bounce of S-1's first mail."""
    database.take(document("S-1"))
    database.settle()
    about = str(message_from_bytes(database.postbox.taken[0])["Message-ID"])
    file = tmp_path / "bounce.eml"
    file.write_bytes(samples.about("01_postfix_user_unknown", about, TO, "nobody@example.jp"))
    return str(file)


def test_a_report_from_a_file_is_taken_once(database: World, report: str, run: Run) -> None:
    code, said, _ = run("bounce", report)
    assert (code, "no_such_user" in said, "kept" in said) == (0, True, True)
    assert database.show()["mails"][0]["state"] == "bounced"
    assert "known already" in run("bounce", report)[1]


@pytest.mark.parametrize("name", ["01_postfix_user_unknown", "14_two_recipients_one_ok", "48_a_customers_answer"])
def test_what_a_report_says_needs_no_database(run: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class Input:
        buffer = io.BytesIO(samples.raw(name))

    monkeypatch.setattr(sys, "stdin", Input)
    code, said, _ = run("bounce", "-", "--dry-run", "--json")
    assert code == 0
    assert json.loads(said) == samples.expected(name)


def test_an_address_is_listed_and_let_go(database: World, report: str, run: Run) -> None:
    assert "every address gets its mails" in run("suppressed")[1]
    run("bounce", report)
    (stands,) = map(json.loads, run("suppressed", "--json", "--shop", "salon")[1].splitlines())
    assert (stands["address"], stands["reason"], stands["scope"]) == (TO, "no_such_user", "all")
    assert "every address" in run("suppressed", "--shop", "clinic")[1]
    code, _, wrong = run("suppressed", "--shop", "nosuch")
    assert (code, "--shop: there is no shop nosuch; the shops are apparel, clinic" in wrong) == (2, True)
    assert run("release", TO, "--shop", "clinic")[0] == 2
    assert "gets mails again at salon" in run("release", TO)[1]
    assert run("release", TO)[0] == 2
    assert run("release", "no address")[0] == 2
    assert run("release", str(2**63)) == (2, "", "shukka: ADDRESS: it is not suppressed\n")


def test_a_bounce_is_seen_to(
    database: World, report: str, run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("bounce", report)

    def waiting() -> list[dict[str, str]]:
        found = map(json.loads, in_process(capsys, monkeypatch, "attention", "--json")[1].splitlines())
        return [one for one in found if one["what"] == "mail bounced"]

    (one,) = waiting()
    assert one["why"] == "salon/S-1: order_accepted did not arrive (no_such_user)"
    assert f"shukka mails dismiss {one['id']}" in one["way_out"]
    assert run("dismiss", one["id"])[0] == 0
    assert waiting() == []
    assert run("dismiss", one["id"])[0] == 2
    assert len(run("suppressed", "--json")[1].splitlines()) == 1
