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

from models.states import OrderState
from models.store import coupons, idempotency, items, orders
from models.store.coupons import CouponKey
from models.store.customers import CustomerKey
from models.store.idempotency import ClientKey
from models.store.items import ItemKey
from models.store.orders import OrderKey, RefusedOrderRow
from pipelines.engine.admit import keep_refused
from pipelines.engine.ledger import Ledger
from pipelines.errors import Invalid, Problem, Raced
from pipelines.methods import METHODS
from pipelines.orders.admission import Taken, store_orders
from pipelines.orders.document import Content, content_of, parse_order
from pipelines.ports import Clock
from pipelines.ranks import stored_ranks
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Order
from pipelines.rules.refusals import refusals
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from pipelines.values.card_number import mask, masked
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
class _Before:
    """What was there before a group came in, looked up for the whole of it; the orders that are taken are added, so that
    its later ones see them. ``usable`` are points by customer, ``ranks`` by (shop, customer, day)."""

    usable: dict[CustomerKey, int]
    ranks: dict[tuple[str, str, date], str]
    taken_items: set[ItemKey]
    used_coupons: set[CouponKey]


def take_in(engine: Engine, shops: Mapping[str, Shop], clock: Clock, submissions: Sequence[Submission]) -> list[Answer]:
    """Store what can be accepted in one transaction and answer each submission.

    Raises whatever the database raises when it is away; nothing was acknowledged then, and trying again is safe.
    """
    after: set[int] = set()
    for attempt in range(_ATTEMPTS):
        try:
            with engine.begin() as connection:
                ledger = Ledger(connection, clock.now(), after=after)
                return _attempt(connection, shops, ledger, submissions)
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
        (answer,) = take_in(engine, shops, clock, [Submission(order)])
        if answer.ending in (Ending.ACCEPTED, Ending.REPEATED):
            return ()
        problems = answer.problems or (Problem("number", answer.detail),)
    named = raw if isinstance(raw, dict) else {}
    digest = hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS, default=str)).digest()
    listed = [{"field": p.field, "message": p.message} for p in problems]
    shop, number = _text(masked(named.get("shop"))), _text(named.get("number"))
    with engine.begin() as connection:
        keep_refused(connection, RefusedOrderRow(digest, shop, number, listed, masked(raw)), clock.now())
    return problems


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _attempt(
    connection: Connection, shops: Mapping[str, Shop], ledger: Ledger, submissions: Sequence[Submission]
) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(submissions)
    contents = [content_of(s.order) for s in submissions]
    _answer_known(connection, submissions, contents, answers)
    before = _Before(
        _usable_points(ledger, submissions, answers),
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
            answers[index] = _like_twin(submission, contents, index, twin if twin != index else key_twin)
            continue
        answers[index] = _decide(submission, shops, contents[index], before, taken, ledger.now)
        if answers[index] is not None:
            first.pop((order.shop, order.number), None)
            keys.pop((submission.client, submission.key or ""), None)
    store_orders(connection, shops, taken, ledger, ledger.now)
    return [answer or Answer(Ending.ACCEPTED, s.order.shop, s.order.number, OrderState.ACCEPTED)
            for answer, s in zip(answers, submissions, strict=True)]  # fmt: skip


def _answer_known(
    connection: Connection, submissions: Sequence[Submission], contents: Sequence[Content], answers: list[Answer | None]
) -> None:
    """What is stored already: the same again is a no-op, anything else a conflict (INT-18)."""
    known = {
        (row.shop, row.number): row
        for row in orders.known(connection, [OrderKey(s.order.shop, s.order.number) for s in submissions])
    }
    keys = {
        (row.client_id, row.key): row
        for row in idempotency.known(connection, [ClientKey(s.client, s.key) for s in submissions if s.key])
    }
    for index, submission in enumerate(submissions):
        order = submission.order
        used = keys.get((submission.client, submission.key or ""))
        stands = known.get((order.shop, order.number))
        if used is not None and (used.request_hash, used.shop, used.number) != (
            contents[index].hash,
            order.shop,
            order.number,
        ):
            detail = "This Idempotency-Key was used for another order: send a new key with a new order."
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)
        elif stands is not None and stands.content_hash != contents[index].hash:
            detail = (
                f"Order {order.number} exists with other content. An accepted order is never changed: "
                "cancel it and send a new one under a new number."
            )
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)
        elif stands is not None:
            answers[index] = Answer(Ending.REPEATED, order.shop, order.number, stands.state)


def _like_twin(submission: Submission, contents: Sequence[Content], index: int, twin: int) -> Answer:
    """The second of two in one group is answered as if it had come a moment later."""
    order = submission.order
    if contents[index].hash == contents[twin].hash:
        return Answer(Ending.REPEATED, order.shop, order.number, OrderState.ACCEPTED)
    detail = "Another order under the same number or Idempotency-Key came at the same time with other content."
    return Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)


