"""What each step of the job writes, through SQLAlchemy's ORM as its documentation teaches: load, change, add, commit.

The rows are Shukka's own tables, prices, days and mails its own pure functions and renderer, so that contenders differ by their machinery alone.
Every step asks first whether it was taken already, since queues deliver at least once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from benchmarks.peers.place import House
from models.effect import Mail
from models.mail_packing import pack
from models.order import OrderDocument, OrderLine, ShopOrder
from models.payment import Payment, PaymentEntry
from models.points import PointBalance, PointLot, PointTransfer
from models.shipment import Parcel, Shipment, ShipmentLine
from models.states import ANNOUNCED_AS, Condition, LotState, OrderState, PaymentState, ShipmentState
from models.transition import Transition
from pipelines.changes.plans import foretold, plans, shipments
from pipelines.engine.facts import Facts, ParcelFacts
from pipelines.orders.document import content_of, parse_order
from pipelines.orders.judgement import Known, judge
from pipelines.orders.mails import customer_mail, lines_of, parcel_context, planned
from pipelines.rules.dates.periods import end_of
from pipelines.rules.points import expires_on
from pipelines.shops import Shop

QUEUED, SENT, DONE = "queued", "sent", "done"
_NOTHING: Final[dict[str, int]] = {"authorized": 0, "captured": 0, "refunded": 0, "fee": 0}


@dataclass(frozen=True)
class Charge:
    """What the gateway is asked: ``amount`` in yen under ``key``, with what it calls the payment once it has one."""

    key: str
    order: str
    amount: int
    token: str
    reference: str = ""


class _Found(NamedTuple):
    """An order with its payment, what rules and mails read of it, its shop, and now."""

    order: ShopOrder
    payment: Payment
    facts: Facts
    shop: Shop
    now: datetime


_FOUND: Final = (ShopOrder, OrderDocument, Payment)


@dataclass
class Books:
    """One transaction's view of the books. ``mails`` (Message-IDs) and ``events`` are what has to leave once it is committed."""

    session: Session
    house: House
    mails: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    # --- in at the door ----------------------------------------------------------------------------------------------

    def take(self, raw: Mapping[str, Any]) -> int:
        """Validate, price and store an order; its id. Raises Invalid, ValueError for what the shop refuses."""
        order, now = parse_order(raw), self.house.clock.now()
        shop = self.house.shops[order.shop]
        judged = judge(order, shop, Known(now))
        if judged.problems:
            raise ValueError(judged.problems)
        content, total = content_of(order), judged.breakdown.grand_total
        row = ShopOrder(
            shop=order.shop, number=order.number, content_hash=content.hash, customer_id=order.customer.id, locale=order.locale,
            state=OrderState.ACCEPTED, condition=Condition.RUNNING, method=order.method, currency=shop.currency, grand_total=total,
            placed_at=order.placed_at, accepted_at=now, version=0, sequence=0,
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        self.session.add(
            OrderDocument(order_id=row.id, document=content.document, breakdown=judged.breakdown.to_json())
        )
        self.session.add_all(
            OrderLine(
                order_id=row.id, line=line.line, sku=line.sku, name=line.name, quantity=line.quantity, cancelled=0, shipped=0,
                unit_price=line.unit_price, tax_rate=line.tax_rate, supplier=line.supplier, availability=line.availability,
                expected_on=line.expected_on, points_rate=share.points_rate, flags=sorted(line.flags),
            )
            for line, share in zip(order.lines, judged.breakdown.lines, strict=True)
        )  # fmt: skip
        self.session.add(
            Payment(
                order_id=row.id,
                method=order.method,
                gateway="sandbox",
                token=order.token,
                state=PaymentState.PENDING,
                currency=shop.currency,
                amount=total,
                authorized=0,
                captured=0,
                refunded=0,
                refunded_by_hand=0,
                fee=0,
            )
        )  # fmt: skip
        self._move(row, "order", row.number, None, OrderState.ACCEPTED, "intake")
        return row.id

    # --- the steps ---------------------------------------------------------------------------------------------------

    def to_authorize(self, order_id: int) -> Charge | None:
        """What the gateway is to be asked; None where it was."""
        found = self._read(order_id)
        if found.payment.state != PaymentState.PENDING:
            return None
        name = f"{found.order.shop}/{found.order.number}"
        return Charge(f"{name}:authorize", name, found.order.grand_total, found.payment.token or "")

    def authorized(self, order_id: int, reference: str) -> None:
        """The gateway agreed: confirm the order by mail, grant pending points."""
        found = self._open(order_id)
        order, payment, facts, now = found.order, found.payment, found.facts, found.now
        if payment.state != PaymentState.PENDING:
            return
        if points := facts.priced["points_earned"]:
            self._earn(order, points, now)
        told = planned(facts, shipments(facts, foretold(facts, found.shop, (), now), now))
        self._tell(facts, "order_accepted", found.shop, now, shipments=told, repriced=False)
        payment.authorized, payment.reference, payment.as_of = order.grand_total, reference, now
        self._book(order, now, authorized=order.grand_total)
        self._move_payment(order, payment, PaymentState.AUTHORIZED, "gateway")
        self._move_order(order, OrderState.AUTHORIZED, "card authorized")

    def split(self, order_id: int) -> None:
        """Plan the shipments with their days and the reasons for them."""
        found = self._open(order_id)
        order, facts, now = found.order, found.facts, found.now
        if order.state != OrderState.AUTHORIZED or self._parts(order_id):
            return
        for one in shipments(facts, plans(facts, found.shop, now), now):
            self.session.add(
                Shipment(
                    id=one.id, order_id=order_id, supplier=one.supplier, state=one.state, backorder=one.backorder, dispatch_on=one.dispatch_on,
                    instruct_at=one.instruct_at, arrive_on=one.arrive_on, because=list(one.because), again=0,
                )
            )  # fmt: skip
            self.session.flush()
            self.session.add_all(
                ShipmentLine(shipment_id=one.id, line=line, quantity=pieces, cancelled=0, shipped=0)
                for line, pieces in one.lines
            )
            self._move(order, "shipment", one.id, None, one.state, "split")

    def instructions(self, order_id: int) -> list[dict[str, Any]]:
        """What suppliers have to be told of this order's shipments."""
        found = self._read(order_id)
        parts = self._parts(order_id).items()
        return [self._instruction(found, one, lines) for one, lines in parts if one.state == ShipmentState.PLANNED]

    def instructed(self, order_id: int) -> None:
        """The suppliers have their instructions."""
        found = self._open(order_id)
        for one in self._parts(order_id):
            if one.state == ShipmentState.PLANNED:
                one.told_at = found.now
                self._move_shipment(found.order, one, ShipmentState.INSTRUCTED, "supplier has the instruction")
        if found.order.state == OrderState.AUTHORIZED:
            self._move_order(found.order, OrderState.RELEASED, "instructed")

    def shipped(self, order_id: int, news: Mapping[str, Any]) -> None:
        """A supplier's news that all of a shipment left."""
        found = self._open(order_id)
        parts = self._parts(order_id)
        shipment = next(one for one in parts if one.id == news["shipment"])
        if shipment.state != ShipmentState.INSTRUCTED:
            return
        for line, ordered in parts[shipment]:
            line.shipped = line.quantity
            ordered.shipped += line.quantity
        at, number = datetime.fromisoformat(news["shipped_at"]), news["tracking_number"]
        pieces = {line.line: line.quantity for line, _ in parts[shipment]}
        self.session.add(
            Parcel(
                shipment_id=shipment.id, order_id=order_id, key=number, shipped_at=at, lines=pieces, carrier=news["carrier"], tracking_number=number,
                number_as_of=at,
            )
        )  # fmt: skip
        self._move_shipment(found.order, shipment, ShipmentState.SHIPPED, "all pieces shipped")
        if all(one.state == ShipmentState.SHIPPED for one in parts):
            self._move_order(found.order, OrderState.SHIPPED, "all live shipments shipped")
        parcel = ParcelFacts(shipment.id, number, at, None, pieces, news["carrier"], number, at, None, None)
        self._tell_shipped(found.facts, found.shop, found.now, shipment, parcel)

    def to_capture(self, order_id: int) -> Charge | None:
        """What the gateway is to be asked once the goods have left; None where it was."""
        found = self._read(order_id)
        if found.order.state != OrderState.SHIPPED or found.payment.state != PaymentState.AUTHORIZED:
            return None
        name = f"{found.order.shop}/{found.order.number}"
        return Charge(f"{name}:capture", name, found.payment.authorized, "", found.payment.reference or "")

    def captured(self, order_id: int) -> None:
        """The gateway took the money."""
        found = self._open(order_id)
        payment, now = found.payment, found.now
        if payment.state == PaymentState.AUTHORIZED:
            payment.captured, payment.as_of = payment.authorized, now
            self._book(found.order, now, captured=payment.authorized)
            self._move_payment(found.order, payment, PaymentState.CAPTURED, "captured with the goods")

    def reward(self, order_id: int) -> None:
        """Points become valid (PTS-05), and the order rests."""
        found = self._open(order_id)
        order = found.order
        if order.condition == Condition.DONE:
            return
        for lot in self.session.scalars(
            select(PointLot).where(PointLot.order_id == order.id, PointLot.state == LotState.PENDING)
        ):
            self._activate(order, found.facts, found.shop, lot, found.now)
        self._move(order, "condition", order.number, order.condition, Condition.DONE, "nothing left to do")
        order.condition = Condition.DONE

    # --- mails -------------------------------------------------------------------------------------------------------

    def order_of(self, shipment: str) -> int | None:
        """The order of a shipment that a supplier names."""
        return self.session.scalars(select(Shipment.order_id).where(Shipment.id == shipment)).one_or_none()

    def mail(self, message_id: str) -> Mail | None:
        """A mail that has still to be sent; None of one that was."""
        return self.session.scalars(
            select(Mail).where(Mail.message_id == message_id, Mail.state == QUEUED).with_for_update()
        ).one_or_none()

    def _tell_shipped(self, facts: Facts, shop: Shop, now: datetime, shipment: Shipment, parcel: ParcelFacts) -> None:
        left = lines_of(
            facts,
            [(line["line"], line["quantity"] - parcel.lines.get(line["line"], 0)) for line in facts.document["lines"]],
        )
        context = parcel_context(facts, shop, parcel, shipment, now)
        self._tell(
            facts, "shipment_shipped", shop, now, about=f"{shipment.id}:{parcel.key}", shipment_id=shipment.id, collect=None, parcel=context,
            shipped_before=[], outstanding=left,
        )  # fmt: skip

    def _tell(self, facts: Facts, template: str, shop: Shop, now: datetime, **said: Any) -> None:
        intent = customer_mail(template, facts, shop, now, **said)
        mail = self.house.renderer.render(intent, shop=facts.shop, number=facts.number)
        (packed,) = pack([mail.raw])
        self.session.add(
            Mail(
                message_id=mail.message_id, order_id=facts.id, shipment_id=intent.shipment, template=template, envelope_from=mail.envelope_from,
                envelope_to=mail.envelope_to, packed=packed, state=QUEUED, at=now,
            )
        )  # fmt: skip
        self.mails.append(mail.message_id)

    # --- points ------------------------------------------------------------------------------------------------------

    def _earn(self, order: ShopOrder, points: int, now: datetime) -> None:
        lot = PointLot(
            shop=order.shop, customer_id=order.customer_id, order_id=order.id, source=f"order:{order.id}:earn", kind="purchase", repriced=0,
            limited=False, amount=points, remaining=points, held=0, owed=0, gone=0, state=LotState.PENDING, at=now,
        )  # fmt: skip
        self.session.add(lot)
        self._balance(order).pending += points
        self.session.flush()
        self._transfer(order, lot, "earn", "granted", "pending", now)
        self._move(order, "lot", str(lot.id), None, LotState.PENDING, "purchase")

    def _activate(self, order: ShopOrder, facts: Facts, shop: Shop, lot: PointLot, now: datetime) -> None:
        last_day, balance = expires_on(now.date(), shop), self._balance(order)
        lot.expires_at = end_of(last_day) if last_day else None
        self._move(order, "lot", str(lot.id), lot.state, LotState.VALID, "activate")
        lot.state = LotState.VALID
        balance.pending -= lot.remaining
        balance.valid += lot.remaining
        self._transfer(order, lot, "activate", "pending", "valid", now)
        points = {
            "used": facts.priced["points_used"], "earned": facts.priced["points_earned"], "amount": lot.remaining, "balance": balance.valid,
            "expires_on": last_day,
        }  # fmt: skip
        self._tell(facts, "points_activated", shop, now, points=points)

    def _balance(self, order: ShopOrder) -> PointBalance:
        key = (order.shop, order.customer_id)
        balance = self.session.get(PointBalance, key, with_for_update=True)
        if balance is None:
            balance = PointBalance(
                shop=order.shop, customer_id=order.customer_id, pending=0, valid=0, held=0, closed=False
            )
            self.session.add(balance)
        return balance

    def _transfer(self, order: ShopOrder, lot: PointLot, kind: str, debit: str, credit: str, now: datetime) -> None:
        self.session.add(
            PointTransfer(
                shop=order.shop, customer_id=order.customer_id, lot_id=lot.id, order_id=order.id, source=f"order:{order.id}:{kind}", kind=kind,
                debit=debit, credit=credit, amount=lot.amount, at=now,
            )
        )  # fmt: skip

    # --- moves -------------------------------------------------------------------------------------------------------

    def _read(self, order_id: int) -> _Found:
        return self._found(select(*_FOUND).where(ShopOrder.id == order_id))

    def _open(self, order_id: int) -> _Found:
        """As ``_read``, with the order locked."""
        return self._found(select(*_FOUND).where(ShopOrder.id == order_id).with_for_update(of=ShopOrder))

    def _found(self, asked: Select[ShopOrder, OrderDocument, Payment]) -> _Found:
        order, kept, payment = self.session.execute(
            asked.join(OrderDocument, OrderDocument.order_id == ShopOrder.id).join(
                Payment, Payment.order_id == ShopOrder.id
            )
        ).one()
        facts = Facts(
            order.id, order.shop, order.number, order.customer_id, order.locale, order.state, order.condition, (), order.method, order.currency,
            order.grand_total, order.placed_at, order.accepted_at, "", "", order.version, order.sequence,
        )  # fmt: skip
        # The driver has read both already.
        facts.__dict__.update(document=kept.document, priced=kept.breakdown)
        return _Found(order, payment, facts, self.house.shops[order.shop], self.house.clock.now())

    def _parts(self, order_id: int) -> dict[Shipment, list[tuple[ShipmentLine, OrderLine]]]:
        """The order's shipments, each with its lines and what was ordered of each."""
        rows = self.session.execute(
            select(Shipment, ShipmentLine, OrderLine)
            .join(ShipmentLine, ShipmentLine.shipment_id == Shipment.id)
            .join(OrderLine, (OrderLine.order_id == Shipment.order_id) & (OrderLine.line == ShipmentLine.line))
            .where(Shipment.order_id == order_id)
        )
        parts: dict[Shipment, list[tuple[ShipmentLine, OrderLine]]] = {}
        for shipment, line, ordered in rows:
            parts.setdefault(shipment, []).append((line, ordered))
        return parts

    def _instruction(
        self, found: _Found, one: Shipment, lines: Sequence[tuple[ShipmentLine, OrderLine]]
    ) -> dict[str, Any]:
        return {
            "shop": found.order.shop,
            "order": found.order.number,
            "shipment": one.id,
            "supplier": one.supplier,
            "dispatch_on": one.dispatch_on.isoformat() if one.dispatch_on else None,
            "lines": [
                {"line": line.line, "sku": ordered.sku, "name": ordered.name, "quantity": line.quantity}
                for line, ordered in lines
            ],
            "ship_to": found.facts.document["ship_to"],
        }

    def _book(self, order: ShopOrder, now: datetime, **changed: int) -> None:
        self.session.add(PaymentEntry(order_id=order.id, at=now, **_NOTHING | changed))

    def _move_order(self, order: ShopOrder, state: OrderState, cause: str) -> None:
        self._move(order, "order", order.number, order.state, state, cause)
        order.state = state

    def _move_payment(self, order: ShopOrder, payment: Payment, state: PaymentState, cause: str) -> None:
        self._move(order, "payment", order.number, payment.state, state, cause)
        payment.state = state

    def _move_shipment(self, order: ShopOrder, shipment: Shipment, state: ShipmentState, cause: str) -> None:
        self._move(order, "shipment", shipment.id, shipment.state, state, cause)
        shipment.state = state

    def _move(self, order: ShopOrder, entity: str, entity_id: str, old: str | None, new: str, cause: str) -> None:
        """Every move is recorded with its cause, numbered, and told to the storefront."""
        now = self.house.clock.now()
        order.sequence += 1
        order.version += 1
        self.session.add(
            Transition(
                order_id=order.id, entity=entity, entity_id=entity_id, from_state=old, to_state=new, cause=cause, at=now
            )
        )
        if entity in ANNOUNCED_AS:
            self.events.append(
                {
                    "key": f"EV-{order.id}-{order.sequence}",
                    "type": ANNOUNCED_AS[entity],
                    "data": {
                        "shop": order.shop,
                        "number": order.number,
                        "from": old,
                        "to": new,
                        "cause": cause,
                        "at": now.isoformat(),
                        "sequence": order.sequence,
                    },
                }
            )  # fmt: skip
