"""When goods of an order should be with its customer (お届け予定), and when the customer wants them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from pipelines.engine.facts import Facts
from pipelines.rules.dates import delivery
from pipelines.rules.dates.transit import arrives_on
from pipelines.rules.pull_in import ready_on
from pipelines.rules.wish import Sent, Wish, as_written, is_ignored, wish
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan


class Planned(Sent, Protocol):
    """A shipment that was planned: when it was to leave, too; None where nobody knew."""

    @property
    def dispatch_on(self) -> date | None: ...


def wished(facts: Facts, shop: Shop) -> Wish:
    """When the customer wants the goods; the order's objects are built for its remarks alone."""
    document = facts.document
    return wish(facts.order, shop) if document.get("remarks") else as_written(document.get("delivery"))


def arrival(facts: Facts, shop: Shop, shipment: Planned, dispatch_on: date) -> date:
    """When goods that leave on ``dispatch_on`` should arrive: not before the days that were wished for, where they count (CUT-04,
    DLV-01), and at a store once they can be seen there."""
    if facts.is_kept_by(shipment.supplier):
        return shop.visit_days(shipment.supplier).next_open(dispatch_on)
    region = facts.document["ship_to"]["region"]
    if (pickup := facts.pickup) is not None:
        return ready_on(shop, pickup["store"], arrives_on(dispatch_on, region, shop))
    window = wished(facts, shop).window
    if window is None or is_ignored(shop, shipment.supplier, backorder=shipment.backorder):
        return arrives_on(dispatch_on, region, shop)
    return arrives_on(dispatch_on, region, shop, window.first)


def parcel_arrival(facts: Facts, shop: Shop, shipment: Planned, shipped_at: datetime) -> date:
    """The day on which a parcel that left at ``shipped_at`` (aware) should arrive; one that left without a plan, or before its day, takes
    the days of its way (A.16.9)."""
    left_on = in_japan(shipped_at).date()
    if shipment.dispatch_on is None or shipment.arrive_on is None or left_on < shipment.dispatch_on:
        return arrival(facts, shop, shipment, left_on)
    return delivery.arrival(shipment.dispatch_on, shipment.arrive_on, shipped_at)
