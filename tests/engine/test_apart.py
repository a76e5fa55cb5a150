"""What came in is a boundary: one event that cannot be decided is quarantined with its reason, and its order goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import orjson
import pytest

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Facts, Need
from pipelines.engine.following import Pass
from pipelines.engine.stage import Stage
from pipelines.errors import Misconfigured
from pipelines.ports import MailIntent, MailRenderer, RenderedMail
from pipelines.shops import Shop
from tests.stages.build import NOW, but, endings, event, facts
from tests.world import World, document, tracking_number


def _reads(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Keeps the sum of what it was told as the payment's amount."""
    for one in draft.waiting:
        if one.body.get("profile"):
            raise Misconfigured("shop.toml", "names nobody")
        draft.move_payment(None, "told", captured=draft.money.captured + one.body["amount"])
        draft.applied(one)


READS = Stage("reads", _reads, Need.EVENTS | Need.PAYMENT, consumes=("told",))


def told(*events: EventFacts) -> Facts:
    return but(facts(), needs=READS.needs, events=events)


@pytest.mark.parametrize("poison", [{}, {"amount": "1"}, {"amount": None}], ids=["missing", "text", "null"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_event_is_left_out_wherever_it_stands(world: World, poison: dict[str, object], place: int) -> None:
    """As if it had never come: what was read before it and after it is kept."""
    events = [event("told", number, amount=10**number) for number in (1, 2)]
    events.insert(place, event("told", 9, **poison))
    decision = world.runner.decided(Pass(READS, {}), told(*events), NOW)
    assert endings(decision) == {1: "applied", 2: "applied", 9: "quarantined"}
    assert next(why for number, _, why in decision.events if number == 9)
    assert decision.payment is not None
    assert decision.payment.captured == 110


def test_where_a_profile_is_to_blame_nothing_is_wrong_with_the_event(world: World) -> None:
    with pytest.raises(Misconfigured):
        world.runner.decided(Pass(READS, {}), told(event("told", 1, profile=True)), NOW)


def test_where_the_order_itself_cannot_be_decided_its_events_wait(world: World) -> None:
    def fails(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        raise ZeroDivisionError

    stage = Stage("fails", fails, Need.EVENTS, consumes=("told",))
    with pytest.raises(ZeroDivisionError):
        world.runner.decided(Pass(stage, {}), but(told(event("told", 1)), needs=Need.EVENTS), NOW)


def slip_in(world: World, shipment: str, type_: str, body: dict[str, object]) -> None:
    """An event that no door would have let in."""
    world.execute(
        "INSERT INTO inbox_event (source, event_id, type, order_id, shipment_id, body, at, state) "
        "SELECT 'supplier:warehouse', 'slipped in', :type, order_id, id, CAST(:body AS jsonb), :now, 'pending' "
        "FROM shipment WHERE id = :shipment",
        type=type_,
        shipment=shipment,
        body=orjson.dumps(body).decode(),
        now=world.clock.now(),
    )


@pytest.mark.parametrize(
    ("type_", "body", "reason"),
    [
        ("shipment.shipped", {"shipped_at": "9999-12-31T23:59:59-23:59"}, "OverflowError"),
        ("shipment.shipped", {"shipped_at": "soon"}, "ValueError"),
        ("shipment.shipped", {"lines": [{"line": "1", "quantity": "many"}]}, "ValueError"),
        ("shipment.short", {"lines": [{}]}, "KeyError"),
        ("shipment.delayed", {"expected_on": "9999-99-99"}, "ValueError"),
    ],
    ids=["a time that overflows", "no time", "no number", "no line", "no day"],
)
def test_news_that_raises_stops_no_order(world: World, type_: str, body: dict[str, object], reason: str) -> None:
    """The next news is read as if the one before it had never come."""
    number = tracking_number(44_441_375_870)
    world.take(document("S-1"))
    world.settle()
    shipment = world.shipments()[0]
    slip_in(world, shipment, type_, {"carrier": "yamato", "tracking_number": number, **body})
    world.tell(world.shipped(shipment))
    world.settle()
    (slipped, why), (right, _) = world.rows("SELECT state, reason FROM inbox_event ORDER BY id")
    assert (slipped, right) == ("quarantined", "applied")
    assert reason in why
    assert world.states() == {"S-1": ("shipped", "done")}
    assert world.rows("SELECT 1 FROM work WHERE error IS NOT NULL") == []


def test_news_that_the_database_refuses_stops_no_order(world: World) -> None:
    """Whatever the reason: the order is decided without it, and its neighbours do not notice."""
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    first, second = (world.shipments(number)[0] for number in ("S-1", "S-2"))
    slip_in(world, first, "shipment.refused", {"reason": "sold out"})
    world.execute("ALTER TABLE shipment ADD CONSTRAINT no_such_word CHECK (reason IS NULL)")
    world.tell(world.shipped(first), world.shipped(second))
    world.settle()
    assert world.rows("SELECT state FROM inbox_event ORDER BY id")[0].state == "quarantined"
    assert {number: state for number, (state, _) in world.states().items()} == {"S-1": "shipped", "S-2": "shipped"}


def test_where_others_were_in_the_way_no_news_is_to_blame(world: World) -> None:
    """The order is set aside with all that it has heard, and hears of it once nobody is in the way."""
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.shipments()
    world.refuse("parcel", "55P03")
    world.tell(world.shipped(shipment))
    world.settle()
    assert world.rows("SELECT state FROM inbox_event") == [("pending",)]
    assert world.rows("SELECT stage, error FROM work WHERE error IS NOT NULL") == [("notify", "LockNotAvailable")]
    world.refuse_no_more("parcel")
    world.hurry()
    world.settle()
    assert (world.rows("SELECT state FROM inbox_event"), world.states()) == (
        [("applied",)],
        {"S-1": ("shipped", "done")},
    )


@dataclass
class Refusing:
    """A renderer that can render no mail of ``template``."""

    real: MailRenderer
    template: str

    def render(self, intent: MailIntent, *, shop: str, number: str) -> RenderedMail:
        if intent.template == self.template:
            raise ValueError("what it was told cannot be shown")
        return self.real.render(intent, shop=shop, number=number)


def test_an_event_whose_mail_cannot_be_rendered_is_left_out(world: World) -> None:
    """Its order goes on with what else was said, instead of failing for ever."""
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.shipments()
    world.runner = replace(world.runner, renderer=Refusing(world.runner.renderer, "dispatch_delayed"))
    world.tell(
        world.news("shipment.acknowledged", shipment),
        world.news("shipment.delayed", shipment, expected_on="2026-12-04", reason="late"),
    )
    world.settle()
    found = world.rows("SELECT type, state, reason FROM inbox_event ORDER BY id")
    assert [(row.type, row.state) for row in found] == [
        ("shipment.acknowledged", "applied"),
        ("shipment.delayed", "quarantined"),
    ]
    assert found[1].reason.startswith("ValueError")
    assert world.show()["shipments"][0]["state"] == "acknowledged"
    assert world.rows("SELECT FROM work WHERE error IS NOT NULL") == []
    assert world.broken() == {}
