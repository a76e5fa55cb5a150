"""A supplier's news at the door: what cannot be right is kept with its reason, and nothing that is kept can harm (TRK-05)."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.engine.inbox import Received
from pipelines.suppliers.news import supplier_event
from tests.rules.build import at
from tests.world import World, document, tracking_number

NOW = at("2026-11-20 10:00:00")
FAR = 10**30


def heard(timestamp: object = NOW.isoformat(), **data: Any) -> Received:
    raw = {"type": "shipment.shipped", "timestamp": timestamp, "data": {"shipment": "SH-1", **data}}
    return supplier_event(raw, supplier="warehouse", shops=(), event_id="1", now=NOW)


@pytest.mark.parametrize(
    "data",
    [
        {"timestamp": "2098-01-01T00:00:00Z"},
        {"timestamp": "9999-12-31T23:59:59-23:59"},
        {"timestamp": "0001-01-01T00:00:00+23:59"},
        {"timestamp": FAR},
        {"shipped_at": "2098-01-01T00:00:00Z"},
        {"shipped_at": "2026-11-22T10:00:00+09:00"},
        {"shipped_at": "9999-12-31T23:59:59-23:59"},
        {"shipped_at": "0001-01-01T00:00:00+23:59"},
        {"shipped_at": FAR},
        {"expected_on": "9999-12-31"},
        {"expected_on": "0001-01-01"},
        {"expected_on": FAR},
        {"lines": []},
        {"lines": [{"line": "1", "quantity": 1}, {"line": "1", "quantity": 1}]},
        {"lines": [{"line": "1", "quantity": 0}]},
        {"lines": [{"line": "1", "quantity": FAR}]},
        {"lines": [{"line": "1", "quantity": "4"}]},
        {"carrier": "x" * 65},
    ],
    ids=str,
)
def test_what_cannot_be_right_has_its_reason_and_keeps_its_shipment(data: dict[str, Any]) -> None:
    event = heard(**data)
    assert event.fault
    assert event.shipment == "SH-1"


@pytest.mark.parametrize("field", ["carrier", "tracking_number", "reason", "status"])
@pytest.mark.parametrize("mark", ["\r\n", "\n", "\x00", "\x1b", "\x85", "\u2028"])
def test_texts_are_one_line(field: str, mark: str) -> None:
    """What a supplier writes stands in mails and on an operator's screen: it opens no line of its own there."""
    event = heard(**{field: f"yamato{mark}Bcc: x@y.example{mark}"})
    assert (event.fault, event.body[field]) == (None, "yamato Bcc: x@y.example")
    assert heard(**{field: mark}).body[field] is None


def test_no_card_number_is_kept() -> None:
    """INT-17: neither of what is read nor of what cannot be read."""
    assert "4111" not in str(heard(reason="paid by 4111 1111 1111 1111").body)
    assert "4111" not in str(heard(lines=[], reason="paid by 4111 1111 1111 1111").body)


def test_a_number_belongs_to_one_order(world: World) -> None:
    """Of one batch and of two, and of another shop; one supplier's parcel for one customer is one for both its orders."""
    numbers = {"S-1": "M-1", "S-2": "M-2", "S-3": "M-3", "S-4": "M-1"}
    world.take(*(document(number, customer=customer) for number, customer in numbers.items()))
    world.settle()
    number = tracking_number(44_441_375_870)
    first, second, third, fourth = (world.shipments(one)[0] for one in numbers)
    world.tell(*(world.shipped(one, tracking_number=number) for one in (first, second)))
    world.settle()
    world.tell(world.shipped(third, tracking_number=f"{number[:4]}-{number[4:8]}-{number[8:]}"))
    world.tell(world.shipped(fourth, tracking_number=number))
    world.settle()
    ended = world.rows("SELECT shipment_id, state, reason FROM inbox_event ORDER BY id")
    taken = f"tracking number {number} is that of {first}"
    assert [tuple(one) for one in ended] == [
        (first, "applied", None),
        (second, "quarantined", taken),
        (third, "quarantined", taken),
        (fourth, "applied", None),
    ]
    assert {one: state for one, (state, _) in world.states().items()} == {
        "S-1": "shipped",
        "S-2": "released",
        "S-3": "released",
        "S-4": "shipped",
    }


def test_rows_of_a_parcel_are_kept(world: World) -> None:
    """TRK-05: in the database as in a draft."""
    world.take(document("S-1", *({**document()["lines"][0], "line": line, "sku": line} for line in "ab")))
    world.settle()
    shipment, number = world.shipments()[0], tracking_number(44_441_375_870)
    for line in "ab":
        rows = [{"line": line, "quantity": 1}]
        world.tell(world.shipped(shipment, tracking_number=number, lines=rows))
        world.settle()
    assert world.states() == {"S-1": ("shipped", "done")}
    assert world.value("SELECT claim FROM parcel") == {"a": 1, "b": 1}
    assert [mail["template"] for mail in world.show()["mails"]].count("shipment_shipped") == 2
    assert world.broken() == {}
