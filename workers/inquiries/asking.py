"""Asks carriers how the parcels under way fare: several numbers a call, one call at a time, each parcel at its own rhythm until it ended
(``pipelines.rules.dates.inquiry``). A carrier that does not answer is left alone, for longer each time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import BaseModel

from models.database import glance
from models.store import carrier_inquiries, circuits
from models.store.carrier_inquiries import UnderWayRow
from models.store.circuits import ClosedRow, OpenRow
from pipelines.carriers import carrier
from pipelines.engine.inbox import receive
from pipelines.inquiries.answers import answered, news
from pipelines.inquiries.inquiry import ANSWER, Inquiry, Sighting, Unanswered
from pipelines.points.jobs import Period, PeriodicJob, Tools
from pipelines.rules.dates.inquiry import ASKED_AGAIN, ASKED_DAYS, PAUSES
from workers.inquiries.services import services
from workers.wiring import House

log = structlog.get_logger(__name__)

#: What circuits of inquiry services are of, as operators see them.
KIND: Final = "inquiry"
#: The job's name.
JOB: Final = "inquiries"
#: How often it is looked whether anybody is to be asked, by the Clock.
EVERY: Final = timedelta(minutes=5)
#: Real seconds for which a service is left alone after its first failure, and at most.
_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
#: Calls to one service in a look: the others have their turn, and what is left is due in the next.
_CALLS: Final = 240


def job(house: House) -> PeriodicJob | None:
    """The look for parcels of which their carrier is to be asked; None where no service is named. Raises Misconfigured for a wrong
    setting."""
    named = services(house.environment)

    def work(tools: Tools, period: Period) -> None:
        for inquiry, settings in named:
            look(house, tools, inquiry, settings)

    return PeriodicJob(JOB, _boundary, work) if named else None


def _boundary(now: datetime) -> datetime:
    return now - timedelta(seconds=now.timestamp() % EVERY.total_seconds())


def look(house: House, tools: Tools, inquiry: Inquiry[Any], settings: BaseModel) -> None:
    """Ask one service after the parcels that are due, unless it is being left alone. What a call brought is kept before the next, so
    that nothing is lost and nobody asked twice."""
    with glance(house.engine) as connection:
        failed = next((row for row in circuits.of_kind(connection, KIND) if row.target == inquiry.name), None)
        due = {} if failed and failed.rests else _due(house, inquiry)
    if not due:
        return
    asks, told = inquiry.open(settings), 0
    try:
        for place, numbers in enumerate(_calls(list(due), inquiry.at_once)):
            time.sleep(inquiry.pause.total_seconds() if place else 0.0)
            tools.transact(lambda connection: None)  # the job stays ours
            told += _keep(house, due, asks.ask(numbers, house.clock.now()))
    except Unanswered as unanswered:
        _rest(house, inquiry.name, 1 + (failed.failures if failed else 0), unanswered)
    else:
        if failed:
            with house.engine.begin() as connection:
                circuits.close(connection, [ClosedRow(KIND, inquiry.name)])
    finally:
        asks.close()
    if told:
        log.info("inquiries.told", service=inquiry.name, news=told)


Due = Mapping[str, Sequence[tuple[str, UnderWayRow]]]
"""Number -> the parcels that go by it, each with its carrier's name."""


def _due(house: House, inquiry: Inquiry[Any]) -> Due:
    now, most = house.clock.now(), _CALLS * inquiry.at_once
    due: dict[str, list[tuple[str, UnderWayRow]]] = {}
    with glance(house.engine) as connection:
        for name in inquiry.carriers:
            since = now - timedelta(days=ASKED_DAYS)
            for parcel in carrier_inquiries.due(
                connection, name, PAUSES, since, now, most, awaited=ANSWER, again=ASKED_AGAIN
            ):
                due.setdefault(parcel.tracking_number, []).append((name, parcel))
    return due


def _calls(numbers: Sequence[str], at_once: int) -> Iterator[Sequence[str]]:
    for start in range(0, min(len(numbers), _CALLS * at_once), at_once):
        yield numbers[start : start + at_once]


def _keep(house: House, due: Due, answers: Mapping[str, Sequence[Sighting]]) -> int:
    """Store what was answered, and then that it was asked: after a crash in between it is asked again, and the same news is known."""
    now = house.clock.now()
    asked = [(name, parcel, seen) for number, seen in answers.items() for name, parcel in due[number]]
    told = [news(carrier(name), parcel, seen, now) for name, parcel, seen in asked]
    told += [answered(carrier(name), parcel, seen, now) for name, parcel, seen in asked if parcel.is_awaited]
    new = receive(house.engine, house.clock, [one for one in told if one is not None])
    with house.engine.begin() as connection:
        carrier_inquiries.keep(connection, [parcel for _, parcel, _ in asked], now)
    return sum(new)


def _rest(house: House, service: str, failures: int, unanswered: Unanswered) -> None:
    """Leave a service alone that did not answer; operators see it (``shukka attention``)."""
    seconds = max(min(_PAUSE * 2 ** min(failures - 1, 10), _LONGEST_PAUSE), unanswered.retry_after or 0.0)
    log.warning("inquiries.unanswered", service=service, code=unanswered.code, seconds=seconds)
    with house.engine.begin() as connection:
        circuits.open_(connection, [OpenRow(KIND, service, min(seconds, 86_400.0), failures, unanswered.code)])
