"""The verdict on a crowd whose lives are over: each sentence is something that broke, or that nobody will ever move."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from benchmarks.walk.town import Town
from models.invariants import violations
from models.states import PaymentState

#: How a failure is worded that no rule foresaw (``pipelines.engine.run.describe``), and no refusal of a rule is.
_UNFORESEEN: Final = re.compile(r"^(\w+(Error|Violation)|IllegalMove|Undeclared)\b| at \w+\.py:\d+")


def broken(town: Town) -> Iterator[str]:
    """What must hold whenever one looks, with a backlog too: the invariants, and that nothing failed unforeseen."""
    with town.engine.connect() as connection:
        for invariant, rows in violations(connection):
            yield from (f"{invariant.name}: {dict(row)}" for row in rows[:3])
    for row in town.rows(
        "SELECT o.shop, o.number, w.stage, w.error FROM work w JOIN shop_order o ON o.id = w.order_id "
        "WHERE w.attempts > 0"
    ):
        yield f"{row.shop}/{row.number}: {row.stage} fails: {row.error}"
    for row in town.rows("SELECT type, reason FROM inbox_event WHERE reason IS NOT NULL"):
        if _UNFORESEEN.search(row.reason):
            yield f"event {row.type}: {row.reason}"


def verdict(town: Town) -> list[str]:
    """Everything that is wrong at the end."""
    return [*broken(town), *_silent(town), *_cards(town), *_slips(town), *_deposits(town)]


def _silent(town: Town) -> Iterator[str]:
    """Every order is final, held, or awaits something with a date that has not passed; every effect and event has ended."""
    now = town.clock.now()
    for row in town.rows(
        """SELECT o.shop, o.number, o.state FROM shop_order o WHERE o.condition = 'running'
           AND NOT EXISTS (SELECT FROM work w WHERE w.order_id = o.id AND w.what IS NOT NULL AND w.due_at > :now)""",
        now=now,
    ):
        yield f"{row.shop}/{row.number}: is {row.state} and awaits nothing"
    for row in town.rows("SELECT stage, order_id, what FROM work WHERE due_at <= :now", now=now):
        yield f"order {row.order_id}: {row.stage} is due and not decided ({row.what})"
    for row in town.rows("SELECT kind, count(*) AS open FROM effect_lease GROUP BY 1"):
        yield f"{row.open} effects {row.kind} never end"
    for row in town.rows(
        """SELECT e.type, e.order_id, e.body FROM inbox_event e WHERE e.state = 'pending'
           AND (e.shipment_id IS NULL OR e.type IN ('shipment.shipped', 'shipment.acknowledged', 'shipment.refused',
                                                     'shipment.delayed', 'shipment.short'))"""
    ):
        yield f"order {row.order_id}: {row.type} was never answered: {row.body}"


_MONEY = """
SELECT o.shop || '/' || o.number AS key, o.state, o.condition, p.state AS money, p.captured, p.refunded,
  p.refunded_by_hand, EXISTS (SELECT FROM effect e WHERE e.order_id = o.id AND e.kind LIKE 'payment.%'
                              AND e.state = 'needs_review') AS unknown,
  EXISTS (SELECT FROM transition t WHERE t.order_id = o.id AND t.entity = 'payment'
          AND t.cause = 'received another way, says the operator') AS elsewhere
FROM shop_order o JOIN payment p ON p.order_id = o.id
"""


def _cards(town: Town) -> Iterator[str]:
    """What the card gateway has done is what the books say, unless a human has the order for it; no card is held for nothing."""
    asked = (request for request, answer in town.cards.done.values() if answer.snapshot and request[0] == "authorize")
    for key, times in Counter(request[1] for request in asked).items():
        if times > 1:
            yield f"{key}: was authorized {times} times"
    for row in town.rows(_MONEY):
        card = town.cards.cards.get(town.cards.orders.get(row.key, ""))
        if card is None or row.elsewhere or (row.condition == "held" and row.unknown):
            continue
        ours, theirs = (row.captured, row.refunded - row.refunded_by_hand), (card.captured, card.refunded)
        if ours != theirs:
            yield f"{row.key}: captured and refunded are {ours} in the books, {theirs} at the gateway ({row.condition})"
        is_open = not card.voided and not card.captured
        if is_open and row.condition == "done":
            yield f"{row.key}: is done and {row.state}, and its card is still held for"


def _slips(town: Town) -> Iterator[str]:
    """What was paid at stores and by lenders is in the books, or before a human."""
    for row in town.rows(_MONEY):
        slip = town.slips.stands.get(town.slips.orders.get(row.key, ""))
        if slip is None or row.elsewhere or row.condition == "held":
            continue
        if slip.captured != row.captured:
            yield f"{row.key}: {row.captured} yen are in the books, {slip.captured} were paid ({row.money})"
        if slip.state == PaymentState.AUTHORIZED and row.condition == "done" and row.state == "cancelled":
            yield f"{row.key}: is cancelled, and its lender still pays"


def _deposits(town: Town) -> Iterator[str]:
    """Every yen that the bank told of is in the books, or before a human."""
    for row in town.rows(
        """SELECT o.shop || '/' || o.number AS key, o.condition, p.captured, d.amount
           FROM shop_order o JOIN payment p ON p.order_id = o.id
           JOIN (SELECT order_id, sum((body->>'amount')::int) AS amount FROM inbox_event
                 WHERE type = 'deposit.received' GROUP BY 1) d ON d.order_id = o.id
           WHERE p.method = 'bank_transfer' AND d.amount <> p.captured AND o.condition <> 'held'"""
    ):
        yield f"{row.key}: {row.amount} yen came in, {row.captured} are in the books"
