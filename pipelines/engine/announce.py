"""Announce: what storefronts are told of an order's moves (contract: Events to storefronts).

Each move of an order that a storefront with a URL may see becomes one effect; its key is the ``webhook-id``, the same
over all retries. The order's moves are numbered without gaps, so that a storefront notices what it has not seen yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from models.states import ANNOUNCED_AS, Condition, OrderState
from models.store import clients
from models.store.effects import NewEffectRow
from models.store.orders import OrderIdRow
from pipelines.engine.decision import Decision, Move

KIND = "storefront.event"
#: What storefronts are told, by type.
EVENTS: Final[Mapping[str, str]] = {
    "order.state_changed": "An order has moved.",
    "order.held": "An order waits for a person.",
    "order.refused": "An order that came over the broker was refused.",
    "shipment.state_changed": "A shipment has moved.",
    "payment.state_changed": "A payment has moved.",
    "points.changed": "Points have become pending, valid, held or void.",
    "return.state_changed": "A return has moved.",
    "payment.expiring": "An authorization ends before the goods leave.",
    "document.issued": "A document of an order is stored.",
    "promise.missed": "A date that the customer was told is lost.",
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
    return [Subscriber(row.id, frozenset(row.shops)) for row in clients.listeners(connection)]


@dataclass(frozen=True, slots=True)
class Told:
    """Moves of an order to tell: the first has the number after ``sequence``. ``hold`` are the reasons it is held for."""

    order: OrderIdRow
    sequence: int
    moves: Sequence[Move]
    hold: Sequence[Mapping[str, str]] = ()


def announcements(decisions: Sequence[Decision], listening: Sequence[Subscriber], now: datetime) -> list[NewEffectRow]:
    """Effect rows for every move of a batch, in the order of the moves, and for what else is told of its orders."""
    if not listening:
        return []
    others = [row for decision in decisions for row in _others(decision, listening, now)]
    return of_moves(map(_told, decisions), listening, now) + others


def _others(decision: Decision, listening: Sequence[Subscriber], now: datetime) -> Iterator[NewEffectRow]:
    """What no move tells; ``sequence`` is that of the order's last move, since nothing moved."""
    facts = decision.facts
    for told in decision.announced:
        order = OrderIdRow(facts.shop, facts.number, facts.id)
        sequence = facts.sequence + len(decision.moves)
        yield from of_happening(order, sequence, told.type, told.about, told.data, listening, now)


def of_happening(
    order: OrderIdRow,
    sequence: int,
    type_: str,
    about: str,
    data: Mapping[str, Any],
    listening: Sequence[Subscriber],
    now: datetime,
) -> Iterator[NewEffectRow]:
    """Effect rows for something that is no move of the order; ``about`` makes it one of its ``type_``, ``sequence`` is that of the
    order's last move. ``data`` says the ``cause``, and what it goes ``to`` where that is not the type's own word."""
    went = {"from": None, "to": type_.rpartition(".")[2]}
    said = {"shop": order.shop, "number": order.number, **went, "at": now, "sequence": sequence, **data}
    for one in listening:
        if one.hears(order.shop):
            yield _row(f"event:{order.id}:{type_}:{about}:{one.id}", order.id, one, type_, now, said)


def _told(decision: Decision) -> Told:
    facts = decision.facts
    hold = [{"reason": one.reason, "says": one.says(facts.locale)} for one in decision.holds]
    return Told(OrderIdRow(facts.shop, facts.number, facts.id), facts.sequence, decision.moves, hold)


def of_moves(told: Iterable[Told], listening: Sequence[Subscriber], now: datetime) -> list[NewEffectRow]:
    """Effect rows for moves of orders, whoever made them; an entity that is not announced has none."""
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
                    **({move.entity: move.id} if move.entity in ("shipment", "lot", "return") else {}),
                }
                if type_ == "order.held":
                    data["hold"] = list(one.hold)
                rows += _rows(one.order, type_, data, listening)
    return rows


def of_new_orders(orders: Sequence[OrderIdRow], listening: Sequence[Subscriber], now: datetime) -> list[NewEffectRow]:
    """Effect rows for orders just accepted: their first move."""
    data = {"from": None, "to": OrderState.ACCEPTED, "cause": "intake", "at": now, "sequence": 1}
    return [row for order in orders for row in _rows(order, ANNOUNCED_AS["order"], data, listening)]


def of_refused(
    identity: str,
    shop: str,
    number: str | None,
    problems: Sequence[Mapping[str, str]],
    listening: Sequence[Subscriber],
    now: datetime,
) -> list[NewEffectRow]:
    """Effect rows for an order from the broker that was refused: nobody else would tell its storefront. It comes before any move."""
    moved = {"from": None, "to": "refused", "cause": "intake", "at": now, "sequence": 0}
    data = {"shop": shop, "number": number, **moved, "problems": list(problems)}
    return [
        _row(f"refused:{identity}:{one.id}", None, one, "order.refused", now, data)
        for one in listening
        if one.hears(shop)
    ]


def _type_of(move: Move) -> str | None:
    """The event that tells of a move; None for one that concerns nobody outside."""
    if move.entity == "condition":
        return "order.held" if move.new == Condition.HELD else None
    return ANNOUNCED_AS.get(move.entity)


def _rows(
    order: OrderIdRow, type_: str, data: Mapping[str, Any], listening: Sequence[Subscriber]
) -> list[NewEffectRow]:
    said = {"shop": order.shop, "number": order.number, **data}
    return [
        _row(f"event:{order.id}:{data['sequence']}:{one.id}", order.id, one, type_, data["at"], said)
        for one in listening
        if one.hears(order.shop)
    ]


def _row(
    key: str, order_id: int | None, to: Subscriber, type_: str, at: datetime, data: Mapping[str, Any]
) -> NewEffectRow:
    payload = {"client": to.id, "type": type_, "at": at, "data": data}
    return NewEffectRow(key=key, kind=KIND, order_id=order_id, shipment_id=None, payload=payload, wakes=None)
