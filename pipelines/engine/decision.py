"""A decision: what shall happen to one order, as data. ``pipelines.engine.run`` applies it as a whole or not at all.

Stages do not write decisions: they change an ``OrderDraft``, and the decision is its difference to the facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypedDict

from models.states import CallOff, Condition, OrderState, PaymentState, ShipmentState
from models.subject import Subject
from pipelines.engine.facts import Facts, ParcelFacts, PaymentFacts, ReturnFacts
from pipelines.ports import MailIntent
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Activation, Clawback, GiveBack, NewLot, UseAgain
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.repricing import Repricing
from pipelines.rules.order import Order


class Move(NamedTuple):
    """One state change, recorded with its cause. ``old`` is None for what is new."""

    entity: str
    id: str
    old: str | None
    new: str
    cause: str


@dataclass(slots=True, frozen=True)
class EffectIntent:
    """A wish to touch the world. ``key`` is unique for ever; ``wakes`` is the stage that waits for the outcome.

    With a ``batch`` it is one item of an effect that it shares with whatever else asks for that batch until it is
    performed; ``payload`` is then the same for all of them.
    """

    kind: str
    key: str
    wakes: str | None = None
    shipment: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    batch: str | None = None


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
    """The new face of a shipment; None keeps what stands, except that ``plan_as_of`` brings its own dates.

    ``shipped`` and ``cancelled`` are pieces in all by line, not added.
    """

    id: str
    state: ShipmentState | None = None
    dispatch_on: date | None = None
    arrive_on: date | None = None
    because: Sequence[Mapping[str, str]] | None = None
    plan_as_of: datetime | None = None
    reason: str | None = None
    told_at: datetime | None = None
    collects: bool | None = None
    supplier: str | None = None
    instruct_at: datetime | None = None
    again: int | None = None
    call_off: CallOff | None = None
    call_off_as_of: datetime | None = None
    shipped: dict[str, int] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class NewAdjustment:
    """A change of the order to keep, its ``sequence``-th (from 1); ``key`` names what asked for it, once."""

    sequence: int
    key: str
    reason: str
    change: Adjustment


class PaymentNumbers(TypedDict, total=False):
    """What may change of a payment beside its state: amounts in yen, the ``gateway`` that is asked, its ``reference`` and
    reason ``code``, what the customer is told to do (``instructions``), the time of the gateway's last word (``as_of``), and from when the
    customer can pay (``terms_from``)."""

    authorized: int | None
    captured: int | None
    refunded: int | None
    refunded_by_hand: int | None
    reference: str | None
    code: str | None
    expires_at: datetime | None
    gateway: str | None
    instructions: Mapping[str, Any] | None
    as_of: datetime | None
    fee: int | None
    liability: str | None
    terms_from: datetime | None


@dataclass(slots=True)
class PaymentChange:
    """The payment's new state and numbers (``PaymentNumbers``); None keeps what stands."""

    state: PaymentState | None = None
    authorized: int | None = None
    captured: int | None = None
    refunded: int | None = None
    refunded_by_hand: int | None = None
    reference: str | None = None
    code: str | None = None
    expires_at: datetime | None = None
    gateway: str | None = None
    instructions: Mapping[str, Any] | None = None
    as_of: datetime | None = None
    fee: int | None = None
    liability: str | None = None
    terms_from: datetime | None = None

    def after(self, before: PaymentFacts) -> PaymentFacts:
        """The payment that stood as ``before``, after this change."""

        def number(old: int, new: int | None) -> int:
            return old if new is None else new

        return before._replace(
            state=self.state or before.state,
            authorized=number(before.authorized, self.authorized),
            captured=number(before.captured, self.captured),
            refunded=number(before.refunded, self.refunded),
            refunded_by_hand=number(before.refunded_by_hand, self.refunded_by_hand),
            reference=self.reference or before.reference,
            code=self.code or before.code,
            gateway=self.gateway or before.gateway,
            expires_at=self.expires_at or before.expires_at,
            instructions=self.instructions or before.instructions,
            as_of=self.as_of or before.as_of,
            fee=number(before.fee, self.fee),
            liability=self.liability or before.liability,
            terms_from=self.terms_from or before.terms_from,
        )


@dataclass(slots=True, frozen=True)
class Announcement:
    """Something that storefronts are told of an order though nothing of it moved; ``about`` tells it apart, once for ever."""

    type: str
    about: str
    data: Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class Readdressing:
    """The order goes to ``ship_to`` (as its document has it) from now on; ``key`` names what asked for it, once."""

    key: str
    reason: str
    by: str
    ship_to: Mapping[str, Any]


@dataclass(slots=True, frozen=True)
class PutOff:
    """The customer visits the store on ``visit_on`` from now on (STO-01); ``key`` names what asked for it, once."""

    key: str
    by: str
    visit_on: date


