"""The customer's pages in a real browser: a phone and a desk, both languages, without scripts, by keyboard, and as axe-core sees them.
Skipped where playwright, axe or Chromium is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.chromium import NEEDED, Visit
from tests.pages.test_order import path
from tests.returns.counter import Counter
from tests.web.site import Site, served
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
pytestmark = NEEDED

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 900}
#: Where pictures of the pages go, if anybody wants them.
PICTURES = os.environ.get("ORDER_PAGE_PICTURES", "")


@pytest.fixture
def url(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[str]:
    """The page of an order of apparel that has arrived."""
    with World(engine, database_url, renderer) as world:
        site = Site(world)
        Counter(world, "apparel").sell().arrive()
        with served(site.app) as base:
            yield f"{base}{path(world, shop='apparel')}"
        site.close()


def seen(page: Any, name: str) -> None:
    """Nothing is cut off, and axe-core has no serious finding."""
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    found = axe.Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("view", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("language", "ask", "look", "send", "says"),
    [
        ("ja", "返品・交換を申し込む", "内容を確認する", "この内容で申し込む", "承りました"),
        ("en", "Ask for a return", "Look at it", "Ask for this return", "We have your request"),
    ],
    ids=["ja", "en"],
)
def test_a_return_is_asked_for_by_keyboard_without_scripts(
    url: str, driven: Visit, view: dict[str, int], language: str, ask: str, look: str, send: str, says: str
) -> None:
    size = "phone" if view is PHONE else "desk"

    def go(browser: Any) -> None:
        page = browser.new_context(viewport=view, java_script_enabled=False).new_page()
        page.goto(f"{url}?lang={language}")
        page.get_by_role("link", name=ask).press("Enter")
        page.locator("input[type=number]").first.fill("1")
        page.get_by_role("button", name=look).press("Enter")
        page.get_by_role("button", name=send).press("Enter")
        page.wait_for_url("**said=return")
        assert says in page.inner_text("main")

    def judge(browser: Any) -> None:
        # axe is a script of its own that the pages' policy lets in nowhere.
        page = browser.new_context(viewport=view, bypass_csp=True).new_page()
        page.goto(f"{url}?lang={language}")
        seen(page, f"order-{size}-{language}")
        page.get_by_role("link", name=ask).click()
        seen(page, f"return-{size}-{language}")
        page.locator("input[type=number]").first.fill("1")
        page.locator("select").first.select_option("defect")
        page.get_by_role("button", name=look).click()
        seen(page, f"return-sum-{size}-{language}")

    driven(judge)
    driven(go)


def test_a_name_without_a_break_is_broken_on_a_phone(
    engine: Engine, database_url: str, renderer: Renderer, driven: Visit
) -> None:
    """Nothing is pushed out of the window: an article code as a name, a building as one word."""
    with World(engine, database_url, renderer) as world:
        order = document("S-1", a_line("1", name="W" * 150))
        order["ship_to"]["line2"] = "X" * 90
        world.take(order)
        world.settle()
        site = Site(world)
        with served(site.app) as base:
            where = f"{base}{path(world)}"

            def look(browser: Any) -> None:
                page = browser.new_context(viewport={"width": 360, "height": 740}, bypass_csp=True).new_page()
                page.goto(where)
                seen(page, "order-long-names")

            driven(look)
        site.close()
