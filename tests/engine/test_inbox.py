"""The inbox: stored once, and nothing reaches further than its sender may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from pipelines.engine.inbox import notice_event
from pipelines.gateway import STANDS, Notice
from pipelines.suppliers.news import supplier_event
from tests.world import World, document
from workers.payments import bank


@pytest.fixture
def shipment(world: World) -> str:
    world.take(document("S-1"))
    world.settle()
    return world.shipments()[0]


def inbox(world: World) -> list[tuple[str, str | None]]:
    return [(r.state, r.reason) for r in world.rows("SELECT state, reason FROM inbox_event ORDER BY id")]


def test_an_event_is_stored_once(world: World, shipment: str) -> None:
    event = world.shipped(shipment)
    assert world.tell(event, event) == [True, False]
    assert world.tell(event) == [False]
    world.settle()
    assert inbox(world) == [("applied", None)]


def test_one_id_of_two_senders_is_two_events(world: World, shipment: str) -> None:
    events = [world.shipped(shipment, event_id="1"), world.shipped(shipment, "maker-a", event_id="1")]
    assert world.tell(*events) == [True, True]


@pytest.mark.parametrize(
    ("supplier", "named"), [("maker-a", None), ("warehouse", "SH-NOBODY")], ids=["another's", "unknown"]
)
def test_what_a_supplier_may_not_touch_looks_unknown(
    world: World, shipment: str, supplier: str, named: str | None
) -> None:
    before = world.show()
    assert world.tell(world.shipped(named or shipment, supplier)) == [True]
    world.settle()
    assert world.show() == before
    assert inbox(world) == [("quarantined", "no shipment of this supplier has that id")]


@pytest.mark.parametrize("type_", ["order.cancel", "order.release", "deposit.received", "shipment.exploded"])
def test_a_supplier_says_only_what_is_its_to_say(world: World, shipment: str, type_: str) -> None:
    """A supplier cancels no order, releases none and brings no money."""
    before = world.show()
    world.tell(world.news(type_, shipment))
    world.settle()
    assert world.show() == before
    assert inbox(world) == [("quarantined", f"events of type {type_} are not known")]
    assert world.rows("SELECT 1 FROM work WHERE error IS NOT NULL") == []


@pytest.mark.parametrize("type_", ["order.cancel", "order.release", "shipment.shipped"])
def test_a_bank_says_only_what_is_its_to_say(world: World, shipment: str, type_: str) -> None:
    before = world.show()
    raw = {
        "type": type_,
        "timestamp": "2026-11-20T10:00:00+09:00",
        "data": {"shop": "salon", "number": "S-1", "amount": 1},
    }
    world.tell(notice_event(bank.deposit(raw, "1"), gateway="bank", shops=(), now=world.clock.now()))
    world.settle()
    assert (world.show(), [state for state, _ in inbox(world)]) == (before, ["quarantined"])


def test_a_sender_reaches_only_its_shops(world: World, shipment: str) -> None:
    news = {"type": "shipment.acknowledged", "timestamp": "2026-11-20T10:00:00+09:00", "data": {"shipment": shipment}}
    event = supplier_event(news, supplier="warehouse", shops=("reuse",), event_id="1", now=world.clock.now())
    assert world.tell(event) == [True]
    assert inbox(world)[0][0] == "quarantined"


def test_a_notice_that_names_no_order_finds_it_by_the_token_it_was_paid_with(world: World) -> None:
    """Of two orders with one token the one whose payment it names, else the newest; of none, it is the operator's."""
    for number in ("S-1", "S-2"):
        world.take(document(number, payment={"method": "card", "token": "P03-1-1"}))
    world.settle()
    (first, _) = (one for (one,) in world.rows("SELECT reference FROM payment ORDER BY order_id"))
    for name, token, reference in (("n1", "P03-1-1", first), ("n2", "P03-1-1", None), ("n3", "P03-1", None)):
        notice = Notice(name, STANDS, reference=reference, token=token)
        world.tell(notice_event(notice, gateway="sandbox", shops=("salon",), now=world.clock.now()))
    world.settle()
    told = world.rows(
        "SELECT e.event_id, o.number, e.state FROM inbox_event e LEFT JOIN shop_order o ON o.id = e.order_id ORDER BY e.id"
    )
    assert [tuple(one) for one in told] == [
        ("n1", "S-1", "applied"),
        ("n2", "S-2", "applied"),
        ("n3", None, "quarantined"),
    ]


