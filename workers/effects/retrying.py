"""What was given up is tried again: effects and mails under their old keys, quarantined events read anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from models.database import glance
from models.store import effects, given_up, leases, mails
from models.store.given_up import Which
from pipelines.engine import inbox
from pipelines.route import WOKEN_BY
from workers.effects.loop import LEASE

#: How many are tried again in one transaction.
BATCH: Final = 200
#: What may be tried again.
WHATS: Final = ("effect", "mail", "event")


def try_again(connection: Connection, what: str, ids: Sequence[int], now: datetime) -> list[str]:
    """Try those of ``ids`` again that still wait for it; ``what`` is effect, mail, event, or payment, whose gateway is asked at
    once in place of after its pause. The kind of each that is."""
    if what == "event":
        return inbox.try_again(connection, ids, now)
    if what == "payment":
        return leases.ask_now(connection, ids, LEASE)
    return {"effect": effects.try_again, "mail": mails.try_again}[what](connection, ids)


def try_all_again(engine: Engine, which: Which, now: datetime) -> int:
    """Try all of ``which`` again, some in each transaction; how many are due again."""
    with glance(engine) as connection:
        listed = given_up.listed(connection, which, list(WOKEN_BY))
    tried = 0
    for what in WHATS:
        ids = [one.id for one in listed if one.what == what]
        for start in range(0, len(ids), BATCH):
            with engine.begin() as connection:
                tried += len(try_again(connection, what, ids[start : start + BATCH], now))
    return tried
