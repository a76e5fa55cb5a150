"""A customer is to be forgotten (個人情報の消去の請求): at once where everything has ended, else as soon as it has.

An order that is open needs its address, and the law its books. So what is asked is kept with its date, tried again each hour and
shown to a person where it takes more than thirty days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine

from models.store import customers, erasures, orders
from models.store.customers import CustomerKey
from models.store.erasures import ErasureEndRow, ErasureRow, NewErasureRow
from pipelines.engine.erase import erase
from pipelines.engine.ledger import Ledger
from pipelines.errors import NotFound
from pipelines.points.jobs import THE_BEGINNING, Period, PeriodicJob, Tools, hour
from pipelines.points.requests import transact
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.values.calendar import JST

log = structlog.get_logger(__name__)

#: How long after it was tried an erasure that waits is tried again.
AGAIN: Final = timedelta(hours=1)
#: How long before the last look an order may have been accepted whose transaction ended after it.
LATEST: Final = timedelta(hours=1)
#: Erasures found at once.
STEP: Final = 1000


def forget(engine: Engine, shop: Shop, clock: Clock, customer: str, *, by: str) -> dict[str, Any]:
    """Forget a customer, at once or once everything has ended; what came of it, as JSON. The same again changes nothing.

    Raises NotFound for one of whom there is neither an account nor an order.
    """
    key = CustomerKey(shop.key, customer)

    def ask(ledger: Ledger) -> None:
        connection = ledger.connection
        if customers.customer(connection, *key) is None and not erasures.orders_of(connection, key):
            raise NotFound(f"nobody knows {customer} in {shop.key}")
        erasures.add(connection, [NewErasureRow(*key, ledger.now, by, ledger.now)])

    transact(engine, clock, ask)
    return transact(engine, clock, lambda ledger: attempt(ledger, key))


def attempt(ledger: Ledger, key: CustomerKey) -> dict[str, Any]:
    """Erase a customer whose erasure was asked for, if all orders have ended; how it stands now, as JSON."""
    connection = ledger.connection
    orders.lock(connection, [order.id for order in erasures.orders_of(connection, key)])
    stands = erasures.erasure(connection, key)
    assert stands is not None, "it was asked for"
    found = erasures.orders_of(connection, key)
    waits_for = [
        {"order": order.number, "why": order.open} for order in found if order.open and order.customer["email"]
    ]
    if waits_for:
        changed = ErasureEndRow(stands.id, ledger.now + AGAIN, waits_for, None, stands.erased)
    else:
        counted = erase(ledger, key, found)
        erased = {**stands.erased, **{what: number + stands.erased.get(what, 0) for what, number in counted.items()}}
        changed = ErasureEndRow(stands.id, stands.try_at, [], stands.done_at or ledger.now, erased)
        log.info("customer.erased", shop=key.shop, **counted)
    erasures.change(connection, [changed])
    return _shown(stands, changed)


def try_again(tools: Tools, period: Period) -> None:
    """Try those that wait, and those of whom an order came in since; each in a transaction of its own."""
    since = (period.since or THE_BEGINNING) - LATEST
    while due := tools.transact(lambda connection: erasures.due(connection, period.now, since, STEP)):
        for key in due:
            tools.transact(partial(_again, key=key, now=period.now))


def _again(connection: Connection, key: CustomerKey, now: datetime) -> None:
    attempt(Ledger(connection, now), key)


#: What the clock runs beside the jobs of points.
ERASURES: Final = PeriodicJob("customers.erase", hour, try_again)


def _shown(stands: ErasureRow, changed: ErasureEndRow) -> dict[str, Any]:
    done = changed.done_at if not changed.waits_for else None
    return {
        "shop": stands.shop,
        "customer": stands.customer_id,
        "status": "erased" if done else "waiting",
        "asked_at": _moment(stands.asked_at),
        "erased_at": _moment(done) if done else None,
        "waits_for": list(changed.waits_for),
        "again_at": None if done else _moment(changed.try_at),
        "erased": _numbers(changed.erased),
    }


def _numbers(erased: Mapping[str, int]) -> dict[str, int]:
    return {what: number for what, number in sorted(erased.items()) if number}


def _moment(at: datetime) -> str:
    return at.astimezone(JST).isoformat()
