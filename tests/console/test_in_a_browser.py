"""The console in a real browser: in both languages, on a phone, in the dark, by keyboard and without scripts; axe finds nothing
serious. Skipped where there is no Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import NEEDED, Visit
from tests.console.browser import Console
from tests.console.looks import DESK, PHONE, enter, picture
from tests.web.site import served
from tests.world import World, a_line, document

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = NEEDED

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe\r\nBcc: x@example.jp =HYPERLINK(1)"


@pytest.fixture
def base(world: World) -> Iterator[str]:
    """The console with a day's orders: some instructed, one held for its remarks, one that left, one that waits for its money."""
    world.take(document("S-1", a_line(name="シャンプー 1L", quantity=4, unit_price=3300)))
    world.take(document("S-5", customer="M-5", remarks="水曜の午前中に届けてください"))
    world.take(document("S-2", customer="M-2", remarks=HOSTILE.replace("\r\n", "\n")))
    world.take(document("S-3", customer="M-3", payment={"method": "bank_transfer"}), document("S-4", customer="M-4"))
    world.settle()
    world.ship_all("S-4")
    console = Console(world)
    with served(console.app) as url:
        yield url
    console.close()


def serious(page: Any) -> list[str]:
    """What axe calls serious or worse on a page, with where it is."""
    found = axe.Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
    ]


LOOKS = [
    ("ja", {}, "ja"),
    ("en", {"color_scheme": "dark"}, "dark"),
    ("ja", {"viewport": PHONE, "java_script_enabled": True}, "phone"),
]


@pytest.mark.parametrize(("language", "options", "look"), LOOKS, ids=[one[2] for one in LOOKS])
def test_every_page_is_fit_to_read(
    world: World, base: str, driven: Visit, language: str, options: Any, look: str
) -> None:
    """Nothing serious for axe, nothing cut off, under 100 KB with all it loads, and nothing that the policy had to stop."""
    mail = world.value("SELECT min(id) FROM mail")
    hold = world.value("SELECT min(id) FROM order_hold")
    order = "/console/orders/salon"
    pages = {
        "today": "/console",
        "order": f"{order}/S-1",
        "held": "/console/today/due",
        "hostile": f"{order}/S-2",
        "act": f"{order}/S-1/act/cancel",
        "address": f"{order}/S-1/act/address:change",
        "mail": f"{order}/S-1/mails/{mail}",
        "picks": "/console/print/picks?shop=salon&supplier=warehouse",
        "notes": "/console/print/notes?shop=salon&supplier=warehouse",
        "account": "/console/account",
        "review": "/console/review",
        "review-one": f"/console/review/one?kind=hold&key={hold}",
        "orders": "/console/orders?shop=salon",
        "returns": "/console/returns",
        "payments": "/console/payments",
        "month": "/console/payments?month=2026-11",
        "bill": "/console/customers/salon/M-1/bills/2026-11",
        "mails": "/console/mails?shop=salon",
        "sample": "/console/mails/samples/salon/order_accepted/ja?width=phone",
        "addresses": "/console/mails/addresses",
        "customer": "/console/customers/salon/M-1",
        "customers": "/console/customers",
        "partners": "/console/partners",
        "jobs": "/console/jobs",
        "shops": "/console/shops",
        "shop": "/console/shops/salon",
        "now": "/console/now",
        "none": "/console/orders/salon/none",
    }
    faults: dict[str, Any] = {}

    def look_at(browser: Any) -> None:
        page = enter(world, base, browser, language, **options)
        told: list[str] = []
        sizes: list[int] = []
        page.on("console", lambda one: told.append(one.text) if one.type == "error" else None)
        page.on("response", lambda one: sizes.append(len(one.body())) if one.status < 300 else None)
        page.on("dialog", lambda one: told.append("a script ran"))
        for name, path in pages.items():
            told.clear()
            sizes.clear()
            page.goto(base + path, wait_until="load")
            picture(page, f"{name}-{look}")
            cut = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            bad = [*serious(page), *(one for one in told if "404" not in one), *(["cut off"] if cut else [])]
            bad += [f"{sum(sizes)} bytes"] if sum(sizes) > 100_000 else []
            if bad:
                faults[name] = bad

    driven(look_at)
    assert faults == {}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_order_is_cancelled_from_today(world: World, base: str, driven: Visit, scripts: bool) -> None:
    """Five clicks from Today: the list, the order, the action, what it would do, and doing it."""

    def act(browser: Any) -> None:
        page = enter(world, base, browser, "en", java_script_enabled=scripts)
        page.locator("#t-due").click()
        page.get_by_role("link", name="S-1").click()
        page.get_by_role("link", name="Cancel the order").first.click()
        page.get_by_label("Reason").fill("two of them by mistake")
        page.get_by_role("button", name="Show what it would do").click()
        assert "order cancelled" in page.inner_text("main")
        picture(page, "preview")
        page.get_by_role("button", name="Cancel the order").dblclick()
        page.wait_for_url("**done=cancel")

    driven(act)
    world.settle()
    assert world.states()["S-1"][0] == "cancelled"
    assert world.value("SELECT count(*) FROM inbox_event WHERE type = 'order.cancel'") == 1


