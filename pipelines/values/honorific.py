"""What is put after a name in Japanese (敬称): 御中 after an organisation, 様 after a person, and never a second one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: One that was written with the name.
WRITTEN: Final = re.compile(r"\s*(様|さま|御中|殿)\s*$")


def honorific(kind: str | None) -> str:
    """Of whom an order calls an ``organisation`` or an ``individual``."""
    return "御中" if kind == "organisation" else "様"


def called(to: Mapping[str, Any], locale: str) -> str:
    """The name of an addressee (``name``, ``kind``) as its ``locale`` writes it; one that ends in an honorific stays as it was written."""
    name = str(to["name"])
    return name if locale != "ja" or not name or WRITTEN.search(name) else f"{name} {honorific(to.get('kind'))}"
