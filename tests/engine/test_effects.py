"""The effect loop: every touch of the world happens once, through lost answers, crashes and a database that goes away."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError

from models.store import effects, leases
from models.store.effects import OutcomeRow
from models.store.leases import LeasedRow, PostponedRow
from pipelines.gateway import Answer
from pipelines.gateway import Gateway as Declared
from pipelines.ports import Outcome, Verdict
from tests.conftest import Running
from tests.outside import Gateway, SetClock
from tests.payments.gateway_bench import Bench
from tests.payments.gateway_conformance import conformance_of
from tests.world import FRIDAY_MORNING, World, a_line, document
from workers.effects import payments
from workers.effects.effect import Job, Lease, Performer
from workers.effects.loop import LEASE
from workers.effects.recording import Done, Ending
from workers.effects.storefronts import TRIED_FOR

KEY = "salon/S-1:authorize"


FAKE = Declared("fake", BaseModel, Gateway, least=50)


class TestTheFakeIsAGateway(conformance_of(FAKE, is_asked_over_http=False)):  # type: ignore[misc]
    """What these tests stand on keeps the promises of the real one."""

    @pytest.fixture
    def bench(self) -> Bench:
        gateway = Gateway(SetClock(FRIDAY_MORNING))
        return Bench(
            gateway=FAKE,
            connect=lambda: gateway,
            accepted="tok_ok",
            declined={"tok_declined": "G12"},
            debit="tok_debit",
        )


def asking(gateway: Gateway) -> list[Performer[Any]]:
    """What performs payments with ``gateway``."""
    return payments.EFFECT.performed_by(payments.performing({"sandbox": gateway}), 4)


def asked(world: World) -> None:
    """A card order whose authorization is due."""
    world.take(document("S-1"))
    world.decide("accept", "authorize")


@pytest.mark.parametrize(
    ("faults", "calls"),
    [([], 1), (["down"], 2), (["down", "down"], 3), (["lost"], 1), (["down", "lost"], 2)],
    ids=["quiet", "down once", "down twice", "the answer lost", "down, then the answer lost"],
)
def test_an_authorization_happens_once_under_one_key(world: World, faults: list[str], calls: int) -> None:
    """What was not done is repeated under the same key; what may have been done is looked up first."""
    world.gateway.faults = list(faults)
    asked(world)
    for _ in range(len(faults) + 1):
        world.hurry()
        world.perform("payment.authorize")
    world.settle()
    assert world.show()["payment"]["state"] == "authorized"
    assert (len(world.gateway.cards), world.gateway.calls) == (1, Counter({KEY: calls}))


def test_a_pause_follows_what_did_not_end(world: World) -> None:
    world.gateway.faults = ["down"] * 3
    asked(world)
    pauses = []
    for _ in range(3):
        world.hurry()
        assert world.perform("payment.authorize") == 1
        assert world.perform("payment.authorize") == 0
        pauses.append(
            float(
                world.value(
                    "SELECT extract(epoch FROM due_at - now()) FROM effect_lease WHERE kind = 'payment.authorize'"
                )
            )
        )
    assert pauses[0] < pauses[1] < pauses[2]


def test_an_outcome_that_stays_unknown_goes_before_a_human(world: World) -> None:
    @dataclass
    class Silent(Gateway):
        async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
            return Answer(Verdict.UNKNOWN, code="timeout")

    silent = Silent(world.clock, faults=["lost"])
    loop = world.performing(*asking(silent))
    asked(world)
    for _ in range(20):
        world.hurry()
        asyncio.run(loop.drain("payment.authorize"))
    world.settle()
    assert world.states() == {"S-1": ("accepted", "held")}
    assert (world.show()["hold"][0]["reason"], world.show()["payment"]["state"]) == ("payment_unknown", "needs_review")
    assert len(silent.cards) == 1
    assert world.broken() == {}


def test_a_gateway_that_cannot_be_asked_is_asked_again_for_hours(world: World) -> None:
    """One attempt may have happened; whether it did could not be asked since, which makes it no likelier and no doubt."""

    @dataclass
    class Away(Gateway):
        async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
            return Answer(Verdict.RETRY, code="unreachable")

    away = Away(world.clock, faults=["lost"])
    loop = world.performing(*asking(away))
    asked(world)
    for _ in range(30):
        world.hurry()
        asyncio.run(loop.drain("payment.authorize"))
    world.decide("authorize")
    assert (world.states(), world.show()["payment"]["state"]) == ({"S-1": ("accepted", "running")}, "pending")
    world.loop = world.performing(*asking(Gateway(world.clock, away.cards, away.orders, away.done)))
    world.hurry()
    world.settle()
    assert (world.show()["payment"]["state"], len(away.cards)) == ("authorized", 1)


def test_an_adapter_that_breaks_is_an_unknown_outcome(world: World) -> None:
    @dataclass
    class Broken(Gateway):
        async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
            raise ZeroDivisionError

    loop = world.performing(*asking(Broken(world.clock)))
    world.take(document("S-1"))
    world.settle()
    world.tell(world.shipped(world.shipments()[0]))
    world.decide()
    asyncio.run(loop.drain("payment.capture"))
    assert world.value("SELECT state FROM effect WHERE kind = 'payment.capture'") == "pending"
    world.hurry()
    world.settle()
    assert world.show()["payment"]["state"] == "captured"


def lease(world: World, kind: str = "payment.authorize") -> LeasedRow:
    """What a process holds that is killed in the next moment."""
    with world.engine.begin() as connection:
        (held,) = leases.lease(connection, kind, 10, LEASE)
    return held


def test_a_lease_keeps_others_away_until_it_runs_out(world: World) -> None:
    asked(world)
    lease(world)
    assert world.perform("payment.authorize") == 0
    world.hurry()
    assert world.perform("payment.authorize") == 1


@pytest.mark.parametrize("acted", [True, False], ids=["after it acted", "before it acted"])
def test_a_performer_that_was_killed_is_followed_under_the_same_key(world: World, acted: bool) -> None:
    asked(world)
    lease(world)
    if acted:
        asyncio.run(world.gateway.authorize(key=KEY, order="salon/S-1", amount=11_000, token="tok_ok", method="card"))
    world.hurry()
    world.settle()
    assert world.show()["payment"]["state"] == "authorized"
    assert (len(world.gateway.cards), list(world.gateway.calls)) == (1, [KEY])


def test_a_late_outcome_under_an_old_token_changes_nothing(world: World) -> None:
    """Fencing: the performer was paused past its lease, another did the work, then the first comes back."""
    asked(world)
    held = lease(world)
    world.hurry()
    world.settle()
    before = world.rows("SELECT state, outcome FROM effect ORDER BY id"), world.show()
    with world.engine.begin() as connection:
        woken = effects.end(connection, "payment.authorize", [OutcomeRow(held.subject_id, held.token, "declined", {})])
        leases.postpone(connection, "payment.authorize", [PostponedRow(held.subject_id, held.token, 60.0)])
    assert woken == []
    assert (world.rows("SELECT state, outcome FROM effect ORDER BY id"), world.show()) == before


def test_a_performer_that_is_overtaken_while_it_acts_changes_nothing(world: World) -> None:
    @dataclass
    class Paused(Gateway):
        meanwhile: Callable[[], object] = lambda: None

        async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
            await asyncio.to_thread(self.meanwhile)
            return Answer(Verdict.DECLINED, code="late")

    def overtake() -> None:
        world.hurry()
        world.perform("payment.authorize")

    asked(world)
    paused = Paused(world.clock, meanwhile=overtake)
    # One channel: while it is taken this loop leases nothing, so that it is the other that finds the lease run out.
    loop = world.performing(*(replace(performer, channels=1) for performer in asking(paused)))
    asyncio.run(loop.drain("payment.authorize"))
    world.settle()
    assert world.states() == {"S-1": ("released", "running")}
    assert world.value("SELECT state FROM effect WHERE kind = 'payment.authorize'") == "done"


def test_a_supplier_that_was_away_is_told_once(world: World) -> None:
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    world.suppliers.answers = [Verdict.RETRY, Verdict.RETRY]
    world.take(document("S-1"))
    world.settle()
    assert world.show()["shipments"][0]["state"] == "planned"
    for _ in range(2):
        world.hurry()
        world.settle()
    assert world.show()["shipments"][0]["state"] == "instructed"
    assert (len(world.suppliers.messages), list(world.suppliers.deliveries.values())) == (1, [3])


def test_a_supplier_that_refuses_for_good_is_a_humans_matter(world: World) -> None:
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    world.suppliers.answers = [Verdict.DECLINED]
    world.take(document("S-1"))
    world.settle()
    assert world.show()["hold"][0]["reason"] == "supplier_unreachable"
    assert world.broken() == {}


def test_mails_are_retried_and_failures_are_shown(world: World) -> None:
    world.postbox.answers = [Verdict.RETRY, Verdict.DECLINED]
    lines = [a_line("1", supplier="maker-a"), a_line("2", supplier="maker-b")]
    world.take(document("C-1", *lines, shop="clinic"))
    world.settle()
    states = Counter(mail["state"] for mail in world.show("C-1", "clinic")["mails"])
    assert states == Counter(sent=1, queued=1, failed=1)
    world.hurry()
    world.settle()
    assert Counter(mail["state"] for mail in world.show("C-1", "clinic")["mails"]) == Counter(sent=2, failed=1)
    assert world.value("SELECT code FROM mail WHERE state = 'failed'") == "450"
    assert world.broken() == {}


def test_storefronts_hear_every_move_of_their_own_shops_once_and_in_numbers(world: World) -> None:
    """Contract: events to storefronts; ``sequence`` has no gaps."""
    world.enrol("storefront", "salon-shop", shops=["salon"], url="https://salon.example/hooks")
    world.enrol("storefront", "reuse-shop", shops=["reuse"], url="https://reuse.example/hooks")
    world.storefronts.answers = [Verdict.RETRY]
    world.take(document("S-1"))
    world.settle()
    world.hurry()
    world.ship_all("S-1")
    heard = sorted(world.storefronts.messages.values(), key=lambda e: e.data["sequence"])
    assert [e.data["sequence"] for e in heard] == list(range(1, len(heard) + 1))
    assert {(e.data["shop"], e.data["number"]) for e in heard} == {("salon", "S-1")}
    assert {e.type for e in heard} >= {
        "order.state_changed",
        "payment.state_changed",
        "shipment.state_changed",
        "points.changed",
    }
    assert [(e.data["from"], e.data["to"]) for e in heard if e.type == "order.state_changed"] == [
        (None, "accepted"),
        ("accepted", "authorized"),
        ("authorized", "released"),
        ("released", "shipped"),
    ]


@pytest.mark.parametrize(
    "code", ["http_400", "http_404", "http_410", "target_refused"], ids=["bad", "not found", "gone", "private"]
)
def test_an_event_that_a_storefront_does_not_take_is_told_for_three_days_and_then_waits_for_an_operator(
    world: World, code: str
) -> None:
    """Contract: retried with back-off for three days, then dead, replayable. Whatever the answer was, and how often it was asked."""
    told = "SELECT e.state, l.attempts FROM effect e LEFT JOIN effect_lease l ON l.subject_id = e.id AND l.kind = e.kind WHERE e.kind = 'storefront.event'"

    def asked_again(older: str = "0") -> tuple[str, int | None]:
        world.execute("UPDATE effect_lease SET opened_at = opened_at - CAST(:older AS interval)", older=older)
        world.hurry()
        world.perform("storefront.event")
        (row,) = world.rows(told)
        return row.state, row.attempts

    world.enrol("storefront", "salon-shop", shops=["salon"], url="https://salon.example/hooks")
    world.storefronts.answers, world.storefronts.code = [Verdict.DECLINED] * 6, code
    world.take(document("S-1"))
    assert asked_again() == ("pending", 1)
    assert asked_again("2 days 23:59") == ("pending", 2)
    world.execute("UPDATE effect_lease SET attempts = 10000")
    assert asked_again() == ("pending", 10_001)
    assert asked_again("1 minute") == ("needs_review", None)
    assert world.value("SELECT count(*) FROM effect WHERE given_up AND outcome->>'code' = :code", code=code) == 1

    (given_up,) = world.rows("SELECT id, key FROM effect")
    with world.engine.begin() as connection:
        assert effects.try_again(connection, [given_up.id]) == ["storefront.event"]
    assert asked_again() == ("pending", 2), "three days more"
    assert asked_again("3 days") == ("needs_review", None)
    with world.engine.begin() as connection:
        effects.try_again(connection, [given_up.id])
    assert asked_again() == ("done", None)
    assert list(world.storefronts.messages) == [given_up.key]


@pytest.mark.parametrize(
    ("age", "told", "pause"),
    [
        (0.0, None, (409.0, 615.0)),
        (0.0, 1.0, (1.0, 1.0)),
        (TRIED_FOR - 90.0, None, (90.0, 90.0)),
        (TRIED_FOR - 90.0, 7_200.0, (90.0, 90.0)),
        (0.0, math.inf, (86_400.0, 86_400.0)),
    ],
    ids=["backs off", "as it is told", "to the last moment", "not beyond it", "not for ever"],
)
def test_the_pause_of_what_ends_by_time(age: float, told: float | None, pause: tuple[float, float]) -> None:
    job = Job(1, "storefront.event", 1, 10, None, Lease(math.inf), age=age)
    found = Ending(tried_for=TRIED_FOR).pause(Done(job, Outcome(Verdict.RETRY, retry_after=told)))
    assert pause[0] <= found <= pause[1]


def test_an_outcome_is_recorded_after_the_database_was_killed(world: World, running: Running) -> None:
    """The gateway said yes while PostgreSQL was dead: nothing is asked twice, nothing is lost."""

    @dataclass
    class Killing(Gateway):
        async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
            answer = await super().authorize(key=key, order=order, amount=amount, token=token, method="card")
            os.kill(running.engines.pids()["postgres"], signal.SIGKILL)
            return answer

    asked(world)
    over = threading.Event()

    def keep_alive() -> None:
        while not over.wait(0.05):
            running.engines.ensure()

    keeper = threading.Thread(target=keep_alive)
    killing = Killing(world.clock)
    loop = world.performing(*asking(killing))

    async def drain() -> None:
        while await asyncio.to_thread(payment_state) != "authorized":
            with suppress(OperationalError):  # whoever meets a database that is away is rung again
                await loop.drain("payment.authorize")
                await asyncio.to_thread(lambda: world.decide("authorize"))

    def payment_state() -> str:
        deadline = time.monotonic() + 30
        while True:
            try:
                return str(world.value("SELECT state FROM payment"))
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    keeper.start()
    try:
        asyncio.run(asyncio.wait_for(drain(), 60))
    finally:
        over.set()
        keeper.join()
    assert (len(killing.cards), killing.calls) == (1, Counter({KEY: 1}))
    world.settle()
    assert world.broken() == {}
