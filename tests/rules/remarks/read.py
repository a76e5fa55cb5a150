"""Remarks as the tests of the recognisers read them: ordered on Friday, 20 November 2026; Monday the 23rd is a holiday."""

from __future__ import annotations

from typing import Any

from pipelines.rules.remarks import Reading, read
from tests.rules.build import SHOPS, an_order


def reading(remarks: str, shop: str = "clinic", **changes: Any) -> Reading:
    """What is read of ``remarks`` at a packaged shop."""
    return read(an_order(shop, remarks=remarks, **changes), SHOPS[shop])


def understood(remarks: str, shop: str = "clinic", **changes: Any) -> dict[str, Any]:
    """What was understood, by kind; the words themselves where nobody understood them."""
    found: dict[str, Any] = {}
    for one in reading(remarks, shop, **changes).instructions:
        value = one.to_json()["value"]
        assert one.kind not in found or one.kind == "unread"
        found[one.kind] = one.says if one.kind == "unread" else value
    return found
