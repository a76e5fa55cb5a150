"""The statement of the job: the orders that every contender carries, and what each must have written when its clock is stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from models.states import ANNOUNCED_AS
from pipelines.orders.document import parse_order
from pipelines.orders.judgement import Known, judge
from pipelines.shops import Shop
from workers.clock import TOKYO

#: The Clock's time when the orders come: before the cutoff (CUT-01), so that they leave the same day.
START: Final = datetime(2026, 11, 19, 10, 0, tzinfo=TOKYO)
SHOP: Final = "salon"
SUPPLIERS: Final = ("warehouse",)
WARM: Final = "WARM"
"""What the numbers of orders begin with that only warm the contenders up."""

Tally = Mapping[str, Counter[str]]
"""By an order's number, how many rows of what were written."""

_MOVES: Final = (
    "order >accepted",
    "order accepted>authorized",
    "order authorized>released",
    "order released>shipped",
    "condition running>done",
    "payment pending>authorized",
    "payment authorized>captured",
    "shipment >planned",
    "shipment planned>instructed",
    "shipment instructed>shipped",
)
_MOVES_OF_POINTS: Final = ("lot >pending", "lot pending>valid")


def orders(prefix: str, count: int, customers: int | None = None) -> list[dict[str, Any]]:
    """``count`` orders as ``POST /v1/orders`` takes them: one to three lines from the warehouse, by card; of so many ``customers``,
    or each of its own."""
    return [_order(prefix, n, n % (customers or count)) for n in range(count)]


def _order(prefix: str, n: int, customer: int) -> dict[str, Any]:
    lines = [
        {
            "line": str(at + 1), "sku": f"SKU-{n % 97}-{at}", "name": f"シャンプー {at + 1}L", "quantity": at + 1, "unit_price": 3300 - 100 * at,
            "supplier": SUPPLIERS[0], "availability": "in_stock",
        }
        for at in range(1 + n % 3)
    ]  # fmt: skip
    address = {
        "name": "サロン髙橋", "postal_code": "4600008", "region": "愛知県", "city": "名古屋市中区", "line1": "栄1-2-3",
        "phone": "0520000000",
    }  # fmt: skip
    return {
        "shop": SHOP,
        "number": f"{prefix}-{n}",
        "placed_at": START.isoformat(),
        "locale": "ja",
        "customer": {
            "id": f"{prefix}-M-{customer}",
            "name": "髙橋 﨑子",
            "email": f"{prefix.lower()}-{customer}@example.jp",
        },
        "ship_to": address,
        "lines": lines,
        "payment": {"method": "card", "token": "tok_ok"},
    }


def due(document: Mapping[str, Any], shop: Shop) -> Counter[str]:
    """What must stand in the books of an order that has gone the whole way, whoever carried it: rows by kind, moves, mails."""
    order = parse_order(document)
    earned = judge(order, shop, Known(START)).breakdown.points_earned
    pieces = len(order.lines)
    found = Counter({"order": 1, "document": 1, "line": pieces, "payment": 1, "payment entry": 2})
    found.update({"shipment": 1, "shipment line": pieces, "parcel": 1, "ends shipped, done, captured": 1})
    found.update(f"move {move}" for move in _MOVES)
    found.update(f"mail {template}" for template in ("order_accepted", "shipment_shipped"))
    if earned:
        found.update({"lot": 1, "points moved": 2, "mail points_activated": 1})
        found.update(f"move {move}" for move in _MOVES_OF_POINTS)
    return found


def events_due(document: Mapping[str, Any], shop: Shop) -> Counter[str]:
    """Of which events the storefront hears, where it is told: one for every move that is announced."""
    found = Counter[str]()
    for what, many in due(document, shop).items():
        kind, _, entity = what.partition(" ")
        if kind == "move" and (event := ANNOUNCED_AS.get(entity.split()[0])):
            found[event] += many
    return found


def differences(documents: Sequence[Mapping[str, Any]], shop: Shop, tally: Tally) -> Iterator[str]:
    """Where what was written is not what is due: an order, and what it has too much or too little of."""
    for document in documents:
        number = document["number"]
        asked, found = due(document, shop), _as_if_in_order(tally.get(number, Counter()))
        for what in sorted(asked.keys() | found.keys()):
            if asked[what] != found[what]:
                yield f"{number}: {found[what]} of {what}, where {asked[what]} are due"
    for number in sorted(tally.keys() - {document["number"] for document in documents}):
        yield f"{number}: written, and nobody ordered it"


def _as_if_in_order(found: Counter[str]) -> Counter[str]:
    """Where a supplier that ships at once was faster than the record that it was told, one move stands for two."""
    overtook = found["move shipment planned>shipped"]
    moved = {"move shipment planned>instructed": overtook, "move shipment instructed>shipped": overtook}
    return found + Counter(moved) - Counter({"move shipment planned>shipped": overtook})
