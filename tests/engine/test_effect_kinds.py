"""Kinds of effect: found as files, bounded in time, yielding bytes, standing for several items."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from models.states import OrderState
from models.store import leases
from models.store.effects import StorefrontEventRow
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.errors import Misconfigured
from pipelines.gateway import Answer
from pipelines.ports import Outcome, Verdict
from pipelines.shops import Shop
from pipelines.suppliers.channel import Batch
from tests.outside import Gateway
from tests.plugins import label_effect
from tests.world import World, document
from workers import actors
from workers.broker import effect_actor
from workers.effects import EFFECTS, payments, queues, storefronts, suppliers
from workers.effects.loop import LEASE

PLUG_IN = Path(label_effect.__file__)


@pytest.fixture
def dropped_in(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> Path:
    """The folder of plug-ins, with the printer of labels."""
    shutil.copy(PLUG_IN, tmp_path)
    plugins_in(tmp_path)
    return tmp_path


def _print_labels(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """A stage that asks for a label and goes on once it is printed."""
    key = f"{draft.facts.number}:label"
    told = draft.effects.get(key)
    if told is None:
        draft.ask(EffectIntent("label.print", key, wakes="labels"))
    elif told.outcome is not None:
        draft.move_order(OrderState.AUTHORIZED, f"instructed {told.outcome['reference']}")


LABELS = Stage("labels", _print_labels, Need.EFFECTS, asks=("label.print",))


def test_a_kind_that_was_dropped_in_has_its_queue_actor_and_bell(dropped_in: Path, world: World) -> None:
    assert queues()["label.print"] == "printers"
    broker = StubBroker(middleware=[])
    actors.declare_effects(broker, actors.performing(lambda: world.loop))
    actor: dramatiq.Actor[..., object] = broker.get_actor(effect_actor("label.print"))
    assert actor.queue_name == "printers"


def test_a_kind_belongs_to_one_effect(dropped_in: Path) -> None:
    twin = PLUG_IN.read_text("utf-8").replace('name="labels"', 'name="more_labels"')
    (dropped_in / "more_labels.py").write_text(twin, encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"effect more_labels: label\.print is performed by another effect"):
        queues()


def test_an_effect_that_was_dropped_in_yields_bytes_that_are_kept_with_its_outcome(
    dropped_in: Path, world: World
) -> None:
    """A stage asks, the effect is performed, its bytes are kept once, and the stage is woken and reads the outcome."""
    world.take(document("S-1"), document("S-2"))
    world.decide("accept")
    world.wake("labels")
    assert world.runner.run_batch(LABELS).effects == {"label.print"}
    world.loop = world.performing(*EFFECTS["labels"].ready(world.house))
    for _ in range(2):
        world.perform("label.print")
        world.runner.run_batch(LABELS)
        world.hurry()
    kept = world.rows(
        "SELECT e.key, e.state, o.media_type, o.content, o.digest FROM effect_output o JOIN effect e ON e.id = o.effect_id"
        " ORDER BY e.key"
    )
    assert [(r.key, r.state, r.media_type, bytes(r.content)) for r in kept] == [
        ("S-1:label", "done", "text/plain", b"LABEL S-1"),
        ("S-2:label", "done", "text/plain", b"LABEL S-2"),
    ]
    assert [bytes(r.digest) for r in kept] == [hashlib.sha256(bytes(r.content)).digest() for r in kept]
    causes = [world.show(number)["timeline"][-1]["cause"] for number in ("S-1", "S-2")]
    assert causes == ["instructed label-S-1", "instructed label-S-2"]


def test_bytes_under_an_old_token_are_not_kept(dropped_in: Path, world: World) -> None:
    """Fencing: who comes back late with a label brings the one that another has printed meanwhile."""
    world.take(document("S-1"))
    world.decide("accept")
    world.wake("labels")
    world.runner.run_batch(LABELS)
    (performer,) = EFFECTS["labels"].ready(world.house)

    async def overtaken(job: label_effect.Job[str]) -> Outcome:
        outcome = await performer.perform(job)
        await asyncio.to_thread(world.hurry)
        with world.engine.begin() as connection:
            leases.lease(connection, "label.print", 1, LEASE)
        return outcome

    world.loop = world.performing(replace(performer, perform=overtaken))
    world.perform("label.print")
    assert world.value("SELECT count(*) FROM effect_output") == 0
    assert world.value("SELECT state FROM effect WHERE kind = 'label.print'") == "pending"


class Endless(Gateway):
    """Drips, and never ends."""

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        while True:
            await asyncio.sleep(0.01)


def test_an_attempt_that_takes_too_long_ends_and_may_have_happened(world: World) -> None:
    """The gateway is looked up, and asked again under the same key."""
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    brief = replace(payments.EFFECT, total=0.1)
    world.loop = world.performing(*brief.performed_by(payments.performing({"sandbox": Endless(world.clock)}), 4))
    assert world.perform("payment.authorize") == 1
    assert world.value("SELECT state FROM effect WHERE kind = 'payment.authorize'") == "pending"
    world.loop = world.performing(*payments.EFFECT.performed_by(payments.performing({"sandbox": world.gateway}), 4))
    world.hurry()
    world.settle()
    assert world.show()["payment"]["state"] == "authorized"


class Dripping:
    """A supplier's channel of which some instructions never end."""

    def __init__(self, *never: str) -> None:
        self.never = never
        self.taken: list[str] = []

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        while batch.instructions[0].number in self.never:
            await asyncio.sleep(0.01)
        self.taken.append(batch.instructions[0].number)
        return [Outcome(Verdict.OK)] * len(batch.instructions)

    async def aclose(self) -> None:
        return None


@pytest.mark.parametrize(("times", "state", "hold"), [(3, "planned", []), (400, "planned", ["supplier_unreachable"])])
def test_a_supplier_that_drips_is_tried_for_days_and_delays_nobody(
    world: World, times: int, state: str, hold: list[str]
) -> None:
    """Its webhook-id is the same again, so it is a RETRY and no doubt; only then does it go before a human."""
    world.take(document("S-1"), document("S-2"))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.decide()
    dripping = Dripping("S-1")
    brief = replace(suppliers.EFFECT, total=0.05)
    world.loop = world.performing(
        *brief.performed_by(suppliers.performing({"mail": dripping}, world.shops, world.clock), 2)
    )
    world.perform("supplier.instruct")
    world.execute("UPDATE effect_lease SET attempts = :n, due_at = now() WHERE kind = 'supplier.instruct'", n=times - 1)
    world.perform("supplier.instruct")
    world.decide("dispatch")
    assert dripping.taken == ["S-2"]
    assert world.show("S-2")["shipments"][0]["state"] == "instructed"
    assert (world.show("S-1")["shipments"][0]["state"], [h["reason"] for h in world.show("S-1")["hold"]]) == (
        state,
        hold,
    )


def test_every_effect_says_how_long_it_may_take_and_what_slows_down_together() -> None:
    assert {name: effect.total for name, effect in EFFECTS.items() if not 0 < effect.total <= 300} == {}
    event = StorefrontEventRow(1, "key", None, "7", {}, "https://shop.example/hooks", (), None)
    assert storefronts.EFFECT.target(event) == "7", "its client: whatever its URL is, it is one storefront"
