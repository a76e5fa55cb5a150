"""A real browser (Debian's Chromium through playwright) for the tests of pages; they are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import pytest

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
#: The mark of a module whose tests want one.
NEEDED: Final = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
Visit = Callable[[Callable[..., None]], None]


@contextmanager
def browser() -> Iterator[Visit]:
    """Lets a reader, a function of a browser, look at pages: in a thread of its own, since the browser has an event loop."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    thread = ThreadPoolExecutor(1)
    started = thread.submit(playwright.sync_playwright().start).result()
    launch: Callable[[], Any] = lambda: started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # noqa: E731
    opened = thread.submit(launch).result()
    yield lambda reader: thread.submit(reader, opened).result()
    thread.submit(opened.close).result()
    thread.submit(started.stop).result()
    thread.shutdown()
