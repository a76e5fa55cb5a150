"""What customers of the demo's day send back, and what its operator makes of it: of each shop the remedies that its terms give (A.12).

An order that has arrived is asked for the next return of its shop's list; what its terms do not take is asked of the next one. Each then
goes on by a step at a look, as its state says, until it is over or waits for the customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Way:
    """How a return begins, for which ``reason`` and ``remedy``, and the state at which it ``ends``."""

    reason: str
    remedy: str
    ends: str


#: By shop, in the order in which they are asked for.
WAYS: Final[Mapping[str, tuple[Way, ...]]] = {
    "clinic": (
        Way("defect", "replacement", "replaced"),
        Way("wrong_item", "replacement", "refused"),
        Way("damaged", "replacement", "sent_back"),
    ),
    "apparel": (
        Way("unwanted", "refund", "refunded"),
        Way("unwanted", "exchange", "exchanged"),
        Way("unwanted", "refund", "sent_back"),
        Way("unwanted", "refund", "closed"),
        Way("defect", "refund", "refused"),
        Way("unwanted", "refund", "awaiting_goods"),
    ),
    "reuse": (
        Way("unwanted", "refund", "refunded"),
        Way("defect", "refund", "refunded"),
        Way("unwanted", "refund", "sent_back"),
        Way("unwanted", "refund", "awaiting_goods"),
    ),
    "salon": (
        Way("unwanted", "exchange", "exchanged"),
        Way("defect", "exchange", "replaced"),
        Way("damaged", "exchange", "refunded"),
        Way("wrong_item", "exchange", "refused"),
    ),
}
_SETTLES: Final = {"refunded": "refund", "replaced": "replace", "exchanged": "exchange"}
_DEARER: Final = 500


@dataclass(slots=True)
class Returns:
    """The returns of a day: those still to be asked for by shop; of those that are open, by id, the way, and the shop and number of the
    order."""

    ways: dict[str, list[Way]] = field(default_factory=lambda: {shop: list(ways) for shop, ways in WAYS.items()})
    open: dict[str, tuple[Way, str, str]] = field(default_factory=dict)

    def request(self, shop: str, order: Mapping[str, Any]) -> dict[str, Any] | None:
        """What is asked of an order that has arrived, as ``POST .../returns`` takes it; None where nothing is left to ask of the shop, or
        the order is itself what left for a return."""
        if not self.ways.get(shop) or order.get("replaces") is not None:
            return None
        way, line = self.ways[shop][0], order["lines"][0]
        asked = {"line": line["line"], "quantity": 1, "reason": way.reason, "condition": [], "remedy": way.remedy}
        return {"lines": [asked]}

    def opened(self, shop: str, number: str, id_: str) -> None:
        """The shop's next return was asked for of the order ``number``, and has an id."""
        self.open[id_] = self.ways[shop].pop(0), shop, number

    def step(self, one: Mapping[str, Any], order: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The next step of a return that stands as ``one``, of ``order``: its action and what is said; None where there is none yet."""
        way, _, _ = self.open[one["return"]]
        match one["state"]:
            case "requested":
                return (
                    ("refuse", {"words": "写真では確認できませんでした。"})
                    if way.ends == "refused"
                    else ("approve", {})
                )
            case "awaiting_goods" if way.ends == "closed":
                return "withdraw", {}
            case "awaiting_goods" if way.ends != "awaiting_goods":
                return "receive", {}
            case "received":
                fails = way.ends == "sent_back"
                return "inspect", {"passes": not fails, **({"words": "使用された跡があります。"} if fails else {})}
            case "rejected":
                return "close", {}
            case "inspected" if way.ends == "exchanged":
                return "exchange", _dearer(one, order)
            case "inspected":
                return _SETTLES[way.ends], {}
            case _:
                return None

    def is_over(self, one: Mapping[str, Any]) -> bool:
        """Whether nothing more is to be done for it today."""
        way, _, _ = self.open[one["return"]]
        return bool(one["state"] == way.ends or one["waits_until"] is None)


def _dearer(one: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    """Other goods, a little dearer, for which the difference is paid by card."""
    asked = one["lines"][0]["line"]
    sold = next(line for line in order["lines"] if line["line"] == asked)
    taken = {"line": "1", "sku": f"{sold['sku']}-2", "name": sold["name"], "quantity": 1, "tax_rate": 10}
    price = {"unit_price": sold["unit_price"] + _DEARER, "supplier": "warehouse"}
    return {"lines": [{**taken, **price}], "payment": {"method": "card", "token": "tok_ok"}}
