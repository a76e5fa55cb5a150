"""What left, and under which number (発送・送り状番号): each parcel once, told row by row, in any order and as often as it likes
(TRK-01, TRK-03, TRK-05)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from models.states import HoldReason, OrderState, TrackingState
from pipelines.carriers import carrier
from pipelines.changes.parcels.news import News
from pipelines.engine.facts import EventFacts, ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Problem
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import GONE, contradicts, together, too_much
from pipelines.values.calendar import in_japan


def shipped(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """A parcel left, or a further row of one. What cannot be right is quarantined: no mail goes out on it."""
    said = _departure(news, shipment, event)
    if fault := _fault(news, shipment, said):
        news.draft.quarantined(event, fault.message)
        return
    known, key = said.known, said.number or _unnumbered(said.shipped_at)
    if _is_known(said):
        news.draft.ignored(event, KNOWN)
        return
    if known is not None:
        _grow(news, known, said.told, min(said.shipped_at, known.shipped_at))
    else:
        as_of = min(said.shipped_at, event.at)
        status, since = (TrackingState.AT_STORE, said.shipped_at) if _is_kept(news, shipment) else (None, None)
        news.draft.keep_parcel(
            ParcelFacts(shipment.id, key, said.shipped_at, said.told, {}, said.by, said.number, as_of, status, since)
        )
        news.arrived.append((shipment.id, key))
    news.draft.applied(event)
    if not shipment.is_live or news.draft.state == OrderState.CANCELLED or _was_cancelled(news, shipment):
        news.lift(HoldReason.CANCEL_REFUSED, shipment, event.type)
        news.hold(Hold(HoldReason.SHIPPED_AFTER_CANCEL, shipment.id))


def departure_fault(news: News, shipment: ShipmentDraft, event: EventFacts, *, known: bool = False) -> Problem | None:
    """Why ``event`` cannot be right about a parcel of ``shipment``, by the field of it that is wrong; with ``known`` that it
    says nothing new is a fault too."""
    said = _departure(news, shipment, event)
    fault = _fault(news, shipment, said)
    return Problem("tracking_number", KNOWN) if fault is None and known and _is_known(said) else fault


def _fault(news: News, shipment: ShipmentDraft, said: _Departure) -> Problem | None:
    if why := _time_fault(news, said.shipped_at):
        return Problem("shipped_at", why)
    if why := _number_fault(news, shipment, said.by, said.number):
        return Problem("carrier" if why.startswith("carrier") else "tracking_number", why)
    if why := _lines_fault(news, shipment, said.known, said.told):
        return Problem("lines", why)
    return None


KNOWN: Final = "this parcel is known (TRK-05)"
"""Why a parcel that was told before is no news."""


class _Departure(NamedTuple):
    """What an event says of a parcel: its carrier, number, time and pieces, and the parcel that is known by them already."""

    by: str | None
    number: str | None
    shipped_at: datetime
    told: Mapping[str, int] | None
    known: ParcelFacts | None


def _departure(news: News, shipment: ShipmentDraft, event: EventFacts) -> _Departure:
    shipped_at, by, number = _moment(event), None, None
    if not _is_kept(news, shipment):
        by = _named(event.body.get("carrier")) or news.shop.supplier(shipment.supplier).carrier
        number = written(by, event.body.get("tracking_number"))
    known = (
        numbered(news, shipment, number) if number else news.draft.parcels.get((shipment.id, _unnumbered(shipped_at)))
    )
    return _Departure(by, number, shipped_at, _told(event), known)


def _is_kept(news: News, shipment: ShipmentDraft) -> bool:
    """Whether its goods were set aside in the store in which they lie: whatever is said of a carrier, none has them (STO-01)."""
    return news.draft.facts.is_kept_by(shipment.supplier)


def _is_known(said: _Departure) -> bool:
    return said.known is not None and together(said.known.claim, said.told) == said.known.claim


def _grow(news: News, known: ParcelFacts, told: Mapping[str, int] | None, shipped_at: datetime) -> None:
    as_of = known.number_as_of if known.tracking_number != known.key else min(shipped_at, known.number_as_of)
    claim = together(known.claim, told)
    news.draft.keep_parcel(known._replace(claim=claim, shipped_at=shipped_at, number_as_of=as_of))
    where = (known.shipment, known.key)
    if where not in news.arrived and where not in news.grown:
        news.grown.append(where)


def _told(event: EventFacts) -> Mapping[str, int] | None:
    """The pieces that the event names by line; None for all that are open."""
    lines = event.body.get("lines")
    return None if lines is None else {str(one["line"]): int(one["quantity"]) for one in lines}


def _unnumbered(shipped_at: datetime) -> str:
    """What a parcel without a number is known by."""
    return f"unnumbered {shipped_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _time_fault(news: News, shipped_at: datetime) -> str | None:
    placed_on, left_on = in_japan(news.draft.facts.placed_at).date(), in_japan(shipped_at).date()
    return f"shipped_at {left_on} is before the order was placed on {placed_on}" if left_on < placed_on else None


def _number_fault(news: News, shipment: ShipmentDraft, by: str | None, number: str | None) -> str | None:
    """Why a parcel of ``shipment`` cannot have this carrier and number, or none (TRK-01, TRK-03)."""
    if _is_kept(news, shipment):
        return None
    allowed, may_have_none = news.shop.delivery.carriers, news.shop.supplier(shipment.supplier).no_tracking
    if allowed and by not in allowed and (by or number):
        return f"carrier {by} is not one of the shop's: {', '.join(allowed)}"
    if number:
        return (carrier(by).check(number) if by else None) or _of_another(news, shipment, number)
    if may_have_none or (by and carrier(by).may_have_no_number):
        return None
    return f"tracking_number is missing, and no_tracking is not set for {shipment.supplier} (TRK-01)"


def _of_another(news: News, shipment: ShipmentDraft, number: str) -> str | None:
    """Why the number is another parcel's. One parcel may hold several shipments of one supplier to one customer."""
    if (owner := news.draft.facts.taken_numbers.get(number)) is not None:
        return f"tracking number {number} is that of {owner}"
    for parcel in news.draft.parcels.values():
        supplier = news.draft.shipment(parcel.shipment).supplier
        if parcel.tracking_number == number and supplier != shipment.supplier:
            return f"tracking number {number} is that of {parcel.shipment}, which {supplier} sent"
    return None


