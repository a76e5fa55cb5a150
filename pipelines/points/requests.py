"""Points outside of orders: grants, holds, and what a customer is shown (A.8). Decides here, writes through ``run``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar

import orjson
from sqlalchemy import Connection, Engine

from models.states import LotState
from models.store import purse
from pipelines.engine import run
from pipelines.errors import Conflict, Invalid, NotFound, Problem, ShukkaError
from pipelines.points.schema import GrantDocument, HoldDocument, digest
from pipelines.points.transfers import open_lot, row
from pipelines.ports import Clock
from pipelines.rules import lots as rules
from pipelines.rules.dates.periods import end_of
from pipelines.rules.points import expiry
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.mail_address import addr_spec

Result = TypeVar("Result")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """What a storefront is told; ``new`` unless the same was asked before."""

    new: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gift:
    """Points given once by ``source``, valid at once; ``expires_at`` makes them limited-time points."""

    customer: str
    source: str
    kind: str
    amount: int
    expires_at: datetime | None = None


class _Raced(ShukkaError):
    """Another process took the same key meanwhile; look again."""


def give(connection: Connection, shop: Shop, gifts: list[Gift], now: datetime) -> int:
    """Grant ``gifts`` of one shop, each once by its source; their points as asked for."""
    wanted = [gift for gift in gifts if gift.amount > 0]
    run.grant_points(
        connection,
        [
            (
                shop.key,
                gift.customer,
                None,
                gift.source,
                gift.kind,
                gift.amount,
                LotState.VALID,
                gift.expires_at or expiry(now, shop),
                now,
                gift.expires_at is not None,
            )
            for gift in wanted
        ],
    )
    return sum(gift.amount for gift in wanted)


def birthday(shop: Shop, customer: str, year: int) -> Gift:
    """The birthday points of a year: one source, whichever date was entered and however often (PTS-09)."""
    return Gift(customer, f"birthday:{customer}:{year}", "birthday", shop.points.birthday_grant)


def grant(engine: Engine, shops: Mapping[str, Shop], clock: Clock, wish: GrantDocument) -> Answered:
    """Give a customer points, once by key and once by what they are for (PTS-08 to PTS-10).

    Raises Invalid for what cannot be granted so, Conflict for a key used otherwise or a rule that refuses.
    """
    shop = _shop(shops, wish.shop)
    now = clock.now()
    _check(wish, now)

    def attempt(connection: Connection) -> Answered:
        run.lock_points(connection, [(shop.key, wish.customer)], opening=True)
        known = purse.request(connection, shop.key, wish.key)
        if known is not None:
            _same(bytes(known[0]), digest(wish))
            return Answered(False, known[1])
        if wish.kind == "review" and not purse.has_shipped(connection, shop.key, wish.customer):
            raise Conflict("A review earns points once something the customer ordered has shipped.", rule="PTS-10")
        gifts = [
            gift
            for gift in _gifts(connection, shop, wish, now)
            if gift.amount and purse.granted_by_source(connection, shop.key, gift.source) is None
        ]
        give(connection, shop, gifts, now)
        registered = now if wish.kind == "registration" else None
        run.remember_customers(
            connection,
            [(shop.key, wish.customer, wish.email, wish.name, wish.locale, wish.birth_date, registered, now)],
        )
        body = {
            "shop": shop.key,
            "customer": wish.customer,
            "kind": wish.kind,
            "key": wish.key,
            "points": sum(gift.amount for gift in gifts),
            "granted": [_granted(connection, shop, gift) for gift in gifts],
        }
        if not run.open_request(connection, shop.key, wish.key, digest(wish), orjson.dumps(body).decode()):
            raise _Raced
        return Answered(True, body)

    return _transact(engine, attempt)


def _gifts(connection: Connection, shop: Shop, wish: GrantDocument, now: datetime) -> list[Gift]:
    customer = wish.customer
    gifts: list[Gift] = []
    if wish.kind == "registration":
        gifts.append(Gift(customer, f"registration:{customer}", wish.kind, shop.points.registration_grant))
    elif wish.kind == "review":
        gifts.append(Gift(customer, f"review:{customer}:{wish.product}", wish.kind, shop.points.review_grant))
    elif wish.kind != "birthday":
        until = end_of(wish.expires_on) if wish.expires_on else None
        gifts.append(Gift(customer, f"{wish.kind}:{wish.key}", wish.kind, wish.amount or 0, until))
    if wish.kind in ("registration", "birthday"):
        member = purse.customer(connection, shop.key, customer)
        born = wish.birth_date or (member[3] if member else None)
        if born is None and wish.kind == "birthday":
            raise Invalid([Problem("birth_date", "is needed: none is known of this customer (PTS-09)")])
        if born is not None and born.month == now.month:
            gifts.append(birthday(shop, customer, now.year))
    return gifts


def _granted(connection: Connection, shop: Shop, gift: Gift) -> dict[str, Any]:
    lot, amount, state, expires_at = purse.granted_by_source(connection, shop.key, gift.source) or (None, 0, "", None)
    return {"lot": lot, "kind": gift.kind, "points": amount, "state": state, "expires_on": last_day(expires_at)}


def _check(wish: GrantDocument, now: datetime) -> None:
    """Which fields go with which kind; raises Invalid with every one that does not."""
    chosen = wish.kind in ("campaign", "manual")
    problems = []
    if chosen and wish.amount is None:
        problems.append(Problem("amount", f"is needed: a {wish.kind} grant has no amount of its own"))
    if not chosen and wish.amount is not None:
        problems.append(Problem("amount", f"must be left out: the shop's profile says what a {wish.kind} earns"))
    if wish.kind == "campaign" and wish.expires_on is None:
        problems.append(Problem("expires_on", "is needed: points of a campaign are limited in time (PTS-11)"))
    if not chosen and wish.expires_on is not None:
        problems.append(Problem("expires_on", "must be left out: only campaign and manual points may be limited"))
    if wish.expires_on is not None and wish.expires_on < now.date():
        problems.append(Problem("expires_on", "is over already; name today or a later day"))
    if wish.birth_date is not None and wish.kind not in ("registration", "birthday"):
        problems.append(Problem("birth_date", "goes with the kinds registration and birthday alone"))
    if wish.birth_date is not None and wish.birth_date > now.date():
        problems.append(Problem("birth_date", "lies in the future"))
    if (wish.product is None) == (wish.kind == "review"):
        problems.append(Problem("product", "goes with the kind review, and is needed there (PTS-10)"))
    if wish.email:
        try:
            addr_spec(wish.email)
        except ValueError as refusal:
            problems.append(Problem("email", str(refusal)))
    if problems:
        raise Invalid(problems)


def hold(engine: Engine, shops: Mapping[str, Shop], clock: Clock, wish: HoldDocument) -> Answered:
    """Take points aside (保留, PTS-05), once by key. Raises Invalid and Conflict as ``grant`` does."""
    shop = _shop(shops, wish.shop)
    if (wish.amount is None) == (wish.order is None):
        raise Invalid([Problem("amount", "name either an amount or an order, not both and not neither")])
    now = clock.now()

    def attempt(connection: Connection) -> Answered:
        run.lock_points(connection, [(shop.key, wish.customer)], opening=True)
        known = purse.hold(connection, shop.key, wish.key)
        if known is not None:
            _same(bytes(known[1]), digest(wish))
            return Answered(False, _shown_hold(shop.key, wish.key, known))
        order_id, transfers = _to_hold(connection, shop, wish, now)
        held = sum(transfer.amount for transfer in transfers)
        opened = run.open_hold(connection, shop.key, wish.key, wish.customer, digest(wish), held, wish.reason, now)
        if not opened:
            raise _Raced
        source = _hold_source(shop.key, wish.key)
        run.use_points(connection, [row(shop.key, wish.customer, order_id, t, source, now) for t in transfers])
        known = purse.hold(connection, shop.key, wish.key)
        return Answered(True, _shown_hold(shop.key, wish.key, known))

    return _transact(engine, attempt)


def _to_hold(
    connection: Connection, shop: Shop, wish: HoldDocument, now: datetime
) -> tuple[int | None, list[rules.Transfer]]:
    found = purse.open_lots(connection, [(shop.key, wish.customer)])
    if wish.amount is not None:
        try:
            return None, rules.hold([open_lot(columns) for columns in found], wish.amount, now)
        except ValueError:
            raise Conflict(f"The customer has fewer than {wish.amount} valid points to hold.", rule="PTS-05") from None
    order = purse.order(connection, shop.key, wish.order or "")
    if order is None or order[1] != wish.customer:
        raise Invalid([Problem("order", "is no order of this customer in this shop")])
    transfers = rules.hold_earned(open_lot(columns) for columns in found if columns[12] == order[0])
    if not transfers:
        raise Conflict("Nothing is left of the points this order earned.", rule="PTS-05")
    return order[0], transfers


def release(
    engine: Engine, shops: Mapping[str, Shop], clock: Clock, shop_key: str, key: str, outcome: Literal["valid", "void"]
) -> Answered:
    """End a hold: its points are valid again, or void for good (PTS-05); the same outcome again changes nothing.

    Raises NotFound for no such hold, Conflict if it ended the other way.
    """
    shop = _shop(shops, shop_key)
    now = clock.now()

    def attempt(connection: Connection) -> Answered:
        known = purse.hold(connection, shop.key, key)
        if known is None:
            raise NotFound
        customer = known[0]
        run.lock_points(connection, [(shop.key, customer)])
        new = run.close_hold(connection, shop.key, key, outcome)
        known = purse.hold(connection, shop.key, key)
        assert known is not None
        if known[4] != outcome:
            raise Conflict(f"The hold {key} was released already, as {known[4]}.")
        if new:
            source = _hold_source(shop.key, key)
            parts = _held_parts(connection, shop.key, source)
            transfers = rules.release(parts, outcome, expiry(now, shop))
            run.use_points(connection, [row(shop.key, customer, None, t, source, now) for t in transfers])
        return Answered(new, _shown_hold(shop.key, key, known))

    return _transact(engine, attempt)


def _held_parts(connection: Connection, shop: str, source: str) -> list[tuple[rules.OpenLot, int, bool]]:
    """What a hold still holds: a cancelled or returned order may have taken its points out of it."""
    parts = purse.hold_parts(connection, shop, source)
    stand = {columns[2]: open_lot(columns) for columns in purse.lots(connection, [part[0] for part in parts])}
    return [
        (stand[lot], min(amount, stand[lot].held), debit == "pending")
        for lot, amount, debit in parts
        if stand[lot].held > 0
    ]


def holds_of(connection: Connection, key: str, sees: Callable[[str], bool]) -> list[str]:
    """Shops with a hold of this key, of those the asker may see."""
    return [shop for shop in purse.shops_of_hold(connection, key) if sees(shop)]


def statement(
    connection: Connection, shop: str, customer: str, now: datetime, *, before: int | None = None, limit: int = 50
) -> dict[str, Any] | None:
    """A customer's points as the interface shows them: balance by state, lots as they will be spent, and a page of the
    ledger, newest first, before the transfer ``before``. None for a customer nobody knows."""
    balance = purse.balance(connection, shop, customer)
    if balance is None and purse.customer(connection, shop, customer) is None:
        return None
    pending, valid, held = balance or (0, 0, 0)
    found = purse.open_lots(connection, [(shop, customer)])
    good = sum(lot.remaining for lot in rules.spendable([open_lot(columns) for columns in found], now))
    page = purse.page(connection, shop, customer, before, limit)
    return {
        "shop": shop,
        "customer": customer,
        "balance": {"pending": pending, "valid": valid, "held": held, "usable": min(good, max(0, valid))},
        "lots": [_shown_lot(columns) for columns in found],
        "ledger": [
            {
                "id": one[0],
                "at": one[1].astimezone(JST).isoformat(),
                "kind": one[2],
                "from": one[3],
                "to": one[4],
                "points": one[5],
                "lot": one[6],
                "order": one[7],
            }
            for one in page
        ],
        "next": str(page[-1][0]) if len(page) == limit else None,
    }


def _shown_lot(columns: Any) -> dict[str, Any]:
    lot = open_lot(columns)
    return {
        "lot": lot.id,
        "kind": columns[11],
        "state": lot.state,
        "points": lot.amount,
        "remaining": lot.remaining,
        "held": lot.held,
        "limited": lot.limited,
        "granted_at": lot.at.astimezone(JST).isoformat(),
        "expires_on": last_day(lot.expires_at),
    }


def last_day(expires_at: datetime | None) -> str | None:
    """The last valid day of points, as interfaces write it; None without end."""
    return last_date(expires_at).isoformat() if expires_at else None


def last_date(expires_at: datetime) -> date:
    """The last day before the moment points expire, Asia/Tokyo."""
    return (expires_at.astimezone(JST) - timedelta(microseconds=1)).date()


def _shown_hold(shop: str, key: str, known: Any) -> dict[str, Any]:
    return {"shop": shop, "customer": known[0], "key": key, "points": known[2], "outcome": known[4]}


def _hold_source(shop: str, key: str) -> str:
    return f"hold:{shop}:{key}"


def _shop(shops: Mapping[str, Shop], key: str) -> Shop:
    if key not in shops:
        raise Invalid([Problem("shop", f"is unknown: no profile {key!r}")])
    return shops[key]


def _same(stored: bytes, asked: bytes) -> None:
    if stored != asked:
        raise Conflict("This key was used for something else: send a new key with a new request.")


def _transact(engine: Engine, attempt: Callable[[Connection], Result]) -> Result:
    for left in reversed(range(_ATTEMPTS)):
        try:
            with engine.begin() as connection:
                return attempt(connection)
        except _Raced:
            if not left:
                raise
    raise AssertionError