def _usable_points(
    ledger: Ledger, submissions: Sequence[Submission], answers: Sequence[Answer | None]
) -> dict[CustomerKey, int]:
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
    return {one: ledger.purse(one.shop, one.customer_id).usable(ledger.now) for one in wanted}


def _ranks(
    connection: Connection,
    shops: Mapping[str, Shop],
    submissions: Sequence[Submission],
    answers: Sequence[Answer | None],
) -> dict[tuple[str, str, date], str]:
    """The ranks the customers had on the days of their purchases."""
    new = [s.order for s, answer in zip(submissions, answers, strict=True) if answer is None]
    return stored_ranks(connection, shops, [(o.shop, o.customer.id, o.placed_at) for o in new])


def _taken_items(
    connection: Connection, submissions: Sequence[Submission], answers: Sequence[Answer | None]
) -> set[ItemKey]:
    """One-of-a-kind items that another live order has (INT-10)."""
    wanted = {
        ItemKey(s.order.shop, line.sku)
        for s, answer in zip(submissions, answers, strict=True)
        if answer is None
        for line in s.order.lines
        if line.availability == "unique"
    }
    return set(items.taken(connection, sorted(wanted)))


def _used_coupons(
    connection: Connection, submissions: Sequence[Submission], answers: Sequence[Answer | None]
) -> set[CouponKey]:
    """Coupons that standing orders of these customers have used (A.10)."""
    wanted = {
        coupon
        for s, answer in zip(submissions, answers, strict=True)
        if answer is None
        for coupon in _coupons_of(s.order)
    }
    return set(coupons.used(connection, sorted(wanted)))


def _coupons_of(order: Order) -> set[CouponKey]:
    """A member's coupons."""
    customer = order.customer.id
    return {CouponKey(order.shop, customer, coupon_key(coupon.code)) for coupon in order.coupons} if customer else set()


def _decide(
    submission: Submission,
    shops: Mapping[str, Shop],
    content: Content,
    before: _Before,
    taken: list[Taken],
    now: datetime,
) -> Answer | None:
    """None if the order can be accepted (it is then in ``taken``), else the refusal."""
    order = submission.order
    shop = shops.get(order.shop)
    if shop is None:
        return _refused(order, [Problem("shop", f"is unknown: no profile {mask(order.shop)!r}")])
    customer = CustomerKey(order.shop, order.customer.id)
    balance = before.usable.get(customer, 0)
    # RNK-06: the rank of the day of purchase; the storefront's word counts only for a customer without a history.
    rank = before.ranks.get((order.shop, order.customer.id, order.placed_at.astimezone(JST).date()))
    breakdown = price(order, shop, balance=balance, rank=rank)
    used = {coupon.code_key for coupon in _coupons_of(order) & before.used_coupons}
    problems = list(refusals(order, shop, breakdown, now=now, balance=balance, rank=rank, used_coupons=used))
    if not any(problem.field.startswith("payment.") for problem in problems):
        problems += connected(order, shop, breakdown)
    for index, line in enumerate(order.lines):
        if line.availability == "unique" and (order.shop, line.sku) in before.taken_items:
            problems.append(Problem(f"lines[{index}].sku", "is one of a kind and sold already (INT-10)"))
    if problems:
        return _refused(order, problems)
    before.used_coupons |= _coupons_of(order)
    before.taken_items |= {ItemKey(order.shop, line.sku) for line in order.lines if line.availability == "unique"}
    before.usable[customer] = balance + breakdown.coupon_points - breakdown.points_used
    taken.append(Taken(order, submission.client, submission.key, breakdown, content))
    return None


def connected(order: Order, shop: Shop, breakdown: Breakdown) -> list[Problem]:
    """A method that the shop allows but none of its gateways serves is refused before the customer waits in vain."""
    if breakdown.grand_total == 0:
        return []
    method = METHODS[order.method]
    if method.needs_token and not order.token:
        return [
            Problem(
                "payment.token",
                f"is needed to authorize a {method.name}; send the token the gateway gave the storefront",
            )
        ]
    if _is_connected(order.method, shop):
        return []
    return [Problem("payment.method", f"{order.method} is not connected to a gateway here; use {_usable(order, shop)}")]


def _usable(order: Order, shop: Shop) -> str:
    allowed = shop.payment.methods.get(order.customer.account, ())  # type: ignore[call-overload]
    return " or ".join(method for method in allowed if _is_connected(method, shop)) or "another method"


def _is_connected(method: str, shop: Shop) -> bool:
    return not METHODS[method].misses(shop.gateway_for(method))


def _refused(order: Order, problems: Sequence[Problem]) -> Answer:
    return Answer(Ending.REFUSED, order.shop, order.number, problems=tuple(problems))
