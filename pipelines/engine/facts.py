"""What a stage may know of an order: facts, gathered for a whole batch before anything is decided.

A stage asks for groups of facts (``Need``), each of them one SELECT a batch. A group that was read and not asked for raises,
so that nothing is ever decided on what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Flag, auto
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

import orjson

from models.states import GIVEN_ANEW, LIVE_RETURNS, Condition
from models.subject import Subject
from pipelines.errors import Undeclared
from pipelines.orders.document import is_kept_by, order_from_json
from pipelines.rules.dates.capacity import Load
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Lot
from pipelines.rules.marks import Mark
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import Use
from pipelines.rules.money.repricing import Known
from pipelines.rules.order import Order
from pipelines.rules.purse import Purse

T = TypeVar("T")


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
    MAILS = auto()
    NUMBERS = auto()  # with EVENTS and SHIPMENTS
    LOAD = auto()  # with the suppliers that have a capacity alone; locks them until the decision is written
    RETURNS = auto()
    PURSE = auto()  # with LOTS; locks the customers' balances until the decision is written
    CANCEL = auto()  # of orders alone that were cancelled
    RELEASES = auto()  # of orders alone that were held
    VISITS = auto()  # of orders alone that are called to a store


class PaymentFacts(NamedTuple):
    """The order's payment; amounts in yen. ``terms_from`` is from when the customer could pay, None where that was from the
    order on."""

    method: str
    gateway: str | None
    state: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    refunded_by_hand: int
    reference: str | None
    code: str | None
    expires_at: datetime | None = None
    instructions: Mapping[str, Any] | None = None
    as_of: datetime | None = None
    fee: int = 0
    liability: str | None = None
    terms_from: datetime | None = None


class LineFacts(NamedTuple):
    """Pieces of one line in a shipment."""

    quantity: int
    cancelled: int
    shipped: int

    @property
    def live(self) -> int:
        """Pieces that were not cancelled."""
        return self.quantity - self.cancelled

    @property
    def open(self) -> int:
        """Pieces that neither left nor were cancelled."""
        return self.quantity - self.cancelled - self.shipped


class ParcelFacts(NamedTuple):
    """A parcel that left; ``claim`` is what the supplier named, None for "all that was open"."""

    shipment: str
    key: str
    shipped_at: datetime
    claim: Mapping[str, int] | None
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    number_as_of: datetime
    tracking_status: str | None
    status_as_of: datetime | None


class ShipmentFacts(NamedTuple):
    """A shipment with its lines."""

    id: str
    supplier: str
    state: str
    backorder: bool
    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]]
    plan_as_of: datetime | None
    lines: Mapping[str, LineFacts]
    told_at: datetime | None = None
    collects: bool | None = None
    again: int = 0
    call_off: str | None = None
    call_off_as_of: datetime | None = None


class UsedPoints(NamedTuple):
    """Points of one lot that the order used, and when they expire."""

    lot: int
    amount: int
    expires_at: datetime | None


class EventFacts(NamedTuple):
    """A received event that waits for this order; ``at`` is when it happened, by its sender."""

    id: int
    source: str
    event_id: str
    type: str
    shipment: str | None
    body: Mapping[str, Any]
    at: datetime


class MailFacts(NamedTuple):
    """A mail about this order; ``to`` is the envelope's, ``is_kept`` whether its bytes are there to be sent again."""

    id: int
    message_id: str
    to: str
    state: str
    is_kept: bool = True


class EffectFacts(NamedTuple):
    """An effect of this order; ``outcome`` once it is known."""

    key: str
    kind: str
    shipment: str | None
    payload: Mapping[str, Any]
    state: str
    outcome: Mapping[str, Any] | None


class ReturnLineFacts(NamedTuple):
    """Pieces of one line in a return, with the reason and the condition that their customer names; ``cost_on`` is who bears the cost
    ("customer", "shop")."""

    line: str
    quantity: int
    reason: str
    condition: tuple[str, ...]
    cost_on: str


class ReturnFacts(NamedTuple):
    """A return (A.12). ``goods_by`` is the last day on which its goods still count, known once it is approved; ``waits_until``
    the moment until which it waits where it stands; ``replacement`` the number of the order that it brought last, and ``rest`` the points that this left of what its goods were worth."""

    id: str
    state: str
    remedy: str
    asked_at: datetime
    asked_by: str
    lines: tuple[ReturnLineFacts, ...]
    because: Sequence[Mapping[str, str]]
    goods_by: date | None = None
    waits_until: datetime | None = None
    answer: str = ""
    replacement: str | None = None
    rest: int = 0

    @property
    def brings(self) -> str | None:
        """The number of the order that leaves for its goods; None where none does, or that one was cancelled."""
        return self.replacement if self.state in GIVEN_ANEW else None

    @property
    def is_live(self) -> bool:
        """Whether something is still to become of it."""
        return self.state in LIVE_RETURNS

    @property
    def pieces(self) -> Counter[str]:
        """Pieces of each line, whatever the reason."""
        pieces = Counter[str]()
        for one in self.lines:
            pieces[one.line] += one.quantity
        return pieces


