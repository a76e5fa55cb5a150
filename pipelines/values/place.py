"""Where goods go, as people read it: an order keeps what its storefront wrote, and that may be a code (B.9.4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from pipelines.values.postal_code import postal_code
from pipelines.values.prefecture import prefecture

_CODE: Final = re.compile(r"[^a-zA-Z]*jp[^a-zA-Z]*", re.IGNORECASE)
_PLAIN: Final = re.compile(r"\d{3}-\d{4}", re.ASCII)


def shown_place(ship_to: Mapping[str, Any]) -> Mapping[str, Any]:
    """An order's ``ship_to`` with its postal code as ``460-0008``, behind which no second 〒 stands, and the prefecture that a code
    (JP-23) means; all else as it was written."""
    code, region = ship_to.get("postal_code") or "", ship_to.get("region") or ""
    told = {"postal_code": shown_code(code), "region": shown_region(region)}
    return ship_to if told == {"postal_code": code, "region": region} else {**ship_to, **told}


def shown_code(code: str) -> str:
    """A postal code as ``460-0008``; as it was written where it is none."""
    return code if _PLAIN.fullmatch(code) else postal_code(code) or code


def shown_region(region: str) -> str:
    """The prefecture that a code means; a name as it was written."""
    return prefecture(region) or region if _CODE.fullmatch(unicodedata.normalize("NFKC", region)) else region
