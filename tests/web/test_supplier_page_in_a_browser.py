"""The maker's page in a real browser: keyboard, phone, with and without scripts. Skipped where playwright or Chromium is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import NEEDED, Visit
from tests.web.site import Site, served
from tests.web.test_supplier_page import NUMBER, WRONG, token, twenty
from tests.world import document, tracking_number

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = NEEDED

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    """The page of the one shipment that the warehouse has."""
    site.world.take(document("S-1"))
    site.world.settle()
    path = f"/s/{token(site.world, site.world.shipments()[0])}"
    with served(site.app) as base:
        yield f"{base}{path}"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
@pytest.mark.parametrize(
    ("language", "button", "says"),
    [("ja", "受注を確認する", "受注済み"), ("en", "Confirm the request", "confirmed")],
    ids=["ja", "en"],
)
def test_a_request_is_confirmed_by_keyboard_on_a_phone(
    site: Site, url: str, driven: Visit, scripts: bool, language: str, button: str, says: str
) -> None:
    def press(browser: Any) -> None:
        page = browser.new_context(java_script_enabled=scripts, viewport=PHONE).new_page()
        page.goto(f"{url}?lang={language}")
        page.get_by_role("button", name=button).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**done=1")

    def look(browser: Any) -> None:
        page = browser.new_context(viewport=PHONE).new_page()
        page.goto(f"{url}?lang={language}")
        assert says in page.inner_text("main")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "nothing is cut off"

    driven(press)
    site.world.settle()
    driven(look)


def test_axe_finds_nothing_serious_on_any_page(url: str, driven: Visit) -> None:
    """The one, the list, its verdicts, what is printed and the apology; both languages, at a desk and on a phone."""

    def read(page: Any, where: str) -> None:
        found = axe.Axe().run(page).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], where
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], where

    def look(browser: Any) -> None:
        for language in ("ja", "en"):
            page = browser.new_context(viewport=PHONE).new_page()
            for place in ("", "/today", "/picks", "/note", "x"):
                page.goto(f"{url}{place}?lang={language}")
                read(page, f"{place} {language}")
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"{url}/today?lang={language}")
            page.locator("textarea").fill(WRONG)
            page.locator("textarea").evaluate("field => field.form.requestSubmit()")
            page.wait_for_selector(f"input[value='{WRONG}']")
            read(page, f"verdicts {language}")

    driven(look)


def test_a_double_click_tells_it_once(site: Site, url: str, driven: Visit) -> None:
    def click(browser: Any) -> None:
        page = browser.new_page()
        page.goto(f"{url}?lang=en")
        page.get_by_role("button", name="Confirm the request").dblclick()
        page.wait_for_url("**done=1")

    driven(click)
    assert site.world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.acknowledged'") == 1


def test_a_number_is_judged_beside_its_field_at_once(url: str, driven: Visit) -> None:
    faults: list[str] = []

    def type_numbers(browser: Any) -> None:
        page = browser.new_page()
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.goto(f"{url}?lang=en")
        field = page.get_by_label("Tracking number")
        for number, says in ((WRONG, "no number of that carrier"), (NUMBER, "looks right")):
            field.fill(number)
            field.blur()
            playwright.expect(page.locator("#tracking_number_says")).to_contain_text(says)

    driven(type_numbers)
    assert faults == [], "the policy lets the page's own style and script work"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_twenty_pasted_numbers_with_one_wrong(site: Site, driven: Visit, scripts: bool) -> None:
    path, _, orders = twenty(site)
    numbers = [tracking_number(44_441_376_000 + n) for n in range(20)]
    numbers[6] = f"{numbers[6][:-1]}{(int(numbers[6][-1]) + 1) % 7}"

    def paste(browser: Any) -> None:
        page = browser.new_context(java_script_enabled=scripts, viewport=PHONE).new_page()
        page.goto(f"{base}{path}?lang=en")
        page.get_by_label("Paste here").fill("\n".join(numbers))
        page.get_by_role("button", name="Enter all").last.click()
        page.wait_for_selector("text=19 entered, 1 not.")
        wrong = page.get_by_label(f"Tracking number {orders[6]}", exact=True).first
        assert wrong.input_value() == numbers[6]
        wrong.fill(tracking_number(44_441_376_900))
        page.get_by_role("button", name="Enter the corrected numbers").click()
        page.wait_for_selector("text=1 entered, 0 not.")

    with served(site.app) as base:
        driven(paste)
    site.world.settle()
    assert {state for state, _ in site.world.states().values()} == {"shipped"}


def test_a_file_is_dropped_onto_its_field_without_scripts(site: Site, url: str, driven: Visit) -> None:
    """On a phone too: the field is as wide as the page, and the verdict stands in the row's card."""
    row = f"出荷番号,送り状番号\n{site.world.shipments()[0]},{WRONG}\n"

    def drop(browser: Any) -> None:
        page = browser.new_context(java_script_enabled=False, viewport=PHONE).new_page()
        page.goto(f"{url}/today?lang=en")
        page.get_by_label("File").set_input_files({"name": "n.csv", "mimeType": "text/csv", "buffer": row.encode()})
        page.get_by_role("button", name="Send the file").click()
        page.wait_for_selector("text=0 entered, 0 known already, 1 not.")
        assert page.get_by_text("This is no number of that carrier").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "nothing is cut off"

    driven(drop)


def test_a_print_holds_the_note_alone(url: str, driven: Visit) -> None:
    def print_it(browser: Any) -> None:
        page = browser.new_page()
        page.goto(f"{url}/note")
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert page.get_by_role("heading", name="納品書").is_visible()
        assert page.pdf().startswith(b"%PDF-")

    driven(print_it)
