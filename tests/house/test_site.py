"""The documents as a site: every page is in its menu once, it builds, and nothing in it is loaded from another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
#: What makes a browser fetch something.
LOADED = re.compile(r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']?(https?:)?//""")


def pages(menu: Any) -> Iterator[str]:
    """The pages of a menu, however deep."""
    if isinstance(menu, str):
        yield menu
    for part in menu.values() if isinstance(menu, dict) else menu if isinstance(menu, list) else ():
        yield from pages(part)


def test_every_page_is_in_the_menu_once() -> None:
    menu = list(pages(yaml.safe_load((CHECKOUT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    there = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "examples" not in path.parts]
    assert sorted(menu) == sorted(there)


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """`make site`: a link to nothing, an anchor that is not there or a page outside the menu fails."""
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)],
        cwd=CHECKOUT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    for page in tmp_path.rglob("*.html"):
        elsewhere = [
            found.group() for found in LOADED.finditer(page.read_text("utf-8")) if "canonical" not in found.group()
        ]
        assert not elsewhere, (page, elsewhere)
    assert (tmp_path / "pictures" / "console" / "today-ja.png").is_file()
