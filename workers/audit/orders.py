"""Orders: acknowledged means durable, once, as it was placed; refused means that nothing was stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from workers.audit.books import OrderBook
from workers.audit.journals import Key, key_of, name_of
from workers.audit.judge import Evidence, Judge


def _kept(evidence: Evidence) -> Iterator[str]:
    storefront = evidence.journals.storefront
    stored = Counter(one.key for one in evidence.books.orders)
    placed = {one.key for one in evidence.books.orders if one.replaces is None}
    acknowledged = {key_of(record) for record in storefront if record["kind"] == "ack"}
    finished = any(record["kind"] == "finished" for record in storefront)
    if storefront and not finished:
        yield "the storefront did not finish; some orders were never answered"
    for key in sorted(acknowledged - stored.keys()):
        yield f"{name_of(key)} was acknowledged and is lost"
    for key, count in sorted(stored.items()):
        if count > 1:
            yield f"{name_of(key)} is stored {count} times"
        if finished and key in placed and key not in acknowledged:
            yield f"{name_of(key)} is stored and was never acknowledged"
    for record in storefront:
        if record["kind"] == "invalid" and record["status"] < 400:
            yield f"{name_of(key_of(record))}: an order with a wrong {record['field']} was acknowledged"


def _as_placed(evidence: Evidence) -> Iterator[str]:
    books = evidence.books.by_key
    for record in evidence.journals.storefront:
        order, ordered = books.get(_key(record)), record.get("ordered")
        if record["kind"] != "ack" or order is None or ordered is None:
            continue
        ours = {line: [one.sku, one.quantity] for line, one in order.lines.items()}
        if ours != ordered["lines"]:
            yield f"{order.name} was placed with {ordered['lines']} and is kept with {ours}"
        if order.method != ordered["method"]:
            yield f"{order.name} was to be paid by {ordered['method']} and is kept with {order.method}"


def _key(record: object) -> Key:
    """The order of a record; one that is about none has no name."""
    return (record.get("shop", ""), record.get("number", "")) if isinstance(record, dict) else ("", "")


def _unique(evidence: Evidence) -> Iterator[str]:
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for order in evidence.books.orders:
        for line in order.lines.values():
            if line.is_unique and line.cancelled < line.quantity and not _gave_back(order):
                owners[order.key[0], line.sku].append(order.name)
    for (_, sku), names in sorted(owners.items()):
        if len(names) > 1:
            yield f"{sku} is one of a kind and was sold to {', '.join(names)}"


def _gave_back(order: OrderBook) -> bool:
    """Whether what it had of a kind may be for sale again."""
    return order.state in ("cancelled", "undelivered") or any(one.kind in ("return", "fault") for one in order.changes)


JUDGES = (
    Judge(
        "orders_kept", "every acknowledged order is stored once, and of a refused one nothing is", _kept,
        "orders that were stored and not answered, until the storefront has finished; orders that replace goods of another, which nobody placed",
    ),
    Judge("orders_as_placed", "an order is kept with the lines and the method it was placed with", _as_placed),
    Judge(
        "unique_sold_once", "what is one of a kind is sold to one order (INT-10)", _unique,
        "orders that were cancelled, came back, or of which goods were returned: the item is for sale again",
    ),
)  # fmt: skip
