"""``shukka promise``: the promise of a shop's file alone, as JSON."""

from __future__ import annotations

import json
import sys

import pytest
from typer.testing import CliRunner

from workers.cli.main import app, main

_AT = "2026-11-20T13:37:00+09:00"


def test_it_answers_what_the_contract_says() -> None:
    """CUT-01, without a service: the same answer as over HTTP."""
    run = CliRunner().invoke(app, ["promise", "--shop", "salon", "--region", "愛知県", "--at", _AT])
    shown = json.loads(run.stdout)
    assert (run.exit_code, shown["dispatch_on"], shown["arrive_on"]) == (0, "2026-11-20", "2026-11-21")
    assert (shown["order_by"], shown["seconds_left"]) == ("2026-11-20T15:00:00+09:00", 4980)


def test_it_takes_every_parameter() -> None:
    """INT-11, SPL-03."""
    told = ["--supplier", "maker-a", "--availability", "backorder", "--expected-on", "2026-12-10", "--method", "card"]
    run = CliRunner().invoke(app, ["promise", "--shop", "clinic", *told, "--locale", "en", "--at", _AT])
    shown = json.loads(run.stdout)
    assert (shown["supplier"], shown["dispatch_on"], shown["same_day"]) == ("maker-a", "2026-12-10", False)
    assert shown["because"][0]["rule"] == "backorder"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--shop", "nowhere"], "shop"), (["--shop", "salon", "--at", "noon"], "at"), (["--shop", "salon", "--region", "x"], "region")],
)  # fmt: skip
def test_a_wrong_parameter_is_one_line_and_exit_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["shukka", "promise", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert (ended.value.code, line.startswith(f"shukka: {named}: ")) == (2, True)
