"""What each kind of a supplier's news says about shipments and parcels (出荷・配送の知らせ); ``notify`` draws the conclusions.

Each kind is applied so that the end is the same however late, often and in whatever order it comes (``rules.parcels``, the
``*_as_of`` marks). News about a parcel that is not known yet waits in the inbox for ``shipment.shipped``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from models.states import HoldReason, OrderState, ShipmentState, TrackingState
from pipelines.carriers import Status, carrier
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.mails import arrival, change_of_plan, customer_mail, lines_of
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import Claim, allocate
from pipelines.shops import Shop

_DELAY = "supplier_delay"
_STATES = frozenset(TrackingState)


@dataclass(slots=True)
class News:
    """An order while its news is read, one event after the other; what ``arrived``, was ``corrected`` and ``delivered`` are
    parcels by (shipment, key)."""

    draft: OrderDraft
    shop: Shop
    now: datetime
    arrived: list[tuple[str, str]] = field(default_factory=list)
    corrected: list[tuple[str, str]] = field(default_factory=list)
    delivered: list[tuple[str, str]] = field(default_factory=list)

    def read(self, shipment: ShipmentDraft, event: EventFacts) -> None:
        """Apply one event about ``shipment``."""
        _READ[event.type](self, shipment, event)

    def hold(self, hold: Hold) -> None:
        """Put the order before a human."""
        self.draft.hold(hold, hold.reason)

    def lift(self, reason: HoldReason, shipment: ShipmentDraft, cause: str) -> None:
        """What was held for is no reason any more."""
        self.draft.lift(lambda hold: hold.reason == reason and hold.shipment == shipment.id, cause)


def _acknowledged(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    if shipment.is_unanswered:
        shipment.move(ShipmentState.ACKNOWLEDGED, event.type)
        news.draft.applied(event)
    else:
        news.draft.ignored(event, f"the shipment is {shipment.state} already")


def _refused(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    if not shipment.is_before_shipped:
        news.draft.ignored(event, f"the shipment is {shipment.state} already")
        return
    why = str(event.body.get("reason") or "no reason given")
    shipment.refuse(why, event.type)
    said = {"supplier": shipment.supplier, "why": why}
    news.hold(Hold(HoldReason.SUPPLIER_REFUSED, shipment.id, facts=said))
    news.draft.applied(event)


def _delayed(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    if shipment.plan_as_of is not None and event.at <= shipment.plan_as_of:
        news.draft.ignored(event, "newer news is known")
        return
    promised = shipment.dispatch_on
    expected = date.fromisoformat(event.body["expected_on"]) if event.body.get("expected_on") else None
    reason = str(event.body.get("reason") or "")
    says = f"{shipment.supplier}: {reason}" if reason else f"{shipment.supplier} gave a new date"
    planned = [b for b in shipment.because if b["rule"] != _DELAY]
    facts = news.draft.facts
    arrive_on = arrival(facts, news.shop, expected)
    shipment.plan_anew(event.at, expected, [*planned, {"rule": _DELAY, "says": says}], arrive_on=arrive_on)
    news.draft.applied(event)
    if not shipment.is_before_shipped or news.draft.parcels_of(shipment.id):
        return  # the goods were quicker than the news: nothing to tell the customer
    if expected == promised:
        return
    context = {
        "id": shipment.id,
        "lines": lines_of(facts, [(line, p.open) for line, p in shipment.lines.items()]),
        "dispatch_on": promised,
        "expected_on": expected,
        "arrive_on": arrive_on,
    }
    about = f"{shipment.id}:{expected}"
    news.draft.tell(
        customer_mail(
            "dispatch_delayed",
            facts,
            news.shop,
            news.now,
            about=about,
            shipment_id=shipment.id,
            reason=reason,
            change=change_of_plan(promised, expected),
            shipment=context,
        )
    )


def _shipped(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    supplier = news.shop.supplier(shipment.supplier)
    by = _named(event.body.get("carrier")) or supplier.carrier
    number = _written(by, event.body.get("tracking_number"))
    if number and (fault := _number_fault(news.shop, by, number)):
        news.draft.quarantined(event, fault)  # TRK-03: no mail goes out on a number that cannot be right
        return
    claim: Mapping[str, int] | None = None
    if event.body.get("lines") is not None:
        claim = {str(one["line"]): int(one["quantity"]) for one in event.body["lines"]}
        unknown = sorted(claim.keys() - shipment.lines.keys())
        too_many = [line for line, n in claim.items() if line in shipment.lines and n > shipment.lines[line].live]
        if unknown or too_many:
            news.draft.quarantined(
                event, f"lines {', '.join(unknown or too_many)} are not in this shipment, or fewer are"
            )
            return
    key = number or event.event_id
    if _numbered(news, shipment, number) is not None:
        news.draft.ignored(event, "this parcel is known (TRK-05)")
        return
    shipped_at = _moment(event.body.get("shipped_at"), event.at)
    news.draft.keep_parcel(ParcelFacts(shipment.id, key, shipped_at, claim, {}, by, number, event.at, None, None))
    news.arrived.append((shipment.id, key))
    news.draft.applied(event)
    if not shipment.is_live or news.draft.state == OrderState.CANCELLED:
        news.hold(Hold(HoldReason.SHIPPED_AFTER_CANCEL, shipment.id))


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


def _parcel_meant(news: News, shipment: ShipmentDraft, named: str | None) -> ParcelFacts | None:
    """The parcel with the number ``named``; without one, or where a parcel has none yet, the latest of those.

    None if it is not known yet: another parcel's news must not be taken for this one's.
    """
    parcels = news.draft.parcels_of(shipment.id)
    if named:
        if (numbered := _numbered(news, shipment, named)) is not None:
            return numbered
        parcels = [p for p in parcels if p.tracking_number is None]
    return max(parcels, key=lambda p: (p.shipped_at, p.key), default=None)


def _numbered(news: News, shipment: ShipmentDraft, named: str | None) -> ParcelFacts | None:
    """The parcel that has, or first had, the number ``named``."""
    for parcel in news.draft.parcels_of(shipment.id):
        number = _written(parcel.carrier, named)
        if number and number in (parcel.key, parcel.tracking_number):
            return parcel
    return None


def _tracking_corrected(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    body = event.body
    parcel = _parcel_meant(news, shipment, body.get("previous_tracking_number"))
    parcel = parcel or _numbered(news, shipment, body.get("tracking_number"))  # corrected already
    if parcel is None:
        return  # waits for shipment.shipped
    by = _named(body.get("carrier")) or parcel.carrier
    number = _written(by, body.get("tracking_number"))
    if number and (fault := _number_fault(news.shop, by, number)):
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
    if where not in news.arrived:
        news.corrected.append(where)
    news.draft.applied(event)


def _tracking_updated(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    word = str(event.body.get("status"))
    meant = _parcel_meant(news, shipment, event.body.get("tracking_number"))
    by = _named(event.body.get("carrier")) or (meant and meant.carrier) or news.shop.supplier(shipment.supplier).carrier
    status = word if word in _STATES else carrier(by or "").status(word)
    if status in _STATES:
        _track(news, shipment, event, TrackingState(status))
    elif status == Status.ANNOUNCED:
        news.draft.ignored(event, "the parcel was not handed over yet")
    else:
        why = "unknown" if status is None else f"{status}: ask the carrier"
        news.draft.quarantined(event, f"status {word!r} is {why}")


def _delivered(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    _track(news, shipment, event, TrackingState.DELIVERED)


def _returned(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    if _track(news, shipment, event, TrackingState.RETURNED) and not _is_settled(news, shipment):
        news.hold(Hold(HoldReason.RETURNED_UNDELIVERED, shipment.id))
        if news.draft.facts.customer_id:
            news.draft.mark("undelivered_returns", f"{shipment.id}:returned")


def _lost(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    if _track(news, shipment, event, TrackingState.LOST) and not _is_settled(news, shipment):
        news.hold(Hold(HoldReason.TRANSIT_ACCIDENT, shipment.id))


def _is_settled(news: News, shipment: ShipmentDraft) -> bool:
    """Whether an operator settled all that the shipment sent before this news came."""
    sent = {line: pieces.shipped for line, pieces in shipment.lines.items() if pieces.shipped}
    return bool(sent) and all(news.draft.came_back(line) >= shipped for line, shipped in sent.items())


def _track(news: News, shipment: ShipmentDraft, event: EventFacts, status: TrackingState) -> bool:
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
        news.draft.ignored(event, "newer news is known")
        return False
    for parcel in told:
        news.draft.keep_parcel(parcel._replace(tracking_status=status, status_as_of=event.at))
        if status == TrackingState.DELIVERED:
            news.delivered.append((shipment.id, parcel.key))
    was_lost = any(parcel.tracking_status == TrackingState.LOST for parcel in told)
    if was_lost and all(p.tracking_status != TrackingState.LOST for p in news.draft.parcels_of(shipment.id)):
        news.lift(HoldReason.TRANSIT_ACCIDENT, shipment, "the parcel was found")
    news.draft.applied(event)
    return True


def _parcels_meant(news: News, shipment: ShipmentDraft, event: EventFacts, status: TrackingState) -> list[ParcelFacts]:
    """The parcel an event names; a delivery that names none is that of the whole shipment, once all of it has left."""
    named = event.body.get("tracking_number")
    if status == TrackingState.DELIVERED and not named:
        parcels = news.draft.parcels_of(shipment.id)
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


def _short(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    missing = {str(one["line"]): int(one["quantity"]) for one in event.body.get("lines") or []}
    if not missing:
        missing = {line: p.open for line, p in shipment.lines.items()}
    known = {line: pieces for line, pieces in missing.items() if line in shipment.lines}
    if not known:
        news.draft.quarantined(event, "names no line of this shipment")
        return
    # The customer hears of it when an operator takes the lines out: only then is it known what is left to pay.
    news.hold(Hold(HoldReason.SUPPLIER_SHORT, shipment.id, known, facts={"supplier": shipment.supplier}))
    news.draft.applied(event)


_READ: Mapping[str, Callable[[News, ShipmentDraft, EventFacts], object]] = {
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

#: The kinds of news there are.
KINDS = tuple(_READ)


def _moment(text: str | None, otherwise: datetime) -> datetime:
    if not text:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    return moment.astimezone(otherwise.tzinfo) if moment.tzinfo else otherwise
