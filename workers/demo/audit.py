"""The audit: the outside world's journals against what was promised. What happened is read from the journals; the
database is asked only whether it knows of it.

Pure but for reading: ``violations(Journals.read(folder), Books.read(connection), until)`` lists what is wrong, one
sentence each, nothing where all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, text

from workers.sandbox.contradictions import is_contradiction
from workers.sandbox.journal import read

Record = Mapping[str, Any]
Key = tuple[str, str]
"""An order: shop and number."""

IN_DOUBT = 32
"""Mails that can be in doubt when a sender dies: one on each of 8 channels in 2 processes, and as many that the sink
took from the others before it noticed."""

_ONCE_AN_ORDER = ("order_accepted", "payment_instructions", "payment_received", "payment_failed", "order_cancelled")


@dataclass(frozen=True, slots=True)
class Journals:
    """What each process of the outside world saw and did, oldest first."""

    storefront: Sequence[Record] = ()
    gateway: Sequence[Record] = ()
    suppliers: Sequence[Record] = ()
    bank: Sequence[Record] = ()
    sink: Sequence[Record] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The journals in ``folder``, ``<process>.jsonl`` each; one that is missing counts as empty."""
        names = ("storefront", "gateway", "suppliers", "bank", "sink")
        return cls(**{name: list(read(folder / f"{name}.jsonl")) for name in names})


@dataclass(frozen=True, slots=True)
class Books:
    """What the database knows: its orders, the mails it calls sent, parcels by shipment, captured yen by order."""

    orders: Counter[Key] = field(default_factory=Counter)
    sent: Mapping[str, str] = field(default_factory=dict)
    """Message-ID -> template."""
    parcels: Mapping[str, int] = field(default_factory=dict)
    captured: Mapping[Key, int] = field(default_factory=dict)
    news: Mapping[str, str] = field(default_factory=dict)
    """Id of a supplier's event -> what became of it."""
    repriced: Counter[Key] = field(default_factory=Counter)
    """How often an order was priced again, and so confirmed anew (CPN-03)."""

    @classmethod
    def read(cls, connection: Connection) -> Self:
        """All of it in one snapshot, which the caller's transaction gives."""
        orders = connection.execute(text("SELECT shop, number FROM shop_order"))
        sent = connection.execute(text("SELECT message_id, template FROM mail WHERE state = 'sent'"))
        parcels = connection.execute(text("SELECT shipment_id, count(*) AS parcels FROM parcel GROUP BY shipment_id"))
        captured = connection.execute(
            text("SELECT o.shop, o.number, p.captured FROM payment p JOIN shop_order o ON o.id = p.order_id")
        )
        news = connection.execute(text("SELECT event_id, state FROM inbox_event WHERE source LIKE 'supplier:%'"))
        repriced = connection.execute(
            text("SELECT o.shop, o.number FROM order_repricing r JOIN shop_order o ON o.id = r.order_id")
        )
        return cls(
            Counter((shop, number) for shop, number in orders),
            {mail.message_id: mail.template for mail in sent},
            {shipment.shipment_id: shipment.parcels for shipment in parcels},
            {(shop, number): amount for shop, number, amount in captured},
            {one.event_id: one.state for one in news},
            Counter((shop, number) for shop, number in repriced),
        )


def violations(journals: Journals, books: Books, until: datetime) -> list[str]:
    """Every promise that was broken, one sentence each. ``until``: the clock's time when the world stopped."""
    return [
        *_orders(journals.storefront, books),
        *_cards(journals.gateway, _shipped_orders(journals.suppliers, until)),
        *_mails(journals, books),
        *_shipments(journals, books),
        *_contradictions(journals.suppliers, books),
        *_deposits(journals.bank, books),
    ]


def repeated_mails(sink: Sequence[Record]) -> int:
    """How many mails came again because their sender was cut off after the final dot: allowed, and counted."""
    return sum(1 for _, excused in _repeats(sink) if excused)


