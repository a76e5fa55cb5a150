"""What each kind of a supplier's news says about shipments and parcels; ``notify`` draws the conclusions.

Each kind is applied so that the end is the same however late, often and in whatever order it comes (``rules.parcels``, the
``*_as_of`` marks). News about a parcel that is not known yet waits in the inbox for ``shipment.shipped``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from models.states import OrderState, ShipmentState, TrackingState
from pipelines.carriers import Status, carrier
from pipelines.engine.stage import Decision, EventFacts, Facts, ParcelFacts, ShipmentFacts
from pipelines.orders.mails import customer_mail, lines_of
from pipelines.rules.parcels import Claim, allocate
from pipelines.shops import Shop

_DELAY = "supplier_delay"
_STATES = frozenset(TrackingState)
_SEPARATOR = "\n"  # no line's id holds one


def short_lines(hold: Mapping[str, str]) -> set[str]:
    """The lines that a hold for a supplier's shortage is about; empty for any other."""
    return set(filter(None, hold.get("short", "").split(_SEPARATOR)))


BEFORE_SHIPPED = (
    ShipmentState.PLANNED,
    ShipmentState.BACKORDERED,
    ShipmentState.INSTRUCTED,
    ShipmentState.ACKNOWLEDGED,
)


@dataclass
class News:
    """The state of an order's parcels while its news is read, one event after the other."""

    decision: Decision
    facts: Facts
    shop: Shop
    now: datetime
    parcels: dict[tuple[str, str], ParcelFacts] = field(default_factory=dict)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    corrected: list[tuple[str, str]] = field(default_factory=list)
    delivered: list[tuple[str, str]] = field(default_factory=list)

    def applied(self, event: EventFacts) -> None:
        """The event did what it says."""
        self.decision.events.append((event.id, "applied", None))

    def ignored(self, event: EventFacts, why: str) -> None:
        """The event says nothing new."""
        self.decision.events.append((event.id, "ignored", why))

    def quarantined(self, event: EventFacts, why: str) -> None:
        """The event cannot be right; an operator sees it."""
        self.decision.events.append((event.id, "quarantined", why))

    def hold(self, reason: str, says: str, shipment: ShipmentFacts, **about: str) -> None:
        """Put the order before a human because of ``shipment``."""
        entry = {"reason": reason, "says": says, "blocks": "release", "shipment": shipment.id, **about}
        self.decision.hold_for([entry], reason)

    def lift(self, reason: str, shipment: ShipmentFacts, cause: str) -> None:
        """What was held for is no reason any more."""
        self.decision.lift_holds(lambda h: h["reason"] == reason and h.get("shipment") == shipment.id, cause)

    def of(self, shipment: ShipmentFacts) -> list[ParcelFacts]:
        """The parcels of ``shipment`` as they are known so far."""
        return [p for (owner, _), p in self.parcels.items() if owner == shipment.id]


