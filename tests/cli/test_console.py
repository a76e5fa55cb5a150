"""``shukka console``: who may open the console, given a password at the terminal, let in again, and shut out."""

from __future__ import annotations

import io

import pytest

from tests.cli.console import in_process
from tests.world import World
from workers.operators import sign_in

PASSWORD = "twelve and more"


@pytest.fixture
def call(database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(capsys, monkeypatch)


class Command:
    """``shukka console ...``, with what is typed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str, typed: str = "") -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        return in_process(self._capsys, self._monkeypatch, "console", *arguments)


def test_a_password_that_is_too_short_makes_nobody_an_operator(database: World, call: Command) -> None:
    assert call("add", "tanaka", "--password", typed="short") == (
        2,
        "",
        "shukka: --password: it needs 12 to 256 characters\n",
    )
    assert "tanaka" not in call("list")[1]


def test_whoever_forgot_a_password_is_given_another(database: World, call: Command) -> None:
    """The one before is not asked for: it is forgotten, and whoever runs the installation may do all of this."""
    for password in (PASSWORD, f"{PASSWORD} still"):
        code, said, _ = call("add", "tanaka", "--role", "viewer", "--password", typed=password)
        assert (code, said.startswith("tanaka signs in at ")) == (0, True)
    assert sign_in(database.engine, "tanaka", PASSWORD, "") is None
    assert sign_in(database.engine, "tanaka", f"{PASSWORD} still", "") is not None


def test_a_disabled_operator_is_no_unknown_one(database: World, call: Command) -> None:
    call("add", "tanaka")
    for _ in range(2):
        assert call("disable", "tanaka")[:2] == (0, "tanaka is disabled and signed out\n")
    assert call("mail", "tanaka", "tanaka@salon.example.jp") == (
        2,
        "",
        "shukka: NAME: tanaka is disabled; `shukka console add tanaka` makes it an operator again\n",
    )
    for arguments in (("disable", "sato"), ("mail", "sato", "")):
        assert call(*arguments)[2] == "shukka: NAME: there is no operator sato; `shukka console list` shows them\n"
