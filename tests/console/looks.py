"""How the console's tests look at pages in a real browser: signed in, on a desk or a phone, with pictures where they are asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from tests.world import World
from workers.operators import add_account, one_time_path

DESK: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
#: Where pictures for docs/console.md go; none are taken without it.
PICTURES: Final = os.environ.get("SHUKKA_PICTURES")


def enter(world: World, base: str, browser: Any, language: str = "ja", **options: Any) -> Any:
    """A page on which an operator signed in."""
    context = browser.new_context(locale=language, timezone_id="Asia/Tokyo", **{"viewport": DESK, **options})
    page = context.new_page()
    page.goto(base + one_time_path(world.engine, add_account(world.engine, "佐藤", {"*": "operator"})))
    page.locator("main button").click()
    page.wait_for_url(f"{base}/console")
    return page


def picture(page: Any, name: str) -> None:
    """Keep a picture of what stands in the window."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
