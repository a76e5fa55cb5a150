"""The counter of a shop: what customers and operators ask about returns, by the same look as over HTTP."""

from __future__ import annotations

from typing import Any

from pipelines.engine.inbox import receive
from pipelines.orders.act import Asker, Asking, Looked, action_named, look
from tests.world import World, a_line, document

OPERATOR = Asker("client:9", "staff", "operator")
CUSTOMER = Asker("client:1", "storefront", "storefront")


class Counter:
    """Asks about one order, S-1 of ``shop``, which has left on Friday 2026-11-20."""

    def __init__(self, world: World, shop: str, number: str = "S-1") -> None:
        self.world, self.shop, self.number = world, shop, number

    def sell(self, *lines: dict[str, Any], **changes: Any) -> Counter:
        """Take the order in and ship it."""
        self.world.take(document(self.number, *(lines or (a_line("1", 2, 6_000),)), shop=self.shop, **changes))
        self.world.settle()
        self.world.ship_all(self.number, shop=self.shop)
        return self

    def arrive(self) -> Counter:
        """Every parcel is with the customer."""
        for shipment in self.world.shipments(self.number, self.shop):
            self.world.tell(self.world.news("shipment.delivered", shipment))
        self.world.settle()
        return self

    def ask(self, name: str, about: str | None = None, *, by: Asker = OPERATOR, **asked: Any) -> Looked:
        """Ask for the action ``name``, of the order or of the return ``about``; decided before anything else happens. Raises
        Conflict and Invalid as the interface answers."""
        looked = self.hand_in(name, about, by=by, **asked)
        self.world.settle()
        return looked

    def hand_in(self, name: str, about: str | None = None, *, by: Asker = OPERATOR, **asked: Any) -> Looked:
        """Ask, and let it wait to be decided."""
        action, now = action_named(name), self.world.clock.now()
        asking = Asking(action, self.shop, self.number, action.read(asked), by, None, about)
        with self.world.engine.connect() as connection:
            looked = look(connection, self.world.shops, asking, now, "en")
        if looked.event is not None:
            receive(self.world.engine, self.world.clock, [looked.event])
        return looked

    def open(self, *lines: dict[str, Any]) -> str:
        """The customer asks for a return; its id."""
        looked = self.ask("returns", by=CUSTOMER, lines=list(lines))
        assert looked.opened is not None
        return looked.opened

    def state(self, return_id: str) -> str:
        """Where a return stands."""
        return str(self.shown(return_id)["state"])

    def shown(self, return_id: str) -> dict[str, Any]:
        """A return as its order shows it."""
        found = [one for one in self.order()["returns"] if one["return"] == return_id]
        assert len(found) == 1
        return dict(found[0])

    def order(self) -> dict[str, Any]:
        """The order as the interface shows it."""
        return self.world.show(self.number, self.shop)

    def mails(self) -> list[str]:
        """The mails about returns, the oldest first."""
        return [one["template"] for one in self.order()["mails"] if one["template"].startswith("return_")]


def pieces(
    line: str = "1", quantity: int = 1, reason: str = "unwanted", *condition: str, **more: Any
) -> dict[str, Any]:
    """Pieces of a line that are to come back."""
    return {"line": line, "quantity": quantity, "reason": reason, "condition": list(condition), **more}