def _orders(storefront: Sequence[Record], books: Books) -> Iterator[str]:
    """Acknowledged means durable, and once; refused means nothing was stored."""
    acknowledged = {_key(record) for record in storefront if record["kind"] == "ack"}
    finished = any(record["kind"] == "finished" for record in storefront)
    if storefront and not finished:
        yield "storefront: it did not finish; some orders were never answered"
    for key in sorted(acknowledged - books.orders.keys()):
        yield f"{_name(key)}: was acknowledged and is lost"
    for key, count in sorted(books.orders.items()):
        if count > 1:
            yield f"{_name(key)}: is stored {count} times"
        if finished and key not in acknowledged:
            yield f"{_name(key)}: is stored and was never acknowledged"
    for record in storefront:
        if record["kind"] == "invalid" and record["status"] < 400:
            yield f"{_name(_key(record))}: an order with a wrong {record['field']} was acknowledged"


def _shipped_orders(suppliers: Sequence[Record], until: datetime) -> set[str]:
    """``<shop>/<number>`` of the orders that a supplier has reported a parcel of, or was about to at ``until``."""
    return {
        f"{record['shop']}/{record['order']}"
        for record in suppliers
        if record["kind"] == "instruction"
        for sending in record.get("plan", ())
        if sending["event"]["type"] == "shipment.shipped" and datetime.fromisoformat(sending["at"]) <= until
    }


def _cards(gateway: Sequence[Record], shipped: set[str]) -> Iterator[str]:
    """No key twice, one authorization and one capture an order, never more than authorized, never before the goods."""
    operations = [record for record in gateway if record["kind"] == "operation"]
    for key, count in Counter(record["key"] for record in operations).items():
        if count > 1:
            yield f"gateway: {key} was performed {count} times"
    orders: dict[str, Record] = {}  # authorization id -> what was authorized
    authorized: Counter[str] = Counter()
    captures: dict[str, list[int]] = defaultdict(list)
    for record in operations:
        if record["status"] >= 400:
            continue
        answer = record["answer"]
        if record["operation"] == "authorize":
            orders[answer["id"]] = answer
            authorized[answer["order"]] += 1
        elif record["operation"] == "capture":
            captures[answer["authorization"]].append(answer["amount"])
    for order, count in authorized.items():
        if count > 1:
            yield f"gateway: {order} was authorized {count} times"
    captured = Counter(orders[authorization]["order"] for authorization, taken in captures.items() for _ in taken)
    for order, count in captured.items():
        if count > 1:
            yield f"gateway: {order} was captured {count} times"
        if order not in shipped:
            yield f"gateway: {order} was captured and nothing was ever shipped"
    for authorization, amounts in captures.items():
        of = orders[authorization]
        if sum(amounts) > of["amount"]:
            yield f"gateway: {of['order']} was captured for {sum(amounts)} yen and authorized for {of['amount']}"


def _mails(journals: Journals, books: Books) -> Iterator[str]:
    """Every mail once, beyond those in doubt; what the database calls sent has arrived; every order was confirmed."""
    taken = [record for record in journals.sink if record["kind"] == "mail"]
    for message_id, excused in _repeats(journals.sink):
        if not excused:
            yield f"sink: {message_id} came again although nobody was cut off"
    arrived = {record["message_id"] for record in taken}
    for message_id, template in books.sent.items():
        if message_id not in arrived:
            yield f"sink: {message_id} ({template}) is called sent and never arrived"
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in taken:
        kinds[record["order"], record["template"]].add(record["message_id"])
    for (order, template), messages in kinds.items():
        shop, _, number = order.partition("/")
        again = books.repriced[shop, number] if template == "order_accepted" else 0
        if template in _ONCE_AN_ORDER and len(messages) > 1 + again:
            yield f"sink: {order} got {len(messages)} different mails {template}"
    for record in journals.storefront:
        name = _name(_key(record)) if record["kind"] == "ack" else ""
        # Cancelled before it was looked at: that is all there is to say of it.
        if name and (name, "order_accepted") not in kinds and (name, "order_cancelled") not in kinds:
            yield f"sink: {name} was acknowledged and never confirmed by mail"


