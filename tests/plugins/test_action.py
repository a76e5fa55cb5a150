"""An action that is dropped into the folder of plug-ins, and nothing else, is everywhere where actions are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.errors import Misconfigured
from pipelines.orders.act import actions
from tests.web.site import Site, fields, problem
from tests.world import World, document
from workers.cli.main import app

FILE = Path(__file__).with_name("delay_action.py")
LATER = "2026-12-04"


@pytest.fixture
def folder(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> Path:
    """A folder of plug-ins with that one file."""
    shutil.copy(FILE, tmp_path)
    plugins_in(tmp_path)
    return tmp_path


@pytest.fixture
def site(folder: Path, world: World) -> Iterator[Site]:
    """The web interface, with one order that its warehouse was told of."""
    site = Site(world)
    world.take(document("S-1"))
    world.settle()
    yield site
    site.close()


def test_it_works_in_a_journey(site: Site) -> None:
    """Asked over HTTP, decided by the stage that hears it, seen by the customer; the same again is nothing new."""
    (shipment,) = site.world.shipments()
    path, body = "/v1/orders/salon/S-1/shipments:delay", {"shipment": shipment, "expected_on": LATER, "reason": "snow"}
    for _ in range(2):
        assert site.post(path, body, key=site.operator).status_code == 202
        site.world.settle()
    shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
    assert shown["shipments"][0]["dispatch_on"] == LATER
    assert [mail["template"] for mail in shown["mails"]].count("dispatch_delayed") == 1
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.delayed'") == 1
    assert site.world.broken() == {}


def test_it_is_offered_for_each_shipment_and_refused_as_it_says(site: Site) -> None:
    def offer() -> tuple[str, bool, list[str]]:
        shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
        (one,) = (one for one in shown["actions"] if one["name"] == "shipments:delay")
        return one["about"], one["possible"], [refusal["says"] for refusal in one["refusals"]]

    (shipment,) = site.world.shipments()
    path, body = "/v1/orders/salon/S-1/shipments:delay", {"shipment": shipment, "expected_on": LATER}
    assert offer() == (shipment, True, [])
    assert fields(site.post(path, {**body, "expected_on": "2026-11-01"}, key=site.operator)) == ["expected_on"]
    assert fields(site.post(path, {**body, "shipment": "SH-NONE"}, key=site.operator)) == ["shipment"]
    problem(site.post(path, body), 404)
    site.world.ship_all("S-1")
    refused = "The shipment is shipped: its date is settled."
    assert offer() == (shipment, False, [refused])
    assert problem(site.post(path, body, key=site.operator), 409)["detail"] == refused


def test_it_is_in_the_published_schema(site: Site) -> None:
    schema = site.get("/openapi.json", key=None).json()
    described = schema["paths"]["/v1/orders/{shop}/{number}/shipments:delay"]["post"]
    assert described["summary"] == "Write down a delay"
    assert set(schema["components"]["schemas"]["DateGiven"]["required"]) == {"shipment", "expected_on"}


def test_it_is_a_command(site: Site, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SHUKKA_CLOCK", site.world.clock.now().isoformat())
    site.world.clock.advance(hours=1)  # the command's clock runs, the world's stands still
    (shipment,) = site.world.shipments()
    asked = ["act", "salon/S-1", "shipments:delay", "--shipment", shipment, "--expected-on", LATER]
    listed = CliRunner().invoke(app, ["act", "salon/S-1"])
    assert "shipments:delay" in listed.stdout
    assert CliRunner().invoke(app, asked).exit_code == 0
    site.world.settle()
    assert site.world.show()["shipments"][0]["dispatch_on"] == LATER


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        ('wakes="shipment.delayed"', 'wakes="shipment.danced"', "wakes 'shipment.danced', which no stage consumes"),
        ("about=About.SHIPMENT", "about=About.ORDER", "must have a field `shipment`"),
        ("DateGiven", "LinesCancelled", "its request is called LinesCancelled, as another action's is"),
        ('name="shipments:delay"', 'name="cancel"', "'cancel' is declared by pipelines.orders.actions.cancel already"),
        ("ACTION = Action(", "ACTION = dict(", "ACTION must be a Action"),
    ],
    ids=["unheard", "no shipment", "request's name taken", "name taken", "no action"],
)
def test_one_that_cannot_work_is_refused_at_boot(folder: Path, wrong: str, right: str, reason: str) -> None:
    (folder / FILE.name).write_text(FILE.read_text("utf-8").replace(wrong, right), "utf-8")
    with pytest.raises(Misconfigured) as refused:
        actions()
    assert reason in str(refused.value)
