"""What the world says of an order, right or wrong, in any order: one function a sort of input."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final

from benchmarks.walk.orders import SUPPLIERS
from benchmarks.walk.standing import Standing
from benchmarks.walk.town import Town
from models.states import HoldReason, OrderState, PaymentState, TrackingState
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.engine.inbox import Received, notice_event
from pipelines.errors import Conflict, Invalid
from pipelines.orders.act import Asker, Asking, actions, look
from pipelines.orders.action import About
from pipelines.rules.hold_kinds import KINDS
from tests.world import tracking_number

OPERATOR: Final = Asker("client:1", "operations", "operator")
CUSTOMER: Final = Asker("client:2", "storefront", "storefront")
_CARRIERS: Final = ("yamato", "ヤマト運輸", "sagawa", "佐川急便", None)
_ELSEWHERE: Final = {
    "kind": "organisation",
    "name": "サロン髙橋 札幌店",
    "postal_code": "060-0001",
    "region": "北海道",
    "city": "札幌市中央区",
    "line1": "北一条西1-1",
}


@dataclass
class Voices:
    """Says things. ``said`` are the events that were handed in: any of them may come again."""

    town: Town
    chance: random.Random
    said: list[Received] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def about(self, order: Standing) -> list[Received]:
        """Something about ``order``: the events that bring it; none where it was said at a door of its own."""
        if self.chance.random() < 0.5:
            return self.sensibly(order)
        events = self.chance.choices(list(_SORTS), list(_SORTS.values()))[0](self, order)
        self.said += events
        return events

    def sensibly(self, order: Standing) -> list[Received]:
        """What moves ``order`` on as it stands: a person answers what holds it, money comes, goods leave and arrive."""
        if order.holds:
            ways = KINDS[HoldReason(self.chance.choice(order.holds))].answered_by
            return self.ask(order, self.chance.choice(ways)) if ways else []
        if order.state == OrderState.AWAITING_PAYMENT:
            return self._pays(order)
        owed = [one for one in order.shipments if one["state"] in ("instructed", "acknowledged")]
        if owed:
            shipment = self.chance.choice(owed)
            kind = self.chance.choice(("shipment.acknowledged", "shipment.shipped", "shipment.shipped"))
            return [self._news(kind, shipment, self._data() if kind == "shipment.shipped" else {})]
        if order.state in (OrderState.SHIPPED, OrderState.PARTLY_SHIPPED) and order.parcels:
            parcel = self.chance.choice(order.parcels)
            shipment = next(one for one in order.shipments if one["id"] == parcel["shipment"])
            return [self._news("shipment.delivered", shipment, {"tracking_number": parcel["number"]})]
        return []

    def _pays(self, order: Standing) -> list[Received]:
        """The customer does what is waited for."""
        if order.method == "bank_transfer":
            return [self.town.deposit(order.number, max(1, order.total - order.captured), order.shop)]
        self.town.slips.go_on(order.key, PaymentState.AUTHORIZED if order.method == "loan" else PaymentState.CAPTURED)
        return self._told_of_slip(order)

    # Money

    def deposit(self, order: Standing) -> list[Received]:
        """A transfer: what is due, too little, too much, again, or for an order that awaits none."""
        left = max(1, order.total - order.captured)
        amount = self.chance.choice((left, left, left, left, left - 100, left + 500, 1))
        times = self.chance.choice((1, 1, 1, 2))
        return [self.town.deposit(order.number, max(1, amount), order.shop) for _ in range(times)]

    def slip(self, order: Standing) -> list[Received]:
        """The customer pays at a store, the lender approves, refuses or pays out; the gateway tells of it, or does not."""
        steps = (PaymentState.CAPTURED, PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.EXPIRED)
        if order.method == "loan":
            steps = (PaymentState.AUTHORIZED, PaymentState.AUTHORIZED, PaymentState.CAPTURED, PaymentState.FAILED)
        self.town.slips.go_on(order.key, self.chance.choice(steps))
        return self._told_of_slip(order)

    def _told_of_slip(self, order: Standing) -> list[Received]:
        notice = self.town.slips.notice(order.key, f"notice-{next(self._ids)}")
        if notice is None or self.chance.random() < 0.1:
            return []
        return [notice_event(notice, gateway="slips", shops=(), now=self.town.clock.now())]

    # Suppliers

    def departure(self, order: Standing) -> list[Received]:
        """Goods leave: all of them, or some; under a new number, a known one, or none."""
        if (shipment := self._shipment(order)) is None:
            return []
        data = self._data()
        if self.chance.random() < 0.4:
            data["lines"] = self._pieces(shipment["lines"])
        return [self._news("shipment.shipped", shipment, data)]

    def answer(self, order: Standing) -> list[Received]:
        """What a supplier says of goods that have not left, and may say of others."""
        if (shipment := self._shipment(order)) is None:
            return []
        kind = self.chance.choice(("acknowledged", "refused", "delayed", "short"))
        data: dict[str, Any] = {"reason": self.chance.choice(("在庫なし", "", None))}
        if kind == "delayed":
            days = self.chance.choice((-3, 0, 1, 4, 30))
            data["expected_on"] = (self.town.clock.now().date() + timedelta(days=days)).isoformat()
        if kind == "short" and self.chance.random() < 0.8:
            data["lines"] = self._pieces(shipment["lines"])
        return [self._news(f"shipment.{kind}", shipment, data)]

    def tracking(self, order: Standing) -> list[Received]:
        """How a parcel fares, whether or not it is known."""
        if (shipment := self._shipment(order)) is None:
            return []
        kind = self.chance.choice(
            ("tracking_updated", "delivered", "delivered", "returned", "lost", "tracking_corrected")
        )
        data = self._data()
        if kind == "tracking_updated":
            data["status"] = self.chance.choice((*TrackingState, "配達完了", "ご不在", "unheard of"))
        if kind == "tracking_corrected" and order.parcels:
            data["previous_tracking_number"] = self.chance.choice(order.parcels)["number"]
        elif order.parcels and self.chance.random() < 0.8:
            data["tracking_number"] = self.chance.choice((self.chance.choice(order.parcels)["number"], None))
        return [self._news(f"shipment.{kind}", shipment, data)]

    def again(self, order: Standing) -> list[Received]:
        """Something that was said before: under its own id, or under another."""
        if not self.said:
            return []
        event = self.chance.choice(self.said)
        fresh = Received(
            **{name: getattr(event, name) for name in event.__slots__} | {"event_id": f"again-{next(self._ids)}"}
        )
        return [self.chance.choice((event, fresh))]

    # People

    def act(self, order: Standing) -> list[Received]:
        """An action, of those that the house declares: asked at the door, or decided on as it comes. Returns have a walk of their
        own (``tests/returns/test_sequences.py``)."""
        action = self.chance.choice([one for one in actions() if one.about != About.RETURN and one.opens is None])
        asker = self.chance.choice((OPERATOR, OPERATOR, CUSTOMER)) if "storefront" in action.roles else OPERATOR
        return self.ask(order, action.name, asker)

    def cancel(self, order: Standing) -> list[Received]:
        """The customer or the shop ends the order, at any moment."""
        return self.ask(order, "cancel", self.chance.choice((OPERATOR, CUSTOMER)))

    def ask(self, order: Standing, name: str, asker: Asker = OPERATOR) -> list[Received]:
        """Ask for the action ``name``; the event where it can be granted by now, or where nobody looked."""
        action = next(one for one in actions() if one.name == name)
        if name == "release" and (order.state == OrderState.CANCELLED or HoldReason.VOID_FAILED in order.holds):
            self.town.let_go(order.key)  # as the hold says: void it there, then release
        try:
            asked = action.read(self._request(order, name))
        except Invalid:
            return []
        if self.chance.random() < 0.3:
            body = {**asked.model_dump(mode="json"), "by": asker.name, "operator": asker.is_operator}
            return [self.town.ask(action.wakes, order.number, order.shop, **body)]
        asking = Asking(action, order.shop, order.number, asked, asker)
        with self.town.engine.connect() as connection:
            try:
                looked = look(connection, self.town.shops, asking, self.town.clock.now(), None)
            except (Conflict, Invalid):
                return []
        return [looked.event] if looked.event else []

    def facts(self, order: Standing) -> list[Received]:
        """A customer is told of: another mailbox, a birthday, a withdrawal, a return."""
        if not order.customer:
            return []
        told: Mapping[str, Any] = self.chance.choice(
            (
                {"email": f"new-{next(self._ids)}@example.jp"},
                {"birth_date": f"1990-{self.town.clock.now().month:02d}-02", "registered": True},
                {"withdrawn": True},
                {"withdrawn": False},
                {"postal_stop": True, "mail_consent": False},
            )
        )
        try:
            told_of = CustomerFactsDocument.model_validate(told)
            tell(
                self.town.engine,
                self.town.shops[order.shop],
                self.town.clock,
                order.customer,
                told_of,
                by_operator=True,
            )
        except (Conflict, Invalid):
            pass
        return []

    def gift(self, order: Standing) -> list[Received]:
        """Points from nowhere, to spend with the next order."""
        if order.customer:
            self.town.grant(self.chance.randint(1, 3_000), order.customer, order.shop)
        return []

    # Pieces of what is said

    def _request(self, order: Standing, name: str) -> dict[str, Any]:
        """A request for an action: plausible, or not quite."""
        shipment = self._shipment(order) or {"id": "SH-NONE", "lines": {"1": 1}}
        due = order.captured - order.refunded
        amount = max(1, self.chance.choice((due, due, order.total, order.total // 2, 100)))
        known: dict[str, dict[str, Any]] = {
            "address:change": {"ship_to": {**_ELSEWHERE, "kind": self.chance.choice(("organisation", "individual"))}},
            "cancel": self.chance.choice(({}, {"fault": self._fault()})),
            "coupons": {"coupons": [{"code": "AUTUMN", "kind": "amount", "value": 500}] * self.chance.choice((0, 1))},
            "collected": {"amount": order.total, "reference": "2026-11"},
            "lines:cancel": {"lines": self._pieces(order.lines), "fault": self._fault()},
            "lines:return": {"lines": self._pieces(order.lines), "fault": self._fault()},
            "mails:resend": {"mail": self.chance.choice(order.mails or (1,))},
            "refunds": {"amount": amount, "reference": f"T-{next(self._ids)}"},
            "refunds:goodwill": {"amount": self.chance.choice((amount, 100)), "reason": "お詫び"},
            "shipments:ask_again": {"shipment": shipment["id"]},
            "shipments:reroute": {"shipment": shipment["id"], "supplier": self.chance.choice(SUPPLIERS)},
            "shipments:ship": {
                "shipment": shipment["id"],
                "carrier": "yamato",
                "tracking_number": self._number(),
                **({"lines": self._pieces(shipment["lines"])} if self.chance.random() < 0.4 else {}),
            },
        }
        return known.get(name, {})

    def _fault(self) -> str:
        return self.chance.choice(("shop", "customer"))

    def _shipment(self, order: Standing) -> Mapping[str, Any] | None:
        return self.chance.choice(order.shipments) if order.shipments else None

    def _pieces(self, lines: Mapping[str, int]) -> list[dict[str, Any]]:
        named = self.chance.sample(sorted(lines), self.chance.randint(1, len(lines)))
        return [{"line": one, "quantity": self.chance.randint(1, lines[one])} for one in named]

    def _number(self) -> str:
        """A tracking number: mostly a fresh one, at times one that another parcel has."""
        base = next(self._ids) if self.chance.random() < 0.9 else self.chance.randint(1, 50)
        return tracking_number(44_441_375_000 + base)

    def _data(self) -> dict[str, Any]:
        carrier = self.chance.choice(_CARRIERS)
        return {"carrier": carrier, "tracking_number": self._number() if self.chance.random() < 0.9 else None}

    def _news(self, type_: str, shipment: Mapping[str, Any], data: Mapping[str, Any]) -> Received:
        """News of now, or that took some days to come."""
        at = self.town.clock.now() - self.chance.choice(
            (timedelta(), timedelta(), timedelta(hours=7), timedelta(days=2))
        )
        told = {name: value for name, value in data.items() if value is not None}
        return self.town.news(type_, shipment["id"], shipment["supplier"], at=at, **told)


#: How often each sort of input comes.
_SORTS: Final[Mapping[Callable[[Voices, Standing], list[Received]], int]] = {
    Voices.deposit: 3,
    Voices.slip: 3,
    Voices.departure: 7,
    Voices.answer: 5,
    Voices.tracking: 7,
    Voices.again: 2,
    Voices.act: 9,
    Voices.cancel: 5,
    Voices.facts: 1,
    Voices.gift: 1,
}