class CancelFacts(NamedTuple):
    """How the order was cancelled: why, when, which of its one-of-a-kind items another order has taken since, which coupons went
    back to the customer because it was unpaid, which of these another order uses since and no two may use, and, of an order that was
    partly paid with points, how many the customer can spend; locked until the decision is written."""

    cause: str
    at: datetime
    taken: frozenset[str] = frozenset()
    coupons: frozenset[str] = frozenset()
    spent: frozenset[str] = frozenset()
    usable: int = 0


class Promotion(NamedTuple):
    """A rise in rank that this order brought its customer."""

    old: str
    new: str
    from_on: date


#: The groups of facts that each need brings, and what stands there where nothing is found. Every order has a payment.
_GROUPS: Final[Mapping[Need, Mapping[str, Callable[[], object] | None]]] = {
    Need.PAYMENT: {"payment": None},
    Need.SHIPMENTS: {"shipments": list},
    Need.PARCELS: {"parcels": list},
    Need.LOTS: {"lots": list, "used_points": list, "balance": int},
    Need.EVENTS: {"events": list},
    Need.EFFECTS: {"effects": dict},
    Need.SUPPLIERS: {"supplier_urls": dict, "supplier_mails": dict},
    Need.MARKS: {"marks": tuple},
    Need.ADJUSTMENTS: {"adjustments": list, "adjusted_at": list},
    Need.RANKS: {"promotions": list},
    Need.COUPONS: {"coupons": list},
    Need.REPRICING: {"known": Known},
    Need.MAILS: {"mails": list},
    Need.NUMBERS: {"taken_numbers": dict},
    Need.LOAD: {"load": Load},
    Need.RETURNS: {"returns": list, "followers": set},
    Need.PURSE: {"purse": Purse},
    Need.CANCEL: {"cancel": lambda: None},
    Need.RELEASES: {"released_at": lambda: None},
    Need.VISITS: {"visits": list},
}
#: The need that brings each group.
GROUPS: Final[Mapping[str, Need]] = {name: need for need, groups in _GROUPS.items() for name in groups}


@cache
def _empty(needs: Need) -> tuple[tuple[str, Callable[[], object]], ...]:
    """The groups that ``needs`` bring, each with what stands there before anything is found."""
    asked = (groups for need, groups in _GROUPS.items() if need in needs)
    return tuple((name, make) for groups in asked for name, make in groups.items() if make is not None)


