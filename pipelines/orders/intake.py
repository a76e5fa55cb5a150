"""Intake (受注取込): orders become durable, priced and accepted, or are refused with every reason.

A whole group of submissions shares one transaction; each gets its own answer and none takes its neighbour with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import orjson
from sqlalchemy import Connection, Engine

from models.database import json_array
from models.states import OrderState
from models.store import admit as store
from models.store.points import CustomerKey
from pipelines.engine import run
from pipelines.engine.ledger import Ledger
from pipelines.errors import Invalid, Problem, Raced
from pipelines.orders.admission import Taken, store_orders
from pipelines.orders.document import content_hash, parse_order
from pipelines.ports import Clock
from pipelines.ranks import stored_ranks
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Order
from pipelines.rules.refusals import refusals
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.coupon_key import coupon_key

_ATTEMPTS = 5


class Ending(StrEnum):
    """How a submission ended."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Submission:
    """One order as a client sent it. ``client`` is the client's id; ``key`` its Idempotency-Key."""

    order: Order
    client: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client is told; ``state`` of the order where it exists, ``problems`` where it was refused."""

    ending: Ending
    shop: str
    number: str
    state: str = ""
    detail: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Known:
    """What was looked up for a whole group; the orders it takes are added, so that its later ones see them.

    ``usable`` are points by (shop, customer), ``ranks`` by (shop, customer, day), ``taken_items`` are (shop, SKU),
    ``used_coupons`` (shop, customer, key of the code).
    """

    usable: dict[tuple[str, str], int]
    ranks: dict[tuple[str, str, date], str]
    taken_items: set[tuple[str, str]]
    used_coupons: set[tuple[str, str, str]]


def take_in(engine: Engine, shops: Mapping[str, Shop], clock: Clock, submissions: Sequence[Submission]) -> list[Answer]:
    """Store what can be accepted in one transaction and answer each submission.

    Raises whatever the database raises when it is away; nothing was acknowledged then, and trying again is safe.
    """
    after: set[int] = set()
    for attempt in range(_ATTEMPTS):
        try:
            with engine.begin() as connection:
                now = clock.now()
                return _attempt(connection, shops, now, submissions, Ledger(connection, now, after=after))
        except Raced as raced:
            if attempt == _ATTEMPTS - 1:
                raise
            after |= raced.orders
    raise AssertionError


def take_in_or_keep(engine: Engine, shops: Mapping[str, Shop], clock: Clock, raw: object) -> tuple[Problem, ...]:
    """An order that came over the broker: accepted, or kept with its reasons and reported by ``order.refused``.

    The reasons it was refused for; none if it was accepted or is known. Nobody waits for an answer here, so nothing
    that was taken off the queue may be dropped.
    """
    try:
        order = parse_order(raw)
    except Invalid as refused:
        problems = refused.problems
    else:
        answer = take_in(engine, shops, clock, [Submission(order)])[0]
        if answer.ending in (Ending.ACCEPTED, Ending.REPEATED):
            return ()
        problems = answer.problems or (Problem("number", answer.detail),)
    named = raw if isinstance(raw, dict) else {}
    digest = hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS, default=str)).digest()
    listed = [{"field": p.field, "message": p.message} for p in problems]
    shop, number = _text(named.get("shop")), _text(named.get("number"))
    with engine.begin() as connection:
        store.refused(connection, [(digest, shop, number, *json_array([listed, raw]))])
        run.announce_refusal(connection, digest.hex(), shop or "", number, listed, clock.now())
    return problems


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _attempt(
    connection: Connection,
    shops: Mapping[str, Shop],
    now: datetime,
    submissions: Sequence[Submission],
    ledger: Ledger,
) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(submissions)
    hashes = [content_hash(s.order) for s in submissions]
    _answer_known(connection, submissions, hashes, answers)
    known = _Known(
        _usable_points(ledger, submissions, answers, now),
        _ranks(connection, shops, submissions, answers),
        _taken_items(connection, submissions, answers),
        _used_coupons(connection, submissions, answers),
    )
    taken: list[Taken] = []
    first: dict[tuple[str, str], int] = {}
    keys: dict[tuple[int, str], int] = {}
    for index, submission in enumerate(submissions):
        if answers[index] is not None:
            continue
        order = submission.order
        twin = first.setdefault((order.shop, order.number), index)
        key_twin = keys.setdefault((submission.client, submission.key), index) if submission.key else index
        if twin != index or key_twin != index:
            answers[index] = _like_twin(submission, hashes, index, twin if twin != index else key_twin)
            continue
        answers[index] = _decide(submission, shops, hashes[index], known, taken)
        if answers[index] is not None:
            first.pop((order.shop, order.number), None)
            keys.pop((submission.client, submission.key or ""), None)
    store_orders(connection, shops, taken, ledger, now)
    return [answer or Answer(Ending.ACCEPTED, s.order.shop, s.order.number, OrderState.ACCEPTED)
            for answer, s in zip(answers, submissions, strict=True)]  # fmt: skip


def _answer_known(
    connection: Connection, submissions: Sequence[Submission], hashes: Sequence[bytes], answers: list[Answer | None]
) -> None:
    """What is stored already: the same again is a no-op, anything else a conflict (INT-18)."""
    known = {
        (shop, number): (bytes(stored), state)
        for shop, number, stored, state in store.known_orders(
            connection, [s.order.shop for s in submissions], [s.order.number for s in submissions]
        )
    }
    keyed = [s for s in submissions if s.key]
    keys = {
        (client, key): (bytes(stored), shop, number)
        for client, key, stored, shop, number in (
            store.known_keys(connection, [s.client for s in keyed], [s.key or "" for s in keyed]) if keyed else []
        )
    }
    for index, submission in enumerate(submissions):
        order = submission.order
        used = keys.get((submission.client, submission.key or ""))
        stands = known.get((order.shop, order.number))
        if used is not None and used != (hashes[index], order.shop, order.number):
            detail = "This Idempotency-Key was used for another order: send a new key with a new order."
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)
        elif stands is not None and stands[0] != hashes[index]:
            detail = (
                f"Order {order.number} exists with other content. An accepted order is never changed: "
                "cancel it and send a new one under a new number."
            )
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)
        elif stands is not None:
            answers[index] = Answer(Ending.REPEATED, order.shop, order.number, stands[1])


def _like_twin(submission: Submission, hashes: Sequence[bytes], index: int, twin: int) -> Answer:
    """The second of two in one group is answered as if it had come a moment later."""
    order = submission.order
    if hashes[index] == hashes[twin]:
        return Answer(Ending.REPEATED, order.shop, order.number, OrderState.ACCEPTED)
    detail = "Another order under the same number or Idempotency-Key came at the same time with other content."
    return Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)


def _usable_points(
    ledger: Ledger, submissions: Sequence[Submission], answers: Sequence[Answer | None], now: datetime
) -> dict[tuple[str, str], int]:
    """What the customers can spend who want to use points, or bring a coupon of points; their balances stay locked until
    the end."""
    wanted = {
        CustomerKey(s.order.shop, s.order.customer.id)
        for s, answer in zip(submissions, answers, strict=True)
        if answer is None
        and s.order.customer.id
        and (s.order.points_use or any(coupon.kind == "points" for coupon in s.order.coupons))
    }
    ledger.open(wanted)
    return {(one.shop, one.customer_id): ledger.purse(one.shop, one.customer_id).usable(now) for one in wanted}


def _ranks(
    connection: Connection,
    shops: Mapping[str, Shop],
    submissions: Sequence[Submission],
    answers: Sequence[Answer | None],
) -> dict[tuple[str, str, date], str]:
    """The ranks the customers had on the days of their purchases."""
    orders = [s.order for s, answer in zip(submissions, answers, strict=True) if answer is None]
    return stored_ranks(connection, shops, [(o.shop, o.customer.id, o.placed_at) for o in orders])


def _taken_items(
    connection: Connection, submissions: Sequence[Submission], answers: Sequence[Answer | None]
) -> set[tuple[str, str]]:
    """One-of-a-kind items that another live order has (INT-10)."""
    wanted = sorted(
        {
            (s.order.shop, line.sku)
            for s, answer in zip(submissions, answers, strict=True)
            if answer is None
            for line in s.order.lines
            if line.availability == "unique"
        }
    )
    if not wanted:
        return set()
    return {(r[0], r[1]) for r in store.taken_items(connection, [w[0] for w in wanted], [w[1] for w in wanted])}


def _used_coupons(
    connection: Connection, submissions: Sequence[Submission], answers: Sequence[Answer | None]
) -> set[tuple[str, str, str]]:
    """Coupons that standing orders of these customers have used (A.10)."""
    wanted = sorted(
        {
            coupon
            for s, answer in zip(submissions, answers, strict=True)
            if answer is None
            for coupon in _coupons_of(s.order)
        }
    )
    return {(r[0], r[1], r[2]) for r in store.used_coupons(connection, wanted)}


def _coupons_of(order: Order) -> set[tuple[str, str, str]]:
    """(shop, customer, key of the code) of a member's coupons."""
    customer = order.customer.id
    return {(order.shop, customer, coupon_key(coupon.code)) for coupon in order.coupons} if customer else set()


