"""Intake (受注取込): orders become durable, priced and accepted, or are refused with every reason.

A whole group of submissions shares one transaction; each gets its own answer and none takes its neighbour with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from models.database import is_passing
from models.states import OrderState
from models.store import customers, idempotency, orders
from models.store.idempotency import ClientKey, KeyRow
from models.store.orders import OrderKey
from pipelines.engine.admit import keep_keys
from pipelines.engine.ledger import Ledger
from pipelines.engine.parts import in_parts
from pipelines.engine.run import describe
from pipelines.errors import Problem, Raced
from pipelines.orders.admission import Taken, store_orders
from pipelines.orders.document import Content, content_of, order_to_json
from pipelines.orders.judgement import judge
from pipelines.orders.lookup import Before, mailboxes_of, spending, usable_points
from pipelines.ports import Clock
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.values.card_number import mask

log = structlog.get_logger(__name__)

#: Why an order is not taken whose Idempotency-Key stands for another one.
KEY_USED: Final = "This Idempotency-Key was used for another order: send a new key with a new order."
_ATTEMPTS = 5


class Ending(StrEnum):
    """How a submission ended."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    REFUSED = "refused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Submission:
    """One order as a client sent it. ``client`` is the client's id; ``key`` its Idempotency-Key."""

    order: Order
    client: int = 0
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client is told; ``state`` in which the order was accepted, and which the same again is told as well, ``problems``
    where it was refused."""

    ending: Ending
    shop: str
    number: str
    state: str = ""
    detail: str = ""
    problems: tuple[Problem, ...] = ()


def is_used(connection: Connection, client: int, key: str) -> bool:
    """Whether the client's Idempotency-Key stands for an order: what cannot be read is another one (INT-18)."""
    return bool(idempotency.known(connection, [ClientKey(client, key)]))


def take_in(engine: Engine, shops: Mapping[str, Shop], clock: Clock, submissions: Sequence[Submission]) -> list[Answer]:
    """Store what can be accepted, in one transaction where that succeeds, and answer each submission.

    One that cannot be decided, whatever raises, fails alone: it is answered so, and its neighbours are decided without it.
    Raises whatever the database raises when it is away; trying again is safe.
    """

    def attempt(part: Sequence[Submission]) -> Sequence[Answer]:
        return _take_together(engine, shops, clock, part)

    return in_parts(submissions, attempt, _failed)


def _take_together(
    engine: Engine, shops: Mapping[str, Shop], clock: Clock, submissions: Sequence[Submission]
) -> list[Answer]:
    """One transaction, taken again where another process was faster. Raises Raced when that never ends."""
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


def _failed(submission: Submission, error: Exception) -> Answer:
    """What raised when it was decided alone: others were in the way for too long, or nobody foresaw it and it is recorded."""
    order = submission.order
    if isinstance(error, Raced) or is_passing(error):
        return Answer(
            Ending.BUSY,
            order.shop,
            order.number,
            detail="Others were in the way; nothing was stored: send the same again.",
        )
    log.error("order.undecidable", shop=order.shop, number=order.number, error=describe(error))
    return Answer(
        Ending.FAILED, order.shop, order.number, detail="This is our mistake and was recorded; nothing was stored."
    )


