"""The contract of a stage: what it is told (Facts) and what it may say (Decision).

A stage is a pure function ``decide(facts, shop, now) -> Decision``. It writes nothing and asks nothing: everything it
may know was gathered for the whole batch before, everything it wants is data that ``pipelines.engine.run`` applies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Flag, auto
from functools import cached_property
from typing import Any, cast

import orjson

from models.states import Condition, OrderState, PaymentState, ShipmentState
from pipelines.engine.facts import (
    EffectFacts,
    EventFacts,
    LineFacts,
    ParcelFacts,
    PaymentFacts,
    Promotion,
    ShipmentFacts,
    UsedPoints,
)
from pipelines.orders.document import order_from_json
from pipelines.ports import MailIntent
from pipelines.rules.lots import Activation, Clawback, GiveBack, Lot, NewLot
from pipelines.rules.money.adjustments import FAULT, RETURN, Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import Use
from pipelines.rules.money.repricing import Known, Repricing
from pipelines.rules.order import Order
from pipelines.rules.purse import Purse
from pipelines.shops import Shop

#: What an order consists of is a part of the contract: stages import it from here.
__all__ = [
    "Decide",
    "Decision",
    "EffectFacts",
    "EffectIntent",
    "EventFacts",
    "Facts",
    "LineFacts",
    "Move",
    "Need",
    "NewAdjustment",
    "NewShipment",
    "ParcelFacts",
    "PaymentChange",
    "PaymentFacts",
    "Promotion",
    "ShipmentChange",
    "ShipmentFacts",
    "Stage",
    "UsedPoints",
]


class Need(Flag):
    """What a stage must be told beyond the order itself; each is one SELECT a batch."""

    NOTHING = 0
    PAYMENT = auto()
    SHIPMENTS = auto()
    PARCELS = auto()
    LOTS = auto()
    EVENTS = auto()
    EFFECTS = auto()
    SUPPLIERS = auto()
    MARKS = auto()
    ADJUSTMENTS = auto()
    RANKS = auto()
    COUPONS = auto()
    REPRICING = auto()
    PURSE = auto()  # with LOTS; locks the customers' balances until the decision is written


@dataclass
class Facts:
    """Everything a stage may know of one order. Groups it did not ask for are empty; only ``facts_of`` fills them."""

    id: int
    shop: str
    number: str
    customer_id: str
    locale: str
    state: str
    condition: str
    hold: Sequence[Mapping[str, str]]
    method: str
    grand_total: int
    placed_at: datetime
    accepted_at: datetime
    document_text: str
    priced_text: str
    version: int
    sequence: int = 0
    payment: PaymentFacts | None = None
    shipments: list[ShipmentFacts] = field(default_factory=list)
    parcels: list[ParcelFacts] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    used_points: list[UsedPoints] = field(default_factory=list)
    events: list[EventFacts] = field(default_factory=list)
    effects: dict[str, EffectFacts] = field(default_factory=dict)
    supplier_urls: Mapping[str, str | None] = field(default_factory=dict)
    supplier_mails: Mapping[str, str | None] = field(default_factory=dict)
    marks: Sequence[tuple[str, datetime]] = ()
    adjustments: list[Adjustment] = field(default_factory=list)
    promotions: list[Promotion] = field(default_factory=list)
    coupons: list[Use] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    balance: int = 0
    purse: Purse = field(default_factory=Purse)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The order as it was accepted, as JSON: read once a stage needs it, and most stages never do."""
        return cast(Mapping[str, Any], orjson.loads(self.document_text))

    @cached_property
    def priced(self) -> Mapping[str, Any]:
        """The breakdown as JSON."""
        return cast(Mapping[str, Any], orjson.loads(self.priced_text))

    @cached_property
    def order(self) -> Order:
        """The order as it was accepted."""
        return order_from_json(self.document)

    @cached_property
    def breakdown(self) -> Breakdown:
        """The prices and points frozen with the order."""
        return Breakdown.from_json(self.priced)

    def came_back(self, line: str) -> int:
        """Pieces of a line that left and came back, or came to nothing; the stage was told adjustments."""
        return sum(dict(one.lines).get(line, 0) for one in self.adjustments if one.kind in (RETURN, FAULT))

    @property
    def money(self) -> PaymentFacts:
        """The payment; a stage that calls this asked for it."""
        if self.payment is None:
            raise LookupError(f"order {self.id} has no payment row, or the stage did not ask for it")
        return self.payment


@dataclass(slots=True, frozen=True)
class Move:
    """One state change, recorded with its cause. ``old`` is None for what is new."""

    entity: str
    id: str
    old: str | None
    new: str
    cause: str


@dataclass(slots=True, frozen=True)
class EffectIntent:
    """A wish to touch the world. ``key`` is unique for ever; ``wakes`` is the stage that waits for the outcome."""

    kind: str
    key: str
    wakes: str | None = None
    shipment: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class NewShipment:
    """A shipment to plan; ``lines`` are (line, pieces)."""

    id: str
    supplier: str
    state: ShipmentState
    backorder: bool
    lines: tuple[tuple[str, int], ...]
    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]]


@dataclass(slots=True)
class ShipmentChange:
    """The new face of a shipment; None keeps what stands, except that ``plan_as_of`` brings its own ``dispatch_on``."""

    id: str
    state: ShipmentState | None = None
    dispatch_on: date | None = None
    because: Sequence[Mapping[str, str]] | None = None
    plan_as_of: datetime | None = None
    reason: str | None = None
    shipped: dict[str, int] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class NewAdjustment:
    """A change of the order to keep; ``key`` names what asked for it, once."""

    key: str
    reason: str
    change: Adjustment


