"""Lists of orders in the console: filters, lists that are kept, CSV without formulas, and the search box."""

from __future__ import annotations

import pytest

from tests.console.browser import Browser, Console, text_of
from tests.world import document

LIST = "/console/orders"
NUMBERS = ("S-1", "S-2", "S-3", "C-1")


@pytest.fixture(scope="module")
def orders(shared: Console) -> Console:
    """One instructed, one held, one that left and waits for nothing, one of another shop; a customer whose name is a formula."""
    world = shared.world
    world.take(
        document("S-2", customer="M-2", remarks="クーポン ABC123 を使ってください"),
        document("S-3", customer="M-3"),
        document("C-1", shop="clinic", customer="M-4"),
    )
    world.settle()
    world.ship_all("S-3")
    world.execute(
        """UPDATE order_document SET document = jsonb_set(document::jsonb, '{customer,name}', '"=HYPERLINK(1)<b>"')
           WHERE order_id = (SELECT id FROM shop_order WHERE number = 'S-3')"""
    )
    return shared


def listed(browser: Browser, query: str) -> list[str]:
    page = browser.get(f"{LIST}?{query}")
    assert page.status_code == 200, query
    return [one for one in NUMBERS if f"<b>{one}</b>" in page.text]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["S-1", "S-2", "S-3", "C-1"]),
        ("shop=clinic", ["C-1"]),
        ("state=shipped", ["S-3"]),
        ("condition=held", ["S-2"]),
        ("hold=coupons_in_remarks", ["S-2"]),
        ("supplier=warehouse&shop=salon", ["S-1", "S-3"]),
        ("dispatch_on=2026-11-20&shop=salon", ["S-1", "S-3"]),
        ("placed_to=2020-01-01", []),
        ("placed_from=2020-01-01&shop=clinic", ["C-1"]),
        ("q=M-2", ["S-2"]),
    ],
)
def test_a_list_is_narrowed(orders: Console, reader: Browser, query: str, found: list[str]) -> None:
    assert sorted(listed(reader, query)) == sorted(found)


@pytest.mark.parametrize("query", ["state=nowhere", "dispatch_on=x", "placed_from=2026-99-99", "limit=0", "what=x"])
def test_a_question_that_is_none_is_said_and_breaks_nothing(orders: Console, reader: Browser, query: str) -> None:
    page = reader.get(f"{LIST}?{query}")
    assert page.status_code == 422
    assert "alert" in page.text


def test_a_list_is_kept_for_its_operator_alone(orders: Console, reader: Browser) -> None:
    page = reader.get(f"{LIST}?state=shipped&shop=salon")
    assert reader.send(page, "/orders/kept", name="<b>朝の確認").status_code == 303
    mine = reader.get(LIST)
    assert "&lt;b&gt;朝の確認" in mine.text
    assert "state=shipped" in mine.text
    other = orders.signed_in("suzuki", {"*": "viewer"})
    assert "朝の確認" not in other.get(LIST).text
    assert reader.send(page, "/orders/kept", name="<b>朝の確認", act="forget").status_code == 303
    assert "朝の確認</a>" not in reader.get(LIST).text


def test_the_csv_holds_what_the_list_does_and_no_formula(orders: Console, reader: Browser) -> None:
    answer = reader.get(f"{LIST}.csv?shop=salon")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert sorted(line.split(",")[1] for line in lines[1:]) == ["S-1", "S-2", "S-3"]
    assert "'=HYPERLINK" in answer.text
    assert orders.world.value("SELECT count(*) FROM operator_act WHERE act = 'orders.csv' AND operator = 'sato'") == 1


def test_other_shops_are_in_no_list_and_no_file(orders: Console) -> None:
    browser = orders.signed_in("clinic", {"clinic": "admin"})
    assert listed(browser, "") == ["C-1"]
    assert "S-1" not in browser.get(f"{LIST}.csv").text
    for path in (f"{LIST}?shop=salon", f"{LIST}.csv?shop=salon"):
        assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    ("word", "opens"),
    [
        ("S-2", "salon/S-2"),
        ("s2", "salon/S-2"),
        ("salon/S-1", "salon/S-1"),
        ("M-3", "salon/S-3"),
        ("Ｃ－１", "clinic/C-1"),
        ("nothing like it", None),
        ("%", None),
        ("\u202e", None),
    ],
)
def test_the_search_box_opens_what_it_finds(orders: Console, reader: Browser, word: str, opens: str | None) -> None:
    answer = reader.get("/console/search", params={"q": word})
    assert answer.headers.get("location") == (f"{LIST}/{opens}" if opens else None)
    if opens is None:
        assert answer.status_code == 200


def test_a_tracking_number_leads_to_its_order_and_several_hits_are_a_list(orders: Console, reader: Browser) -> None:
    number = orders.world.value("SELECT tracking_number FROM parcel")
    assert reader.get("/console/search", params={"q": number}).headers["location"] == f"{LIST}/salon/S-3"
    several = reader.get("/console/search", params={"q": "S"})
    assert "S-1" in text_of(several)
    assert "S-3" in text_of(several)