def test_the_day_goes_by_keyboard(world: World, base: str, driven: Visit) -> None:
    def press(browser: Any) -> None:
        page = enter(world, base, browser, "en")
        page.goto(f"{base}/console/today/due")
        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("j")
        page.keyboard.press("k")
        assert page.evaluate("document.activeElement.textContent") == first
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("S-1?j")
        assert page.input_value("#q") == "S-1?j", "keys are text where somebody types"
        page.fill("#q", "S-1")
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/salon/S-1")

    driven(press)


def test_a_narrow_phone_shows_sentences_in_lines_and_cuts_nothing_off(world: World, base: str, driven: Visit) -> None:
    """360 pixels: a reason with its sentence is read from left to right, and no word without spaces makes a page wider."""
    seen: dict[str, Any] = {}

    def look_at(browser: Any) -> None:
        page = enter(world, base, browser, viewport={"width": 360, "height": 740})
        page.goto(f"{base}/console/review")
        seen["reasons"] = page.locator("td b", has_text="備考の確認").first.bounding_box()
        page.goto(f"{base}/console/search?q={'x' * 190}")
        page.locator("#kept-name").fill("x" * 60)
        page.locator("button[value=keep]").click()
        page.wait_for_url("**/console/orders?q=**")
        seen["width"] = page.evaluate("document.documentElement.scrollWidth")

    driven(look_at)
    assert seen["reasons"]["height"] < 40, "one line"
    assert seen["width"] == 360


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_no_word_of_a_customer_makes_a_page_wider_than_its_window(
    world: World, base: str, driven: Visit, language: str, size: dict[str, int]
) -> None:
    """Names, numbers and remarks of letters alone, as long as they may be: the others' rows stay where they can be read."""
    number, long = "W" * 40, {"name": "W" * 150, "sku": "K" * 60}
    held, sent = document(number, a_line(**long), remarks="x" * 1_500), document("V" * 40, a_line(**long))
    for one in (held, sent):
        one["customer"] |= {"name": "W" * 60, "id": "C" * 60}
    world.take(held, sent)
    world.settle()
    pages = (
        "orders",
        "search?q=S-",
        "review",
        "today/held",
        "print/picks?shop=salon&supplier=warehouse",
        "print/notes?shop=salon&supplier=warehouse",
        f"orders/salon/{number}",
        f"orders/salon/{number}/act/address:change",
        f"customers/salon/{'C' * 60}",
        "partners",
        "jobs",
    )
    wider: dict[str, int] = {}
    narrow: list[float] = []

    def look_at(browser: Any) -> None:
        page = enter(world, base, browser, language, viewport=size)
        for path in pages:
            answer = page.goto(f"{base}/console/{path}")
            assert answer.status == 200
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > size["width"]:
                wider[path] = width
            narrow.extend(page.evaluate("[...document.querySelectorAll('td.goods')].map(one => one.offsetWidth)"))

    driven(look_at)
    assert wider == {}
    assert narrow
    assert min(narrow) > 120, "the goods of an order have room beside their stock number"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_headings_of_cards_stay_out_of_sight_on_a_phone(world: World, base: str, driven: Visit, language: str) -> None:
    """Each row says its own there: the end of those of Today, twelve in English, lay over its first card."""
    seen: dict[str, float] = {}

    def look_at(browser: Any) -> None:
        page = enter(world, base, browser, language, viewport=PHONE)
        for path in ("", "/orders", "/review", "/partners", "/payments", "/mails", "/jobs"):
            page.goto(f"{base}/console{path}")
            ends = "[...document.querySelectorAll('table.cards thead')].map(one => one.getBoundingClientRect().right)"
            seen[path] = max(page.evaluate(ends), default=0)

    driven(look_at)
    assert all(right <= 0 for right in seen.values()), seen
