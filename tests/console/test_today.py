"""Today: each figure counts what its list shows, by shop and supplier, and nothing of other shops."""

from __future__ import annotations

from datetime import date

from pipelines.suppliers.work import LISTS, listed
from tests.console.browser import Browser, Console, text_of
from tests.world import document


def figures(console: Console, browser: Browser, *names: str) -> dict[str, list[str]]:
    """The orders behind each figure."""
    shown = {name: browser.get(f"/console/today/{name}?shop=salon").text for name in names}
    numbers = [f"S-{number}" for number in range(1, 6)]
    return {name: [one for one in numbers if f"/orders/salon/{one}" in page] for name, page in shown.items()}


def test_an_order_goes_through_the_figures_of_its_day(console: Console, operator: Browser) -> None:
    """Instructed at its cutoff, late on the next day, and then among what left; one that is held cannot leave."""
    console.world.take(document("S-2", customer="M-2", remarks="クーポン ABC123 を使ってください"))
    console.world.settle()
    names = ("due", "planned", "instructed", "late", "left", "held")
    before = figures(console, operator, *names)
    assert before["due"] == ["S-1"]
    assert before["held"] == ["S-2"]
    console.world.at("2026-11-20 15:00:01")
    assert figures(console, operator, "instructed")["instructed"] == ["S-1"]
    console.world.at("2026-11-24 09:00:00")
    assert figures(console, operator, "late")["late"] == ["S-1"]
    console.world.ship_all("S-1")
    after = figures(console, operator, *names)
    assert (after["late"], after["left"], after["due"]) == ([], ["S-1"], [])
    assert "0 / 1" in text_of(operator.get("/console")), "it left, and not by its day"


def test_a_figure_leads_to_its_list_and_a_list_that_is_none_to_nothing(operator: Browser) -> None:
    page = operator.get("/console")
    assert "/console/today/due?shop=salon&amp;supplier=warehouse" in page.text
    assert operator.get("/console/today/due?shop=salon&supplier=warehouse").status_code == 200
    assert operator.get("/console/today/everything").status_code == 404


def test_a_pick_list_is_of_what_the_supplier_was_told(console: Console, operator: Browser) -> None:
    console.world.at("2026-11-20 15:00:01")
    for sheet in ("picks", "notes"):
        assert "SKU-1" in operator.get(f"/console/print/{sheet}?shop=salon&supplier=warehouse").text


def test_of_more_than_a_list_holds_those_that_leave_first_are_in_it(console: Console) -> None:
    """A maker's page and a printed sheet hold so many: what leaves today is among them, whatever it is called."""
    world = console.world
    world.take(document("S-2", customer="M-2"), document("S-3", customer="M-3"))
    world.settle()
    world.at("2026-11-20 15:00:01")
    world.execute(
        "UPDATE shipment SET dispatch_on = dispatch_on + 3 WHERE id = (SELECT min(id) FROM shipment WHERE state = 'instructed')"
    )
    with world.engine.connect() as connection:
        every = listed(connection, world.shops, "warehouse", LISTS["open"])
        soonest = listed(connection, world.shops, "warehouse", LISTS["open"], soonest=True, limit=2)
        due = listed(connection, world.shops, "warehouse", LISTS["open"], until=date(2026, 11, 20), limit=2)
        behind = listed(connection, world.shops, "warehouse", LISTS["open"], after=every[0].told.shipment)
    later, *today = [one.told.shipment for one in every]
    assert len(today) == 2
    assert [one.told.shipment for one in soonest] == [one.told.shipment for one in due] == today
    assert [one.told.shipment for one in behind] == today
    assert later not in today
