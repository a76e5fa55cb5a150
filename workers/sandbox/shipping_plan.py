"""What a simulated supplier will report about one shipment, and when. Pure and repeatable by seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any

from workers.sandbox.contradictions import Told, contradiction
from workers.sandbox.courier import Event
from workers.sandbox.faults import Faults, seeded

OPENS = time(9, 0)
"""When a supplier starts on what is to leave on a later day."""

FAULTS = {
    "refuse_rate": 0.0,  # shipment.refused instead of everything else
    "split_rate": 0.05,  # two parcels
    "duplicate_rate": 0.0,  # an event is sent twice under its webhook-id
    "reorder_rate": 0.0,  # an event is sent after the one that follows it
    "late_rate": 0.0,  # an event is sent late_minutes after its time
    "late_minutes": 120.0,
    "silent_rate": 0.0,  # takes the instruction and says nothing for ever
    "delay_rate": 0.0,  # says that it needs delay_days more
    "delay_days": 2.0,
    "overdue_rate": 0.0,  # ships overdue_days late and says nothing before
    "overdue_days": 1.0,
    "short_rate": 0.0,  # lacks the last line, and ships the rest
    "contradict_rate": 0.0,  # says one thing beside that cannot be so
    "unclaimed_rate": 0.0,  # a parcel that is paid on delivery is received by nobody, and comes back
    "lost_rate": 0.0,  # a parcel is lost on the way
    "return_rate": 0.0,  # a parcel comes back: the address is wrong
}

#: From the first attempt until an unclaimed parcel is back with its sender, and one with a wrong address.
UNCLAIMED_FOR, WRONG_ADDRESS_FOR = timedelta(days=9), timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a supplier works: minutes until it ships, hours until the parcel arrives, carrier, and whether it often gives
    no tracking number (TRK-01); ``slow_minutes`` go by before it says anything, and with ``refuses`` it will not send this."""

    delay_minutes: tuple[float, float] = (20.0, 90.0)
    delivery_hours: tuple[float, float] = (4.0, 9.0)
    carrier: str = "yamato"
    no_tracking: bool = False
    slow_minutes: float = 0.0
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """An event and the business time at which it goes out, ``copies`` times."""

    at: datetime
    event: Event
    copies: int = 1

    def record(self) -> dict[str, Any]:
        """The journal's record."""
        return {"at": self.at.isoformat(), "copies": self.copies, "event": asdict(self.event)}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Sending:
        """The sending that ``record`` holds."""
        return cls(datetime.fromisoformat(record["at"]), Event(**record["event"]), record["copies"])


def plan(
    request: Mapping[str, Any], *, attempt: int, now: datetime, seed: int, habits: Habits, faults: Faults
) -> list[Sending]:
    """Everything a supplier reports of the shipment that ``request`` (an instruction's data) asks for, as it is sent.

    ``attempt`` counts how often this shipment was asked for, from 1.  ``now`` is when it came in, business time.
    """
    shipment: str = request["shipment"]
    chance = seeded(seed, request["supplier"], shipment, attempt)
    story = sorted(_story(request, now, chance, habits, faults), key=lambda happening: happening[0])
    sendings = [
        Sending(at, Event(f"{shipment}:{kind}:{10 * (attempt - 1) + n}", kind, at.isoformat(), data))
        for n, (at, kind, data) in enumerate(story, start=1)
    ]
    told = list(_disturbed(sendings, chance, faults))
    if _strikes(chance, faults, "contradict_rate"):
        events, over_at = [one.event for one in sendings], max([now, *(one.at for one in told)])
        at, event = contradiction(Told(request, now, events, over_at), chance, parcel_number(chance))
        told.append(Sending(at, event))
    return sorted(told, key=lambda sending: sending.at)


def parcel_number(chance: random.Random) -> str:
    """A tracking number as Yamato and Sagawa give them: 12 digits, the last is the first 11 mod 7 (B.4.1)."""
    base = chance.randrange(10**10, 10**11)
    return f"{base}{base % 7}"


_Happening = tuple[datetime, str, dict[str, Any]]


def _story(
    request: Mapping[str, Any], now: datetime, chance: random.Random, habits: Habits, faults: Faults
) -> Iterator[_Happening]:
    subject = {"shipment": request["shipment"]}
    seen = now + timedelta(minutes=chance.uniform(1, 5) + habits.slow_minutes)
    if _strikes(chance, faults, "silent_rate"):
        return
    if chance.random() < faults["refuse_rate"] or habits.refuses:
        yield seen, "shipment.refused", {**subject, "reason": "discontinued"}
        return
    yield seen, "shipment.acknowledged", subject
    dispatch_on, lines = request.get("dispatch_on"), request["lines"]
    if _strikes(chance, faults, "delay_rate"):
        day = (_work_starts(dispatch_on, now) + timedelta(days=faults["delay_days"])).date()
        dispatch_on = day.isoformat()
        yield seen + _A_MOMENT, "shipment.delayed", {**subject, "expected_on": dispatch_on, "reason": "inbound late"}
    if _strikes(chance, faults, "short_rate"):
        *lines, lacking = lines
        missing = {"line": lacking["line"], "quantity": lacking["quantity"]}
        yield seen + _A_MOMENT, "shipment.short", {**subject, "lines": [missing]}
    if lines:
        begins = now + timedelta(minutes=habits.slow_minutes)
        left = _work_starts(dispatch_on, begins) + _between(chance, habits.delay_minutes, minutes=1)
        if _strikes(chance, faults, "overdue_rate"):
            left += timedelta(days=faults["overdue_days"])
        yield from _way(request, subject, lines, left, chance, habits, faults)


