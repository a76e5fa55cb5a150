"""The connection is cut between COMMIT and its answer, before and after it was done: every writer asks again by a key of its own,
so that nothing is lost, nothing is there twice, and nobody hears of a failure for what was kept."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from benchmarks.wire import AFTER, ASKS, BEFORE, Injury, Strike
from models.database import is_away
from pipelines.orders.message import take_in_or_keep
from pipelines.points.grants import grant as give
from pipelines.points.schema import GrantDocument
from tests.cli.console import in_process
from tests.rules.build import at
from tests.web.site import Site
from tests.wire.wired import BLOWS, Blow, Wired
from tests.world import World, document
from workers.pacemaker import timekeeper

each_blow = pytest.mark.parametrize("blow", BLOWS.values(), ids=BLOWS)


def grant(**changes: Any) -> dict[str, Any]:
    return {"shop": "salon", "customer": "M-1", "kind": "manual", "key": "g-1", "amount": 500, **changes}


def hold() -> dict[str, Any]:
    return {"shop": "salon", "customer": "M-1", "key": "h-1", "amount": 200, "reason": "asked"}


def letter(world: World) -> None:
    world.take(document())
    world.execute(
        """INSERT INTO posted_coupon (shop, customer_id, code, code_key, points, order_id, way, due_on, made_at)
           SELECT 'salon', 'M-1', 'THX-7K2M-QX9D-4HPA', 'thx-7k2m-qx9d-4hpa', 3000, id, 'post', '2026-09-29', now()
           FROM shop_order"""
    )


def post_letter(site: Site) -> httpx.Response:
    (id_,) = (row.id for row in site.world.rows("SELECT id FROM posted_coupon"))
    return site.post(f"/v1/postings/{id_}/done", key=site.operator)


def nothing(world: World) -> None:
    """Nothing has to be there before."""


def points(world: World) -> None:
    world.grant(500)


class Door(NamedTuple):
    """A door over HTTP: what is asked, what is answered at first and then, and a row count that must be one."""

    ask: Callable[[Site], httpx.Response]
    first: int
    again: int
    once: str
    before: Callable[[World], None] = nothing


DOORS: Mapping[str, Door] = {
    "an order (INT-18)": Door(lambda site: site.order(document()), 202, 200, "SELECT count(*) FROM shop_order"),
    "an order under a key (INT-18)": Door(
        lambda site: site.order(document(), headers={"idempotency-key": "k-1"}),
        202,
        200,
        "SELECT count(*) FROM idempotency_key",
    ),
    "a batch (INT-18)": Door(
        lambda site: site.post("/v1/orders:batch", {"orders": [document("S-1"), document("S-2")]}),
        207,
        207,
        "SELECT count(*) / 2 FROM shop_order",
    ),
    "a supplier's news": Door(
        lambda site: site.hook({"type": "shipment.shipped"}, event_id="evt-1"),
        202,
        200,
        "SELECT count(*) FROM inbox_event",
    ),
    "a bank's notice": Door(
        lambda site: site.hook(
            {
                "type": "deposit.received",
                "timestamp": "2026-11-20T09:00:00+09:00",
                "data": {"shop": "salon", "number": "S-1", "amount": 11_000},
            },
            sender="bank",
            event_id="dep-1",
        ),
        202,
        200,
        "SELECT count(*) FROM inbox_event",
    ),
    "an action": Door(
        lambda site: site.post("/v1/orders/salon/S-1/cancel", {"reason": "customer"}, key=site.operator),
        202,
        202,
        "SELECT count(*) FROM inbox_event",
        lambda world: world.take(document()),
    ),
    "an action under a key": Door(
        lambda site: site.post(
            "/v1/orders/salon/S-1/cancel",
            {"reason": "customer"},
            key=site.operator,
            headers={"idempotency-key": "a-1"},
        ),
        202,
        202,
        "SELECT count(*) FROM inbox_event",
        lambda world: world.take(document()),
    ),
    "a customer's facts (A.14)": Door(
        lambda site: site.put("/v1/customers/apparel/M-1", json={"registered": True, "email": "m1@example.jp"}),
        201,
        200,
        "SELECT count(*) FROM point_lot",
    ),
    "a grant (A.8)": Door(
        lambda site: site.post("/v1/points/grants", grant()), 201, 200, "SELECT count(*) FROM point_lot"
    ),
    "a hold (PTS-05)": Door(
        lambda site: site.post("/v1/points/holds", hold()), 201, 200, "SELECT count(*) FROM point_hold", points
    ),
    "a letter (CUT-05)": Door(
        post_letter, 200, 200, "SELECT count(*) FROM posted_coupon WHERE posted_at IS NOT NULL", letter
    ),
}


@each_blow
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_door_whose_commit_is_cut_answers_as_if_nothing_had_been(wired: Wired, door: Door, blow: Blow) -> None:
    """And the same once more finds it there."""
    world, site = wired.world, wired.site
    door.before(world)
    strike = blow.fall(wired.wire)
    answer = door.ask(site)
    assert (answer.status_code, strike.struck) == (door.first, 1), answer.text
    if door.first == 207:
        assert [one["status"] for one in answer.json()["results"]] == [202, 202]
    assert world.value(door.once) == 1
    if door.ask is not DOORS["an action"].ask:
        assert door.ask(site).status_code == door.again
        assert world.value(door.once) == 1
    assert world.broken() == {}


@each_blow
def test_an_order_from_the_broker_is_taken_once_or_kept_once(wired: Wired, blow: Blow) -> None:
    """The message is acknowledged when the actor returns: it asks until it does."""
    world = wired.world
    for raw in (document(), document("S-2", totals={"grand_total": 1})):
        strike = blow.fall(wired.wire)
        with pytest.raises(DBAPIError) as lost:
            take_in_or_keep(world.engine, world.shops, world.clock, raw)
        assert is_away(lost.value)
        assert strike.struck == 1
        assert bool(take_in_or_keep(world.engine, world.shops, world.clock, raw)) is (raw["number"] == "S-2")
    assert world.value("SELECT count(*) FROM shop_order") == 1
    assert world.value("SELECT count(*) FROM refused_order") == 1


@each_blow
@pytest.mark.parametrize(("every", "least"), [(1, 2), (2, 1)])
def test_decisions_and_outcomes_whose_commits_are_cut_end_once(
    wired: Wired, blow: Blow, every: int, least: int
) -> None:
    """Each commit of decide loop and outcomes, or each second, is cut; a call outside that is made again carries the same
    key (INT-18, PAY-01)."""
    _shipped_and_told_once(wired, least, lambda: blow.fall(wired.wire, every=every, most=12))


@pytest.mark.parametrize("injury", [BEFORE, AFTER])
@pytest.mark.parametrize(
    "statement", ["UPDATE effect_lease e SET", "UPDATE mail m SET state"], ids=["lease", "mail's end"]
)
def test_statements_without_a_transaction_that_are_cut_are_made_up_for(
    wired: Wired, statement: str, injury: Injury
) -> None:
    """Who hears no answer to a lease has leased nothing, and what the database leased all the same is due again when its lease has
    run out. The end of a mail is written again, under the lease that went with it if it was written."""
    text = re.compile(re.escape(statement.encode()))
    _shipped_and_told_once(wired, 1, lambda: wired.wire.strike(statement, ASKS, text, injury, most=4))


def _shipped_and_told_once(wired: Wired, least: int, fall: Callable[[], Strike]) -> None:
    """Three orders go the whole way while strikes ``fall``, at least so many on the way out and as many on the way back."""
    world = wired.world
    world.take(*(document(f"S-{n}") for n in range(1, 4)))
    strikes = [_gone_on(wired, fall)]
    shipments = [row.id for row in world.rows("SELECT id FROM shipment ORDER BY id")]
    world.tell(*(world.shipped(id_) for id_ in shipments))
    strikes.append(_gone_on(wired, fall))
    assert all(strike.struck >= least for strike in strikes), strikes
    assert set(world.states().values()) == {("shipped", "done")}
    assert world.broken() == {}
    assert set(world.gateway.calls.values()) == {1}, "nothing was asked twice, though the same key would allow it"
    assert {card.captured for card in world.gateway.cards.values()} == {11_000}
    sent = [mail["Message-ID"] for mail in world.postbox.mails]
    assert len(sent) == len(set(sent)) == world.value("SELECT count(*) FROM mail WHERE state = 'sent'")


@each_blow
@pytest.mark.parametrize("every", [2, 3])
def test_jobs_whose_commits_are_cut_are_caught_up_once(wired: Wired, blow: Blow, every: int) -> None:
    """A lease whose commit was lost runs out; a step that was kept is found done (PTS-09, PTS-11)."""
    world = wired.world
    born: dict[str, Any] = {"kind": "registration", "shop": "apparel", "birth_date": "1990-12-24"}
    give(world.engine, world.shops, world.clock, GrantDocument(**{**grant(), "amount": None, **born}))
    world.grant(70, shop="apparel", expires_at=at("2026-11-25 00:00:00"))
    jobs = timekeeper(world.house)
    jobs.look()
    world.clock.set(at("2027-01-05 12:00:00"))
    strike = blow.fall(wired.wire, every=every, most=8)
    for _ in range(20):
        with suppress(DBAPIError):
            jobs.look()
        with suppress(DBAPIError):
            world.execute("UPDATE job SET leased_until = NULL")  # a minute later
    wired.wire.withdraw(strike)
    jobs.look()
    assert strike.struck >= 5
    assert jobs.look() == []
    assert world.balance(shop="apparel") == (0, 500 + 500), "the gift expired once, the birthday came once"
    assert world.broken() == {}


@each_blow
def test_an_operators_command_whose_commit_is_cut_asks_once(
    wired: Wired, blow: Blow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = wired.world
    world.take(document())
    monkeypatch.setenv("DATABASE_URL", wired.wire.through(world.house.settings.need_database()))
    monkeypatch.setenv("SHUKKA_CLOCK", "2026-11-20T09:00:00+09:00")
    strike = blow.fall(wired.wire)
    code, out, err = in_process(capsys, monkeypatch, "act", "salon/S-1", "cancel", "--reason", "customer")
    assert (code, strike.struck) == (0, 1), err
    assert "is kept" in out
    assert world.value("SELECT count(*) FROM inbox_event") == 1


def _gone_on(wired: Wired, fall: Callable[[], Strike]) -> Strike:
    """Work until all is at rest, while strikes fall, and then while none does."""
    strike = fall()
    _go_on(wired.world)
    wired.wire.withdraw(strike)
    _go_on(wired.world)
    return strike


def _go_on(world: World) -> None:
    """As workers do: a database that was away is asked again, leases that nobody holds any more run out, and an order is looked at again
    that was passed over: a backend whose connection was cut keeps its lock until it has noticed."""
    for _ in range(100):
        try:
            world.hurry()
            world.settle()
        except DBAPIError as lost:
            if not is_away(lost):
                raise
        else:
            if not world.value("SELECT count(*) FROM work WHERE due_at <= :now", now=world.clock.now()):
                return
            time.sleep(0.1)
    raise AssertionError("it never comes to rest")
