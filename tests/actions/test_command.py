"""``shukka act``: what may be asked of an order, asked, and shown beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pipelines.errors import Conflict, Invalid, NotFound
from tests.actions.orders import ONE_PIECE, released
from tests.world import World
from workers.cli.main import app
from workers.cli.terminal import out


@pytest.fixture
def order(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """S-1, of which the warehouse was told, and a terminal that is wide."""
    monkeypatch.setattr(out, "width", 300)
    monkeypatch.setenv("DATABASE_URL", database_url)
    released(world)
    monkeypatch.setenv("SHUKKA_CLOCK", world.clock.now().isoformat())
    world.clock.advance(hours=1)  # the command's clock runs, the world's stands still
    return world


def shukka(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["act", *arguments], input=stdin)


LINES = json.dumps(ONE_PIECE["lines"])


def test_it_lists_what_is_possible_and_why_the_rest_is_not(order: World) -> None:
    listed = {line.split()[0]: line for line in shukka("salon/S-1").stdout.splitlines() if line.strip()}
    assert " yes " in listed["lines:cancel"]
    assert "lines, fault, reason" in listed["lines:cancel"]
    assert " no " in listed["lines:return"]
    assert "only goods that have left" in listed["lines:return"]
    assert "発送済みの商品に限ります" in shukka("salon/S-1", "--lang", "ja").stdout


@pytest.mark.parametrize("way", ["options", "file", "standard input"])
def test_it_asks_as_an_operator(order: World, tmp_path: Path, way: str) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**ONE_PIECE, "reason": "sold out"}))
    given = {
        "options": ["--lines", LINES, "--reason", "sold out"],
        "file": ["--json", str(path)],
        "standard input": ["--json", "-"],
    }[way]
    done = shukka("salon/S-1", "lines:cancel", *given, stdin=path.read_text())
    assert (done.exit_code, "is kept and will be decided" in done.stdout) == (0, True), done.stdout
    order.settle()
    (change,) = order.show()["adjustments"]
    assert (change["lines"], change["reason"]) == (ONE_PIECE["lines"], "sold out")


def test_text_that_may_be_left_out_is_written_as_text(order: World) -> None:
    """Also where it looks like a number: a tracking number is none."""
    told = ("--shipment", order.shipments()[0], "--carrier", "yamato", "--tracking_number", "444413758703")
    done = shukka("salon/S-1", "shipments:ship", *told)
    assert done.exit_code == 0, done.output
    order.settle()
    assert order.show()["shipments"][0]["tracking_number"] == "444413758703"


def test_the_same_key_again_changes_nothing(order: World) -> None:
    for _ in range(2):
        assert shukka("salon/S-1", "lines:cancel", "--lines", LINES, "--key", "k-1").exit_code == 0
        order.settle()
    assert len(order.show()["adjustments"]) == 1


def test_a_preview_shows_and_does_nothing(order: World) -> None:
    shown = shukka("salon/S-1", "lines:cancel", f"--lines={LINES}", "--preview").stdout
    for said in ("2,200 yen", "order_short", "supplier_cancel"):
        assert said in shown
    order.settle()
    assert order.show()["adjustments"] == []


@pytest.mark.parametrize(
    ("arguments", "fault", "says"),
    [
        (["salon/S-1", "lines:return", "--lines", LINES], Conflict, "only goods that have left"),
        (["salon/S-9", "cancel"], NotFound, "S-9"),
        (["salon/S-9"], NotFound, "S-9"),
        (["S-1", "cancel"], Invalid, "write it as salon/S-1001"),
        (["salon/S-1", "dance"], Invalid, "'dance' is none; there is address:change, cancel, "),
        (["salon/S-1", "lines:cancel"], Invalid, "lines: This field is required."),
        (["salon/S-1", "lines:cancel", "--lines", "two"], Invalid, "'two' is no JSON"),
        (["salon/S-1", "lines:cancel", "--lines"], Invalid, "written as --name value"),
        (["salon/S-1", "lines:cancel", "--lines", LINES, "--colour", "1"], Invalid, "There is no such field"),
        (
            ["salon/S-1", "lines:cancel", "--colour", "red"],
            Invalid,
            "colour: There is no such field; the fields are lines",
        ),
        (["salon/S-1", "cancel", "--reason", "sold out", "--reason", "lost"], Invalid, "reason: Stands twice"),
        (["salon/S-1", "--preview"], Invalid, "ACTION: is missing"),
        (["salon/S-1", "--about", "RT-1"], Invalid, "ACTION: is missing"),
        (["salon/S-1", "lines:cancel", "--json", "/nowhere.json"], Invalid, "/nowhere.json: "),
        (["salon/S-1", "lines:cancel", "--json", "/dev/null"], Invalid, "is not JSON"),
        (["salon/S-1", "cancel", "--json", "/dev/null", "--reason", "x"], Invalid, "not from both"),
    ],
)
def test_a_mistake_is_one_sentence(order: World, arguments: list[str], fault: type[Exception], says: str) -> None:
    done = shukka(*arguments)
    assert isinstance(done.exception, fault)
    assert says in str(done.exception)
    assert order.value("SELECT count(*) FROM inbox_event") == 0