def _decide(
    submission: Submission, shops: Mapping[str, Shop], stored_hash: bytes, known: _Known, taken: list[Taken]
) -> Answer | None:
    """None if the order can be accepted (it is then in ``taken``), else the refusal."""
    order = submission.order
    shop = shops.get(order.shop)
    if shop is None:
        return _refused(order, [Problem("shop", f"is unknown: no profile {order.shop!r}")])
    customer = (order.shop, order.customer.id)
    balance = known.usable.get(customer, 0)
    # RNK-06: the rank of the day of purchase; the storefront's word counts only for a customer without a history.
    rank = known.ranks.get((order.shop, order.customer.id, order.placed_at.astimezone(JST).date()))
    breakdown = price(order, shop, balance=balance, rank=rank)
    coupons = _coupons_of(order)
    used = {key for _, _, key in coupons & known.used_coupons}
    problems = list(refusals(order, shop, breakdown, balance=balance, rank=rank, used_coupons=used))
    if not any(problem.field.startswith("payment.") for problem in problems):
        problems += connected(order, shop, breakdown)
    for index, line in enumerate(order.lines):
        if line.availability == "unique" and (order.shop, line.sku) in known.taken_items:
            problems.append(Problem(f"lines[{index}].sku", "is one of a kind and sold already (INT-10)"))
    if problems:
        return _refused(order, problems)
    known.used_coupons |= coupons
    known.taken_items |= {(order.shop, line.sku) for line in order.lines if line.availability == "unique"}
    taken.append(Taken(order, submission.client, submission.key, breakdown, stored_hash))
    known.usable[customer] = balance + breakdown.coupon_points - breakdown.points_used
    return None


#: Methods whose money this installation can take today; the others need an adapter of their own.
CONNECTED = frozenset({"card", "bank_transfer", "cod", "direct_debit", "claims_offset", "none"})


def connected(order: Order, shop: Shop, breakdown: Breakdown) -> list[Problem]:
    """A method that the shop allows but no adapter serves yet is refused before the customer waits in vain."""
    if breakdown.grand_total == 0:
        return []
    if order.method == "card" and not order.token:
        return [
            Problem("payment.token", "is needed to authorize a card; send the token the gateway gave the storefront")
        ]
    if order.method in CONNECTED:
        return []
    return [Problem("payment.method", f"{order.method} is not connected to a gateway here; use {_usable(order, shop)}")]


def _usable(order: Order, shop: Shop) -> str:
    allowed = shop.payment.methods.get(order.customer.account, ())  # type: ignore[call-overload]
    return " or ".join(method for method in allowed if method in CONNECTED) or "another method"


def _refused(order: Order, problems: Sequence[Problem]) -> Answer:
    return Answer(Ending.REFUSED, order.shop, order.number, problems=tuple(problems))
