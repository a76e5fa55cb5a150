"""Points that are taken aside while something is looked into (保留, PTS-05), once by key, and how that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from models.store import orders, point_requests
from models.store.customers import CustomerKey
from models.store.point_requests import HoldRow
from pipelines.engine.ledger import Ledger
from pipelines.errors import Conflict, Invalid, NotFound, Problem, Raced
from pipelines.points.requests import Answered, same, shop_of, transact
from pipelines.points.schema import HoldDocument, digest
from pipelines.ports import Clock
from pipelines.rules.points import expiry
from pipelines.rules.purse import Cause, HeldPart, Purse
from pipelines.shops import Shop


def hold(engine: Engine, shops: Mapping[str, Shop], clock: Clock, wish: HoldDocument) -> Answered:
    """Take an amount of valid points aside, or what is left of what an order earned.

    Raises Invalid for what cannot be held so, Conflict for a key used otherwise or where too little is there.
    """
    shop = shop_of(shops, wish.shop)
    if (wish.amount is None) == (wish.order is None):
        raise Invalid([Problem("amount", "name either an amount or an order, not both and not neither")])

    def attempt(ledger: Ledger) -> Answered:
        ledger.open([CustomerKey(shop.key, wish.customer)], opening=True)
        known = point_requests.hold(ledger.connection, shop.key, wish.key)
        if known is not None:
            same(known.request_hash, digest(wish))
            return Answered(False, _shown(known))
        amount = _take_aside(ledger, ledger.purse(shop.key, wish.customer), wish)
        new = HoldRow(
            shop=shop.key,
            key=wish.key,
            customer_id=wish.customer,
            request_hash=digest(wish),
            amount=amount,
            reason=wish.reason,
            outcome=None,
            at=ledger.now,
        )
        if not point_requests.keep_holds(ledger.connection, [new]):
            raise Raced
        ledger.write()
        return Answered(True, _shown(new))

    return transact(engine, clock, attempt)


def _take_aside(ledger: Ledger, purse: Purse, wish: HoldDocument) -> int:
    """How many points were taken aside."""
    source = _source(wish.shop, wish.key)
    if wish.amount is not None:
        try:
            purse.hold(wish.amount, Cause(source, ledger.now))
        except ValueError:
            raise Conflict(f"The customer has fewer than {wish.amount} valid points to hold.", rule="PTS-05") from None
        return wish.amount
    order = orders.id_of(ledger.connection, wish.shop, wish.customer, wish.order or "")
    if order is None:
        raise Invalid([Problem("order", "is no order of this customer in this shop")])
    held = purse.hold_earned(order, Cause(source, ledger.now, order))
    if not held:
        raise Conflict("Nothing is left of the points this order earned.", rule="PTS-05")
    return held


def release(
    engine: Engine, shops: Mapping[str, Shop], clock: Clock, shop_key: str, key: str, outcome: Literal["valid", "void"]
) -> Answered:
    """End a hold: its points are valid again, or void for good; the same outcome again changes nothing.

    Raises NotFound for no such hold, Conflict if it ended the other way.
    """
    shop = shop_of(shops, shop_key)

    def attempt(ledger: Ledger) -> Answered:
        known = point_requests.hold(ledger.connection, shop.key, key)
        if known is None:
            raise NotFound
        source = _source(shop.key, key)
        parts = point_requests.hold_parts(ledger.connection, shop.key, source)
        ledger.open([CustomerKey(shop.key, known.customer_id)], named={part.lot_id for part in parts})
        if point_requests.end_hold(ledger.connection, shop.key, key, outcome):
            held = [HeldPart(part.lot_id, part.amount, part.debit == "pending") for part in parts]
            purse = ledger.purse(shop.key, known.customer_id)
            purse.release(held, outcome, expiry(ledger.now, shop), Cause(source, ledger.now))
            ledger.write()
            return Answered(True, _shown(known._replace(outcome=outcome)))
        ended = point_requests.hold(ledger.connection, shop.key, key)
        assert ended is not None
        if ended.outcome != outcome:
            raise Conflict(f"The hold {key} was released already, as {ended.outcome}.")
        return Answered(False, _shown(ended))

    return transact(engine, clock, attempt)


def holds_of(connection: Connection, key: str, sees: Callable[[str], bool]) -> list[str]:
    """Shops with a hold of this key, of those the asker may see."""
    return [shop for shop in point_requests.shops_of_hold(connection, key) if sees(shop)]


def _shown(hold: HoldRow) -> dict[str, Any]:
    return {
        "shop": hold.shop,
        "customer": hold.customer_id,
        "key": hold.key,
        "points": hold.amount,
        "outcome": hold.outcome,
    }


def _source(shop: str, key: str) -> str:
    return f"hold:{shop}:{key}"
