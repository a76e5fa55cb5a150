"""A whole house in one process: the real engine on a real database, the outside world in memory, time by hand."""

from __future__ import annotations

import asyncio
import copy
import os
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self, cast

from dramatiq.brokers.stub import StubBroker
from sqlalchemy import Engine, text

from models.invariants import violations
from models.states import LotState
from models.store import work
from models.store.customers import CustomerKey
from pipelines.engine.inbox import Received, notice_event, receive
from pipelines.engine.ledger import Ledger
from pipelines.engine.run import BATCH, Runner
from pipelines.engine.stage import Stage
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Answer, Ending, Submission, take_in
from pipelines.ports import Clock
from pipelines.route import ROUTE, STAGES
from pipelines.rules.lots import NewLot
from pipelines.shops import Shop, load_shops
from pipelines.suppliers.channel import Sender
from pipelines.suppliers.news import supplier_event
from tests.outside import Gateway, Partners, Postbox, SetClock
from tests.rules.build import at
from workers.broker import Bell
from workers.channels import CHANNELS
from workers.channels.webhook import WebhookSender
from workers.clock import AnyClock
from workers.effects import mail, payments, queues, storefronts, suppliers
from workers.effects.effect import Performer
from workers.effects.loop import EffectLoop
from workers.enrolment import Credentials, create_client
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.pacemaker import due
from workers.payments import bank
from workers.settings import Settings, read
from workers.web.api.views import show_order
from workers.web.console.causes import is_known
from workers.wiring import House

DOMAIN = "mail.shukka.example"
SENDER = f"orders@{DOMAIN}"
ENVIRONMENT = {"SANDBOX_GATEWAY_URL": "http://127.0.0.1:1", "SANDBOX_GATEWAY_KEY": "sandbox"}
"""Settings of adapters that nobody speaks to: the world's gateway has none."""
FRIDAY_MORNING = at("2026-11-20 09:00:00")
SHOPS = load_shops(installation=INSTALLATION)

_DOCUMENT: dict[str, Any] = {
    "shop": "salon",
    "number": "S-1",
    "placed_at": "2026-11-20T09:00:00+09:00",
    "channel": "web",
    "locale": "ja",
    "customer": {"id": "M-1", "name": "髙橋 﨑子", "email": "takahashi@example.jp", "account": "local", "rank": None},
    "ship_to": {
        "kind": "organisation",
        "name": "サロン髙橋",
        "postal_code": "460-0008",
        "region": "愛知県",
        "city": "名古屋市中区",
        "line1": "栄1-2-3",
        "line2": "",
        "phone": "052-000-0000",
        "country": "JP",
    },
    "lines": [],
    "coupons": [],
    "points": {"use": 0},
    "payment": {"method": "card", "token": "tok_ok"},
    "delivery": {"date": None, "slot": None},
    "remarks": "",
    "totals": {"grand_total": None},
}


def a_line(line: str = "1", quantity: int = 1, unit_price: object = 10_000, **changes: Any) -> dict[str, Any]:
    """One line of an order document."""
    return {
        "line": line,
        "sku": f"SKU-{line}",
        "name": f"商品 {line}",
        "quantity": quantity,
        "unit_price": unit_price,
        "tax_rate": 10,
        "supplier": "warehouse",
        "availability": "in_stock",
        "expected_on": None,
        "points_rate": None,
        "flags": [],
        **changes,
    }


def document(number: str = "S-1", *lines: dict[str, Any], customer: str = "M-1", **changes: Any) -> dict[str, Any]:
    """An order as a storefront sends it: salon, one line of 10,000 yen, by card, unless a test says otherwise. Every customer
    has a mailbox of their own (INT-01)."""
    made = copy.deepcopy(_DOCUMENT)
    made |= {"number": number, "lines": list(lines) or [a_line()], **changes}
    made["customer"] = {**made["customer"], "id": customer}
    if customer not in ("", "M-1"):
        made["customer"]["email"] = f"takahashi+{customer.encode().hex()}@example.jp"
    return made


def tracking_number(base: int) -> str:
    """A number that Yamato and Sagawa could have given (B.4.1)."""
    return f"{base:011d}{base % 7}"


