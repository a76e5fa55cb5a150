"""Notify (発送通知): the supplier's news moves shipments and parcels, captures the payment, and the customer is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from models.states import OrderState, ShipmentState, TrackingState
from pipelines.engine.stage import Decision, Facts, Need, ShipmentFacts, Stage
from pipelines.orders.mails import customer_mail, lines_of, parcel_context
from pipelines.rules.parcels import Claim, allocate
from pipelines.shops import Shop
from pipelines.stages.capturing import capture, collect, uncollect
from pipelines.stages.news import BEFORE_SHIPPED, READ, News

CONSUMES = tuple(READ)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Read all waiting news of an order, then draw the conclusions once."""
    decision = Decision(facts)
    news = News(decision, facts, shop, now, {(p.shipment, p.key): p for p in facts.parcels})
    shipments = {s.id: s for s in facts.shipments}
    # Shipped first: what is said of a parcel can only be applied once the parcel is known.
    for event in sorted(facts.events, key=lambda e: (e.type != "shipment.shipped", e.at, e.event_id)):
        shipment = shipments.get(event.shipment or "")
        if shipment is None:
            news.quarantined(event, "the order has no such shipment")
        else:
            READ[event.type](news, shipment, event)
    if list(news.parcels.values()) != facts.parcels:
        _conclude(news)
    return decision


def _conclude(news: News) -> None:
    """From parcels to shipments, from shipments to the order; then money, mails and points."""
    decision, facts = news.decision, news.facts
    for shipment in facts.shipments:
        _recount(news, shipment)
    known = {(p.shipment, p.key): p for p in facts.parcels}
    for where, parcel in news.parcels.items():
        if known.get(where) != parcel:
            decision.parcels[where] = parcel
    _tell(news)
    if facts.state == OrderState.CANCELLED:
        return
    _move_order(news)
    if news.arrived and decision.state in (OrderState.PARTLY_SHIPPED, OrderState.SHIPPED, OrderState.DELIVERED):
        capture(decision, news.shop)
    each = news.shop.points.activate_on == "each_shipment" and decision.state == OrderState.PARTLY_SHIPPED
    if each or decision.state in (OrderState.SHIPPED, OrderState.DELIVERED):
        decision.next("reward", news.now)


def _recount(news: News, shipment: ShipmentFacts) -> None:
    """What is in each parcel, and with it how many pieces have shipped."""
    parcels = news.of(shipment)
    if not parcels:
        return
    contents = allocate(
        {line: pieces.live for line, pieces in shipment.lines.items()},
        [Claim(p.key, p.shipped_at, p.claim) for p in parcels],
    )
    for parcel in parcels:
        lines = dict(contents.get(parcel.key, {}))
        if lines != parcel.lines:
            news.parcels[shipment.id, parcel.key] = replace(parcel, lines=lines)
    change = news.decision.change(shipment)
    for line, pieces in shipment.lines.items():
        shipped = sum(content.get(line, 0) for content in contents.values())
        if shipped != pieces.shipped:
            change.shipped[line] = shipped
    if shipment.state == ShipmentState.CANCELLED:
        return
    if all(change.shipped.get(line, p.shipped) >= p.live for line, p in shipment.lines.items()):
        news.decision.move_shipment(shipment, ShipmentState.SHIPPED, "all pieces shipped")
        news.lift("supplier_refused", shipment, "supplier shipped after all")
    elif (change.state or shipment.state) in BEFORE_SHIPPED[:3]:
        news.decision.move_shipment(shipment, ShipmentState.ACKNOWLEDGED, "part shipped")


def _shipped_pieces(news: News) -> dict[str, int]:
    """Pieces shipped by order line, over all shipments."""
    total: dict[str, int] = {}
    for shipment in news.facts.shipments:
        change = news.decision.shipments.get(shipment.id)
        for line, pieces in shipment.lines.items():
            now = change.shipped.get(line, pieces.shipped) if change else pieces.shipped
            total[line] = total.get(line, 0) + now
    return total


def _live_pieces(news: News) -> dict[str, int]:
    """Pieces by order line that were not cancelled, in the order's sequence."""
    cancelled: dict[str, int] = {}
    for shipment in news.facts.shipments:
        for line, pieces in shipment.lines.items():
            cancelled[line] = cancelled.get(line, 0) + pieces.cancelled
    ordered = news.facts.document["lines"]
    return {line["line"]: line["quantity"] - cancelled.get(line["line"], 0) for line in ordered}


def _move_order(news: News) -> None:
    decision, facts = news.decision, news.facts
    pieces = _shipped_pieces(news)
    for line, shipped in pieces.items():
        before = sum(s.lines[line].shipped for s in facts.shipments if line in s.lines)
        if shipped != before:
            decision.line_shipped[line] = shipped
    live = [s for s in facts.shipments if s.is_live]
    states = [(decision.change(s).state or s.state) for s in live]
    if states and all(state == ShipmentState.SHIPPED for state in states):
        if decision.state not in (OrderState.SHIPPED, OrderState.DELIVERED):
            decision.move_order(OrderState.SHIPPED, "all live shipments shipped")
        if news.parcels and all(p.tracking_status == TrackingState.DELIVERED for p in news.parcels.values()):
            decision.move_order(OrderState.DELIVERED, "all parcels delivered")
            collect(decision)
        elif decision.state == OrderState.DELIVERED:
            decision.move_order(OrderState.SHIPPED, "a parcel came back after all")
            uncollect(decision)
    elif any(pieces.values()):
        decision.move_order(OrderState.PARTLY_SHIPPED, "some pieces shipped")


def _tell(news: News) -> None:
    """One mail a parcel (SPL-02): what is in it, what went before, what is still to come."""
    facts = news.facts
    sent = {(p.shipment, p.key) for p in facts.parcels}
    pieces = _shipped_pieces(news)
    live = _live_pieces(news)
    outstanding = lines_of(facts, [(line, live[line] - pieces.get(line, 0)) for line in live])
    for where in news.arrived:
        before: dict[str, int] = {}
        for key in sent:
            for line, n in news.parcels[key].lines.items():
                before[line] = before.get(line, 0) + n
        _mail(news, "shipment_shipped", where, shipped_before=lines_of(facts, before.items()), outstanding=outstanding)
        sent.add(where)
    for where in news.corrected:
        number = news.parcels[where].tracking_number
        _mail(news, "tracking_corrected", where, about=f":{number}", shipped_before=[], outstanding=outstanding)
    for where in news.delivered:
        _mail(news, "order_delivered", where, shipped_before=[], outstanding=outstanding)


def _mail(news: News, template: str, where: tuple[str, str], about: str = "", **extra: object) -> None:
    parcel = parcel_context(news.facts, news.parcels[where])
    news.decision.mails.append(
        customer_mail(
            template,
            news.facts,
            news.shop,
            news.now,
            about=f"{where[0]}:{where[1]}{about}",
            shipment_id=where[0],
            parcel=parcel,
            **extra,
        )
    )


STAGE = Stage("notify", decide, Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.EVENTS | Need.ADJUSTMENTS, CONSUMES)
