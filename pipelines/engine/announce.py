"""Announce: what storefronts are told of an order's moves (contract: Events to storefronts).

Each move of an order that a storefront with a URL may see becomes one effect; its key is the ``webhook-id``, the same
over all retries. The order's moves are numbered without gaps, so that a storefront notices what it has not seen yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection

from models.states import Condition, OrderState
from models.store import gather as read
from pipelines.engine.stage import Decision, Move

KIND = "storefront.event"

_TYPES = {
    "order": "order.state_changed",
    "payment": "payment.state_changed",
    "shipment": "shipment.state_changed",
    "lot": "points.changed",
}


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A storefront that registered a URL; ``shops`` empty means every shop."""

    id: int
    shops: frozenset[str]

    def hears(self, shop: str) -> bool:
        """Whether it is told of orders of ``shop``."""
        return not self.shops or shop in self.shops


def subscribers(connection: Connection) -> list[Subscriber]:
    """Who listens now; few rows, whatever the batch."""
    return [Subscriber(row[0], frozenset(row[1])) for row in read.listening_storefronts(connection)]


@dataclass(frozen=True, slots=True)
class Told:
    """Moves of an order to tell: the first has the number after ``sequence``. ``hold`` are the reasons it is held for."""

    order_id: int
    shop: str
    number: str
    sequence: int
    moves: Sequence[Move]
    hold: Sequence[Mapping[str, str]] = ()


def announcements(
    decisions: Sequence[Decision], listening: Sequence[Subscriber], now: datetime
) -> list[tuple[Any, ...]]:
    """Effect rows for every move of a batch, in the order of the moves."""
    told = (Told(d.facts.id, d.facts.shop, d.facts.number, d.facts.sequence, d.moves, d.hold or ()) for d in decisions)
    return of_moves(told, listening, now)


def of_moves(told: Iterable[Told], listening: Sequence[Subscriber], now: datetime) -> list[tuple[Any, ...]]:
    """Effect rows for moves of orders, whoever made them."""
    if not listening:
        return []
    rows = []
    for one in told:
        for sequence, move in enumerate(one.moves, start=one.sequence + 1):
            type_ = _type_of(move)
            if type_ is not None:
                data: dict[str, Any] = {
                    "from": move.old,
                    "to": move.new,
                    "cause": move.cause,
                    "at": now,
                    "sequence": sequence,
                    **({move.entity: move.id} if move.entity in ("shipment", "lot") else {}),
                }
                if type_ == "order.held":
                    data["hold"] = [{"reason": h["reason"], "says": h["says"]} for h in one.hold]
                rows += _rows(one.order_id, one.shop, one.number, type_, sequence, data, listening)
    return rows


def of_new_orders(
    orders: Sequence[tuple[int, str, str]], listening: Sequence[Subscriber], now: datetime
) -> list[tuple[Any, ...]]:
    """Effect rows for orders (id, shop, number) just accepted: their first move."""
    rows: list[tuple[Any, ...]] = []
    for order_id, shop, number in orders:
        data = {"from": None, "to": OrderState.ACCEPTED, "cause": "intake", "at": now, "sequence": 1}
        rows += _rows(order_id, shop, number, _TYPES["order"], 1, data, listening)
    return rows


def of_refused(
    identity: str,
    shop: str,
    number: str | None,
    problems: Sequence[Mapping[str, str]],
    listening: Sequence[Subscriber],
    now: datetime,
) -> list[tuple[Any, ...]]:
    """Effect rows for an order from the broker that was refused: nobody else would tell its storefront."""
    body = {"type": "order.refused", "at": now, "data": {"shop": shop, "number": number, "problems": list(problems)}}
    payload = orjson.dumps(body).decode()
    return [
        (f"refused:{identity}:{s.id}", KIND, None, None, _with_client(payload, s), None)
        for s in listening
        if s.hears(shop)
    ]


def _type_of(move: Move) -> str | None:
    if move.entity == "condition":
        return "order.held" if move.new == Condition.HELD else None
    return _TYPES[move.entity]


def _rows(
    order_id: int,
    shop: str,
    number: str,
    type_: str,
    sequence: int,
    data: Mapping[str, Any],
    listening: Sequence[Subscriber],
) -> list[tuple[Any, ...]]:
    hearing = [s for s in listening if s.hears(shop)]
    if not hearing:
        return []
    payload = orjson.dumps({"type": type_, "at": data["at"], "data": {"shop": shop, "number": number, **data}}).decode()
    return [
        (f"event:{order_id}:{sequence}:{s.id}", KIND, order_id, None, _with_client(payload, s), None) for s in hearing
    ]


def _with_client(payload: str, subscriber: Subscriber) -> str:
    """The payload, saying whom it is for."""
    return f'{{"client":{subscriber.id},{payload[1:]}'
