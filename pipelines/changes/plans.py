"""The shipments planned for an order (出荷計画): ``accept`` tells the customer of them, ``split`` makes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NotRequired, TypedDict, Unpack

from models.states import ShipmentState
from pipelines.engine.decision import NewShipment
from pipelines.engine.facts import Facts
from pipelines.methods import agreed
from pipelines.rules.dates.cutoff import DispatchPlan, plan_dispatch
from pipelines.rules.holds import Hold, holds
from pipelines.rules.marks import SAME_MAILBOX, counters, mailbox_mark
from pipelines.rules.split import Part, split
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]

Plans = Sequence[tuple[Part, DispatchPlan]]


class When(TypedDict):
    """From when a plan counts, as ``plan_dispatch`` has it."""

    counts_at: datetime
    not_before: datetime
    released_at: NotRequired[datetime | None]


def plans(facts: Facts, shop: Shop, now: datetime, *, paid_at: datetime | None = None) -> Plans:
    """The dispatch plan of each part: from the order's completion, from when its money was confirmed where the goods wait for that
    (``paid_at``, None: now), or from the release of what a human held (CUT-01), never in the past."""
    awaited = agreed(facts.method, facts.grand_total).secured_by.is_awaited
    counts_at = min(paid_at or now, now) if awaited else facts.placed_at
    return facts.once(("plans", now, counts_at), lambda: _plans(facts, shop, now, counts_at))


def _plans(facts: Facts, shop: Shop, now: datetime, counts_at: datetime) -> Plans:
    when: When = {"counts_at": counts_at, "not_before": now, "released_at": facts.released_by(now)}
    return [(part, planned_by(facts, shop, part, **when)) for part in _parts(facts, shop)]


def _parts(facts: Facts, shop: Shop) -> Sequence[Part]:
    return facts.once("parts", lambda: split(facts.order.lines, shop, facts.order.called_to))


def planned_by(facts: Facts, shop: Shop, part: Part, **when: Unpack[When]) -> DispatchPlan:
    """The plan of ``part``; where its supplier sends only so many a day it takes its place on that day."""
    if shop.dispatch_days(part.supplier).capacity is None:
        return plan_dispatch(part, facts.order, shop, **when)
    plan = plan_dispatch(part, facts.order, shop, **when, load=facts.load)
    facts.load.take(part.supplier, plan.dispatch_on)
    return plan


def shipments(facts: Facts, planned: Plans, now: datetime) -> list[NewShipment]:
    """The shipments of ``planned``, in its order."""
    return [_shipment(facts, index, part, plan, now) for index, (part, plan) in enumerate(planned, start=1)]


def first_holds(facts: Facts, shop: Shop) -> tuple[Hold, ...]:
    """What keeps the order before a human as it comes in; the same whenever it is asked."""
    return facts.once("first holds", lambda: _first_holds(facts, shop))


def _first_holds(facts: Facts, shop: Shop) -> tuple[Hold, ...]:
    mailbox = mailbox_mark(facts.shop, facts.number)
    return holds(
        facts.order,
        shop,
        counted=counters(facts.marks, shop, facts.accepted_at),
        shares_mailbox=any(mark.kind == SAME_MAILBOX and mark.source == mailbox for mark in facts.marks),
    )


def foretold(facts: Facts, shop: Shop, found: Sequence[Hold], at: datetime) -> Plans:
    """The plan that the mail tells which confirms, at ``at``, an order with the holds ``found``; empty unless nothing is
    waited for and nobody has to decide first. A day that may be full by the time a place is taken on it is told then."""
    if found or agreed(facts.method, facts.grand_total).secured_by.is_awaited or _may_fill_up(facts, shop):
        return ()
    planned = plans(facts, shop, at)
    return () if shop.delivery.requests == "strict" and is_missed(planned) else planned


def is_as_foretold(facts: Facts, shop: Shop, planned: Plans, now: datetime) -> bool:
    """Whether the customer was told of ``planned`` when the order was confirmed, and of no other day."""
    told = foretold(facts, shop, first_holds(facts, shop), now)
    if not told:
        return False
    accepted, today = in_japan(facts.accepted_at).date(), in_japan(now).date()
    opens = [shop.dispatch_days(part.supplier).calendar.next_open for part, _ in planned]
    if facts.released_by(now) is None and all(after(accepted) == after(today) for after in opens):
        return True
    return _days(plans(facts, shop, facts.accepted_at)) == _days(planned)


def _may_fill_up(facts: Facts, shop: Shop) -> bool:
    return any(shop.dispatch_days(part.supplier).capacity is not None for part in _parts(facts, shop))


def is_missed(planned: Plans) -> bool:
    """Whether a day that was wished for cannot be met (DLV-04)."""
    return any(plan.request_met is False for _, plan in planned)


def _days(planned: Plans) -> list[object]:
    return [(part.lines, plan.dispatch_on, plan.arrive_on) for part, plan in planned]


def _shipment(facts: Facts, index: int, part: Part, plan: DispatchPlan, now: datetime) -> NewShipment:
    return NewShipment(
        id=shipment_id(facts, index),
        supplier=part.supplier,
        state=ShipmentState.BACKORDERED if part.backorder else ShipmentState.PLANNED,
        backorder=part.backorder,
        lines=part.lines,
        dispatch_on=plan.dispatch_on,
        # A supplier that nobody can give a date learns of the goods at once: only then can it ever name one.
        instruct_at=plan.instruct_at or now,
        arrive_on=plan.arrive_on,
        because=[{"rule": b.rule, "says": b.says} for b in plan.because],
    )


#: What ``shipment_id`` gives.
SHIPMENT_ID: Final = r"^SH-[A-Z2-7]{13}$"


def shipment_id(facts: Facts, index: int) -> str:
    """The public id of an order's ``index``-th shipment, not to be guessed from another: the same on every run, and the same
    again where the order was lost with its database and is sent anew, so that its supplier ships it once."""
    placed = f"{facts.placed_at.timestamp():.6f}"
    digest = hashlib.sha256(f"{placed}\x00{facts.shop}\x00{facts.number}\x00{index}".encode()).digest()
    return "SH-" + _base32(int.from_bytes(digest[:9]) >> 7)


def _base32(bits: int) -> str:
    """65 bits in base 32 (RFC 4648), as the first 13 characters of ``base64.b32encode``, which takes ten times as long."""
    high, low = bits >> 35, bits
    return (
        f"{_PAIRS[high >> 20]}{_PAIRS[high >> 10 & 1023]}{_PAIRS[high & 1023]}"
        f"{_PAIRS[low >> 25 & 1023]}{_PAIRS[low >> 15 & 1023]}{_PAIRS[low >> 5 & 1023]}{_BASE32[low & 31]}"
    )
