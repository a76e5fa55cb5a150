"""``shukka backtest``: past orders by the profile as it is and as it would be (CUT-01, TAX-04)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from pipelines.errors import Misconfigured
from pipelines.shops import PACKAGED
from tests.rules.build import at
from tests.world import World, a_line, document
from workers.cli.main import app, main

_MOMENTS = ("2026-11-19T10:00:00+09:00", "2026-11-19T14:00:00+09:00", "2026-11-20T14:59:30+09:00")


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Salon with an earlier cutoff, and a fee on all but large orders."""
    text = (PACKAGED / "salon.toml").read_text("utf-8")
    file = tmp_path / "salon.toml"
    file.write_text(
        text.replace('cutoff = "15:00"', 'cutoff = "12:00"').replace("free_from = 10_000", "free_from = 20_000")
    )
    return file


def past() -> list[dict[str, object]]:
    """Three orders of salon, one before noon, and one of another shop."""
    mine = [
        document(f"S-{number}", a_line(quantity=number), placed_at=moment)
        for number, moment in enumerate(_MOMENTS, start=1)
    ]
    return [*mine, document("A-1", shop="apparel")]


def ran(*arguments: str) -> dict[str, object]:
    run = CliRunner().invoke(app, ["backtest", *arguments, "--json"])
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def _lines(tmp_path: Path) -> str:
    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in past()) + "\n")
    return str(file)


def test_days_and_totals_before_and_after(changed: Path, tmp_path: Path) -> None:
    """Two of three miss the earlier cutoff, one of them over a weekend and a holiday; the smallest pays 660 yen for shipping."""
    found = ran("--shop", str(changed), _lines(tmp_path))
    before, after = found["before"], found["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["same_day_share"], before["days"], before["average_days"]) == ("1.0000", {"0": 3}, "0.0000")
    assert (after["same_day_share"], after["days"], after["average_days"]) == (
        "0.3333",
        {"0": 1, "1": 1, "4": 1},
        "1.6667",
    )
    assert after["totals"]["grand_total"] - before["totals"]["grand_total"] == 660
    assert found["changed"] == {"earlier": 0, "later": 2, "dearer": 1, "cheaper": 0}
    assert (found["shop"], found["skipped"]) == ("salon", 1)


@pytest.mark.parametrize(
    "told",
    [
        json.dumps,
        lambda orders: json.dumps(orders, indent=2),
        lambda orders: "\n" + json.dumps({"orders": orders}),
        lambda orders: "\ufeff" + "\r\n\r\n".join(json.dumps(one) for one in orders),
    ],
    ids=["a list", "a list over lines", "a batch", "lines of Windows"],
)
def test_orders_may_be_one_document(
    changed: Path, tmp_path: Path, told: Callable[[list[dict[str, object]]], str]
) -> None:
    file = tmp_path / "orders.json"
    file.write_text(told(past()), "utf-8", newline="")
    assert ran("--shop", str(changed), str(file)) == ran("--shop", str(changed), _lines(tmp_path))


def test_the_order_of_the_documents_is_a_file_too(changed: Path) -> None:
    """``docs/examples/order.json``, which stands on many lines."""
    example = str(Path(__file__).parents[2] / "docs" / "examples" / "order.json")
    found = ran("--shop", str(changed), example)
    assert (found["shop"], found["changed"]) == ("salon", {"earlier": 0, "later": 1, "dearer": 1, "cheaper": 0})


def test_a_file_of_another_name_is_held_against_the_orders_own_shop(changed: Path, tmp_path: Path) -> None:
    other = changed.rename(tmp_path / "earlier-cutoff.toml")
    assert ran("--shop", str(other), _lines(tmp_path))["shop"] == "salon"


def test_the_same_orders_from_the_database(world: World, changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.clock.set(at("2026-11-20 15:30:00"))
    world.take(*past()[:3])
    monkeypatch.setenv("DATABASE_URL", str(world.engine.url.render_as_string(hide_password=False)))
    found = ran("--shop", str(changed), "database")
    assert found["changed"] == {"earlier": 0, "later": 2, "dearer": 1, "cheaper": 0}


def test_a_table_and_a_chart(changed: Path, tmp_path: Path) -> None:
    picture = tmp_path / "days.svg"
    run = CliRunner().invoke(app, ["backtest", "--shop", str(changed), "--svg", str(picture), _lines(tmp_path)])
    assert "same day share" in run.stdout
    assert "later 2" in run.stdout
    assert " %" in run.stdout
    drawn = ElementTree.fromstring(picture.read_text("utf-8"))
    counts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text") if one.text and one.text.isdigit()]
    assert counts.count("3") >= 2  # the bar of three same-day orders, and the label of the third day


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 1: The body is not JSON"),
        ('{"shop": "salon"}', "line 1: number"),
        ("", "orders: There is none"),
        ("[{}]", "orders[0].shop"),
        ("[]", "orders: There is none"),
        ("[1]", "orders[0].order"),
    ],
)
def test_a_wrong_line_is_named(
    changed: Path,
    tmp_path: Path,
    line: str,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(line + "\n")
    monkeypatch.setattr(sys, "argv", ["shukka", "backtest", "--shop", str(changed), str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, says in capsys.readouterr().err) == (2, True)


def test_a_chart_that_cannot_be_written_is_one_sentence(changed: Path, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere" / "days.svg")
    run = CliRunner().invoke(app, ["backtest", "--shop", str(changed), "--svg", nowhere, _lines(tmp_path)])
    assert isinstance(run.exception, Misconfigured)
    assert run.exception.reason == f"{nowhere} cannot be written: No such file or directory"