@dataclass(eq=False)
class Facts:
    """Everything a stage may know of one order; only ``facts_of`` makes them.

    ``needs`` says which groups were gathered. Reading another raises Undeclared; ``balance`` is in points, and
    ``supplier_urls`` and ``supplier_mails`` are by supplier; ``taken_numbers`` says of tracking numbers in the order's events
    which shipment of somebody else has them; ``load`` is one for all orders of a shop
    in the batch, so that what one of them takes is taken for the next. ``subjects`` are what the stage is due for, ``places``
    where the store finds that work again. ``told_email`` is where the customer's mails go since the storefront told another
    address than the order's; ``has_withdrawn`` that the customer left, whose points are void (CON-06). ``unknown`` is what of
    its state, condition and holds only a newer version knows; ``adjusted_at`` is when each of ``adjustments`` was made; ``cancel`` is None of an order that was not cancelled, ``released_at`` (when its
    last hold ended) of one that never was held; ``visits`` are the days of its visit before the one that stands, first to last;
    ``followers`` which of the first numbers of orders for its returned goods (`following`) are taken, where one may be next.
    """

    id: int
    shop: str
    number: str
    customer_id: str
    locale: str
    state: str
    condition: str
    holds: Sequence[Hold]
    method: str
    currency: str
    grand_total: int
    placed_at: datetime
    accepted_at: datetime
    document_text: str = field(repr=False)
    priced_text: str = field(repr=False)
    version: int
    sequence: int = 0
    needs: Need = field(default=Need.NOTHING, kw_only=True)
    unknown: str = field(default="", kw_only=True)
    payment: PaymentFacts = field(init=False, repr=False)
    shipments: list[ShipmentFacts] = field(init=False, repr=False)
    parcels: list[ParcelFacts] = field(init=False, repr=False)
    lots: list[Lot] = field(init=False, repr=False)
    used_points: list[UsedPoints] = field(init=False, repr=False)
    balance: int = field(init=False, repr=False)
    events: list[EventFacts] = field(init=False, repr=False)
    effects: dict[str, EffectFacts] = field(init=False, repr=False)
    supplier_urls: Mapping[str, str | None] = field(init=False, repr=False)
    supplier_mails: Mapping[str, str | None] = field(init=False, repr=False)
    marks: Sequence[Mark] = field(init=False, repr=False)
    adjustments: list[Adjustment] = field(init=False, repr=False)
    adjusted_at: list[datetime] = field(init=False, repr=False)
    promotions: list[Promotion] = field(init=False, repr=False)
    coupons: list[Use] = field(init=False, repr=False)
    known: Known = field(init=False, repr=False)
    mails: list[MailFacts] = field(init=False, repr=False)
    taken_numbers: dict[str, str] = field(init=False, repr=False)
    load: Load = field(init=False, repr=False)
    returns: list[ReturnFacts] = field(init=False, repr=False)
    followers: set[str] = field(init=False, repr=False)
    purse: Purse = field(init=False, repr=False)
    cancel: CancelFacts | None = field(init=False, repr=False)
    released_at: datetime | None = field(init=False, repr=False)
    visits: list[date] = field(init=False, repr=False)
    told_email: str | None = field(default=None, init=False, repr=False)
    has_withdrawn: bool = field(default=False, init=False, repr=False)
    _worked_out: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)
    subjects: Sequence[Subject] = field(default=(), init=False, repr=False)
    places: Sequence[str] = field(default=(), init=False, repr=False)

    def following(self, place: int) -> str:
        """The number of the ``place``-th order that leaves for goods of this one which came back."""
        return f"{self.number}-R{place}"

    def readdressed(self, ship_to: Mapping[str, Any]) -> Facts:
        """The same facts of an order that goes to ``ship_to``."""
        return self._rewritten("ship_to", ship_to)

    def put_off(self, visit_on: date) -> Facts:
        """The same facts of an order whose customer visits the store on ``visit_on``."""
        called = self.document["pickup"]
        other = self._rewritten("pickup", {**called, "visit_on": visit_on.isoformat()})
        other.visits = [*self.visits, date.fromisoformat(called["visit_on"])]
        return other

    def _rewritten(self, name: str, part: Mapping[str, Any]) -> Facts:
        other = copy(self)
        for read in ("document", "order"):
            other.__dict__.pop(read, None)
        other.document_text = orjson.dumps({**self.document, name: dict(part)}).decode()
        other._worked_out = {}
        return other

    def __post_init__(self) -> None:
        mine = self.__dict__
        for name, make in _empty(self.needs):
            mine[name] = make()

    if not TYPE_CHECKING:  # a type checker knows the fields; which of them were gathered shows when they are read

        def __getattr__(self, name: str) -> object:
            need = GROUPS.get(name)
            if need is None:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            if need in self.needs:
                raise LookupError(f"order {self.id} has no {name}")
            raise Undeclared(f"{name} was read, but Need.{need.name} was not asked for")

    def once(self, what: Hashable, work_out: Callable[[], T]) -> T:
        """What follows from these facts alone and more than one stage or mail of a pass asks for, worked out once."""
        if what not in self._worked_out:
            self._worked_out[what] = work_out()
        return cast(T, self._worked_out[what])

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The order as it was accepted, as JSON: read once a stage needs it, and most stages never do."""
        return cast(Mapping[str, Any], orjson.loads(self.document_text))

    @property
    def pickup(self) -> Mapping[str, Any] | None:
        """The ``store`` that the order's goods are called to and the day of the visit (``visit_on``), as its document has them
        (STO-01); None for goods that are sent to an address."""
        return self.document.get("pickup")

    def released_by(self, now: datetime) -> datetime | None:
        """When the last of its holds that were over by ``now`` ended, those among them that end in this pass; None where nothing held it
        until then, or the stage cannot meet an order that was held (``Need.RELEASES``)."""
        if self.condition == Condition.HELD:
            return now
        at = self.released_at if Need.RELEASES in self.needs else None
        return at if at is not None and at <= now else None

    def is_kept_by(self, supplier: str) -> bool:
        """Whether what ``supplier`` has lies in the store that it is called to: it is set aside there, and does not travel (STO-01)."""
        return is_kept_by(self.document, supplier)

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