def _attempt(
    connection: Connection, shops: Mapping[str, Shop], ledger: Ledger, submissions: Sequence[Submission]
) -> list[Answer]:
    answers: list[Answer | None] = [None] * len(submissions)
    contents = [content_of(s.order) for s in submissions]
    used = _answer_known(connection, submissions, contents, answers)
    new = [s.order for s, answer in zip(submissions, answers, strict=True) if answer is None]
    wanted = spending(new)
    customers.lock_mailboxes(connection, mailboxes_of(new, shops))
    ledger.open(wanted)
    before = Before.of(connection, shops, new, usable_points(ledger, wanted))
    taken: list[Taken] = []
    first: dict[tuple[str, str], int] = {}
    keys: dict[tuple[int, str], int] = {}
    # Of orders that come together the one that was completed first is first, for the item that there is once too (INT-10).
    for index in sorted(range(len(submissions)), key=lambda place: _completed(submissions[place].order)):
        submission = submissions[index]
        known = answers[index]
        if known is not None and known.ending != Ending.REPEATED:
            continue
        order = submission.order
        key_twin = keys.setdefault((submission.client, submission.key), index) if submission.key else index
        if known is not None:
            if key_twin != index:
                answers[index] = _like_twin(submission, contents, index, key_twin)
            continue
        twin = first.setdefault((order.shop, order.number), index)
        if twin != index or key_twin != index:
            answers[index] = _like_twin(submission, contents, index, twin if twin != index else key_twin)
            continue
        answers[index] = _decide(submission, shops, contents[index], before, taken, ledger.now)
        if answers[index] is not None:
            first.pop((order.shop, order.number), None)
            keys.pop((submission.client, submission.key or ""), None)
    store_orders(connection, shops, taken, ledger, ledger.now)
    _keep_keys(connection, submissions, contents, answers, used | {(t.client, t.key) for t in taken if t.key})
    return [answer or Answer(Ending.ACCEPTED, s.order.shop, s.order.number, OrderState.ACCEPTED)
            for answer, s in zip(answers, submissions, strict=True)]  # fmt: skip


def _completed(order: Order) -> tuple[datetime, str]:
    """Sorts orders as they were completed at their shop; of one moment, by number."""
    return order.placed_at, order.number


def _answer_known(
    connection: Connection, submissions: Sequence[Submission], contents: Sequence[Content], answers: list[Answer | None]
) -> set[tuple[int, str]]:
    """What is stored already: the same again is a no-op, anything else a conflict (INT-18). Which keys were used before."""
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
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=KEY_USED)
        elif stands is not None and stands.content_hash != contents[index].hash:
            detail = (
                f"Order {order.number} exists with other content. An accepted order is never changed: "
                "cancel it and send a new one under a new number."
            )
            answers[index] = Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)
        elif stands is not None:
            answers[index] = Answer(Ending.REPEATED, order.shop, order.number, OrderState.ACCEPTED)
    return set(keys)


def _keep_keys(
    connection: Connection,
    submissions: Sequence[Submission],
    contents: Sequence[Content],
    answers: Sequence[Answer | None],
    kept: set[tuple[int, str]],
) -> None:
    """A key under which an order comes again stands for it as well; those of ``kept`` do already. Raises Raced."""
    new = {
        (s.client, s.key): KeyRow(s.client, s.key, content.hash, s.order.shop, s.order.number)
        for s, content, answer in zip(submissions, contents, answers, strict=True)
        if s.key and answer is not None and answer.ending == Ending.REPEATED and (s.client, s.key) not in kept
    }
    keep_keys(connection, list(new.values()))


def _like_twin(submission: Submission, contents: Sequence[Content], index: int, twin: int) -> Answer:
    """The second of two in one group is answered as if it had come a moment later."""
    order = submission.order
    if contents[index].hash == contents[twin].hash:
        return Answer(Ending.REPEATED, order.shop, order.number, OrderState.ACCEPTED)
    detail = "Another order under the same number or Idempotency-Key came at the same time with other content."
    return Answer(Ending.CONFLICT, order.shop, order.number, detail=detail)


def _decide(
    submission: Submission,
    shops: Mapping[str, Shop],
    content: Content,
    before: Before,
    taken: list[Taken],
    now: datetime,
) -> Answer | None:
    """None if the order can be accepted (it is then in ``taken``), else the refusal."""
    order = submission.order
    shop = shops.get(order.shop)
    if shop is None:
        return _refused(order, [Problem("shop", f"is unknown: no profile {mask(order.shop)!r}")])
    known = before.known(order, now)
    judged = judge(order, shop, known)
    if judged.problems:
        return _refused(order, judged.problems)
    before.add(judged, shop)
    if judged.order is not order:  # what was sent tells whether it is the same again; what is sold is what is kept
        content = Content(order_to_json(judged.order), content.hash)
    taken.append(
        Taken(judged.order, submission.client, submission.key, judged.breakdown, content, known.shares_mailbox)
    )
    return None


def _refused(order: Order, problems: Sequence[Problem]) -> Answer:
    return Answer(Ending.REFUSED, order.shop, order.number, problems=tuple(problems))
