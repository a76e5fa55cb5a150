"""Notify (発送通知): the supplier's news moves shipments and parcels, captures the payment, and the customer is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import ALL_LEFT, HoldReason, OrderState, ShipmentState, TrackingState
from pipelines.changes.arrival import count_as_delivered, follow_parcels, watch_delivery
from pipelines.changes.authorizations import stop_watching, watch_payout, watch_what_was_refused
from pipelines.changes.collection import collecting_parcel, to_be_collected
from pipelines.changes.ending import finish
from pipelines.changes.money import TAKES, capture, is_collected
from pipelines.changes.parcels import KINDS, News, Where, contents, read
from pipelines.changes.pull_in import expect
from pipelines.changes.reporting import is_reported
from pipelines.changes.requests import heard
from pipelines.changes.suppliers import WAITS_AT, heard_from, report_of
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need, ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.orders.actions.ship import ACTION, SHIPPED, as_news
from pipelines.orders.mails import cash, customer_mail, lines_of, parcel_context
from pipelines.rules.dates.delivery import receive_by
from pipelines.rules.parcels import ENDED
from pipelines.shops import Shop
from pipelines.suppliers.instructions import FETCHED, instruct_key
from pipelines.values.calendar import in_japan

#: What the customer hears of how a parcel fared.
_TOLD_AS: Mapping[TrackingState, str] = {
    TrackingState.DELIVERED: "order_delivered",
    TrackingState.RETURNED: "parcel_returned",
    TrackingState.LOST: "transit_accident",
    TrackingState.DAMAGED: "transit_accident",
}


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Read all waiting news of an order, then draw the conclusions once."""
    news = News(draft, shop, now)
    shipments = {shipment.id: shipment for shipment in draft.shipments}
    known = dict(draft.parcels)
    # Shipped first: what is said of a parcel can only be applied once the parcel is known.
    for event in sorted(draft.waiting, key=lambda e: (e.type not in (SHIPPED, ACTION.wakes), e.at, e.event_id)):
        if event.type == ACTION.wakes:
            if (asked := heard(ACTION, draft, shop, now, event)) is not None:
                read(news, shipments[asked.shipment], as_news(asked, now, event.id, event.source))
            continue
        shipment = shipments.get(event.shipment or "")
        if shipment is not None and event.type == FETCHED:
            _fetched(draft, shipment, event)
        elif shipment is None:
            draft.quarantined(event, "the order has no such shipment")
        elif event.source.startswith("supplier:") and event.source != f"supplier:{shipment.supplier}":
            draft.quarantined(event, f"the shipment was given to {shipment.supplier} meanwhile")
        else:
            read(news, shipment, event)
    count_as_delivered(draft, shop, now)
    if draft.parcels != known:
        _conclude(news, known)
    if draft.state == OrderState.CANCELLED:
        finish(draft)  # what a supplier's answer to the cancel held for may be over
    heard_from(draft, now)
    stop_watching(draft)
    watch_what_was_refused(draft, shop, now)
    watch_delivery(draft, shop, now)
    watch_payout(draft, now)
    if is_collected(draft.money) or (draft.parcels != known and is_reported(draft.money.method)):
        draft.next("collect", now)
    if draft.parcels != known and draft.facts.pickup is not None:
        draft.next("pull_in", now)


def _fetched(draft: OrderDraft, shipment: ShipmentDraft, event: EventFacts) -> None:
    """Its supplier came for the instruction and has it: it is waited for from now on."""
    if event.body.get("key") != instruct_key(shipment.id, shipment.again) or shipment.is_fetched:
        draft.ignored(event, "it is known, or another instruction stands for it")
        return
    shipment.tell(event.at)
    draft.end_wait(WAITS_AT, report_of(shipment))
    if shipment.is_owed and shipment.left:
        draft.next(WAITS_AT, event.at)
    draft.applied(event)


def _conclude(news: News, known: Mapping[Where, ParcelFacts]) -> None:
    """From parcels to shipments, from shipments to the order; then money, mails and points."""
    draft = news.draft
    for shipment in draft.shipments:
        _recount(news, shipment)
    _tell(news, known)
    if draft.state == OrderState.CANCELLED:
        return
    follow_parcels(draft, news.shop, news.now)
    if draft.facts.pickup is not None and any(not _is_kept(draft, where) for where in news.arrived):
        expect(draft, news.shop, news.now)
    if (news.arrived or news.grown) and draft.state in (OrderState.PARTLY_SHIPPED, *ALL_LEFT):
        capture(draft, news.shop, news.now)
    each = news.shop.points.activate_on == "each_shipment" and draft.state == OrderState.PARTLY_SHIPPED
    if each or draft.state in ALL_LEFT:
        draft.next("reward", news.now)


def _recount(news: News, shipment: ShipmentDraft) -> None:
    """What is in each parcel, and with it how many pieces have shipped."""
    parcels = news.draft.parcels_of(shipment.id)
    if not parcels:
        return
    held = contents(shipment, parcels)
    for parcel in parcels:
        lines = dict(held.get(parcel.key, {}))
        if lines != parcel.lines:
            news.draft.keep_parcel(parcel._replace(lines=lines))
    for line in list(shipment.lines):
        shipment.ship(line, sum(content.get(line, 0) for content in held.values()))
    if not shipment.is_live:
        return
    if all(pieces.open <= 0 for pieces in shipment.lines.values()):
        shipment.move(ShipmentState.SHIPPED, "all pieces shipped")
        news.lift(HoldReason.SUPPLIER_REFUSED, shipment, "supplier shipped after all")
        news.lift(HoldReason.SUPPLIER_SHORT, shipment, "supplier shipped after all")
        news.lift(HoldReason.SUPPLIER_UNREACHABLE, shipment, "supplier shipped after all")
    elif shipment.is_unanswered:
        shipment.move(ShipmentState.ACKNOWLEDGED, "part shipped")


