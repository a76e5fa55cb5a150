"""Received events: stored before they are acknowledged, each once, and never acted on here; stages read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2s
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine

from models.store import deposits, inbox, orders, payments, shipments, work
from models.store.deposits import UnassignedRow
from models.store.inbox import NewEventRow
from models.store.orders import OrderKey
from models.store.payments import KnownPaymentRow, NamedPaymentRow
from models.store.shipments import ShipmentOfSupplier, ShipmentOwnerRow
from pipelines import doors
from pipelines.engine.parts import each_kept
from pipelines.engine.run import describe
from pipelines.engine.wake import woken
from pipelines.errors import Conflict, NotFound
from pipelines.gateway import DEPOSIT, STANDS, Notice
from pipelines.ports import Clock
from pipelines.route import WOKEN_BY
from pipelines.values.card_number import mask, masked
from pipelines.values.storable import Unstorable, check, storable

log = structlog.get_logger(__name__)

#: How an event stands that waits for its order, and one that waits for the operator (``models.inbox.INBOX_STATES``).
PENDING, QUARANTINED = "pending", "quarantined"
#: Characters of an event's id that are kept of one as it came.
_LONGEST_ID = 255


@dataclass(frozen=True, slots=True)
class Received:
    """One event as it came in. It names a shipment of ``supplier`` or an order by (shop, number).

    ``shops`` limits what its sender may touch (empty: every shop); ``fault`` is why it cannot be read, if it cannot.
    ``payment`` is how a gateway names it that knows no order: with its token, or by the reference alone.
    """

    source: str
    event_id: str
    type: str
    body: Mapping[str, Any]
    at: datetime
    supplier: str | None = None
    shipment: str | None = None
    order: tuple[str, str] | None = None
    shops: tuple[str, ...] = ()
    fault: str | None = None
    payment: NamedPaymentRow | KnownPaymentRow | None = None


def receive(engine: Engine, clock: Clock, events: Sequence[Received]) -> list[bool]:
    """Store events, in one transaction where that succeeds, and make their orders due; True for each that is new.

    One that cannot be stored, whatever raises, is quarantined alone. An event that names nothing its sender may touch, or
    that cannot be read, is quarantined for the operator. Raises what the database raises when it is away, or where others were in
    the way of an event for too long; trying all again is safe.
    """
    return each_kept(
        [_kept(event) for event in events],
        lambda part: _store(engine, clock, part),
        lambda event, error: _quarantine(engine, clock, event, error),
    )


def overtaken(engine: Engine, source: str, type_: str, shipments: Sequence[str], reason: str) -> None:
    """Events of ``type_`` that were quarantined about the shipments wait for nobody any more: their sender said it right since."""
    with engine.begin() as connection:
        inbox.overtake(connection, source, type_, shipments, reason)


def try_again(connection: Connection, ids: Sequence[int], now: datetime) -> list[str]:
    """Let quarantined events be read again, since what kept them out may be mended; the type of each that names an order and
    can be read. An event that still cannot be is quarantined again."""
    again = inbox.try_again(connection, ids, list(WOKEN_BY))
    work.schedule(connection, [woken(WOKEN_BY[one.type], one.order_id, one.shipment_id, now) for one in again])
    return [one.type for one in again]


def assign(connection: Connection, event: int, order: OrderKey, now: datetime) -> None:
    """Let a transfer that no order has (``models.store.deposits``) be this order's: its stage looks at it as at any other.

    Raises NotFound for a transfer that is none, or that an order has, and for an order that is not there; Conflict for one that
    brought no money.
    """
    row = _unassigned(connection, event)
    if not isinstance(row.body.get("amount"), int):
        raise Conflict(f"row {event} brought no money that an order could have; dismiss it once it is seen to")
    found = next(iter(orders.ids_by_number(connection, [order])), None)
    if found is None:
        raise NotFound(f"there is no order {order.shop}/{order.number}")
    deposits.assign(connection, event, found.id)
    work.schedule(connection, [woken(WOKEN_BY[DEPOSIT], found.id, None, now)])


def dismiss(connection: Connection, event: int, reason: str) -> None:
    """A transfer that no order has is no order's money, and why. Raises NotFound as ``assign``."""
    _unassigned(connection, event)
    deposits.dismiss(connection, event, mask(reason))


