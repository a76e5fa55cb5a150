"""What was given up is tried again: effects and mails under their old keys, quarantined events read anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from models.store import effects, mails
from pipelines.engine import inbox


def try_again(connection: Connection, what: str, ids: Sequence[int], now: datetime) -> list[str]:
    """Try those of ``ids`` again that still wait for it; ``what`` is effect, mail or event. The kind of each that is."""
    if what == "event":
        return inbox.try_again(connection, ids, now)
    return {"effect": effects.try_again, "mail": mails.try_again}[what](connection, ids)
