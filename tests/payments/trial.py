"""The trial of a gateway as its pages tell it (docs/payments.md): each ``sh`` block, and the ``text`` block of what it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

DOCS: Final = Path(__file__).parents[2] / "docs"
_BLOCK: Final = re.compile(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_SETTING: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
#: The buyer's step, and the refund where no gateway gives it back: on the gateway's own page.
_PAGES: Final = 2


class Step(NamedTuple):
    """Commands, and what the page says that they print; None where it says nothing."""

    commands: str
    printed: str | None


def section(page: Path, title: str) -> str:
    """What stands under the heading ``title``."""
    return page.read_text("utf-8").split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def steps(text: str) -> list[Step]:
    """The steps of a section, in its order."""
    return [Step(commands, printed or None) for commands, printed in _BLOCK.findall(text)]


def trial(gateway: str) -> list[Step]:
    """All that a reader does to try ``gateway``: its page's steps among those of the common page."""
    start, *own = steps(section(DOCS / "gateways" / f"{gateway}.md", "Against the fake"))
    order, leave, refund, books = steps(section(DOCS / "payments.md", "Trying a gateway"))
    return [start, order, *own[:1], leave, own[1] if len(own) == _PAGES else refund, books]


def settings(gateway: str) -> set[str]:
    """The variables in the settings' table of a gateway's page."""
    page = (DOCS / "gateways" / f"{gateway}.md").read_text("utf-8")
    rows = [row.split("|")[1] for row in page.splitlines() if row.lstrip().startswith("| `")]
    return {name for row in rows for name in _SETTING.findall(row) if name.startswith(f"{gateway.upper()}_")}
