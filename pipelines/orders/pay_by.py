"""The last day to pay (支払期限), as mails, ``GET`` and the customer's page say it."""

from __future__ import annotations

from datetime import date

from models.states import OrderState
from pipelines.changes.payment_terms import payment_terms
from pipelines.engine.facts import Facts
from pipelines.shops import Shop


def pay_by(facts: Facts, shop: Shop) -> date | None:
    """The day, in Japan; None of a method without one, and while a hold keeps the order from being asked for: its customer's time has
    not begun."""
    is_kept = facts.state == OrderState.ACCEPTED and any(hold.blocks == "authorize" for hold in facts.holds)
    return None if is_kept else payment_terms(facts, facts.payment, shop).pay_by