@dataclass(slots=True, frozen=True)
class MailCopy:
    """The stored mail ``id`` goes out once more under ``message_id``, the copy's own, to ``to`` (the envelope's)."""

    id: int
    message_id: str
    to: str


@dataclass(slots=True, frozen=True)
class OpenedHold:
    """A reason to wait for a human, from now on, and what brought it."""

    hold: Hold
    cause: str


@dataclass(slots=True, frozen=True)
class ClosedHold:
    """The stored hold ``id`` is over, by ``cause``."""

    id: int
    cause: str


#: What an order hears of one that was to leave for its goods: it was cancelled, never arrived and was settled, came
#: back from its customer, or stands after all.
REPLACEMENT_CANCELLED: Final = "replacement.cancelled"
REPLACEMENT_UNDELIVERED: Final = "replacement.undelivered"
REPLACEMENT_RETURNED: Final = "replacement.returned"
REPLACEMENT_STANDS: Final = "replacement.stands"
#: What an order hears of its documents: a receipt that its customer fetches is stored.
RECEIPT_STORED: Final = "receipt.stored"


class Word(NamedTuple):
    """What the order tells another of its shop, by an event of ``type``; ``number`` is the other's. ``lines``: the pieces by line that it
    is about, None for all of the order."""

    number: str
    type: str
    lines: Mapping[str, int] | None = None


class Due(NamedTuple):
    """``subject`` (None: the order) is due at ``stage`` from ``due_at`` on. With ``what`` it waits until then for a fact.

    ``what`` is due ``from_`` somebody (a supplier's name, "customer"); ``then`` is what the stage does at ``due_at`` if it
    has not come.
    """

    stage: str
    due_at: datetime
    subject: Subject | None = None
    what: str | None = None
    from_: str | None = None
    then: str | None = None


@dataclass(slots=True)
class Decision:
    """What shall happen to one order. ``order_state``, ``condition`` and ``payment`` are None where they stay.

    ``new_lots``, ``lot_moves``, ``clawbacks`` and ``used_again`` are what is asked of points: the ledger does it in this sequence, on the
    customer's purse as it stands once the decision is written, and adds the moves of the order's lots to ``moves``. ``returns`` are
    those that were opened (``new_returns``) or changed, as they stand afterwards, and ``parted_returns`` of them have fewer pieces;
    ``new_orders`` replace goods of this one, and are taken in with it. ``told`` is what other orders hear of this one.
    """

    facts: Facts
    moves: list[Move] = field(default_factory=list)
    order_state: OrderState | None = None
    condition: Condition | None = None
    opened_holds: list[OpenedHold] = field(default_factory=list)
    closed_holds: list[ClosedHold] = field(default_factory=list)
    payment: PaymentChange | None = None
    new_shipments: list[NewShipment] = field(default_factory=list)
    shipments: dict[str, ShipmentChange] = field(default_factory=dict)
    parcels: dict[tuple[str, str], ParcelFacts] = field(default_factory=dict)
    line_shipped: dict[str, int] = field(default_factory=dict)
    line_cancelled: dict[str, int] = field(default_factory=dict)
    new_lots: list[NewLot] = field(default_factory=list)
    lot_moves: list[Activation | GiveBack] = field(default_factory=list)
    clawbacks: list[Clawback] = field(default_factory=list)
    used_again: list[UseAgain] = field(default_factory=list)
    adjustments: list[NewAdjustment] = field(default_factory=list)
    mails: list[MailIntent] = field(default_factory=list)
    resent: list[MailCopy] = field(default_factory=list)
    effects: list[EffectIntent] = field(default_factory=list)
    work: list[Due] = field(default_factory=list)
    ended_waits: list[tuple[str, Subject]] = field(default_factory=list)
    ended_plans: list[tuple[str, Subject]] = field(default_factory=list)
    announced: list[Announcement] = field(default_factory=list)
    events: list[tuple[int, str, str | None]] = field(default_factory=list)
    marks: list[tuple[str, str]] = field(default_factory=list)
    returned_coupons: list[tuple[str, str]] = field(default_factory=list)
    coupons_used_again: list[str] = field(default_factory=list)
    repricing: Repricing | None = None
    readdressing: Readdressing | None = None
    put_off: PutOff | None = None
    frees_items: list[str] = field(default_factory=list)
    new_returns: list[str] = field(default_factory=list)
    returns: dict[str, ReturnFacts] = field(default_factory=dict)
    parted_returns: list[str] = field(default_factory=list)
    new_orders: list[Order] = field(default_factory=list)
    told: list[Word] = field(default_factory=list)
    takes_items: list[str] = field(default_factory=list)

    @property
    def holds(self) -> list[Hold]:
        """Why the order waits for a human after this decision."""
        closed = {one.id for one in self.closed_holds}
        return [*(h for h in self.facts.holds if h.id not in closed), *(one.hold for one in self.opened_holds)]

    @property
    def state(self) -> str:
        """Where the order will stand after this decision."""
        return self.order_state or self.facts.state
