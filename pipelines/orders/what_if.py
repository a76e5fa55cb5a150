"""What would have been promised of an order (いつ出荷になるか): at another moment, to another prefecture, paid in another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipelines.errors import Invalid, Problem
from pipelines.orders.plan import preview
from pipelines.shops import Shop
from pipelines.values.moment import read_moment

#: What may be otherwise, and the field of an order that says it.
_FIELDS: Final[Mapping[str, str]] = {"at": "placed_at", "region": "ship_to.region", "method": "payment.method"}


def changes_of(words: str) -> dict[str, str]:
    """``at=ISO,region=PREFECTURE,method=METHOD``, any of them, as a mapping. Raises Invalid for anything else."""
    pairs = [word.partition("=") for word in words.split(",")]
    for name, _, value in pairs:
        if name not in _FIELDS or not value:
            raise Invalid(
                [Problem("--what-if", f"write {', '.join(f'{one}=...' for one in _FIELDS)}, with commas between")]
            )
    changes = {name: value for name, _, value in pairs}
    if len(changes) < len(pairs):
        raise Invalid([Problem("--what-if", "says one thing twice; say it once")])
    try:
        if "at" in changes:
            read_moment(changes["at"])
    except ValueError as wrong:
        raise Invalid([Problem("--what-if", f"at: {wrong}")]) from None
    return changes


def what_if(
    document: Mapping[str, Any], changes: Mapping[str, str], shops: Mapping[str, Shop]
) -> Sequence[Mapping[str, Any]]:
    """The shipments of an order (as it is stored) with ``changes``, each with its days and why: planned anew by what plans every
    order, as if it had been placed then and its money, where that is waited for, had come at once. What leaves already takes no
    place. Raises Invalid for a moment, prefecture or method that there is not, or that the shop does not take."""
    at = changes.get("at", document["placed_at"])
    asked = {name: told for name, told in document.items() if name != "totals"}
    asked |= {"placed_at": at, "assume": {"now": at, "paid_at": at}}
    if "region" in changes:
        asked["ship_to"] = {**document["ship_to"], "region": changes["region"]}
    if "method" in changes:
        asked["payment"] = {**document["payment"], "method": changes["method"]}
    planned = preview(asked, shops)
    changed = {_FIELDS[name] for name in changes}
    if wrong := [Problem("--what-if", one["message"]) for one in planned["problems"] if one["field"] in changed]:
        raise Invalid(wrong)
    shipments: Sequence[Mapping[str, Any]] = planned["shipments"]
    return shipments
