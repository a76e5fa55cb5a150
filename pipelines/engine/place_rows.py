"""Rows of decisions that change where or when an order's goods are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from models.store.readdressings import NewReaddressingRow
from models.store.search import TermRow
from models.store.visits import NewVisitRow
from pipelines.engine.decision import Decision
from pipelines.orders.terms import terms_of_address
from pipelines.rules.order import ShipTo


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


def term_rows(decisions: Sequence[Decision]) -> list[TermRow]:
    """An order that goes elsewhere is found by the other address too."""
    found = list[TermRow]()
    for d in decisions:
        if d.readdressing is not None:
            other = ShipTo(**d.readdressing.ship_to)
            found += terms_of_address(other, d.facts.shop, d.facts.placed_at, d.facts.id)
    return found
