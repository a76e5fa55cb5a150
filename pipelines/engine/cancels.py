"""How the cancelled orders of a batch ended, and what they would need to stand again (PAY-08)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from models.store import coupons, items, transitions
from models.store.customers import CustomerKey
from models.store.items import ItemKey
from pipelines.engine.facts import CancelFacts, Facts
from pipelines.engine.ledger import Ledger
from pipelines.rules.money.coupons import UNPAID


def add_cancels(
    connection: Connection, cancelled: Mapping[int, Facts], now: datetime, *, coupons_are_there: bool, lock: bool
) -> None:
    """How each of the orders ended, which of its one-of-a-kind items and coupons are gone, and what its customer can spend; most
    batches have none."""
    if not cancelled:
        return
    unique = {
        id_: {ItemKey(facts.shop, line.sku) for line in facts.order.lines if line.availability == "unique"}
        for id_, facts in cancelled.items()
    }
    taken = set(items.taken(connection, sorted(set().union(*unique.values()))))
    back = defaultdict[int, dict[str, bool]](dict)
    for coupon in coupons.given_back(connection, list(cancelled), UNPAID) if coupons_are_there else ():
        back[coupon.order_id][coupon.code_key] = coupon.spent
    spendable = _spendable(connection, cancelled.values(), now, lock=lock)
    for end in transitions.cancels(connection, list(cancelled)):
        facts, free = cancelled[end.order_id], back[end.order_id]
        facts.cancel = CancelFacts(
            end.cause,
            end.at,
            taken=frozenset(item.sku for item in unique[end.order_id] & taken),
            coupons=frozenset(free),
            spent=frozenset(key for key, is_spent in free.items() if is_spent),
            usable=spendable.get(CustomerKey(facts.shop, facts.customer_id), 0),
        )


def _spendable(
    connection: Connection, cancelled: Iterable[Facts], now: datetime, *, lock: bool
) -> Mapping[CustomerKey, int]:
    """Points that those can spend whose order was partly paid with some; with ``lock`` nobody else spends them meanwhile."""
    with_points = [facts for facts in cancelled if facts.customer_id and facts.priced["points_used"]]
    whose = {CustomerKey(facts.shop, facts.customer_id) for facts in with_points}
    if not whose:
        return {}
    ledger = Ledger(connection, now)
    if lock:
        ledger.lock(whose)
    ledger.read(whose)
    return {one: ledger.purse(one.shop, one.customer_id).usable(now) for one in whose}