class World:
    """The house, its engine and everything around it."""

    def __init__(
        self,
        engine: Engine,
        database_url: str,
        renderer: Renderer,
        *,
        shops: Mapping[str, Shop] = SHOPS,
        gateways: Mapping[str, Any] | None = None,
    ) -> None:
        self.engine = engine
        self.clock = SetClock(FRIDAY_MORNING)
        self.shops = shops
        self.broker = StubBroker(middleware=[])
        settings = Settings(
            database_url=database_url,
            redis_url="redis://unused",
            smtp_url="smtp://unused",
            shukka_link_secret=os.environ.get("SHUKKA_LINK_SECRET", "of-the-tests-" * 3),
            shukka_public_url=os.environ.get("SHUKKA_PUBLIC_URL", "https://pages.shukka.example"),
        )
        bell = Bell(self.broker, queues())
        self.house = House(
            settings, engine, shops, cast(AnyClock, self.clock), bell, renderer, ChainMap(os.environ, ENVIRONMENT)
        )
        self.runner = Runner(engine, shops, renderer, cast(Clock, self.clock))
        self.route: Mapping[str, Stage] = STAGES
        self.gateway, self.postbox = Gateway(self.clock), Postbox()
        self.suppliers, self.storefronts = Partners(), Partners()
        self.loop = self.performing(
            *mail.EFFECT.performed_by(mail.performing(self.postbox.deliver), 4),
            *payments.EFFECT.performed_by(payments.performing({"sandbox": self.gateway, **(gateways or {})}), 4),
            *suppliers.EFFECT.performed_by(suppliers.performing(self.senders(), self.shops, self.clock), 4),
            *storefronts.EFFECT.performed_by(storefronts.performing(self.storefronts, self.clock), 4),
        )
        self._events = 0
        self._asyncio = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._asyncio.close()
        if fault is None:
            assert self.unworded() == [], "a page in Japanese would say these causes in English"

    def unworded(self) -> list[str]:
        """Causes of what happened here for which the console has no Japanese."""
        told = self.rows("SELECT DISTINCT cause FROM transition")
        return [cause for (cause,) in told if not is_known(cause)]

    def senders(self) -> dict[str, Sender]:
        """The channels of the house, those that need a network with partners in memory at their end."""
        named = {one.channel for shop in self.shops.values() for one in shop.suppliers.values()} - {"auto"}
        used = {name: CHANNELS[name] for name in (named | {"mail"}) - {"webhook"}}
        opened = {name: one.open(read(one.settings, os.environ), self.house) for name, one in used.items()}
        return {**opened, "webhook": WebhookSender(self.suppliers, self.clock)}

    def performing(self, *performers: Performer[Any]) -> EffectLoop:
        """An effect loop of the house; the kinds it performs are those that ``perform`` drains."""
        self.performers = performers
        self.kinds = [p.kind for p in performers]
        return EffectLoop(self.engine, self.clock, self.house.bell, performers, pause=0.0)

    # Coming in

    def submit(self, *documents: Mapping[str, Any], key: str | None = None, client: int = 0) -> list[Answer]:
        """Hand orders in together, as concurrent requests that share a commit."""
        submissions = [Submission(parse_order(one), client, key) for one in documents]
        return take_in(self.engine, self.shops, self.clock, submissions)

    def take(self, *documents: Mapping[str, Any]) -> None:
        """Hand orders in that must be accepted."""
        answers = self.submit(*documents)
        assert [a.ending for a in answers] == [Ending.ACCEPTED] * len(documents), answers

    def tell(self, *events: Received) -> list[bool]:
        """Hand events in together; True for each that is new."""
        return receive(self.engine, self.clock, events)

    def news(self, type_: str, shipment: str, supplier: str = "warehouse", **data: Any) -> Received:
        """A supplier's event of now, under a fresh id unless ``event_id`` gives one."""
        self._events += 1
        event_id, happened = data.pop("event_id", f"evt-{self._events}"), data.pop("at", self.clock.now())
        raw = {"type": type_, "timestamp": happened.isoformat(), "data": {"shipment": shipment, **data}}
        return supplier_event(raw, supplier=supplier, shops=(), event_id=event_id, now=self.clock.now())

    def shipped(self, shipment: str, supplier: str = "warehouse", **data: Any) -> Received:
        """News that a shipment left with Yamato."""
        self._events += 1
        number = data.pop("tracking_number", tracking_number(44_441_375_000 + self._events))
        return self.news(
            "shipment.shipped", shipment, supplier, **{"carrier": "yamato", "tracking_number": number, **data}
        )

    def deposit(self, number: str, amount: int, shop: str = "salon") -> Received:
        """A bank's notice of a deposit."""
        self._events += 1
        raw = {
            "type": "deposit.received",
            "timestamp": self.clock.now().isoformat(),
            "data": {"shop": shop, "number": number, "amount": amount},
        }
        notice = bank.deposit(raw, f"dep-{self._events}")
        return notice_event(notice, gateway="bank", shops=(), now=self.clock.now())

    def ask(self, type_: str, number: str, shop: str = "salon", **body: Any) -> Received:
        """A customer's or operator's word about an order."""
        self._events += 1
        return Received("client:1", f"ask-{self._events}", type_, body, self.clock.now(), order=(shop, number))

    def enrol(self, kind: str, name: str, **options: Any) -> Credentials:
        """A client of the house."""
        return create_client(self.engine, kind, name, known_shops=self.shops, **options)

    # Going on

    def decide(self, *stages: str) -> int:
        """Decide what is due, in the route's order, by each stage alone; how many orders were claimed."""
        return sum(self.runner.run_batch(STAGES[name]).claimed for name in stages or STAGES)

    def perform(self, *kinds: str) -> int:
        """Perform the effects that are due; how many."""

        async def drain() -> int:
            return sum([await self.loop.drain(kind) for kind in kinds or self.kinds])

        return self._asyncio.run(drain())

    def settle(self) -> None:
        """Go on until nothing is due now; stages follow at once as in a worker."""
        runner = replace(self.runner, route=self.route)
        for _ in range(100):
            stages, kinds = due(self.house)
            busy = 0
            for stage in (one for one in ROUTE if one.name in stages):
                while (claimed := runner.run_batch(stage).claimed) == BATCH:
                    busy += claimed
                busy += claimed
            performed = [kind for kind in self.kinds if kind in kinds]
            if not busy + (self.perform(*performed) if performed else 0):
                return
        raise AssertionError("the house never comes to rest")

    def at(self, moment: datetime | str) -> None:
        """Go on to ``moment``, then settle."""
        self.clock.set(at(moment) if isinstance(moment, str) else moment)
        self.settle()

    def ship_all(self, *numbers: str, shop: str = "salon") -> None:
        """Suppliers ship everything of these orders, then settle."""
        shipments = self.rows(
            "SELECT s.id, s.supplier FROM shipment s JOIN shop_order o ON o.id = s.order_id "
            "WHERE (o.shop = :shop AND o.number = ANY(:numbers)) ORDER BY s.id",
            shop=shop,
            numbers=list(numbers),
        )
        self.tell(*(self.shipped(one.id, one.supplier) for one in shipments))
        self.settle()

    def wake(self, *stages: str) -> None:
        """Make every order due now at these stages."""
        now = self.clock.now()
        with self.engine.begin() as connection:
            orders = [row.id for row in connection.execute(text("SELECT id FROM shop_order"))]
            work.schedule(connection, [work.of_order(stage, order, now) for stage in stages for order in orders])

    def hurry(self) -> None:
        """Let every lease run out and every pause end, of effects and of what could not be decided."""
        self.execute("UPDATE effect_lease SET due_at = now()")
        self.execute("UPDATE work SET retry_at = NULL WHERE retry_at IS NOT NULL")

    # Looking

    def rows(self, query: str, **values: Any) -> Sequence[Any]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).all()

    def value(self, query: str, **values: Any) -> Any:
        """The one value of a query."""
        with self.engine.connect() as connection:
            return connection.execute(text(query), values).scalar_one()

    def execute(self, statement: str, **values: Any) -> int:
        """Change rows behind the engine's back; how many."""
        with self.engine.begin() as connection:
            return connection.execute(text(statement), values).rowcount

    def refuse(self, table: str, state: str = "P0001", when: str = "true") -> None:
        """From now on the database refuses each new row of ``table`` of which ``when`` holds (SQL, of NEW), with SQLSTATE ``state``."""
        self.execute(
            f"CREATE OR REPLACE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE 'refused' USING ERRCODE = '{state}'; END $$"
        )
        self.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse_{table}()"
        )

    def refuse_no_more(self, table: str) -> None:
        """End what ``refuse`` began."""
        self.execute(f"DROP TRIGGER refuse ON {table}")

    def show(self, number: str = "S-1", shop: str = "salon") -> dict[str, Any]:
        """An order as the interface shows it to an operator."""
        with self.engine.connect() as connection:
            shown = show_order(connection, shop, number, self.clock.now(), "en", profile=self.shops[shop])
        assert shown is not None
        return shown

    def states(self) -> dict[str, tuple[str, str]]:
        """(state, condition) of every order by number."""
        return {r.number: (r.state, r.condition) for r in self.rows("SELECT number, state, condition FROM shop_order")}

    def shipments(self, number: str = "S-1", shop: str = "salon") -> list[str]:
        """Ids of an order's shipments in the order they were planned."""
        return [one["id"] for one in self.show(number, shop)["shipments"]]

    def balance(self, customer: str = "M-1", shop: str = "salon") -> tuple[int, int]:
        """(pending, valid) points of a customer."""
        found = self.rows(
            "SELECT pending, valid FROM point_balance WHERE shop = :shop AND customer_id = :customer",
            shop=shop,
            customer=customer,
        )
        return (found[0].pending, found[0].valid) if found else (0, 0)

    def broken(self) -> dict[str, int]:
        """Rows that break invariants, by invariant."""
        with self.engine.connect() as connection:
            return {invariant.name: len(rows) for invariant, rows in violations(connection)}

    def grant(
        self,
        amount: int,
        customer: str = "M-1",
        shop: str = "salon",
        expires_at: datetime | None = None,
        *,
        kind: str = "gift",
        limited: bool = False,
    ) -> None:
        """Points that a customer may spend, from nowhere."""
        self._events += 1
        gift = NewLot(f"{kind}:{self._events}", kind, amount, LotState.VALID, expires_at, limited)
        with self.engine.begin() as connection:
            ledger = Ledger(connection, self.clock.now())
            ledger.open([CustomerKey(shop, customer)], opening=True)
            ledger.purse(shop, customer).grant(gift, self.clock.now())
            ledger.write()
