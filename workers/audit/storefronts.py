"""Storefronts: told of every move, once, in numbers without gaps, of what really moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from models.states import ANNOUNCED_AS, Condition
from workers.audit.books import Move, OrderBook
from workers.audit.journals import Key, Record, key_of
from workers.audit.judge import Evidence, Judge


def _moves(order: OrderBook) -> dict[int, tuple[str, Move]]:
    """Number -> (event, move) of every move that is told."""
    found = {}
    for move in order.moves:
        type_ = ANNOUNCED_AS.get(move.entity)
        if move.entity == "condition" and move.new == Condition.HELD:
            type_ = "order.held"
        if type_ is not None:
            found[move.number] = (type_, move)
    return found


def _told(evidence: Evidence) -> dict[Key, list[Record]]:
    """What storefronts heard of each order's moves."""
    types = {*ANNOUNCED_AS.values(), "order.held"}
    found: dict[Key, list[Record]] = defaultdict(list)
    for record in evidence.journals.events:
        if record["kind"] == "event" and record["type"] in types:
            found[key_of(record["data"])].append(record)
    return found


def _every(evidence: Evidence) -> Iterator[str]:
    heard = _told(evidence)
    for order in evidence.books.orders:
        if order.key[0] not in evidence.books.listened:
            continue
        numbers = {one["data"]["sequence"] for one in heard[order.key]}
        due = _moves(order).keys()
        if missing := sorted(due - numbers):
            yield f"{order.name}: its storefront never heard of the moves {missing}"
        if strange := sorted(numbers - due):
            yield f"{order.name}: its storefront heard of the moves {strange}, which were none"


def _once(evidence: Evidence) -> Iterator[str]:
    listeners = defaultdict(set)
    bodies: dict[str, Record] = {}
    for key, records in _told(evidence).items():
        for one in records:
            listeners[key, one.get("to"), one["data"]["sequence"]].add(one["id"])
    for (key, _, number), ids in listeners.items():
        if len(ids) > 1:
            yield f"{'/'.join(key)}: the move {number} was told under {len(ids)} ids"
    for one in evidence.journals.events:
        before = bodies.setdefault(one["id"], one)
        if (before["type"], before["data"]) != (one["type"], one["data"]):
            yield f"{one['id']} said something else when it came again"


def _right(evidence: Evidence) -> Iterator[str]:
    books = evidence.books.by_key
    for key, records in _told(evidence).items():
        moves = _moves(books[key]) if key in books else {}
        for one in records:
            number = one["data"]["sequence"]
            if number in moves and (wrong := _difference(one, *moves[number])):
                yield f"{'/'.join(key)}: of the move {number} its storefront was told {wrong}"


def _difference(event: Record, type_: str, move: Move) -> str:
    """What is wrong in what was said of ``move``; empty where nothing is."""
    data = event["data"]
    said = (event["type"], data["from"], data["to"], data["cause"])
    happened = (type_, move.old, move.new, move.cause)
    if said != happened:
        return f"{said}, and it was {happened}"
    if datetime.fromisoformat(data["at"]) != move.at:
        return f"it was at {data['at']}, and it was at {move.at.isoformat()}"
    named = data.get(move.entity) if move.entity in ("shipment", "lot") else move.id
    return "" if named == move.id else f"it was of {named}, and it was of {move.id}"


JUDGES = (
    Judge(
        "events_told", "a storefront that listens hears of every move of its orders, and of no other", _every,
        "shops whose storefront registered no URL",
    ),
    Judge(
        "events_once", "a move is told under one id, and says the same each time", _once,
        "the same id again: it is the webhook-id by which a storefront knows what it has seen",
    ),
    Judge("events_right", "what is told of a move is what moved, why and when, under its number in the order", _right),
)  # fmt: skip
