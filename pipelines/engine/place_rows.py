"""Rows of decisions that change where or when an order's goods are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models.store.readdressings import NewReaddressingRow
from models.store.visits import NewVisitRow
from pipelines.engine.decision import Decision


def readdressing_rows(decisions: Sequence[Decision], now: datetime) -> list[NewReaddressingRow]:
    """Orders that go to another address."""
    return [
        NewReaddressingRow(d.facts.id, one.key, one.reason, one.by, one.ship_to, now)
        for d in decisions
        if (one := d.readdressing) is not None
    ]


def visit_rows(decisions: Sequence[Decision], now: datetime) -> list[NewVisitRow]:
    """Visits of a store that were put off."""
    return [
        NewVisitRow(d.facts.id, one.key, one.by, one.visit_on, now) for d in decisions if (one := d.put_off) is not None
    ]
