"""A customer is told of (会員情報の登録): facts are kept, and what each brings or ends happens in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from models.database import glance
from models.store import erasures
from models.store.customers import CustomerKey, CustomerRow
from pipelines.customers.account import account
from pipelines.customers.facts import keep_facts, lock_mailbox, problems
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.engine.ledger import Ledger
from pipelines.errors import Conflict, Invalid
from pipelines.points.grants import Gift, birthday, give, registration
from pipelines.points.requests import Answered, transact
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan


def tell(
    engine: Engine, shop: Shop, clock: Clock, customer: str, told: CustomerFactsDocument, *, by_operator: bool = False
) -> Answered:
    """Keep what is told of a customer, and let it have its consequences; `account` is answered. The same again changes nothing.

    Raises Invalid for what the shop cannot take, Conflict for a mailbox of another account (INT-01), and for a customer who is to
    be forgotten.
    """
    if wrong := problems(told, shop, clock.now(), by_operator=by_operator):
        raise Invalid(wrong)

    def attempt(ledger: Ledger) -> Answered:
        connection, key = ledger.connection, CustomerKey(shop.key, customer)
        lock_mailbox(connection, shop, customer, told)
        ledger.open([key], opening=True)
        if erasures.is_asked(
            connection, key
        ):  # under the lock: an erasure that is under way would miss what is told meanwhile
            raise Conflict("This customer was erased, or is to be: whoever comes back registers under a new number.")
        before, stands = keep_facts(connection, shop, customer, told, ledger.now)
        _follow_withdrawal(ledger, key, before, stands)
        if stands.withdrawn_at is None:
            give(ledger, shop, _gifts(shop, told, stands, ledger))
        ledger.write()
        body = account(connection, shop, customer, ledger.now)
        assert body is not None, "it was kept just now"
        return Answered(before is None, body)

    return transact(engine, clock, attempt)


def _follow_withdrawal(ledger: Ledger, key: CustomerKey, before: CustomerRow | None, stands: CustomerRow) -> None:
    """Points are void from the withdrawal on; a customer who comes back begins with none (CON-06)."""
    was_withdrawn = before is not None and before.withdrawn_at is not None
    if stands.withdrawn_at is not None and not was_withdrawn:
        ledger.close(key)
    elif stands.withdrawn_at is None and was_withdrawn:
        ledger.reopen(key)


def _gifts(shop: Shop, told: CustomerFactsDocument, stands: CustomerRow, ledger: Ledger) -> list[Gift]:
    """What the facts bring: the registration once, the birthday once a calendar year whatever is entered (PTS-08, PTS-09)."""
    given, today = told.model_fields_set, in_japan(ledger.now).date()
    gifts = [registration(shop, stands.id)] if "registered" in given else []
    born = stands.birth_date
    if born is not None and born.month == today.month and given & {"registered", "birth_date"}:
        gifts.append(birthday(shop, stands.id, today.year))
    return gifts


def shown(engine: Engine, shop: Shop, clock: Clock, customer: str) -> Mapping[str, Any] | None:
    """A customer's `account`, or None for one nobody knows."""
    with glance(engine) as connection:
        return account(connection, shop, customer, clock.now())