_A_MOMENT = timedelta(minutes=2)


def _way(
    request: Mapping[str, Any],
    subject: dict[str, Any],
    lines: Sequence[Mapping[str, Any]],
    left: datetime,
    chance: random.Random,
    habits: Habits,
    faults: Faults,
) -> Iterator[_Happening]:
    """The parcels leave from ``left`` on, and arrive, or come to nothing, together."""
    last: dict[str, Any] = {}
    for parcel in _parcels(lines, chance, faults):
        last = {"carrier": habits.carrier, "tracking_number": _number(chance, habits)}
        yield left, "shipment.shipped", {**subject, **last, "shipped_at": left.isoformat(), "lines": parcel}
        left += timedelta(minutes=chance.uniform(5, 30))
    arrived = left + _between(chance, habits.delivery_hours, hours=1)
    for status, share in (("in_transit", 0.25), ("out_for_delivery", 0.75)):
        if last["tracking_number"] is not None:
            yield left + (arrived - left) * share, "shipment.tracking_updated", {**subject, **last, "status": status}
    yield from _end(request, subject, last, arrived, chance, faults)


def _end(
    request: Mapping[str, Any],
    subject: dict[str, Any],
    last: Mapping[str, Any],
    arrived: datetime,
    chance: random.Random,
    faults: Faults,
) -> Iterator[_Happening]:
    if request.get("collect") and _strikes(chance, faults, "unclaimed_rate"):
        yield arrived, "shipment.tracking_updated", {**subject, **last, "status": "attempt_failed"}
        yield arrived + UNCLAIMED_FOR, "shipment.returned", subject
    elif _strikes(chance, faults, "lost_rate"):
        yield arrived, "shipment.lost", subject
    elif _strikes(chance, faults, "return_rate"):
        yield arrived, "shipment.tracking_updated", {**subject, **last, "status": "address_problem"}
        yield arrived + WRONG_ADDRESS_FOR, "shipment.returned", subject
    else:
        yield arrived, "shipment.delivered", {**subject, "delivered_at": arrived.isoformat()}


def _strikes(chance: random.Random, faults: Faults, name: str) -> bool:
    """As often as the rate says; what is off draws nothing, so that the rest of the story stays as it was."""
    return faults[name] > 0 and chance.random() < faults[name]


def _work_starts(dispatch_on: str | None, now: datetime) -> datetime:
    if dispatch_on is None:
        return now
    return max(now, datetime.combine(date.fromisoformat(dispatch_on), OPENS, now.tzinfo))


def _between(chance: random.Random, bounds: tuple[float, float], **unit: float) -> timedelta:
    return timedelta(**unit) * chance.uniform(*bounds)


def _number(chance: random.Random, habits: Habits) -> str | None:
    number = parcel_number(chance)
    return None if habits.no_tracking and chance.random() < 0.5 else number


def _parcels(lines: Sequence[Mapping[str, Any]], chance: random.Random, faults: Faults) -> list[list[dict[str, Any]]]:
    whole = [{"line": line["line"], "quantity": line["quantity"]} for line in lines]
    if chance.random() >= faults["split_rate"]:
        return [whole]
    if len(whole) > 1:
        return [whole[:1], whole[1:]]
    line, quantity = whole[0]["line"], whole[0]["quantity"]
    if quantity < 2:
        return [whole]
    return [[{"line": line, "quantity": 1}], [{"line": line, "quantity": quantity - 1}]]


def _disturbed(sendings: Sequence[Sending], chance: random.Random, faults: Faults) -> Iterator[Sending]:
    """The same events, some sent twice, late or after their follower; what they say stays as it was."""
    for sending, follower in zip_longest(sendings, sendings[1:]):
        at, copies = sending.at, 1
        if chance.random() < faults["late_rate"]:
            at += timedelta(minutes=faults["late_minutes"])
        if chance.random() < faults["reorder_rate"] and follower is not None:
            at = max(at, follower.at + timedelta(seconds=1))
        if chance.random() < faults["duplicate_rate"]:
            copies = 2
        yield replace(sending, at=at, copies=copies)
