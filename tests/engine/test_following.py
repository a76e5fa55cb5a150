"""What follows at once is decided in the same pass; it stands as if each stage had had a pass of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.states import HoldReason
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.following import Pass
from pipelines.engine.stage import Stage
from pipelines.ports import MailIntent
from pipelines.route import ROUTE, STAGES
from pipelines.rules.holds import Hold
from pipelines.shops import Shop
from tests.stages.build import NOW, SHOPS, but, event, facts, moves
from tests.world import World, document

METHODS = ("card", "cod", "bank_transfer")


def test_a_stage_that_follows_at_once_is_one_that_it_leads_to() -> None:
    for stage in ROUTE:
        assert set(stage.at_once) <= set(stage.leads_to), stage.name


def test_no_stage_follows_itself_in_the_end() -> None:
    """A pass ends."""

    def after(stage: Stage) -> set[str]:
        return {name for one in stage.at_once for name in {one, *after(STAGES[one])}}

    for stage in ROUTE:
        assert stage.name not in after(stage)


def first(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    draft.next("second", now + timedelta(seconds=draft.facts.payment.amount))
    for one in draft.waiting:
        draft.applied(one)


def second(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    draft.hold(Hold(HoldReason.PAYMENT_UNKNOWN), "second")
    for one in draft.waiting:
        draft.ignored(one, "by the second")


FIRST = Stage("first", first, Need.PAYMENT | Need.EVENTS, ("a",), leads_to=("second",), at_once=("second",))
SECOND = Stage("second", second, Need.EVENTS, ("b",))


@pytest.mark.parametrize(("seconds", "follows"), [(0, True), (1, False)])
def test_only_what_is_due_this_moment_follows(seconds: int, follows: bool) -> None:
    """It is due later no longer then, and each stage answers its own events."""
    one = Pass(FIRST, {"second": SECOND})
    known = but(facts(events=(event("a", 1), event("b", 2))), needs=one.needs)
    known.payment = known.payment._replace(amount=seconds)
    decision = one.decision(known, SHOPS["salon"], NOW)
    assert [due.stage for due in decision.work] == ([] if follows else ["second"])
    assert [move.split(":")[0] for move in moves(decision)] == (["condition"] if follows else [])
    assert [number for number, _, _ in decision.events] == ([1, 2] if follows else [1])


def test_a_pass_gathers_for_all_its_stages() -> None:
    one = Pass(STAGES["accept"], STAGES)
    assert [stage.name for stage in one.stages] == ["accept", "authorize", "split", "dispatch"]
    assert STAGES["dispatch"].needs in one.needs
    assert set(STAGES["authorize"].consumes) <= set(one.consumes)


def story(world: World, number: str) -> dict[str, Any]:
    """What became of an order: its transitions, mails, work and effects."""
    by_order = "FROM {} t JOIN shop_order o ON o.id = t.order_id WHERE o.number = '" + number + "'"
    columns = {
        "transition": "entity, from_state, to_state, cause",
        "mail": "t.template, t.envelope_to",
        "work": "stage, subject_kind, due_at, what",
        "effect": "kind, key, t.state",
    }
    return {
        table: sorted(map(tuple, world.rows(f"SELECT {named} " + by_order.format(table))), key=str)
        for table, named in columns.items()
    }


def unnumbered(told: object) -> str:
    """The same of every order: without its number and its shipments' ids."""
    return re.sub(r"S-[12]|SH-\w+", "", str(told))


@pytest.mark.parametrize("method", METHODS)
def test_it_ends_as_if_each_stage_had_a_pass_of_its_own(world: World, method: str) -> None:
    """The same transitions with the same causes, mails, effects and waits."""
    orders = [
        document(f"S-{n}", payment={"method": method, "token": "tok_ok"} if method == "card" else {"method": method})
        for n in (1, 2)
    ]
    world.take(orders[0])
    world.settle()
    together = story(world, "S-1")
    world.route = {}
    world.take(orders[1])
    world.settle()
    apart = story(world, "S-2")
    assert unnumbered(together) == unnumbered(apart)
    assert together["transition"]


def test_a_stage_that_fails_keeps_nothing_back_before_it(world: World) -> None:
    """The stages before it stand at once; the one that failed is set aside by itself."""

    def fails(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        raise ZeroDivisionError

    broken = {**STAGES, "split": replace(STAGES["split"], decide=fails)}
    world.runner = replace(world.runner, route=broken)
    world.take(document("S-1", payment={"method": "cod"}))
    world.runner.run_batch(STAGES["accept"])
    assert world.states() == {"S-1": ("accepted", "running")}
    world.runner.run_batch(STAGES["authorize"])
    assert world.states() == {"S-1": ("authorized", "running")}
    world.runner.run_batch(broken["split"])
    assert world.rows("SELECT stage, attempts FROM work") == [("split", 1)]


def test_a_mail_of_a_later_stage_that_cannot_be_made_sets_only_that_stage_aside(world: World) -> None:
    def tells(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        draft.tell(MailIntent("no_such_template", "a@example.jp", "", "ja", {}))

    broken = {**STAGES, "split": replace(STAGES["split"], decide=tells)}
    world.runner = replace(world.runner, route=broken)
    world.take(document("S-1", payment={"method": "cod"}))
    for stage in ("accept", "authorize"):
        world.runner.run_batch(STAGES[stage])
        assert world.rows("SELECT stage, attempts FROM work") == [(stage, 1)], "what was tried in one pass"
        world.hurry()
        world.runner.run_batch(STAGES[stage])
    assert world.states() == {"S-1": ("authorized", "running")}
    assert world.rows("SELECT stage, attempts FROM work") == [("split", 0)]
