"""Notify (発送通知): the supplier's news moves shipments and parcels, captures the payment, and the customer is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import HoldReason, OrderState, ShipmentState, TrackingState
from pipelines.changes.money import TAKES, capture, collect, uncollect
from pipelines.changes.parcels import KINDS, News
from pipelines.changes.suppliers import end_answered_waits
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.methods import METHODS, Capture
from pipelines.orders.mails import cash, customer_mail, lines_of, parcel_context
from pipelines.rules.money.collecting import Candidate, collecting, to_collect
from pipelines.rules.parcels import Claim, allocate
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Read all waiting news of an order, then draw the conclusions once."""
    news = News(draft, shop, now)
    shipments = {shipment.id: shipment for shipment in draft.shipments}
    known = dict(draft.parcels)
    # Shipped first: what is said of a parcel can only be applied once the parcel is known.
    for event in sorted(draft.waiting, key=lambda e: (e.type != "shipment.shipped", e.at, e.event_id)):
        shipment = shipments.get(event.shipment or "")
        if shipment is None:
            draft.quarantined(event, "the order has no such shipment")
        else:
            news.read(shipment, event)
    if draft.parcels != known:
        _conclude(news)
    end_answered_waits(draft)


def _conclude(news: News) -> None:
    """From parcels to shipments, from shipments to the order; then money, mails and points."""
    draft = news.draft
    for shipment in draft.shipments:
        _recount(news, shipment)
    _tell(news)
    if draft.state == OrderState.CANCELLED:
        return
    _move_order(draft)
    if news.arrived and draft.state in (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.DELIVERED):
        capture(draft, news.shop)
    each = news.shop.points.activate_on == "each_shipment" and draft.state == OrderState.PARTLY_SHIPPED
    if each or draft.state in (OrderState.SHIPPED, OrderState.DELIVERED):
        draft.next("reward", news.now)


def _recount(news: News, shipment: ShipmentDraft) -> None:
    """What is in each parcel, and with it how many pieces have shipped."""
    parcels = news.draft.parcels_of(shipment.id)
    if not parcels:
        return
    contents = allocate(
        {line: pieces.live for line, pieces in shipment.lines.items()},
        [Claim(p.key, p.shipped_at, p.claim) for p in parcels],
    )
    for parcel in parcels:
        lines = dict(contents.get(parcel.key, {}))
        if lines != parcel.lines:
            news.draft.keep_parcel(parcel._replace(lines=lines))
    for line in list(shipment.lines):
        shipment.ship(line, sum(content.get(line, 0) for content in contents.values()))
    if not shipment.is_live:
        return
    if all(pieces.open <= 0 for pieces in shipment.lines.values()):
        shipment.move(ShipmentState.SHIPPED, "all pieces shipped")
        news.lift(HoldReason.SUPPLIER_REFUSED, shipment, "supplier shipped after all")
    elif shipment.is_unanswered:
        shipment.move(ShipmentState.ACKNOWLEDGED, "part shipped")


def _move_order(draft: OrderDraft) -> None:
    live = [shipment for shipment in draft.shipments if shipment.is_live]
    if live and all(shipment.state == ShipmentState.SHIPPED for shipment in live):
        if draft.state not in (OrderState.SHIPPED, OrderState.DELIVERED):
            draft.move_order(OrderState.SHIPPED, "all live shipments shipped")
        if draft.parcels and all(p.tracking_status == TrackingState.DELIVERED for p in draft.parcels.values()):
            draft.move_order(OrderState.DELIVERED, "all parcels delivered")
            collect(draft)
        elif draft.state == OrderState.DELIVERED:
            draft.move_order(OrderState.SHIPPED, "a parcel came back after all")
            uncollect(draft)
    elif any(draft.shipped.values()):
        draft.move_order(OrderState.PARTLY_SHIPPED, "some pieces shipped")


def _tell(news: News) -> None:
    """One mail a parcel (SPL-02): what is in it, what went before, what is still to come."""
    draft, facts = news.draft, news.draft.facts
    shipped, cancelled = draft.shipped, draft.cancelled
    ordered = [(line["line"], line["quantity"]) for line in facts.document["lines"]]
    outstanding = lines_of(
        facts, [(line, pieces - shipped.get(line, 0) - cancelled.get(line, 0)) for line, pieces in ordered]
    )
    before: dict[str, int] = {}
    for where, parcel in draft.parcels.items():
        if where not in news.arrived:
            _add(before, parcel.lines)
    for where in news.arrived:
        shipped_before = lines_of(facts, before.items())
        _mail(news, "shipment_shipped", where, shipped_before=shipped_before, outstanding=outstanding)
        _add(before, draft.parcels[where].lines)
    for where in news.corrected:
        number = draft.parcels[where].tracking_number
        _mail(news, "tracking_corrected", where, about=f":{number}", shipped_before=[], outstanding=outstanding)
    for where in news.delivered:
        _mail(news, "order_delivered", where, shipped_before=[], outstanding=outstanding)


def _add(total: dict[str, int], pieces: Mapping[str, int]) -> None:
    for line, n in pieces.items():
        total[line] = total.get(line, 0) + n


def _cash(news: News, where: tuple[str, str]) -> dict[str, int] | None:
    """What the customer has to have ready for a parcel (PAY-09): one shipment of an order collects, with its first one."""
    draft, shop = news.draft, news.shop
    if METHODS[draft.facts.method].capture is not Capture.ON_DELIVERY:
        return None
    candidates = [Candidate(one.id, one.state, one.backorder, one.instruct_at) for one in draft.shipments]
    first = min(draft.parcels_of(where[0]), key=lambda parcel: (parcel.shipped_at, parcel.key))
    if (collecting(candidates, shop.payment.cod_collects), first.key) != where:
        return None
    due = to_collect(draft.facts.breakdown, draft.adjustments)
    return cash(draft.facts.method, due["amount"], shop) if due else None


def _mail(news: News, template: str, where: tuple[str, str], about: str = "", **extra: object) -> None:
    facts, parcel, shipment = news.draft.facts, news.draft.parcels[where], news.draft.shipment(where[0])
    news.draft.tell(
        customer_mail(
            template,
            facts,
            news.shop,
            news.now,
            about=f"{where[0]}:{where[1]}{about}",
            shipment_id=where[0],
            collect=_cash(news, where),
            parcel=parcel_context(facts, news.shop, parcel, (shipment.dispatch_on, shipment.arrive_on)),
            **extra,
        )
    )


STAGE = Stage(
    "notify",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.EVENTS | Need.ADJUSTMENTS,
    consumes=KINDS,
    leads_to=("settle", "reward"),
    asks=TAKES,
)