def _unassigned(connection: Connection, event: int) -> UnassignedRow:
    row = deposits.unassigned_one(connection, event)
    if row is None:
        raise NotFound(f"there is no transfer {event} that waits for its order")
    return row


def _kept(event: Received) -> Received:
    """An event without card numbers, which no door lets in (INT-17)."""
    body, fault = doors.kept(event.body)
    return replace(
        event,
        event_id=_identity(event.event_id),
        type=mask(event.type),
        body=body,
        shipment=None if event.shipment is None else mask(event.shipment),
        fault=fault if event.fault is None else mask(event.fault),
    )


def storable_id(event_id: str) -> str:
    """An event's id; of one that cannot be kept, or is longer than any id should be, the digest."""
    if len(event_id) <= _LONGEST_ID and storable(event_id) == event_id:
        return event_id
    return f"blake2s:{blake2s(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _identity(event_id: str) -> str:
    """An event's id that can be kept; of one with a card number the mask, and enough of its digest to tell two such apart."""
    event_id = storable_id(event_id)
    shown = mask(event_id)
    return event_id if shown == event_id else f"{shown}#{blake2s(event_id.encode(), digest_size=4).hexdigest()}"


def _quarantine(engine: Engine, clock: Clock, event: Received, error: Exception) -> bool:
    """Keep an event that raised when it was stored alone, with the reason and without what raised."""
    log.error("event.unstorable", source=event.source, error=describe(error))
    bare = replace(
        event, body={}, at=clock.now(), shipment=None, order=None, fault=f"cannot be stored: {describe(error)}"
    )
    (new,) = _store(engine, clock, [bare])
    return new


def _store(engine: Engine, clock: Clock, events: Sequence[Received]) -> list[bool]:
    with engine.begin() as connection:
        new = hear(connection, events, clock.now())
    answers = []
    for event in events:
        answers.append((event.source, event.event_id) in new)
        new.discard((event.source, event.event_id))
    return answers


def hear(connection: Connection, events: Sequence[Received], now: datetime) -> set[tuple[str, str]]:
    """Store events within the transaction of ``connection`` and make their orders due; (source, event id) of those that are new."""
    rows = _rows(connection, events)
    new = {(row.source, row.event_id) for row in inbox.add(connection, rows)}
    due = [
        woken(WOKEN_BY[row.type], row.order_id, row.shipment_id, now)
        for row in rows
        if row.state == PENDING and row.order_id is not None and (row.source, row.event_id) in new
    ]
    work.schedule(connection, due)
    return new


def _rows(connection: Connection, events: Sequence[Received]) -> list[NewEventRow]:
    """The events as they are stored, each with the order it is about or the reason why it goes to the operator."""
    events = _of_payments(connection, events)
    said = {ShipmentOfSupplier(e.shipment, e.supplier) for e in events if e.shipment and e.supplier}
    owners = {(row.id, row.supplier): row for row in shipments.owners(connection, sorted(said))}
    named = {OrderKey(*e.order) for e in events if e.order}
    ids = {(row.shop, row.number): row.id for row in orders.ids_by_number(connection, sorted(named))}
    rows = []
    for event in events:
        order_id, reason = _subject(event, owners, ids)
        rows.append(
            NewEventRow(
                source=event.source,
                event_id=event.event_id,
                type=event.type,
                order_id=order_id,
                shipment_id=event.shipment,
                body=event.body,
                at=event.at,
                state=PENDING if reason is None else QUARANTINED,
                reason=reason,
            )
        )
    return rows


def _of_payments(connection: Connection, events: Sequence[Received]) -> Sequence[Received]:
    """The events, those that name a payment with the order it is of."""
    named = sorted({one.payment for one in events if isinstance(one.payment, NamedPaymentRow)}, key=str)
    known = sorted({one.payment for one in events if isinstance(one.payment, KnownPaymentRow)})
    found: dict[tuple[str, ...], tuple[str, str]] = {}
    if named:
        tokens = payments.orders_by_token(connection, named)
        found |= {(row.gateway, row.token): (row.shop, row.number) for row in tokens}
    if known:
        references = payments.orders_by_reference(connection, known)
        found |= {("", row.gateway, row.reference): (row.shop, row.number) for row in references}
    return [replace(one, order=found.get(_name(one.payment))) if one.payment else one for one in events]


