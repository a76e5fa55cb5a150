"""What one order tells another of its shop: an event in the other's inbox, written with the decision that says it.

An order is locked alone, so that none decides for another: the other one hears of it as of anything that came in, and answers under
its own lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from models.store import inbox, orders, work
from models.store.inbox import NewEventRow
from models.store.orders import OrderKey
from pipelines.engine.decision import Decision
from pipelines.engine.wake import woken
from pipelines.route import WOKEN_BY

#: Who says it, as the inbox names its senders.
SOURCE: Final = "order"


def pass_on(connection: Connection, decisions: Sequence[Decision], now: datetime) -> set[str]:
    """Store what orders tell others, and make those due; the stages that hear it. Nothing is asked where nobody tells anything."""
    told = [(d.facts, place, word) for d in decisions for place, word in enumerate(d.told)]
    if not told:
        return set()
    named = sorted({OrderKey(facts.shop, word.number) for facts, _, word in told})
    ids = {(row.shop, row.number): row.id for row in orders.ids_by_number(connection, named)}
    rows = [
        NewEventRow(
            source=SOURCE,
            event_id=f"{facts.shop}/{facts.number}:{facts.sequence}:{place}:{word.type}",
            type=word.type,
            order_id=ids[facts.shop, word.number],
            shipment_id=None,
            body={"order": facts.number} | ({} if word.lines is None else {"lines": dict(word.lines)}),
            at=now,
            state="pending",
            reason=None,
        )
        for facts, place, word in told
    ]
    inbox.add(connection, rows)
    due = [woken(WOKEN_BY[row.type], row.order_id, None, now) for row in rows if row.order_id is not None]
    work.schedule(connection, due)
    return {row.stage for row in due}
