"""What a supplier is told of a shipment (出荷指示), and the key under which it is told once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol

from pipelines.engine.facts import Facts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.rules.wish import Sent, as_written, carried
from pipelines.shops import Shop
from pipelines.values.place import shown_place

INSTRUCT: Final = "supplier.instruct"
"""The kind of effect that an instruction is."""
REQUESTED: Final = "shipment.requested"
"""The type of the message."""
FETCHED: Final = "shipment.fetched"
"""The type of the event that a supplier has fetched the instruction of a shipment: our own, no supplier may say it."""
WEBHOOK: Final = "webhook"
MAIL: Final = "mail"
"""The channels between which ``auto`` chooses."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a supplier is told of one shipment.

    ``key`` is the same for ever, so that a supplier which has seen it does nothing twice; one with another key for a shipment
    that it knows stands for the one before. ``lines`` are (line, sku, name,
    quantity) as JSON, the pieces that are still to be sent; ``ship_to`` is the order's own, ``delivery`` what the customer
    wishes for and can still be kept, ``instructions`` what the remarks ask of the supplier. ``collect`` (``amount``, the ``tax`` in it; yen) is what
    it collects on delivery; None where it collects nothing. ``replaces`` is the key of the one before it, of a shipment that is asked
    for anew; None: there was none. ``flags`` are those of its lines, by line: what a label must know and nobody is told; nor is it when
    the goods should arrive (``arrive_on``), nor whether they waited for others (``backorder``), by which a day of delivery is kept, nor
    whether a time of day is ``best_effort`` (DLV-01).
    """

    key: str
    type: str
    supplier: str
    shop: str
    number: str
    order_id: int
    placed_at: datetime
    shipment: str
    dispatch_on: date | None
    lines: Sequence[Mapping[str, Any]]
    ship_to: Mapping[str, Any]
    delivery: Mapping[str, Any] | None
    instructions: Sequence[Mapping[str, Any]] = ()
    collect: Mapping[str, int] | None = None
    replaces: str | None = None
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    backorder: bool = False
    arrive_on: date | None = None
    best_effort: bool = False

    @property
    def addressed(self) -> Mapping[str, Any]:
        """``ship_to`` as people read it."""
        return shown_place(self.ship_to)

    def to_json(self) -> dict[str, Any]:
        """As it travels (contract: ``shipment.requested``)."""
        return {
            "shop": self.shop,
            "order": self.number,
            "shipment": self.shipment,
            "supplier": self.supplier,
            "dispatch_on": self.dispatch_on.isoformat() if self.dispatch_on else None,
            "lines": list(self.lines),
            "ship_to": self.ship_to,
            "delivery": self.delivery,
            "instructions": list(self.instructions),
            **({"collect": dict(self.collect)} if self.collect is not None else {}),
            **({"replaces": self.replaces} if self.replaces is not None else {}),
        }


class Stored(Protocol):
    """A shipment as any row of the store has it that its supplier is told from; ``document`` is the order's."""

    @property
    def shipment_id(self) -> str: ...
    @property
    def order_id(self) -> int: ...
    @property
    def shop(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def placed_at(self) -> datetime: ...
    @property
    def dispatch_on(self) -> date | None: ...
    @property
    def arrive_on(self) -> date | None: ...
    @property
    def backorder(self) -> bool: ...
    @property
    def again(self) -> int: ...
    @property
    def lines(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def document(self) -> Mapping[str, Any]: ...


def stored_instruction(row: Stored, supplier: str, key: str | None = None) -> Instruction:
    """What ``supplier`` is told of a stored shipment, under ``key`` or the instruction's own; what its order's remarks and its
    payment add is not in it yet (``telling.complete``)."""
    return Instruction(
        key=key or instruct_key(row.shipment_id, row.again),
        type=REQUESTED,
        supplier=supplier,
        shop=row.shop,
        number=row.number,
        order_id=row.order_id,
        placed_at=row.placed_at,
        shipment=row.shipment_id,
        dispatch_on=row.dispatch_on,
        lines=row.lines,
        ship_to=row.document["ship_to"],
        delivery=row.document.get("delivery"),
        replaces=replaced_key(row.shipment_id, row.again),
        flags=flags_of(row.document),
        backorder=row.backorder,
        arrive_on=row.arrive_on,
    )


def carried_delivery(delivery: Mapping[str, Any] | None, shop: Shop, sent: Sent) -> Mapping[str, Any] | None:
    """``delivery`` of an order's own field as it is wished of who sends ``sent``: without a day that does not count or cannot be met
    (DLV-01, DLV-04)."""
    wished = as_written(delivery)
    return delivery if carried(wished, shop, sent) == wished else {**(delivery or {}), "date": None}


def flags_of(document: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """The flags of an order's lines, by line; lines without any are left out."""
    return {line["line"]: line["flags"] for line in document["lines"] if line.get("flags")}


def instruct_key(shipment_id: str, again: int = 0) -> str:
    """The one instruction of a shipment, and of each time that it is asked for anew; it is the webhook-id the supplier
    sees."""
    return f"{shipment_id}:requested:{again + 1}" if again else f"{shipment_id}:requested"


def replaced_key(shipment_id: str, again: int) -> str | None:
    """The instruction for which the ``again``-th other one of a shipment stands; None for its first."""
    return instruct_key(shipment_id, again - 1) if again else None


def instruction_of(
    facts: Facts, shop: Shop, shipment: ShipmentDraft, pieces: Mapping[str, int] | None = None
) -> Instruction:
    """What the supplier of ``shipment`` is told: ``pieces`` by line, None for all that were not cancelled, and where they
    go."""
    if pieces is None:
        pieces = {line: counted.live for line, counted in shipment.lines.items()}
    lines = {line["line"]: line for line in facts.document["lines"]}
    return Instruction(
        key=instruct_key(shipment.id, shipment.again),
        type=REQUESTED,
        supplier=shipment.supplier,
        shop=facts.shop,
        number=facts.number,
        order_id=facts.id,
        placed_at=facts.placed_at,
        shipment=shipment.id,
        dispatch_on=shipment.dispatch_on,
        lines=[
            {"line": line, "sku": lines[line]["sku"], "name": lines[line]["name"], "quantity": quantity}
            for line, quantity in pieces.items()
        ],
        ship_to=facts.document["ship_to"],
        delivery=carried_delivery(facts.document.get("delivery"), shop, shipment),
        replaces=replaced_key(shipment.id, shipment.again),
    )
