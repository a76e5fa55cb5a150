"""The steps of an order by django-oscar's order processing: ``EventHandler`` for what ships, ``Source`` for money, ``set_status`` for its moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from oscar.core.loading import get_class, get_model

from benchmarks.peers.books import QUEUED, Charge
from benchmarks.peers.partners import Partners
from benchmarks.peers.place import House
from benchmarks.peers.programs.oscar_shop.models import (
    Document,
    Lot,
    Mail,
    Move,
    Parcel,
    PointsMoved,
    Shipment,
    ShipmentLine,
)
from models.mail_packing import pack
from pipelines.changes.plans import foretold, plans, shipments
from pipelines.engine.facts import Facts, ParcelFacts
from pipelines.orders.mails import customer_mail, lines_of, parcel_context, planned
from pipelines.rules.dates.periods import end_of
from pipelines.rules.points import expires_on

Order, Line, LinePrice = get_model("order", "Order"), get_model("order", "Line"), get_model("order", "LinePrice")
ShippingEventType = get_model("order", "ShippingEventType")
Source, SourceType = get_model("payment", "Source"), get_model("payment", "SourceType")
EventHandler = get_class("order.processing", "EventHandler")
SHIPPED: Final = "Shipped"


class Shop:
    """One a process: carries orders one at a time, a transaction a step."""

    def __init__(self, house: House, partners: Partners) -> None:
        self._house = house
        self._partners = partners
        self._handler = EventHandler()

    @transaction.atomic
    def store(self, document: Mapping[str, Any], breakdown: Mapping[str, Any], total: int) -> None:
        """An order with its lines and their prices, and where its money comes from."""
        order = Order.objects.create(
            number=document["number"], currency="JPY", total_incl_tax=total, total_excl_tax=total - breakdown["tax_total"], shipping_incl_tax=0,
            shipping_excl_tax=0, status="waiting", guest_email=document["customer"]["email"], date_placed=document["placed_at"], site_id=1,
        )  # fmt: skip
        Document.objects.create(order=order, document=document, breakdown=breakdown)
        for line in document["lines"]:
            price, pieces = Decimal(line["unit_price"]), line["quantity"]
            made = Line.objects.create(
                order=order, partner_name=line["supplier"], partner_sku=line["sku"], title=line["name"], quantity=pieces,
                partner_line_reference=line["line"], line_price_incl_tax=price * pieces, line_price_excl_tax=price * pieces,
                line_price_before_discounts_incl_tax=price * pieces, line_price_before_discounts_excl_tax=price * pieces, num_allocated=0,
                unit_price_incl_tax=price, unit_price_excl_tax=price,
            )  # fmt: skip
            LinePrice.objects.create(
                order=order, line=made, quantity=pieces, price_incl_tax=price, price_excl_tax=price
            )
        kind, _ = SourceType.objects.get_or_create(code="card", defaults={"name": "Card"})
        Source.objects.create(
            order=order, source_type=kind, currency="JPY", amount_allocated=0, label=document["payment"]["token"]
        )
        self._move(order, "order", order.number, "", "accepted", "intake")

    def carry(self) -> bool:
        """Take the oldest order that nobody else has and carry it to its end; whether there was one."""
        with transaction.atomic():
            order = Order.objects.select_for_update(skip_locked=True).filter(status="accepted").order_by("id").first()
            if order is None:
                return False
            facts = self._facts(order)
            charge = Charge(f"{facts.number}:authorize", f"salon/{facts.number}", facts.grand_total, "")
            self._authorized(order, facts, self._partners.authorize(charge))
        with transaction.atomic():
            self._split(order, facts)
        told = [{"shipment": one.id, "supplier": one.supplier} for one in order.shipments.all()]
        news = [self._partners.instruct(one) for one in told]
        with transaction.atomic():
            self._instructed(order)
        for one in news:
            if one is not None:
                with transaction.atomic():
                    self._shipped(order, facts, one)
        with transaction.atomic():
            self._captured(order, facts)
        with transaction.atomic():
            self._rewarded(order, facts)
        return True

    def _authorized(self, order: Any, facts: Facts, reference: str) -> None:
        now, shop = self._house.clock.now(), self._house.shops[facts.shop]
        if points := facts.priced["points_earned"]:
            lot = Lot.objects.create(order=order, customer=facts.customer_id, amount=points, state="pending", at=now)
            PointsMoved.objects.create(lot=lot, debit="granted", credit="pending", amount=points, at=now)
            self._move(order, "lot", str(lot.id), "", "pending", "purchase")
        told = planned(facts, shipments(facts, foretold(facts, shop, (), now), now))
        self._tell(order, facts, "order_accepted", shipments=told, repriced=False)
        order.sources.get().allocate(order.total_incl_tax, reference=reference)
        self._move(order, "payment", order.number, "pending", "authorized", "gateway")
        self._handler.handle_order_status_change(order, "authorized")

    def _split(self, order: Any, facts: Facts) -> None:
        now, shop = self._house.clock.now(), self._house.shops[facts.shop]
        lines = {line.partner_line_reference: line for line in order.lines.all()}
        for one in shipments(facts, plans(facts, shop, now), now):
            made = Shipment.objects.create(
                id=one.id, order=order, supplier=one.supplier, state=one.state, dispatch_on=one.dispatch_on, arrive_on=one.arrive_on,
                because=list(one.because),
            )  # fmt: skip
            ShipmentLine.objects.bulk_create(
                [ShipmentLine(shipment=made, line=lines[line], quantity=pieces) for line, pieces in one.lines]
            )
            self._move(order, "shipment", one.id, "", one.state, "split")

    def _instructed(self, order: Any) -> None:
        for one in order.shipments.all():
            self._move(order, "shipment", one.id, one.state, "instructed", "supplier has the instruction")
            one.state = "instructed"
            one.save(update_fields=["state"])
        self._handler.handle_order_status_change(order, "released")

    def _shipped(self, order: Any, facts: Facts, news: Mapping[str, Any]) -> None:
        shipment = order.shipments.prefetch_related("lines__line").get(id=news["shipment"])
        left = list(shipment.lines.all())
        kind = ShippingEventType.objects.get(name=SHIPPED)
        event = self._handler.handle_shipping_event(
            order, kind, [one.line for one in left], [one.quantity for one in left]
        )
        at, number = datetime.fromisoformat(news["shipped_at"]), news["tracking_number"]
        Parcel.objects.create(
            shipment=shipment, event=event, carrier=news["carrier"], tracking_number=number, shipped_at=at
        )
        for one in left:
            one.shipped = one.quantity
        ShipmentLine.objects.bulk_update(left, ["shipped"])
        self._move(order, "shipment", shipment.id, shipment.state, "shipped", "all pieces shipped")
        shipment.state = "shipped"
        shipment.save(update_fields=["state"])
        self._handler.handle_order_status_change(order, "shipped")
        pieces = {one.line.partner_line_reference: one.quantity for one in left}
        parcel = ParcelFacts(shipment.id, number, at, None, pieces, news["carrier"], number, at, None, None)
        self._tell(
            order, facts, "shipment_shipped", about=f"{shipment.id}:{number}", shipment_id=shipment.id, collect=None, shipped_before=[],
            parcel=parcel_context(facts, self._house.shops[facts.shop], parcel, shipment, self._house.clock.now()),
            outstanding=lines_of(facts, [(line["line"], line["quantity"] - pieces.get(line["line"], 0)) for line in facts.document["lines"]]),
        )  # fmt: skip

    def _captured(self, order: Any, facts: Facts) -> None:
        source = order.sources.get()
        self._partners.capture(Charge(f"{facts.number}:capture", f"salon/{facts.number}", facts.grand_total, ""))
        source.debit(order.total_incl_tax)
        self._move(order, "payment", order.number, "authorized", "captured", "captured with the goods")

    def _rewarded(self, order: Any, facts: Facts) -> None:
        now, shop = self._house.clock.now(), self._house.shops[facts.shop]
        last_day, priced = expires_on(now.date(), shop), facts.priced
        for lot in order.lots.all():
            self._move(order, "lot", str(lot.id), lot.state, "valid", "activate")
            lot.state, lot.expires_at = "valid", end_of(last_day) if last_day else None
            lot.save(update_fields=["state", "expires_at"])
            PointsMoved.objects.create(lot=lot, debit="pending", credit="valid", amount=lot.amount, at=now)
            points = {
                "used": priced["points_used"],
                "earned": priced["points_earned"],
                "amount": lot.amount,
                "balance": lot.amount,
                "expires_on": last_day,
            }
            self._tell(order, facts, "points_activated", points=points)
        self._handler.handle_order_status_change(order, "done")

    def _facts(self, order: Any) -> Facts:
        kept = Document.objects.get(order=order)
        document = kept.document
        facts = Facts(
            order.id, document["shop"], order.number, document["customer"]["id"], document["locale"], order.status, "running", (), "card", "JPY",
            int(order.total_incl_tax), order.date_placed.astimezone(self._house.clock.now().tzinfo), self._house.clock.now(), "", "", 0, 0,
        )  # fmt: skip
        facts.__dict__.update(document=document, priced=kept.breakdown)
        return facts

    def _tell(self, order: Any, facts: Facts, template: str, **said: Any) -> None:
        now = self._house.clock.now()
        intent = customer_mail(template, facts, self._house.shops[facts.shop], now, **said)
        mail = self._house.renderer.render(intent, shop=facts.shop, number=facts.number)
        (packed,) = pack([mail.raw])
        Mail.objects.create(
            message_id=mail.message_id, order=order, template=template, envelope_from=mail.envelope_from, envelope_to=mail.envelope_to,
            packed=packed, state=QUEUED, at=now,
        )  # fmt: skip

    def _move(self, order: Any, entity: str, entity_id: str, old: str, new: str, cause: str) -> None:
        at = self._house.clock.now()
        Move.objects.create(
            order=order, entity=entity, entity_id=entity_id, from_state=old, to_state=new, cause=cause, at=at
        )