@dataclass(slots=True, frozen=True)
class PaymentChange:
    """The payment's new numbers, in yen; None keeps what stands."""

    state: PaymentState | None = None
    authorized: int | None = None
    captured: int | None = None
    refunded: int | None = None
    refunded_by_hand: int | None = None
    reference: str | None = None
    code: str | None = None
    expires_at: datetime | None = None


@dataclass
class Decision:
    """What shall happen to one order: data, applied as a whole or not at all."""

    facts: Facts
    moves: list[Move] = field(default_factory=list)
    order_state: OrderState | None = None
    condition: Condition | None = None
    hold: list[dict[str, str]] | None = None
    payment: PaymentChange | None = None
    new_shipments: list[NewShipment] = field(default_factory=list)
    shipments: dict[str, ShipmentChange] = field(default_factory=dict)
    parcels: dict[tuple[str, str], ParcelFacts] = field(default_factory=dict)
    line_shipped: dict[str, int] = field(default_factory=dict)
    line_cancelled: dict[str, int] = field(default_factory=dict)
    new_lots: list[NewLot] = field(default_factory=list)
    lot_moves: list[Activation | GiveBack] = field(default_factory=list)
    clawbacks: list[Clawback] = field(default_factory=list)
    adjustments: list[NewAdjustment] = field(default_factory=list)
    mails: list[MailIntent] = field(default_factory=list)
    effects: list[EffectIntent] = field(default_factory=list)
    work: list[tuple[str, datetime]] = field(default_factory=list)
    events: list[tuple[int, str, str | None]] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)
    returned_coupons: list[tuple[str, str]] = field(default_factory=list)
    repricing: Repricing | None = None
    frees_items: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Where the order will stand after this decision."""
        return self.order_state or self.facts.state

    @property
    def changes(self) -> list[Adjustment]:
        """All changes of the order, those of this decision last; the stage asked for adjustments."""
        return [*self.facts.adjustments, *(one.change for one in self.adjustments)]

    @property
    def gone(self) -> Counter[str]:
        """Pieces of each line that all changes took out of the order."""
        pieces = Counter[str]()
        for change in self.changes:
            pieces.update(dict(change.lines))
        return pieces

    @property
    def due(self) -> int:
        """Yen the customer has to pay after all changes."""
        return self.facts.grand_total - sum(one.money for one in self.changes)

    def move_order(self, new: OrderState, cause: str) -> None:
        """Move the order; a move to where it already stands is nothing."""
        if new != self.state:
            self.moves.append(Move("order", self.facts.number, self.state, new, cause))
            self.order_state = new

    def settle(self, condition: Condition, cause: str) -> None:
        """Change the order's condition (running, held, done)."""
        old = self.condition or self.facts.condition
        if condition != old:
            self.moves.append(Move("condition", self.facts.number, old, condition, cause))
            self.condition = condition

    def hold_for(self, holds: Iterable[Mapping[str, str]], cause: str) -> None:
        """Put the order before a human, with reasons; reasons already there stay."""
        listed = list(self.hold if self.hold is not None else [dict(h) for h in self.facts.hold])
        known = {(h["reason"], h.get("says")) for h in listed}
        listed.extend(dict(h) for h in holds if (h["reason"], h.get("says")) not in known)
        self.hold = listed
        self.settle(Condition.HELD, cause)

    def lift_holds(self, answered: Callable[[Mapping[str, str]], bool], cause: str) -> None:
        """Take away the reasons that have been ``answered``; an order held for nothing else runs again."""
        listed = self.hold if self.hold is not None else [dict(h) for h in self.facts.hold]
        kept = [h for h in listed if not answered(h)]
        if len(kept) < len(listed):
            self.hold = kept
            if not kept:
                self.release_hold(cause)

    def release_hold(self, cause: str) -> None:
        """Nothing holds the order any more."""
        self.hold = []
        self.settle(Condition.RUNNING, cause)

    def move_payment(self, new: PaymentState | None, cause: str, **numbers: Any) -> None:
        """Move the payment and set its numbers (``authorized``, ``captured``, ``refunded``, ``reference`` ...)."""
        old = self.facts.money.state if self.payment is None or self.payment.state is None else self.payment.state
        if new is not None and new != old:
            self.moves.append(Move("payment", self.facts.number, old, new, cause))
        self.payment = PaymentChange(state=new, **numbers)

    def change(self, shipment: ShipmentFacts) -> ShipmentChange:
        """The change of ``shipment`` being built."""
        return self.shipments.setdefault(shipment.id, ShipmentChange(shipment.id))

    def move_shipment(self, shipment: ShipmentFacts, new: ShipmentState, cause: str) -> None:
        """Move a shipment; a move to where it already stands is nothing."""
        change = self.change(shipment)
        old = change.state or shipment.state
        if new != old:
            self.moves.append(Move("shipment", shipment.id, old, new, cause))
            change.state = new

    def next(self, stage: str, due_at: datetime) -> None:
        """Make the order due at ``stage``; naming the stage that decides now lets it snooze."""
        self.work.append((stage, due_at))


Decide = Callable[[Facts, Shop, datetime], Decision]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the route: its name, what it must be told, which events it consumes, and its decision."""

    name: str
    decide: Decide
    needs: Need = Need.NOTHING
    consumes: tuple[str, ...] = ()
