"""The people of a simulated quarter: customers who come back, and an operator who looks at what is held once a day."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, text

from benchmarks.quarter_world import Outside
from models.states import HoldReason
from models.store import holds
from models.store.holds import HoldRow
from pipelines.customers.schema import CustomerFactsDocument
from pipelines.customers.tell import tell
from pipelines.engine.gather import hold_of
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.orders.act import Asker, Asking, action_named, look
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Ending, Submission, take_in
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from workers.demo.orders import SHOPS, ordered, orders
from workers.sandbox.faults import seeded
from workers.sandbox.payment_ledger import CHALLENGED

OPERATOR: Final = Asker("client:1", "operator", "operator")
CUSTOMER: Final = Asker("client:2", "storefront", "storefront")

#: Of how many an order comes from a customer who was here before, or will be again.
_REGULARS: Final = 40
_LETTERS: Final = dict(zip(SHOPS, "CARS", strict=True))
_ACCOUNTS: Final = ("local", "partner_web", "partner_claims")
_ANSWERED: Final = 0.7
"""How much of what is held an operator gets to in a day."""


_HELD: Final = "SELECT id, shop, number FROM shop_order WHERE condition = 'held' ORDER BY id"


class HeldOrder(NamedTuple):
    """An open hold, and the order that it holds."""

    shop: str
    number: str
    hold: HoldRow


@dataclass
class Asked:
    """What became of what people asked for: actions granted and refused, orders refused with the field that was why."""

    granted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    orders_refused: Counter[str] = field(default_factory=Counter)


class People:
    """Everybody who deals with the shops as a person."""

    def __init__(self, engine: Engine, shops: Mapping[str, Shop], outside: Outside, seed: int) -> None:
        self._engine = engine
        self._shops = shops
        self._outside = outside
        self._seed = seed
        self._used_coupons: set[tuple[str, str, str]] = set()
        self._known: set[tuple[str, str]] = set()
        self.asked = Asked()
        self.without_way_out: set[str] = set()
        outside.desk.on_delivery = self._may_return

    # Customers

    def come(self, opens: datetime, closes: datetime, day: int, count: int) -> None:
        """Plan a day's ``count`` orders."""
        seed = self._seed * 1000 + day
        for document in orders(seed, count, opens, closes):
            chance = seeded(seed, document["number"])
            self._outside.agenda.plan(
                datetime.fromisoformat(document["placed_at"]),
                lambda at, one=document, chance=chance: self._order(self._as_regular(one, chance), chance),  # type: ignore[misc]
            )

    def _as_regular(self, document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
        """Most orders are of somebody who comes again, some of them spend points."""
        if chance.random() < 0.85:
            number = chance.randrange(_REGULARS)
            account = document["customer"]["account"]
            id_ = f"{_LETTERS[document['shop']]}-{_ACCOUNTS.index(account)}-{number}"
            email = f"regular.{id_.lower()}@example.jp"
            document["customer"] = {**document["customer"], "id": id_, "email": email}
        shop, customer = document["shop"], document["customer"]["id"]
        document["coupons"] = [
            one for one in document["coupons"] if (shop, customer, one["code"]) not in self._used_coupons
        ]
        if chance.random() < 0.25:
            document["points"] = {"use": "all"}
        return document

    def _order(self, document: dict[str, Any], chance: random.Random) -> None:
        try:
            submission = Submission(parse_order(document))
        except Invalid as refused:
            self.asked.orders_refused.update(problem.field for problem in refused.problems)
            return
        [answer] = take_in(self._engine, self._shops, self._outside.clock, [submission])
        shop, number = document["shop"], document["number"]
        if answer.ending is not Ending.ACCEPTED:
            self.asked.orders_refused.update(problem.field for problem in answer.problems)
            return
        acknowledged = {"kind": "ack", "shop": shop, "number": number, "status": 202, "ordered": ordered(document)}
        self._outside.diary.storefront.append(acknowledged)
        customer = document["customer"]["id"]
        self._used_coupons |= {(shop, customer, one["code"]) for one in document["coupons"]}
        if (shop, customer) not in self._known:
            self._known.add((shop, customer))
            self._introduce(shop, customer, chance)
        self._plan_sequel(shop, number, document["payment"]["method"], chance)
        self._plan_visit(f"{shop}/{number}", document["payment"], chance)
        if "pickup" in document:
            self._plan_store(shop, number, document["pickup"]["visit_on"])

    def _introduce(self, shop: str, customer: str, chance: random.Random) -> None:
        """Facts of a new customer; some will stop the post, some leave for good."""
        if chance.random() < 0.7:
            born = f"{chance.randrange(1950, 2005)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
            self._tell(shop, customer, registered=True, birth_date=born)
        now, agenda = self._outside.clock.now(), self._outside.agenda
        if chance.random() < 0.05:
            at = now + timedelta(days=chance.uniform(1, 30))
            agenda.plan(at, lambda at: self._tell(shop, customer, postal_stop=True))
        if chance.random() < 0.04:
            at = now + timedelta(days=chance.uniform(1, 60))
            agenda.plan(at, lambda at: self._tell(shop, customer, withdrawn=True))

    def _tell(self, shop: str, customer: str, **facts: Any) -> None:
        told = CustomerFactsDocument.model_validate(facts)
        try:
            tell(self._engine, self._shops[shop], self._outside.clock, customer, told)
            self.asked.granted["customer facts"] += 1
        except (Conflict, Invalid):
            self.asked.refused["customer facts"] += 1

    def _plan_sequel(self, shop: str, number: str, method: str, chance: random.Random) -> None:
        now, agenda = self._outside.clock.now(), self._outside.agenda
        if chance.random() < 0.04:
            at = now + timedelta(hours=chance.choice((0.05, 1, 20)))
            agenda.plan(at, lambda at: self.ask(CUSTOMER, "cancel", shop, number, {"reason": "changed my mind"}))
        draw = chance.random()
        if method == "bank_transfer" and draw > 0.1:  # one in ten never pays
            days = chance.uniform(0.05, 6) if draw > 0.15 else chance.uniform(7.5, 12)
            change = -100 if 0.15 < draw < 0.19 else 500 if draw < 0.22 else 0
            times = 2 if 0.22 < draw < 0.25 else 1
            agenda.plan(now + timedelta(days=days), lambda at: self.pay(shop, number, change, times))

    def _plan_visit(self, order: str, payment: Mapping[str, Any], chance: random.Random) -> None:
        """Where a customer has to go, most do, and soon; one in eight is refused, or does not."""
        method, agenda, now = payment["method"], self._outside.agenda, self._outside.clock.now()
        acts = {"konbini": ("pay",), "loan": ("approve", "refuse")}.get(method, ())
        if payment["token"] == CHALLENGED:
            acts = ("pass", "fail")
        if not acts or chance.random() < 0.12:
            return
        wanted = acts[::-1] if chance.random() < 0.12 else acts
        days = chance.uniform(0.02, 3.2) if method in ("konbini", "loan") else chance.uniform(0.001, 0.05)
        agenda.plan(now + timedelta(days=days), lambda at: self._outside.gateway.visit(order, *wanted))
        if method == "loan":
            paid_out = now + timedelta(days=days + chance.uniform(10, 30))
            agenda.plan(paid_out, lambda at: self._outside.gateway.visit(order, "pay_out"))

    def _plan_store(self, shop: str, number: str, visit_on: str) -> None:
        """Most come to the store on the day they said and buy (STO-01), some buy nothing, some do not come; what nobody bought is back
        with the warehouse three weeks after that day at the latest."""
        chance, agenda = seeded(self._seed, "visit", number), self._outside.agenda
        visit = datetime.combine(date.fromisoformat(visit_on), time(14), JST)
        (ends,) = chance.choices(("pickup:bought", "pickup:sent_back", None), (75, 10, 15))
        if ends is not None:
            agenda.plan(visit, lambda at: self.ask(OPERATOR, ends, shop, number, {"reason": "the customer came"}))
        if ends != "pickup:bought":
            agenda.plan(visit + timedelta(days=21), lambda at: self._send_back(shop, number))

    def _send_back(self, shop: str, number: str) -> None:
        """The warehouse has again what a store sent back."""
        query = """SELECT s.id, s.supplier FROM shipment s JOIN shop_order o ON o.id = s.order_id JOIN parcel p ON p.shipment_id = s.id
                   WHERE o.shop = :shop AND o.number = :number AND p.tracking_status = 'returning'"""
        with self._engine.connect() as connection:
            rows = connection.execute(text(query), {"shop": shop, "number": number}).all()
        for shipment, supplier in {row.id: row.supplier for row in rows}.items():
            self._outside.desk.say_returned(shipment, supplier)

    def pay(self, shop: str, number: str, change: int, times: int) -> None:
        """The customer transfers what is due and ``change`` yen, ``times`` times."""
        with self._engine.connect() as connection:
            due = connection.execute(
                text(
                    "SELECT p.amount FROM payment p JOIN shop_order o ON o.id = p.order_id"
                    " WHERE o.shop = :shop AND o.number = :number"
                ),
                {"shop": shop, "number": number},
            ).scalar_one()
        if due + change > 0:
            for _ in range(times):
                self._outside.bank.pay(shop, number, due + change)

    def _may_return(self, data: Mapping[str, Any], at: datetime) -> None:
        """A few of those who have their goods send some of them back."""
        chance = seeded(self._seed, "return", data["shipment"])
        if (draw := chance.random()) < 0.12:
            after = at + timedelta(days=chance.uniform(1, 6))
            line = chance.choice(data["lines"])
            reason = chance.choice(
                [one for terms in self._shops[data["shop"]].returns.published for one in terms.reasons]
            )
            asked = {"line": line["line"], "quantity": chance.randint(1, line["quantity"]), "reason": reason}
            self._outside.agenda.plan(
                after, lambda at: self.ask(CUSTOMER, "returns", data["shop"], data["order"], {"lines": [asked]})
            )
        elif draw < 0.15:
            line = chance.choice(data["lines"])
            body = {
                "lines": [{"line": line["line"], "quantity": chance.randint(1, line["quantity"])}],
                "fault": chance.choice(("customer", "shop")),
            }
            self._outside.agenda.plan(
                at + timedelta(days=chance.uniform(1, 6)),
                lambda at: self.ask(OPERATOR, "lines:return", data["shop"], data["order"], body),
            )

    # The operator

    def attend(self, at: datetime) -> None:
        """Look at everything that is held, and do what its holds say is their way out."""
        with self._engine.connect() as connection:
            rows = connection.execute(text(_HELD)).all()
            names = {row.id: (row.shop, row.number) for row in rows}
            waiting = [HeldOrder(*names[hold.order_id], hold) for hold in holds.open_of(connection, list(names))]
        for one in waiting:
            chance = seeded(self._seed, one.hold.id, at)
            if chance.random() < _ANSWERED and not self._answer(one, chance):
                self.without_way_out.add(f"{one.shop}/{one.number}: {one.hold.reason}")
        for id_, shop, number, state, remedy, asked_at in self._open_returns():
            self._see_to(id_, shop, number, state, remedy, asked_at, seeded(self._seed, id_, at))

    def _open_returns(self) -> Sequence[tuple[str, str, str, str, str, datetime]]:
        """Id, shop, number, state, remedy and moment of the request of every return that is not over, or has expired."""
        query = """SELECT r.id, o.shop, o.number, r.state, r.remedy, r.asked_at FROM return_request r JOIN shop_order o ON o.id = r.order_id
                   WHERE r.waits_until IS NOT NULL OR r.state = 'expired' ORDER BY r.id"""
        with self._engine.connect() as connection:
            rows = connection.execute(text(query)).all()
        return [(row.id, row.shop, row.number, row.state, row.remedy, row.asked_at) for row in rows]

    def _see_to(
        self, id_: str, shop: str, number: str, state: str, remedy: str, asked_at: datetime, chance: random.Random
    ) -> None:
        """Do what is next with a return. Most requests are answered; one in six customers never sends the goods, some send them too
        late; one in eight goods do not pass, and go back."""

        def act(name: str, **body: Any) -> bool:
            return self.ask(OPERATOR, f"returns:{name}", shop, number, body, id_)

        if state == "requested" and chance.random() < 0.6:
            _ = act("refuse", words="not as it was said") if chance.random() < 0.15 else act("approve")
        elif state in ("awaiting_goods", "expired"):
            sent = seeded(self._seed, "goods", id_)
            comes, days = sent.random() > 1 / 6, sent.choice((2, 5, 9, 40))
            if comes and days <= (self._outside.clock.now() - asked_at).days < days + 4:
                act("receive")
        elif state == "received":
            _ = act("inspect", passes=True) if chance.random() > 1 / 8 else act("inspect", passes=False, words="worn")
        elif state == "inspected":
            given = False
            if remedy == "replacement":
                given = act("replace")
            elif remedy == "exchange":
                given = act("exchange", **self._taken_for(chance))
            _ = given or act("refund")
        elif state == "rejected":
            act("close")

    @staticmethod
    def _taken_for(chance: random.Random) -> dict[str, Any]:
        """Goods that a customer takes in exchange, and how a difference is paid."""
        line = {
            "line": "1",
            "sku": "EXCHANGED",
            "name": "交換品",
            "quantity": 1,
            "unit_price": chance.choice((800, 6_000, 90_000)),
        }
        return {"lines": [line], "payment": {"method": "card", "token": "tok_ok"}}

    def _answer(self, one: HeldOrder, chance: random.Random) -> bool:
        """Whether something was granted; the ways out are tried in any order. A return is seen to by itself."""
        if one.hold.reason == HoldReason.RETURN_UNSETTLED:
            return True
        ways = list(hold_of(one.hold).kind.answered_by)
        chance.shuffle(ways)
        tried = (self.ask(OPERATOR, way, one.shop, one.number, body) for way in ways for body in self._bodies(way, one))
        return any(tried)

    def _bodies(self, way: str, one: HeldOrder) -> Iterator[dict[str, Any]]:
        """What is asked for with ``way``."""
        if way == "coupons":
            yield {"coupons": []}
        elif way == "fee:agree":
            yield {"fee": 770}
        elif way in ("refunds", "collected"):
            if one.hold.amount:
                yield {"amount": one.hold.amount, "reference": "by hand"}
        elif way in ("shipments:ask_again", "shipments:reroute"):
            if one.hold.shipment_id:
                other = {"supplier": "warehouse"} if way == "shipments:reroute" else {}
                yield {"shipment": one.hold.shipment_id, **other}
        elif way in ("lines:cancel", "lines:return"):
            if lines := self._lines(one, left=way == "lines:return"):
                yield {"lines": lines, "fault": "shop"}
        else:
            yield {"reason": "looked at"}

    def _lines(self, one: HeldOrder, *, left: bool) -> Sequence[dict[str, Any]]:
        if one.hold.lines and not left:
            return [{"line": line, "quantity": pieces} for line, pieces in one.hold.lines.items()]
        pieces = "shipped" if left else "quantity - cancelled - shipped"
        query = f"SELECT line, {pieces} AS pieces FROM shipment_line WHERE shipment_id = :shipment AND {pieces} > 0"
        with self._engine.connect() as connection:
            rows = connection.execute(text(query), {"shipment": one.hold.shipment_id}).all()
        return [{"line": row.line, "quantity": row.pieces} for row in rows]

    def ask(
        self, asker: Asker, way: str, shop: str, number: str, body: Mapping[str, Any], about: str | None = None
    ) -> bool:
        """Ask by the door that HTTP and the command line use; whether it was granted."""
        action = action_named(way)
        asking = Asking(action, shop, number, action.model.model_validate(body), asker, None, about)
        try:
            with self._engine.connect() as connection:
                looked = look(connection, self._shops, asking, self._outside.clock.now(), "en")
        except (Conflict, Invalid, NotFound):
            self.asked.refused[way] += 1
            return False
        if looked.event is not None:
            self._outside.inbox.say(looked.event)
        self.asked.granted[way] += 1
        return True


def at_time(day: datetime, hour: int, minute: int = 0) -> datetime:
    """That time of the day, Asia/Tokyo."""
    return datetime.combine(day.astimezone(JST).date(), time(hour, minute), JST)