def _acknowledged(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    if (news.decision.change(shipment).state or shipment.state) in BEFORE_SHIPPED[:3]:
        news.decision.move_shipment(shipment, ShipmentState.ACKNOWLEDGED, event.type)
        news.applied(event)
    else:
        news.ignored(event, f"the shipment is {shipment.state} already")


def _refused(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    if (news.decision.change(shipment).state or shipment.state) not in BEFORE_SHIPPED:
        news.ignored(event, f"the shipment is {shipment.state} already")
        return
    reason = str(event.body.get("reason") or "no reason given")
    news.decision.move_shipment(shipment, ShipmentState.REFUSED, event.type)
    news.decision.change(shipment).reason = reason
    news.hold("supplier_refused", f"{shipment.supplier} refused {shipment.id}: {reason}", shipment)
    news.applied(event)


def _delayed(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    change = news.decision.change(shipment)
    as_of = change.plan_as_of or shipment.plan_as_of
    if as_of is not None and event.at <= as_of:
        news.ignored(event, "newer news is known")
        return
    expected = date.fromisoformat(event.body["expected_on"]) if event.body.get("expected_on") else None
    reason = str(event.body.get("reason") or "")
    change.plan_as_of = event.at
    change.dispatch_on = expected
    says = f"{shipment.supplier}: {reason}" if reason else f"{shipment.supplier} gave a new date"
    planned = [b for b in shipment.because if b["rule"] != _DELAY]
    change.because = [*planned, {"rule": _DELAY, "says": says}]
    news.applied(event)
    if (change.state or shipment.state) not in BEFORE_SHIPPED or news.of(shipment):
        return  # the goods were quicker than the news: nothing to tell the customer
    context = {
        "id": shipment.id,
        "lines": lines_of(news.facts, [(line, p.open) for line, p in shipment.lines.items()]),
        "dispatch_on": shipment.dispatch_on,
        "expected_on": expected,
    }
    news.decision.mails.append(
        customer_mail(
            "dispatch_delayed",
            news.facts,
            news.shop,
            news.now,
            about=f"{shipment.id}:{expected}",
            shipment_id=shipment.id,
            reason=reason,
            shipment=context,
        )
    )


def _shipped(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    supplier = news.shop.supplier(shipment.supplier)
    by = _named(event.body.get("carrier")) or supplier.carrier
    number = _written(by, event.body.get("tracking_number"))
    if number and (fault := _number_fault(news.shop, by, number)):
        news.quarantined(event, fault)  # TRK-03: no mail goes out on a number that cannot be right
        return
    claim: Mapping[str, int] | None = None
    if event.body.get("lines") is not None:
        claim = {str(one["line"]): int(one["quantity"]) for one in event.body["lines"]}
        unknown = sorted(claim.keys() - shipment.lines.keys())
        too_many = [line for line, n in claim.items() if line in shipment.lines and n > shipment.lines[line].live]
        if unknown or too_many:
            news.quarantined(event, f"lines {', '.join(unknown or too_many)} are not in this shipment, or fewer are")
            return
    key = number or event.event_id
    if _numbered(news, shipment, number) is not None:
        news.ignored(event, "this parcel is known (TRK-05)")
        return
    shipped_at = _moment(event.body.get("shipped_at"), event.at)
    parcel = ParcelFacts(shipment.id, key, shipped_at, claim, {}, by, number, event.at, None, None)
    news.parcels[shipment.id, key] = parcel
    news.arrived.append((shipment.id, key))
    news.applied(event)
    if shipment.state == ShipmentState.CANCELLED or news.facts.state == OrderState.CANCELLED:
        news.hold("shipped_after_cancel", f"{shipment.id} left although the order was cancelled", shipment)


def _named(word: str | None) -> str | None:
    """The carrier that a supplier calls ``word``, by its one name; an unknown one as it was written."""
    return carrier(word).name if word else None


def _written(by: str | None, number: str | None) -> str | None:
    """``number`` as ``by`` writes it."""
    return carrier(by or "").normalise(number) if number else None


def _number_fault(shop: Shop, by: str | None, number: str) -> str | None:
    if shop.delivery.carriers and by not in shop.delivery.carriers:
        return f"carrier {by} is not one of the shop's: {', '.join(shop.delivery.carriers)}"
    return carrier(by).check(number) if by else None


def _parcel_meant(news: News, shipment: ShipmentFacts, named: str | None) -> ParcelFacts | None:
    """The parcel with the number ``named``; without one, or where a parcel has none yet, the latest of those.

    None if it is not known yet: another parcel's news must not be taken for this one's.
    """
    parcels = news.of(shipment)
    if named:
        if (numbered := _numbered(news, shipment, named)) is not None:
            return numbered
        parcels = [p for p in parcels if p.tracking_number is None]
    return max(parcels, key=lambda p: (p.shipped_at, p.key), default=None)


def _numbered(news: News, shipment: ShipmentFacts, named: str | None) -> ParcelFacts | None:
    """The parcel that has, or first had, the number ``named``."""
    for parcel in news.of(shipment):
        number = _written(parcel.carrier, named)
        if number and number in (parcel.key, parcel.tracking_number):
            return parcel
    return None


def _tracking_corrected(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    body = event.body
    parcel = _parcel_meant(news, shipment, body.get("previous_tracking_number"))
    parcel = parcel or _numbered(news, shipment, body.get("tracking_number"))  # corrected already
    if parcel is None:
        return  # waits for shipment.shipped
    by = _named(body.get("carrier")) or parcel.carrier
    number = _written(by, body.get("tracking_number"))
    if number and (fault := _number_fault(news.shop, by, number)):
        news.quarantined(event, fault)
        return
    if event.at < parcel.number_as_of:
        news.ignored(event, "a newer number is known")
        return
    if number == parcel.tracking_number and by == parcel.carrier:
        news.ignored(event, "nothing to correct")
        return
    where = (shipment.id, parcel.key)
    news.parcels[where] = replace(parcel, carrier=by, tracking_number=number, number_as_of=event.at)
    if where not in news.arrived:
        news.corrected.append(where)
    news.applied(event)


def _tracking_updated(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    word = str(event.body.get("status"))
    meant = _parcel_meant(news, shipment, event.body.get("tracking_number"))
    by = _named(event.body.get("carrier")) or (meant and meant.carrier) or news.shop.supplier(shipment.supplier).carrier
    status = word if word in _STATES else carrier(by or "").status(word)
    if status in _STATES:
        _track(news, shipment, event, TrackingState(status))
    elif status == Status.ANNOUNCED:
        news.ignored(event, "the parcel was not handed over yet")
    else:
        news.quarantined(event, f"status {word!r} is {'unknown' if status is None else f'{status}: ask the carrier'}")


def _delivered(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    _track(news, shipment, event, TrackingState.DELIVERED)


def _returned(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    if _track(news, shipment, event, TrackingState.RETURNED) and not _is_settled(news, shipment):
        news.hold("returned_undelivered", f"{shipment.id} came back undelivered (RET-08)", shipment)
        if news.facts.customer_id:
            news.decision.marks.append(("undelivered_returns", f"{shipment.id}:returned"))


def _lost(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    if _track(news, shipment, event, TrackingState.LOST) and not _is_settled(news, shipment):
        news.hold("transit_accident", f"{shipment.id} was lost on the way (RET-07)", shipment)


def _is_settled(news: News, shipment: ShipmentFacts) -> bool:
    """Whether an operator settled all that the shipment sent before this news came."""
    sent = {line: pieces.shipped for line, pieces in shipment.lines.items() if pieces.shipped}
    return bool(sent) and all(news.facts.came_back(line) >= shipped for line, shipped in sent.items())


def _track(news: News, shipment: ShipmentFacts, event: EventFacts, status: TrackingState) -> bool:
    """Set the status of the parcels meant where the news outweighs what is known; False if it does not or must wait."""
    meant = _parcels_meant(news, shipment, event, status)
    if not meant:
        return False  # waits for shipment.shipped
    told = [
        parcel
        for parcel in meant
        if parcel.tracking_status is None
        or _weight(status, event.at) > _weight(TrackingState(parcel.tracking_status), parcel.status_as_of)
    ]
    if not told:
        news.ignored(event, "newer news is known")
        return False
    for parcel in told:
        where = (shipment.id, parcel.key)
        news.parcels[where] = replace(parcel, tracking_status=status, status_as_of=event.at)
        if status == TrackingState.DELIVERED:
            news.delivered.append(where)
    was_lost = any(parcel.tracking_status == TrackingState.LOST for parcel in told)
    if was_lost and all(p.tracking_status != TrackingState.LOST for p in news.of(shipment)):
        news.lift("transit_accident", shipment, "the parcel was found")
    news.applied(event)
    return True


def _parcels_meant(news: News, shipment: ShipmentFacts, event: EventFacts, status: TrackingState) -> list[ParcelFacts]:
    """The parcel an event names; a delivery that names none is that of the whole shipment, once all of it has left."""
    named = event.body.get("tracking_number")
    if status == TrackingState.DELIVERED and not named:
        parcels = news.of(shipment)
        contents = allocate(
            {line: pieces.live for line, pieces in shipment.lines.items()},
            [Claim(p.key, p.shipped_at, p.claim) for p in parcels],
        )
        left = {line: sum(content.get(line, 0) for content in contents.values()) for line in shipment.lines}
        return parcels if all(left[line] >= pieces.live for line, pieces in shipment.lines.items()) else []
    parcel = _parcel_meant(news, shipment, named)
    return [] if parcel is None else [parcel]


def _weight(status: TrackingState, at: datetime | None) -> tuple[int, datetime | None, int]:
    """What outweighs what, whatever came first: returned is final, since a later "delivered" is the way back to the
    shipper (B.4.3); delivered ends the rest; else the newest counts, and of one moment the farthest on the way."""
    final = {TrackingState.DELIVERED: 1, TrackingState.RETURNED: 2}
    return final.get(status, 0), at, list(TrackingState).index(status)


def _short(news: News, shipment: ShipmentFacts, event: EventFacts) -> None:
    missing = {str(one["line"]): int(one["quantity"]) for one in event.body.get("lines") or []}
    if not missing:
        missing = {line: p.open for line, p in shipment.lines.items()}
    known = [(line, n) for line, n in missing.items() if line in shipment.lines]
    if not known:
        news.quarantined(event, "names no line of this shipment")
        return
    listed = ", ".join(f"{n} of line {line}" for line, n in known)
    # The customer hears of it when an operator takes the lines out: only then is it known what is left to pay.
    news.hold(
        "supplier_short",
        f"{shipment.supplier} cannot supply {listed} of {shipment.id} (INT-13)",
        shipment,
        short=_SEPARATOR.join(line for line, _ in known),
    )
    news.applied(event)


READ: Mapping[str, Callable[[News, ShipmentFacts, EventFacts], object]] = {
    "shipment.acknowledged": _acknowledged,
    "shipment.refused": _refused,
    "shipment.delayed": _delayed,
    "shipment.shipped": _shipped,
    "shipment.tracking_corrected": _tracking_corrected,
    "shipment.tracking_updated": _tracking_updated,
    "shipment.delivered": _delivered,
    "shipment.returned": _returned,
    "shipment.lost": _lost,
    "shipment.short": _short,
}


def _moment(text: str | None, otherwise: datetime) -> datetime:
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return moment.astimezone(otherwise.tzinfo) if moment.tzinfo else otherwise