def _tell(news: News, known: Mapping[Where, ParcelFacts]) -> None:
    """One mail a parcel (SPL-02): what is in it, what went before, what is still to come; one more for what a parcel that was
    told already turns out to hold besides."""
    draft, facts = news.draft, news.draft.facts
    shipped, cancelled = draft.shipped, draft.cancelled
    ordered = [(line["line"], line["quantity"]) for line in facts.document["lines"]]
    outstanding = lines_of(
        facts, [(line, pieces - shipped.get(line, 0) - cancelled.get(line, 0)) for line, pieces in ordered]
    )
    before: dict[str, int] = {}
    for where, parcel in draft.parcels.items():
        if where not in news.arrived:
            _add(before, known[where].lines if where in news.grown else parcel.lines)
    for where in [*news.grown, *news.arrived]:
        parcel = draft.parcels[where]
        more = _more(parcel, known[where]) if where in news.grown else dict(parcel.lines)
        about = f":{','.join(sorted(more))}" if where in news.grown else ""
        shipped_before = lines_of(facts, before.items())
        if (more or where in news.arrived) and not _is_kept(draft, where):
            told = parcel._replace(lines=more)
            _mail(news, "shipment_shipped", told, about, shipped_before=shipped_before, outstanding=outstanding)
        _add(before, more)
    for where in news.corrected:
        parcel = draft.parcels[where]
        if parcel.tracking_status in ENDED:
            continue  # there is nothing left to follow
        # Each correction is told, also of the carrier alone, or back to a number that was told before.
        about = f":{parcel.carrier}:{parcel.tracking_number}:{parcel.number_as_of.isoformat()}"
        _mail(news, "tracking_corrected", parcel, about, shipped_before=[], outstanding=outstanding)
    for where in dict.fromkeys(news.fared):
        parcel = draft.parcels[where]
        if parcel.tracking_status != TrackingState.DELIVERED and draft.state == OrderState.CANCELLED:
            continue  # the customer heard that nothing comes any more: there is nothing to receive, and nothing to miss
        if parcel.tracking_status in news.shop.delivery.tells and facts.pickup is None:
            _tell_waiting(news, parcel, outstanding)
        elif template := _TOLD_AS.get(TrackingState(parcel.tracking_status or "")):
            _mail(news, template, parcel, shipped_before=[], outstanding=outstanding)


def _is_kept(draft: OrderDraft, where: Where) -> bool:
    """Whether the parcel was only set aside, and the customer hears that it can be seen instead (STO-01)."""
    return draft.facts.is_kept_by(draft.shipment(where[0]).supplier)


def _tell_waiting(news: News, parcel: ParcelFacts, outstanding: object) -> None:
    """What the carrier says before it has handed the parcel over, once for each that it says; what is heard too late to act on it is
    told to nobody."""
    status, since = str(parcel.tracking_status), parcel.status_as_of or news.now
    by, today = receive_by(parcel.carrier, status, since), in_japan(news.now).date()
    is_brought = status == TrackingState.OUT_FOR_DELIVERY
    if (by is not None and by < today) or (is_brought and in_japan(since).date() < today):
        return
    _mail(
        news,
        "parcel_waiting",
        parcel,
        f":{status}",
        waiting=status,
        receive_by=by,
        shipped_before=[],
        outstanding=outstanding,
    )


def _more(parcel: ParcelFacts, known: ParcelFacts) -> dict[str, int]:
    """The pieces that a parcel holds beyond those it was known to hold."""
    more = {line: pieces - known.lines.get(line, 0) for line, pieces in parcel.lines.items()}
    return {line: pieces for line, pieces in more.items() if pieces > 0}


def _add(total: dict[str, int], pieces: Mapping[str, int]) -> None:
    for line, n in pieces.items():
        total[line] = total.get(line, 0) + n


def _cash(news: News, parcel: ParcelFacts) -> dict[str, int] | None:
    """What the customer has to have ready for a parcel (PAY-09): one shipment of an order collects, with its first one."""
    draft, shop = news.draft, news.shop
    collects = collecting_parcel(draft, shop)
    if collects is None or (collects.shipment, collects.key) != (parcel.shipment, parcel.key):
        return None
    return cash(draft.facts.method, to_be_collected(draft, shop), shop)


def _mail(news: News, template: str, parcel: ParcelFacts, about: str = "", **extra: object) -> None:
    facts, shipment = news.draft.facts, news.draft.shipment(parcel.shipment)
    news.draft.tell(
        customer_mail(
            template,
            facts,
            news.shop,
            news.now,
            about=f"{parcel.shipment}:{parcel.key}{about}",
            shipment_id=parcel.shipment,
            collect=_cash(news, parcel),
            parcel=parcel_context(facts, news.shop, parcel, shipment, news.now),
            **extra,
        )
    )


STAGE = Stage(
    "notify",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.EVENTS | Need.ADJUSTMENTS | Need.NUMBERS,
    consumes=(*KINDS, FETCHED, ACTION.wakes),
    leads_to=("dispatch", "settle", "reward", "collect", "pull_in"),
    asks=TAKES,
    at_once=("reward",),
)