def _lines_fault(
    news: News, shipment: ShipmentDraft, known: ParcelFacts | None, told: Mapping[str, int] | None
) -> str | None:
    """Why a parcel cannot hold what it is told to: a parcel that came back or was lost holds nothing for good."""
    if known is not None and (fault := contradicts(known.claim, told)):
        return fault
    others = [
        one.claim for one in news.draft.parcels_of(shipment.id) if one != known and one.tracking_status not in GONE
    ]
    all_pieces = {line: pieces.quantity for line, pieces in shipment.lines.items()}
    return too_much(all_pieces, [*others, together(known.claim, told) if known is not None else told])


def _was_cancelled(news: News, shipment: ShipmentDraft) -> bool:
    """Whether pieces left that were taken out of the shipment."""
    live = {line: pieces.live for line, pieces in shipment.lines.items()}
    here = [one.claim for one in news.draft.parcels_of(shipment.id) if one.tracking_status not in GONE]
    return too_much(live, here) is not None


def _named(word: str | None) -> str | None:
    """The carrier that a supplier calls ``word``, by its one name; an unknown one as it was written."""
    return carrier(word).name if word else None


def written(by: str | None, number: str | None) -> str | None:
    """``number`` as ``by`` writes it."""
    return carrier(by or "").normalise(number) if number else None


def carrier_of(news: News, shipment: ShipmentDraft, event: EventFacts, parcel: ParcelFacts | None) -> str | None:
    """Who carries the parcel that the event is about: as it says, as is known, or as the supplier's profile has it."""
    known = parcel.carrier if parcel is not None else None
    return _named(event.body.get("carrier")) or known or news.shop.supplier(shipment.supplier).carrier


def numbered(news: News, shipment: ShipmentDraft, named: str | None) -> ParcelFacts | None:
    """The parcel of the shipment that has, or first had, the number ``named``."""
    for parcel in news.draft.parcels_of(shipment.id):
        number = written(parcel.carrier, named)
        if number and number in (parcel.key, parcel.tracking_number):
            return parcel
    return None


def parcel_meant(news: News, shipment: ShipmentDraft, named: str | None) -> ParcelFacts | None:
    """The parcel with the number ``named``; without one, or where a parcel has none yet, the latest of those.

    None if it is not known yet: another parcel's news must not be taken for this one's.
    """
    parcels = news.draft.parcels_of(shipment.id)
    if named:
        if (known := numbered(news, shipment, named)) is not None:
            return known
        parcels = [p for p in parcels if p.tracking_number is None]
    return max(parcels, key=lambda p: (p.shipped_at, p.key), default=None)


def corrected(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """A parcel has another number or carrier than was said (TRK-05): one mail, and nothing is taken or granted twice."""
    body = event.body
    parcel = parcel_meant(news, shipment, body.get("previous_tracking_number"))
    parcel = parcel or numbered(news, shipment, body.get("tracking_number"))  # corrected already
    if parcel is None:
        return  # waits for shipment.shipped
    if _is_kept(news, shipment):
        news.draft.ignored(event, "it is at the store in which it lay, and has no number")
        return
    by = _named(body.get("carrier")) or parcel.carrier
    number = written(by, body.get("tracking_number"))
    if fault := _number_fault(news, shipment, by, number):
        news.draft.quarantined(event, fault)
        return
    if event.at < parcel.number_as_of:
        news.draft.ignored(event, "a newer number is known")
        return
    if number == parcel.tracking_number and by == parcel.carrier:
        news.draft.ignored(event, "nothing to correct")
        return
    news.draft.keep_parcel(parcel._replace(carrier=by, tracking_number=number, number_as_of=event.at))
    where = (shipment.id, parcel.key)
    if where not in news.arrived and where not in news.corrected:
        news.corrected.append(where)
    news.draft.applied(event)


def _moment(event: EventFacts) -> datetime:
    """When the parcel left: as is said, else when it was said."""
    text = event.body.get("shipped_at")
    return datetime.fromisoformat(text).astimezone(event.at.tzinfo) if text else event.at
