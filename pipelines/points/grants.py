"""Points that are given outside of orders (A.8): by storefronts under a key, by jobs; each once by what it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from models.states import LotState
from models.store import customers, point_requests, points
from models.store.customers import CustomerKey, CustomerRow
from models.store.point_requests import RequestRow
from pipelines.customers.facts import keep_facts, lock_mailbox, problems
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.engine.ledger import Ledger
from pipelines.errors import Conflict, Invalid, Problem, Raced
from pipelines.points.requests import Answered, same, shop_of, transact
from pipelines.points.schema import GrantDocument, digest
from pipelines.ports import Clock
from pipelines.rules.dates.periods import end_of, last_day
from pipelines.rules.lots import NewLot
from pipelines.rules.points import expiry
from pipelines.rules.reviews import reviewed_product
from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Gift:
    """Points given once by ``source``, valid at once; ``expires_at`` makes them limited-time points. ``due_at``: when they were to be
    given, where that is not now."""

    customer: str
    source: str
    kind: str
    amount: int
    expires_at: datetime | None = None
    due_at: datetime | None = None


def give(ledger: Ledger, shop: Shop, gifts: Sequence[Gift]) -> list[Gift]:
    """Grant ``gifts`` of one shop, but for those that were given before; the new ones. The ledger is not written yet."""
    wanted = {gift.source: gift for gift in gifts if gift.amount > 0}
    ledger.open({CustomerKey(shop.key, gift.customer) for gift in wanted.values()}, opening=True)
    for lot in points.lots_by_source(ledger.connection, shop.key, list(wanted)):
        del wanted[lot.source]
    ledger.reserve(len(wanted))
    for gift in wanted.values():
        until, limited = gift.expires_at or expiry(ledger.now, shop), gift.expires_at is not None
        new = NewLot(gift.source, gift.kind, gift.amount, LotState.VALID, until, limited)
        ledger.purse(shop.key, gift.customer).grant(new, ledger.now, due_at=gift.due_at)
    return list(wanted.values())


def birthday(shop: Shop, customer: str, year: int) -> Gift:
    """The birthday points of a year: one source, whichever date was entered and however often (PTS-09)."""
    return Gift(customer, f"birthday:{customer}:{year}", "birthday", shop.points.birthday_grant)


def registration(shop: Shop, customer: str) -> Gift:
    """The registration points of a customer, once (PTS-08)."""
    return Gift(customer, f"registration:{customer}", "registration", shop.points.registration_grant)


def grant(engine: Engine, shops: Mapping[str, Shop], clock: Clock, wish: GrantDocument) -> Answered:
    """Give a customer points, once by key and once by what they are for (PTS-08 to PTS-10).

    Raises Invalid for what cannot be granted so, Conflict for a key used otherwise or a rule that refuses.
    """
    shop = shop_of(shops, wish.shop)
    told = _told(wish)
    if wrong := [*_mismatched(wish, clock.now()), *problems(told, shop, clock.now())]:
        raise Invalid(wrong)

    def attempt(ledger: Ledger) -> Answered:
        connection = ledger.connection
        lock_mailbox(connection, shop, wish.customer, told)
        point_requests.claim(connection, shop.key, wish.key)
        ledger.open([CustomerKey(shop.key, wish.customer)], opening=True)
        known = point_requests.request(connection, shop.key, wish.key)
        if known is not None:
            same(known.request_hash, digest(wish))
            return Answered(False, known.answer)
        _stands(customers.customer(connection, shop.key, wish.customer))
        gifts = give(ledger, shop, _gifts(connection, shop, wish, ledger.now))
        ledger.write()
        keep_facts(connection, shop, wish.customer, told, ledger.now)
        body = {
            "shop": shop.key,
            "customer": wish.customer,
            "kind": wish.kind,
            "key": wish.key,
            "points": sum(gift.amount for gift in gifts),
            "granted": _granted(connection, shop, gifts),
        }
        if not point_requests.keep_requests(connection, [RequestRow(shop.key, wish.key, digest(wish), body)]):
            raise Raced
        return Answered(True, body)

    return transact(engine, clock, attempt)


def _stands(known: CustomerRow | None) -> None:
    """Raise Conflict for a customer who withdrew."""
    if known is not None and known.withdrawn_at is not None:
        raise Conflict("The customer withdrew: points would be void at once.", rule="CON-06")


def _told(wish: GrantDocument) -> CustomerFactsDocument:
    """What a request tells of the customer beside the points; texts that are empty tell nothing."""
    told: dict[str, Any] = {name: said for name, said in (("email", wish.email), ("name", wish.name)) if said}
    if "locale" in wish.model_fields_set:
        told["locale"] = wish.locale
    if wish.birth_date is not None:
        told["birth_date"] = wish.birth_date.isoformat()
    if wish.kind == "registration":
        told["registered"] = True
    return CustomerFactsDocument(**told)


def _gifts(connection: Connection, shop: Shop, wish: GrantDocument, now: datetime) -> list[Gift]:
    customer = wish.customer
    gifts: list[Gift] = []
    if wish.kind == "registration":
        gifts.append(registration(shop, customer))
    elif wish.kind == "review":
        product = reviewed_product(wish.product or "", customers.shipped_goods(connection, shop.key, customer), shop)
        if product is None:
            says = (
                "A review earns points once the reviewed product has shipped to the customer: name it as in the order."
            )
            raise Conflict(says, rule="PTS-10")
        gifts.append(Gift(customer, f"review:{customer}:{product}", wish.kind, shop.points.review_grant))
    elif wish.kind != "birthday":
        until = end_of(wish.expires_on) if wish.expires_on else None
        gifts.append(Gift(customer, f"{wish.kind}:{wish.key}", wish.kind, wish.amount or 0, until))
    if wish.kind in ("registration", "birthday"):
        member = customers.customer(connection, shop.key, customer)
        born = wish.birth_date or (member.birth_date if member else None)
        if born is None and wish.kind == "birthday":
            raise Invalid([Problem("birth_date", "is needed: none is known of this customer (PTS-09)")])
        if born is not None and born.month == now.month:
            gifts.append(birthday(shop, customer, now.year))
    return gifts


def _granted(connection: Connection, shop: Shop, gifts: Sequence[Gift]) -> list[dict[str, Any]]:
    """What was granted, as it stands now: some of it may have paid what was owed."""
    lots = {lot.source: lot for lot in points.lots_by_source(connection, shop.key, [gift.source for gift in gifts])}
    return [
        {
            "lot": lot.id,
            "kind": lot.kind,
            "points": lot.amount,
            "state": lot.state,
            "expires_on": last_day(lot.expires_at).isoformat() if lot.expires_at else None,
        }
        for lot in (lots[gift.source] for gift in gifts)
    ]


def _mismatched(wish: GrantDocument, now: datetime) -> list[Problem]:
    """Fields that do not go with the kind of the grant."""
    chosen = wish.kind in ("campaign", "manual")
    found = []
    if chosen and wish.amount is None:
        found.append(Problem("amount", f"is needed: a {wish.kind} grant has no amount of its own"))
    if not chosen and wish.amount is not None:
        found.append(Problem("amount", f"must be left out: the shop's profile says what a {wish.kind} earns"))
    if wish.kind == "campaign" and wish.expires_on is None:
        found.append(Problem("expires_on", "is needed: points of a campaign are limited in time (PTS-11)"))
    if not chosen and wish.expires_on is not None:
        found.append(Problem("expires_on", "must be left out: only campaign and manual points may be limited"))
    if wish.expires_on is not None and wish.expires_on < now.date():
        found.append(Problem("expires_on", "is over already; name today or a later day"))
    if wish.birth_date is not None and wish.kind not in ("registration", "birthday"):
        found.append(Problem("birth_date", "goes with the kinds registration and birthday alone"))
    if (wish.product is None) == (wish.kind == "review"):
        found.append(Problem("product", "goes with the kind review, and is needed there (PTS-10)"))
    return found