def _repeats(sink: Sequence[Record]) -> Iterator[tuple[str, bool]]:
    """(Message-ID, whether its sender may have been cut off after the final dot) of every mail that came again.

    A mail is in doubt if it is among the last that came before a connection was cut: connections are shared, so the cut
    one need not be the one it came by.
    """
    recent: list[str] = []
    seen: set[str] = set()
    doubtful: set[str] = set()
    for record in sink:
        message_id = record["message_id"]
        if record["kind"] == "cut":
            doubtful.update(recent)
            doubtful.add(message_id)
        elif record["kind"] == "mail":
            if message_id in seen:
                yield message_id, message_id in doubtful
                doubtful.discard(message_id)
            seen.add(message_id)
            recent = [*recent[-IN_DOUBT + 1 :], message_id]


def _shipments(journals: Journals, books: Books) -> Iterator[str]:
    """No supplier is asked twice; every parcel it reported is known and was told to the customer."""
    asked: Counter[tuple[str, str]] = Counter()
    acted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    reported: Counter[str] = Counter()
    for record in journals.suppliers:
        if record["kind"] == "instruction":
            asked[record["supplier"], record["id"]] += 1
            # One that was called off, or given to another supplier, is asked for instead of what was asked before.
            acted[record["shipment"]] += bool(record.get("plan")) and not record.get("instead", False)
            types = {sending["event"]["type"] for sending in record.get("plan", ())}
            refused[record["shipment"]] += "shipment.refused" in types
    for identity in {record["id"] for record in journals.suppliers if _is_news_of_parcel(record)}:
        reported[identity.split(":")[0]] += 1
    for (supplier, identity), count in asked.items():
        if count > 1:
            yield f"{supplier}: {identity} was acted on {count} times"
    for shipment, count in acted.items():
        if count > 1 + refused[shipment]:
            yield f"suppliers: {shipment} was sent out {count} times"
    told: dict[str, set[str]] = defaultdict(set)
    for record in journals.sink:
        if record["kind"] == "mail" and record["template"] == "shipment_shipped":
            told[record["shipment"]].add(record["message_id"])
    for shipment, count in reported.items():
        known, mails = books.parcels.get(shipment, 0), len(told[shipment])
        if known != count:
            yield f"suppliers: {shipment} left in {count} parcels and {known} are known"
        if mails != count:
            yield f"sink: {shipment} left in {count} parcels and {mails} were told to the customer"


def _is_news_of_parcel(record: Record) -> bool:
    is_departure = record["kind"] == "delivered" and record["type"] == "shipment.shipped"
    return is_departure and not is_contradiction(record["id"])


def _contradictions(suppliers: Sequence[Record], books: Books) -> Iterator[str]:
    """What cannot be so changes nothing: it goes to the operator, or says nothing new."""
    for identity in sorted({one["id"] for one in suppliers if one["kind"] == "delivered"}):
        if is_contradiction(identity) and (state := books.news.get(identity)) not in ("quarantined", "ignored"):
            yield f"suppliers: {identity} contradicts what is known, and is {state or 'lost'}"


def _deposits(bank: Sequence[Record], books: Books) -> Iterator[str]:
    """Money that the shop was told of is in its books."""
    delivered = {record["id"] for record in bank if record["kind"] == "delivered"}
    paid: Counter[Key] = Counter()
    for record in bank:
        if record["kind"] == "transfer" and f"deposit:{record['reference']}" in delivered:
            paid[_key(record["transfer"])] += record["transfer"]["amount"]
    for key, amount in paid.items():
        if books.captured.get(key, 0) != amount:
            yield f"bank: {_name(key)} paid {amount} yen and the books say {books.captured.get(key, 0)}"


def _key(record: Record) -> Key:
    return record["shop"], record["number"]


def _name(key: Key) -> str:
    return "/".join(key)
