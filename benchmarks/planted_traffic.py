"""The fixed traffic in which planted faults must show: ``python -m benchmarks.planted_traffic DATABASE_URL``.

Some days of the four shops, and orders of its own for what a few days may not bring: a cancel before the goods leave, one before
anybody has looked, a return, a hold that is released, an item that two want, two parcels, a supplier that contradicts itself, a
gateway whose answers are lost, a mail server that is slower than a lease, a worker that died with a lease. Prints what the judges
find, JSON ``[[judge, sentence], ...]``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import Engine

import models
from benchmarks.quarter import START, Quarter, Simulation
from benchmarks.quarter_people import CUSTOMER, OPERATOR, at_time
from benchmarks.quarter_world import LedgerGateway
from models.database import connect
from models.store import leases
from pipelines.gateway import Answer
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Submission, take_in
from pipelines.ports import Outcome
from pipelines.route import STAGES
from workers.audit.judge import Violation
from workers.audit.registry import audit
from workers.demo.orders import ordered, orders
from workers.effects.loop import EffectLoop
from workers.effects.mail import ReadyMail
from workers.mail.rendering import Renderer

TRAFFIC: Final = Quarter(days=5, orders_a_day=1, seed=11)
#: Real seconds of a lease, of the slow mail server, and after which all that is tried again is through.
LEASE, SLOW, PATIENCE = 0.6, 1.0, 6.0
_MAIL: Final = "mail.send"


class Forgetful(LedgerGateway):
    """The gateway, some of whose answers are lost: the first one to each of ``lost`` (done, not heard of) and of ``down`` (not
    done)."""

    def __init__(self, whole: LedgerGateway) -> None:
        self.__dict__.update(whole.__dict__)
        self.lost = {("authorize", "salon/X-LOST"), ("authorize", "salon/X-DEAD")}
        self.down = {("capture", "salon/X-DOWN")}

    def _do(self, key: str, operation: str, subject: str, request: Mapping[str, Any]) -> Answer:
        order = key.rpartition(":")[0] if operation != "refund" else ""
        for fate in (self.down, self.lost):
            if (operation, order) in fate:
                fate.discard((operation, order))
                if fate is self.lost:
                    super()._do(key, operation, subject, request)
                raise TimeoutError("no answer came")
        return super()._do(key, operation, subject, request)


class Traffic(Simulation):
    """The short run."""

    def __init__(self, engine: Engine, renderer: Renderer) -> None:
        random.seed(1)  # retries' jitter
        super().__init__(engine, TRAFFIC, renderer)

    def _gateway(self) -> LedgerGateway:
        return Forgetful(super()._gateway())

    def _plan(self) -> None:
        super()._plan()
        thursday, evening = at_time(START, 10), at_time(START, 19)
        self._order("X-LOST", thursday)
        self._order("X-DOWN", thursday)
        self._order("X-VOID", evening, sequel=lambda: self._asks(evening + timedelta(minutes=9), "cancel", "X-VOID"))
        self._order("X-GONE", evening + timedelta(minutes=2), sequel=lambda: self._cancel_at_once("X-GONE"))
        self._order("X-CASH", thursday, payment={"method": "cod", "token": None})
        self._order(
            "X-TWO",
            thursday,
            payment={"method": "bank_transfer", "token": None},
            sequel=lambda: self._pays("X-TWO", thursday),
        )
        held = at_time(
            START + timedelta(days=4), 19
        )  # the operator's round of that day is over, and nothing else ends it
        self._order(
            "X-HELD",
            held,
            remarks="クーポン AUTUMN を使います",
            sequel=lambda: self._releases("X-HELD", held + timedelta(hours=1)),
        )
        self._order("X-BACK", thursday, sequel=lambda: self._returns("X-BACK"))
        self._order("X-SWAP", thursday, sequel=lambda: self._swaps("X-SWAP"))
        self._order("X-CODE", thursday, coupons=[{"code": "AUTUMN", "kind": "amount", "value": 500}])
        self._order("X-PARTS", thursday, split_rate=1.0)
        self._order("X-WRONG", thursday, contradict_rate=1.0)
        self._order("X-LATE", at_time(START, 15, 30))
        self._order("X-SAT", at_time(START + timedelta(days=2), 11))
        self._order("X-SPEND", at_time(START + timedelta(days=3), 11), customer="M-X-BACK", points={"use": "all"})
        for number, hour in (("X-ONE", 10), ("X-OTHER", 11)):
            self._order(number, at_time(START, hour), shop="reuse", sku="THE-ONE")

    def _order(
        self,
        number: str,
        at: datetime,
        *,
        shop: str = "salon",
        sku: str | None = None,
        customer: str | None = None,
        split_rate: float = 0.0,
        contradict_rate: float = 0.0,
        sequel: Callable[[], None] | None = None,
        **changes: Any,
    ) -> None:
        """One order more; its suppliers do what they are asked, unless a rate says otherwise."""
        self._outside.desk.fail(number, split_rate=split_rate, contradict_rate=contradict_rate)
        document = _document(shop, number, at, **changes)
        document["customer"]["id"] = customer or f"M-{number}"
        if sku is not None:
            next(iter(document["lines"]))["sku"] = sku

        def place(at: datetime) -> None:
            [answer] = take_in(self._engine, self._shops, self._outside.clock, [Submission(parse_order(document))])
            if answer.problems:
                return
            record = {"kind": "ack", "shop": shop, "number": number, "status": 202, "ordered": ordered(document)}
            self._outside.diary.storefront.append(record)
            if sequel is not None:
                sequel()

        self._outside.agenda.plan(at, place)

    def _asks(self, at: datetime, way: str, number: str) -> None:
        reason = {"reason": "changed my mind"}
        self._outside.agenda.plan(at, lambda at: _ignore(self._people.ask(CUSTOMER, way, "salon", number, reason)))

    def _cancel_at_once(self, number: str) -> None:
        """Before anybody has looked at the order: the cancel is decided first."""
        self._people.ask(CUSTOMER, "cancel", "salon", number, {"reason": "a mistake"})
        self._outside.inbox.hand_in()
        self._runner.run_batch(STAGES["cancel"])

    def _pays(self, number: str, at: datetime) -> None:
        self._outside.agenda.plan(at + timedelta(hours=1), lambda at: self._people.pay("salon", number, 0, 1))

    def _releases(self, number: str, at: datetime) -> None:
        asked = {"reason": "looked at"}
        self._outside.agenda.plan(at, lambda at: _ignore(self._people.ask(OPERATOR, "release", "salon", number, asked)))

    def _returns(self, number: str) -> None:
        body = {"lines": [{"line": "1", "quantity": 1}], "fault": "shop"}
        at = at_time(START + timedelta(days=3), 16)
        self._outside.agenda.plan(
            at, lambda at: _ignore(self._people.ask(OPERATOR, "lines:return", "salon", number, body))
        )

    def _swaps(self, number: str) -> None:
        """A piece that is broken comes back, and another leaves for it: an act an hour."""
        taken = {"line": "1", "sku": "EXCHANGED", "name": "交換品", "quantity": 1, "unit_price": 6_000}
        steps: Sequence[tuple[str, dict[str, Any]]] = (
            ("approve", {}),
            ("receive", {}),
            ("inspect", {"passes": True}),
            ("exchange", {"lines": [taken], "payment": {"method": "card", "token": "tok_ok"}}),
        )
        asked = {"line": "1", "quantity": 1, "reason": "defect", "remedy": "exchange"}
        for hour, (name, body) in enumerate((("", {"lines": [asked]}), *steps), start=10):
            at = at_time(START + timedelta(days=3), hour)
            self._outside.agenda.plan(at, partial(self._swap, number, name, body))

    def _swap(self, number: str, name: str, body: Mapping[str, Any], at: datetime) -> None:
        if not name:
            _ignore(self._people.ask(CUSTOMER, "returns", "salon", number, body))
            return
        with self._engine.connect() as connection:
            query = "SELECT r.id FROM return_request r JOIN shop_order o ON o.id = r.order_id WHERE o.number = %s"
            id_ = connection.exec_driver_sql(query, (number,)).scalar()
        if id_ is not None:  # a planted fault may keep the order from being returned at all
            _ignore(self._people.ask(OPERATOR, f"returns:{name}", "salon", number, body, str(id_)))

    def live(self, report: Callable[[str], None]) -> None:
        """The days; then what takes real time: a slow mail server, a worker that died, whatever is tried again."""
        super().live(report)
        with asyncio.Runner() as runner:
            self._place_now("X-SLOW")
            runner.run(self._slow_mails())
            self._place_now("X-DEAD")
            self._die_with_a_lease()
            ends = time.monotonic() + PATIENCE
            while time.monotonic() < ends and self._waits():
                time.sleep(0.2)
                self._settle(runner)

    def _place_now(self, number: str) -> None:
        self._order(number, self._outside.clock.now())
        self._outside.agenda.do(self._outside.clock.now())
        self._runner.run_batch(STAGES["accept"])

    async def _slow_mails(self) -> None:
        """Two workers, and a server that takes longer for a mail that it has not seen than a lease lasts that nobody renews."""
        deliver, seen = self._outside.postbox.deliver, set[bytes]()

        async def slowly(mail: ReadyMail, held: Callable[[], bool]) -> Outcome:
            if mail.raw not in seen:
                seen.add(mail.raw)
                await asyncio.sleep(SLOW)
            return await deliver(mail, lambda: True)

        workers = [self._worker(slowly) for _ in range(2)]
        first = asyncio.create_task(workers[0].drain(_MAIL))
        await asyncio.sleep(LEASE * 1.3)
        await workers[1].drain(_MAIL)
        await first

    def _worker(self, deliver: Callable[..., Any]) -> EffectLoop:
        return EffectLoop(self._engine, self._outside.clock, self._bell, self._mail_performers(deliver), lease=LEASE)

    def _die_with_a_lease(self) -> None:
        with self._engine.begin() as connection:
            leases.lease(connection, _MAIL, 10, LEASE)

    def _waits(self) -> bool:
        with self._engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT EXISTS (SELECT FROM effect_lease)").scalar())

    def violations(self) -> list[Violation]:
        """What all judges find."""
        with self._engine.connect() as connection:
            return audit(connection, self._outside.diary.journals(), self._outside.clock.now(), self._shops)


def _ignore(granted: bool) -> None:
    """Whether it was granted is for the judges."""


def _document(shop: str, number: str, at: datetime, **changes: Any) -> dict[str, Any]:
    """A plain order of two pieces in stock, paid by card."""
    found = deepcopy(next(one for one in orders(7, 60, START, START + timedelta(days=1)) if one["shop"] == shop))
    found |= {
        "number": number, "placed_at": at.isoformat(), "coupons": [], "points": {"use": 0}, "remarks": "", "locale": "ja",
        "payment": {"method": "card", "token": "tok_ok"}, "delivery": {"date": None, "slot": None},
    } | changes  # fmt: skip
    pieces = 1 if shop == "reuse" else 2
    found["lines"] = [
        {**line, "line": str(n), "quantity": pieces, "supplier": "warehouse", "availability": "unique" if shop == "reuse" else "in_stock", "expected_on": None}
        for n, line in zip((1, 2), found["lines"], strict=False)
    ]  # fmt: skip
    found["customer"]["email"] = f"{number.lower()}@example.jp"
    return found


def main() -> int:
    """Live, judge, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_traffic", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--tree", type=Path, required=True, help="the tree whose code this must be")
    asked = parser.parse_args()
    if asked.tree not in Path(models.__file__).resolve().parents:
        sys.exit(f"this is the code of {models.__file__}, not of {asked.tree}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    engine = connect(asked.url, application="shukka-planted")
    traffic = Traffic(engine, Renderer("orders@shukka.example", "shukka.example"))
    traffic.live(lambda line: None)
    sys.stdout.write(orjson.dumps([list(one) for one in traffic.violations()]).decode())
    engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