def _name(payment: NamedPaymentRow | KnownPaymentRow) -> tuple[str, ...]:
    """What its order is found by."""
    if isinstance(payment, NamedPaymentRow):
        return (payment.gateway, payment.token)
    return ("", payment.gateway, payment.reference)


def _subject(
    event: Received, owners: Mapping[tuple[str, str], ShipmentOwnerRow], ids: Mapping[tuple[str, str], int]
) -> tuple[int | None, str | None]:
    """The order an event is about, and why it goes to the operator instead, if it does."""
    order_id: int | None = None
    if event.shipment and event.supplier:
        owner = owners.get((event.shipment, event.supplier))
        if owner is None or (event.shops and owner.shop not in event.shops):
            return None, event.fault or "no shipment of this supplier has that id"
        order_id = owner.order_id
    elif event.order:
        shop, _ = event.order
        order_id = ids.get(event.order)
        if order_id is None or (event.shops and shop not in event.shops):
            return None, event.fault or "no order has that shop and number"
    if event.fault:
        return order_id, event.fault
    if event.type not in WOKEN_BY:
        return order_id, f"events of type {event.type} are not known"
    return (order_id, None) if order_id is not None else (None, "names no shipment and no order")


class Tolerant(BaseModel):
    """Partners may say more than we read; what we read must be right."""

    model_config = ConfigDict(extra="ignore")


def notice_event(notice: Notice, *, gateway: str, shops: Sequence[str], now: datetime) -> Received:
    """A gateway's notice for the inbox; one that cannot be read, or says what is not a gateway's to say, has a fault."""
    notice = _storable(notice)
    body: dict[str, Any] = {"reference": notice.reference}
    if notice.fault is not None:
        body = {"raw": notice.raw}
    elif notice.amount is not None:
        body["amount"] = notice.amount
    elif notice.snapshot is not None:
        body["snapshot"] = notice.snapshot.to_json()
    return Received(
        fault=notice.fault or not_theirs(notice.type, (DEPOSIT, STANDS)),
        source=f"gateway:{gateway}",
        event_id=notice.id,
        type=notice.type if notice.fault is None else _told_type(notice.raw),
        body=body,
        at=notice.at or now,
        order=notice.order,
        shops=tuple(shops),
        payment=None if notice.order else _payment(notice, gateway),
    )


def _payment(notice: Notice, gateway: str) -> NamedPaymentRow | KnownPaymentRow | None:
    if notice.token:
        return NamedPaymentRow(gateway, notice.token, notice.reference)
    return KnownPaymentRow(gateway, notice.reference) if notice.reference else None


def _storable(notice: Notice) -> Notice:
    """The notice as it can be stored: what it names that cannot be goes to the operator, with a mark for it."""
    names = {"type": notice.type, "order": notice.order, "reference": notice.reference, "token": notice.token}
    try:
        check(names)
    except Unstorable as why:
        raw = notice.raw or {**names, "amount": notice.amount}
        notice = replace(notice, fault=notice.fault or str(why), raw=raw, order=None, reference=None, token=None)
    return notice if notice.raw is None else replace(notice, raw=storable(notice.raw))


def not_theirs(type_: str, theirs: Sequence[str]) -> str | None:
    """A sender may say only what is its to say: a supplier cancels no order, a bank releases none."""
    return None if type_ in theirs else f"events of type {type_} are not known"


def unreadable(source: str, raw: object, fault: str, event_id: str, now: datetime, supplier: str) -> Received:
    """What came in and cannot be read, as it is kept for the operator, with the reason why: with the shipment that it names, if it
    does, without card numbers (INT-17), and with a mark for what nothing can keep."""
    raw = storable(raw)
    return Received(
        source=source,
        event_id=event_id,
        type=_told_type(raw),
        body={"raw": masked(raw)},
        at=now,
        supplier=supplier,
        shipment=_told_shipment(raw),
        fault=fault,
    )


def _told_type(raw: object) -> str:
    """The type that an unreadable event says it is of."""
    kind = raw.get("type") if isinstance(raw, dict) else None
    return kind[:64] if isinstance(kind, str) and kind else "unreadable"


def _told_shipment(raw: object) -> str | None:
    """The shipment that an unreadable event says it is about."""
    data = raw.get("data") if isinstance(raw, dict) else None
    told = data.get("shipment") if isinstance(data, dict) else None
    return told if isinstance(told, str) and 0 < len(told) <= 64 else None
