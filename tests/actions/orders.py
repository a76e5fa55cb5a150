"""Orders brought to where each action is possible, and the requests that then are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.world import World, a_line, document, tracking_number

SUPPLIERS: Final = {"shipments:ask_again", "shipments:reroute", "shipments:ship"}
"""What is asked of a shipment that waits to be sent."""
MAILS: Final = {"mails:resend"}
"""What is asked of an order of which a mail was sent."""

ONE_PIECE: Final = {"lines": [{"line": "2", "quantity": 1}]}
ELSEWHERE: Final = {
    "kind": "organisation",
    "name": "サロン髙橋 札幌店",
    "postal_code": "060-0001",
    "region": "北海道",
    "city": "札幌市中央区",
    "line1": "北一条西1-1",
}
AUTUMN: Final = {"code": "AUTUMN", "kind": "amount", "value": 500}


def two_lines(**changes: Any) -> dict[str, Any]:
    """S-1 of salon: 6,000 yen and twice 2,000 yen."""
    return document("S-1", a_line("1", 1, 6_000), a_line("2", 2, 2_000), **changes)


def held(world: World) -> None:
    """Before its authorization: the customer wrote a coupon's code into the remarks."""
    world.take(two_lines(remarks="クーポン AUTUMN"))
    world.settle()


def quoted(world: World) -> None:
    """Held until somebody has agreed on the fee to an individual."""
    order = two_lines()
    world.take({**order, "ship_to": {**order["ship_to"], "kind": "individual"}})
    world.settle()


def authorized(world: World) -> None:
    """Planned for tomorrow; no supplier was told."""
    world.enrol("supplier", "maker-b")
    world.at("2026-11-20 15:00:01")
    world.take(two_lines(placed_at="2026-11-20T15:00:01+09:00"))
    world.settle()


def released(world: World) -> None:
    """The warehouse was told; there is a maker that has the goods too."""
    world.enrol("supplier", "maker-b")
    world.take(two_lines())
    world.settle()


def refused(world: World) -> None:
    """The warehouse, which has all of it, does not ship it."""
    released(world)
    world.tell(world.news("shipment.refused", world.shipments()[0], reason="sold out"))
    world.settle()


def partly_shipped(world: World) -> None:
    """One piece of three has left."""
    released(world)
    world.tell(world.shipped(world.shipments()[0], lines=[{"line": "2", "quantity": 1}]))
    world.settle()


def shipped(world: World) -> None:
    """All of it has left."""
    released(world)
    world.ship_all("S-1")


def on_delivery(world: World) -> None:
    """All of it has left, and the carrier is to collect 11,440 yen."""
    world.take(two_lines(payment={"method": "cod"}))
    world.settle()
    world.ship_all("S-1")


def owed(world: World) -> None:
    """Paid by transfer, of which 2,200 yen are due back."""
    world.enrol("supplier", "maker-b")
    world.take(two_lines(payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    world.tell(world.ask("order.cancel_lines", "S-1", **ONE_PIECE))
    world.settle()


def settled(world: World) -> None:
    """All of it has left and come back."""
    shipped(world)
    both = [{"line": "1", "quantity": 1}, {"line": "2", "quantity": 2}]
    world.tell(world.ask("order.return_lines", "S-1", lines=both))
    world.settle()


def cancelled(world: World) -> None:
    """Ended before its goods left."""
    authorized(world)
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()


Stand = Callable[[World], None]

#: Every way in which the tests let an order stand, and the actions that are then possible for an operator.
STANDS: Final[Mapping[Stand, frozenset[str]]] = {
    held: frozenset({"address:change", *MAILS, "cancel", "coupons", "release"}),
    quoted: frozenset({"address:change", *MAILS, "cancel", "coupons", "fee:agree", "release"}),
    authorized: frozenset({"address:change", *MAILS, "cancel", "lines:cancel", "shipments:reroute", "shipments:ship"}),
    released: frozenset({"address:change", *MAILS, "cancel", "lines:cancel", *SUPPLIERS}),
    refused: frozenset({"address:change", *MAILS, "cancel", "lines:cancel", *SUPPLIERS}),
    partly_shipped: frozenset(
        {*MAILS, "lines:cancel", "lines:return", "refunds:goodwill", "returns", "shipments:ask_again", "shipments:ship"}
    ),
    shipped: frozenset({*MAILS, "lines:return", "refunds:goodwill", "returns"}),
    on_delivery: frozenset({*MAILS, "collected", "lines:return", "returns"}),
    # not "release": what is due back is the customer's, whoever looks at it
    owed: frozenset({"address:change", *MAILS, "cancel", "lines:cancel", "refunds", *SUPPLIERS}),
    settled: frozenset({*MAILS, "refunds:goodwill"}),  # the return fee was kept
    cancelled: frozenset(MAILS),
}

#: A request for each action, right wherever the action is possible; what is about a shipment is asked of the first
#: (`request_for`).
REQUESTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "address:change": {"ship_to": ELSEWHERE, "reason": "moved"},
    "cancel": {"reason": "changed my mind"},
    "coupons": {"coupons": [AUTUMN]},
    "collected": {"amount": 11_440, "reference": "2026-11"},
    "fee:agree": {"fee": 1_500, "reason": "by telephone"},
    "lines:cancel": ONE_PIECE,
    "lines:return": {**ONE_PIECE, "fault": "shop"},
    "mails:resend": {"to": "takahashi@new.example"},
    "refunds": {"amount": 2_200, "reference": "T-1"},
    "refunds:goodwill": {"amount": 500, "reason": "a scratch on the box"},
    "release": {},
    "returns": {"lines": [{"line": "2", "quantity": 1, "reason": "defect"}]},
    "shipments:ask_again": {"reason": "nobody answers"},
    "shipments:ship": {"carrier": "ヤマト", "tracking_number": tracking_number(44_441_375_900)},
    "shipments:reroute": {"supplier": "maker-b", "reason": "sold out"},
}


def request_for(world: World, action: str) -> dict[str, Any]:
    """A request for ``action`` on S-1 as it stands."""
    asked = dict(REQUESTS[action])
    if action.startswith("shipments:"):
        asked["shipment"] = next(iter(world.shipments()), "SH-NONE")
    if action == "address:change":
        asked["ship_to"] = {**ELSEWHERE, "kind": world.value("SELECT document->'ship_to'->>'kind' FROM order_document")}
    if action == "mails:resend":
        asked["mail"] = world.show()["mails"][0]["id"]
    return asked
