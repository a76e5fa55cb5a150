"""A customer's account (会員) as storefronts and operators see it: facts, balance, rank, and what is counted of the past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.store import customers
from models.store.customers import CustomerKey, CustomerRow
from pipelines.points.statement import statement
from pipelines.ranks import rank_of
from pipelines.rules.marks import COUNTED, KEPT, Counters, Mark, counters, proposed_methods
from pipelines.shops import Shop
from pipelines.values.calendar import JST


def account(connection: Connection, shop: Shop, customer: str, now: datetime) -> dict[str, Any] | None:
    """Everything that is known of a customer, as JSON; None for one nobody knows. Points are points, times JST."""
    known = customers.customer(connection, shop.key, customer)
    if known is None:
        return None
    found = statement(connection, shop.key, customer, now, limit=1)
    assert found is not None, "a customer who is known has a statement"
    marks = customers.marks(connection, [CustomerKey(shop.key, customer)], since=now - KEPT)
    counted = counters((Mark(row.kind, row.at, row.source) for row in marks), shop, now)
    balance = found.balance
    return {
        "shop": shop.key,
        "customer": customer,
        **_facts(known),
        "balance": {
            "pending": balance.pending,
            "valid": balance.valid,
            "held": balance.held,
            "usable": found.usable,
        },
        "rank": rank_of(connection, shop, customer, now),
        "counters": _counters(counted),
        "allowed_methods": None if known.allowed_methods is None else list(known.allowed_methods),
        "proposal": _proposal(counted, shop),
    }


def _facts(known: CustomerRow) -> dict[str, Any]:
    return {
        "email": known.email or None,
        "name": known.name,
        "locale": known.locale,
        "birth_date": known.birth_date.isoformat() if known.birth_date else None,
        "registered_at": _moment(known.registered_at),
        "known_since": _moment(known.known_since),
        "mail_consent": known.mail_consent,
        "postal_stop": known.postal_stop,
        "withdrawn_at": _moment(known.withdrawn_at),
    }


def _counters(counted: Counters) -> dict[str, Any]:
    """Each with the number from which on the next order waits for a human, null for never (INT-14)."""
    each = {kind: {"count": counted.counts[kind], "holds_from": counted.limits[kind] or None} for kind in COUNTED}
    window = {"days": counted.days, "from": counted.first.isoformat(), "to": counted.last.isoformat()}
    return {"window": window, **each}


def _proposal(counted: Counters, shop: Shop) -> Mapping[str, Any] | None:
    """The payment methods that an operator may leave the customer (INT-15)."""
    methods = proposed_methods(counted, shop)
    if not methods:
        return None
    says = "Cancels at the customer's wish, or parcels not received, have reached the limit: put allowed_methods to dictate these."
    return {"allowed_methods": list(methods), "rule": "INT-15", "says": says}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(JST).isoformat()