def test_a_notice_that_names_the_payment_alone_finds_its_order_by_the_reference(world: World) -> None:
    """A dispute names neither order nor token. Another gateway's payment of that name is another, and another shop's nobody's."""
    world.take(document("S-1"))
    world.settle()
    (reference,) = (one for (one,) in world.rows("SELECT reference FROM payment"))
    told = [("n1", "sandbox", "salon", reference), ("n2", "stripe", "salon", reference)]
    told += [("n3", "sandbox", "reuse", reference), ("n4", "sandbox", "salon", f"{reference}0")]
    for name, gateway, shop, named in told:
        notice = Notice(name, STANDS, reference=named)
        world.tell(notice_event(notice, gateway=gateway, shops=(shop,), now=world.clock.now()))
    world.settle()
    rows = world.rows("SELECT event_id, order_id IS NOT NULL, state FROM inbox_event ORDER BY id")
    assert [tuple(one) for one in rows] == [
        ("n1", True, "applied"),
        ("n2", False, "quarantined"),
        ("n3", False, "quarantined"),
        ("n4", False, "quarantined"),
    ]


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ([], "the document: "),
        ({}, "type: "),
        ({"type": 5, "timestamp": "x", "data": {}}, "type: "),
        ({"type": "shipment.shipped", "timestamp": "2026-11-20", "data": {"shipment": "SH-1"}}, "timestamp: "),
        ({"type": "shipment.shipped", "timestamp": "2026-11-20T10:00:00", "data": {"shipment": "SH-1"}}, "timestamp: "),
        ({"type": "shipment.shipped", "timestamp": "2026-11-20T10:00:00Z", "data": {}}, "data.shipment: "),
        (
            {
                "type": "shipment.short",
                "timestamp": "2026-11-20T10:00:00Z",
                "data": {"shipment": "SH-1", "lines": [{"line": "1", "quantity": 0}]},
            },
            "data.lines[0].quantity: ",
        ),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(world: World, raw: Any, fault: str) -> None:
    event = supplier_event(raw, supplier="warehouse", shops=(), event_id="1", now=world.clock.now())
    assert world.tell(event) == [True]
    ((state, reason),) = inbox(world)
    assert (state, str(reason).startswith(fault)) == ("quarantined", True), reason
    assert world.value("SELECT body FROM inbox_event") == {"raw": raw}


def test_a_deposit_for_an_unknown_order_is_kept_for_the_operator(world: World) -> None:
    assert world.tell(world.deposit("S-404", 500)) == [True]
    assert inbox(world) == [("quarantined", "no order has that shop and number")]


def test_one_that_cannot_be_stored_is_quarantined_alone(world: World) -> None:
    """Events share a commit; what raises for one, whatever it is, harms no neighbour and is not lost."""
    world.refuse("inbox_event", when="NEW.body ? 'poison'")
    world.take(document("S-1"), document("S-2"))
    asked = [world.ask("order.cancel", number, **body) for number, body in (("S-1", {}), ("S-2", {"poison": 1}))]
    assert world.tell(*asked, asked[0]) == [True, True, False]
    world.settle()
    assert world.states()["S-1"][0] == "cancelled"
    shown = world.rows("SELECT state, reason FROM inbox_event WHERE state = 'quarantined'")
    assert [(row.state, row.reason.split(":")[0]) for row in shown] == [("quarantined", "cannot be stored")]


IN_THE_WAY = {"too slow, or ended": "57014", "locked": "55P03", "deadlock": "40P01", "serialization": "40001"}


@pytest.mark.parametrize("state", IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_where_others_were_in_the_way_nothing_is_wrong_with_the_event(world: World, state: str) -> None:
    """It is not acknowledged and not kept, so that its sender sends it again; its neighbours are kept."""
    world.refuse("inbox_event", state, "NEW.event_id = 'e-1'")
    world.take(document("S-1"), document("S-2"), document("S-3"))
    asked = [replace(world.ask("order.cancel", f"S-{n}"), event_id=f"e-{n - 1}") for n in (1, 2, 3)]
    with pytest.raises(OperationalError):
        world.tell(*asked)
    assert world.rows("SELECT event_id, state FROM inbox_event ORDER BY id") == [("e-0", "pending"), ("e-2", "pending")]
    world.refuse_no_more("inbox_event")
    assert world.tell(*asked) == [False, True, False]
    world.settle()
    assert {state for state, _ in world.states().values()} == {"cancelled"}


def test_what_is_larger_than_the_database_takes_is_the_events_own_fault(world: World) -> None:
    """PostgreSQL calls it an operational error too (54000), and it comes again however often it is tried."""
    world.refuse("inbox_event", "54000", "NEW.body ? 'poison'")
    world.take(document("S-1"))
    assert world.tell(world.ask("order.cancel", "S-1", poison=1)) == [True]
    assert inbox(world) == [("quarantined", "cannot be stored: ProgramLimitExceeded")]


def test_two_ids_that_are_masked_stay_two(world: World) -> None:
    """INT-17: an id with a card number is kept without it, and the same again is still the same."""
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.shipments("S-1")
    ids = ("4111 1111 1111 1111", "5555 5555 5555 4444")
    told = [world.news("shipment.acknowledged", shipment, event_id=one) for one in (*ids, ids[0])]
    assert world.tell(*told) == [True, True, False]
    kept = [row.event_id for row in world.rows("SELECT event_id FROM inbox_event")]
    assert all(one.startswith("****************#") for one in kept)
