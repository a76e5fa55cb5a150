"""What storefronts hear: one event a move of what is announced, numbered without gaps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.states import ALLOWED_MOVES, ANNOUNCED_AS
from models.store.orders import OrderIdRow
from pipelines.engine.announce import EVENTS, Subscriber, announcements, of_new_orders, of_refused
from pipelines.engine.decision import Announcement, Decision, Move
from tests.stages.build import NOW, facts

ALL, OTHERS = Subscriber(1, frozenset()), Subscriber(2, frozenset({"clinic"}))


def test_each_announced_entity_has_a_table_of_states() -> None:
    assert ANNOUNCED_AS.keys() <= ALLOWED_MOVES.keys()


@pytest.mark.parametrize(
    ("move", "type_"),
    [
        (Move("order", "S-1", "accepted", "authorized", "test"), "order.state_changed"),
        (Move("payment", "S-1", "pending", "authorized", "test"), "payment.state_changed"),
        (Move("shipment", "SH-1", None, "planned", "test"), "shipment.state_changed"),
        (Move("lot", "7", "pending", "valid", "test"), "points.changed"),
        (Move("condition", "S-1", "running", "held", "test"), "order.held"),
        (Move("condition", "S-1", "held", "running", "test"), None),
        (Move("toy", "T-1", None, "new", "an entity that storefronts do not hear of"), None),
    ],
)
def test_the_event_of_a_move(move: Move, type_: str | None) -> None:
    decision = Decision(facts(), moves=[move])
    rows = announcements([decision], [ALL, OTHERS], NOW)
    assert [row.payload["type"] for row in rows] == ([type_] if type_ else [])


def test_moves_are_numbered_though_not_all_of_them_are_announced() -> None:
    """A storefront that misses a number knows that it has not heard everything that concerns it yet."""
    moves = [
        Move("order", "S-1", "accepted", "authorized", "test"),
        Move("condition", "S-1", "held", "running", "test"),
        Move("shipment", "SH-1", None, "planned", "test"),
    ]
    decision = Decision(facts(sequence=4), moves=moves)
    rows = announcements([decision], [ALL], NOW + timedelta(hours=1))
    said = [(row.key, row.payload["data"]["sequence"], row.payload["data"].get("shipment")) for row in rows]
    assert said == [("event:7:5:1", 5, None), ("event:7:7:1", 7, "SH-1")]
    assert {row.payload["client"] for row in rows} == {1}


def test_every_type_is_published() -> None:
    assert set(ANNOUNCED_AS.values()) <= EVENTS.keys()


def test_each_event_carries_from_to_cause_at_and_its_place() -> None:
    """Contract: events to storefronts, also those that tell of no move, and of an order that never was one."""
    decision = Decision(
        facts(sequence=4),
        moves=[
            Move("condition", "S-1", "running", "held", "test"),
            Move("lot", "7", "pending", "valid", "test"),
            Move("return", "RT-1", None, "requested", "test"),
        ],
        announced=[Announcement("promise.missed", "SH-1", {"cause": "dispatch_late", "shipment": "SH-1"})],
    )
    rows = [
        *announcements([decision], [ALL], NOW),
        *of_new_orders([OrderIdRow("salon", "S-2", 8)], [ALL], NOW),
        *of_refused("hash", "salon", None, [{"field": "number", "message": "is missing"}], [ALL], NOW),
    ]
    told = {row.payload["type"]: row.payload["data"] for row in rows}
    assert {type_: (one["from"], one["to"], one["cause"], one["sequence"]) for type_, one in told.items()} == {
        "order.held": ("running", "held", "test", 5),
        "points.changed": ("pending", "valid", "test", 6),
        "return.state_changed": (None, "requested", "test", 7),
        "promise.missed": (None, "missed", "dispatch_late", 7),
        "order.state_changed": (None, "accepted", "intake", 1),
        "order.refused": (None, "refused", "intake", 0),
    }
    assert {one["at"] for one in told.values()} == {NOW}
    assert told.keys() <= EVENTS.keys()
