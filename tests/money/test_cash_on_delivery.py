"""PAY-09, INT-13: an order that is paid on delivery comes to another sum before its carrier has the money: what the label says, what the
customer is told and what the books have are one amount, or the difference goes back."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.ports import Verdict
from tests.world import World, a_line, document

MAKER = a_line("2", 1, 4_000, supplier="maker-a")


@pytest.fixture
def told(world: World) -> World:
    """6,000 and 4,000 yen of two suppliers, both told; the warehouse's parcel collects 11,440 yen with the fee."""
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    world.enrol("supplier", "maker-a", url="https://maker.example/hook")
    world.take(document("S-1", a_line("1", 2, 3_000), MAKER, payment={"method": "cod"}, locale="en"))
    world.settle()
    assert labels(world) == [11_440]
    return world


def labels(world: World) -> list[int]:
    """The amounts that suppliers were told to collect, the last one last."""
    told = [one.data for one in world.suppliers.messages.values()]
    return [one["collect"]["amount"] for one in told if "collect" in one]


def take_out(world: World, line: str, pieces: int = 1) -> int:
    """An operator takes pieces out, a minute later; what the order comes to then."""
    world.clock.advance(minutes=1)
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": line, "quantity": pieces}]))
    world.settle()
    world.clock.advance(minutes=1)
    gone: int = sum(one["money"] for one in world.show()["adjustments"])
    return int(world.show()["totals"]["grand_total"]) - gone


def shipment_of(world: World, supplier: str) -> str:
    return next(str(one["id"]) for one in world.show()["shipments"] if one["supplier"] == supplier)


def leave(world: World, supplier: str) -> None:
    world.tell(world.shipped(shipment_of(world, supplier), supplier))
    world.settle()


def arrive(world: World, supplier: str) -> None:
    world.clock.advance(days=1)
    world.tell(world.news("shipment.delivered", shipment_of(world, supplier), supplier))
    world.settle()


def text_of(world: World, template: str) -> str:
    """The last mail of ``template``."""
    found = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == template]
    part: Any = found[-1].get_body(("plain",))
    return str(part.get_content())


@pytest.mark.parametrize("line", ["1", "2"], ids=["of its own parcel", "of the other supplier's"])
def test_before_the_parcel_leaves_its_supplier_is_told_the_new_amount(told: World, line: str) -> None:
    """Who collects had the old amount, and the customer was told the new one."""
    due = take_out(told, line)
    assert due < 11_440
    assert labels(told) == [11_440, due]
    leave(told, "warehouse")
    assert f"Cash needed: ¥{due:,}" in text_of(told, "shipment_shipped")
    arrive(told, "warehouse")
    payment = told.show()["payment"]
    assert (payment["state"], payment["captured"]) == ("captured", due)
    assert told.broken() == {}


@pytest.mark.parametrize("left", [False, True], ids=["it waits to leave", "it has left"])
def test_where_who_was_to_collect_sends_nothing_the_other_does(told: World, left: bool) -> None:
    """It had been told not to collect, so that the rest went out for nothing; once it has left, a human has the money to get."""
    if left:
        leave(told, "maker-a")
    told.tell(told.news("shipment.refused", shipment_of(told, "warehouse"), reason="none left"))
    told.settle()
    due = take_out(told, "1", 2)
    assert labels(told) == [11_440] + ([] if left else [due])
    assert [one["reason"] for one in told.show()["holds"]] == (["cod_uncollected"] if left else [])
    if not left:
        leave(told, "maker-a")
        assert f"Cash needed: ¥{due:,}" in text_of(told, "shipment_shipped")
        arrive(told, "maker-a")
        assert told.show()["payment"]["captured"] == due
    assert told.broken() == {}


def test_once_it_has_left_the_label_stands_and_the_difference_goes_back(told: World) -> None:
    leave(told, "warehouse")
    due = take_out(told, "2")
    assert labels(told) == [11_440]
    says = " ".join(text_of(told, "order_short").split())
    assert f"please pay the driver ¥11,440; we give you ¥{11_440 - due:,} of it back" in says
    arrive(told, "warehouse")
    shown = told.show()
    assert shown["payment"]["captured"] == 11_440
    assert [one["says"] for one in shown["holds"]] == [f"Give {11_440 - due} yen back to the customer: no gateway can."]
    told.tell(told.ask("refund.by_hand", "S-1", amount=11_440 - due))
    told.settle()
    assert (told.show()["payment"]["refunded"], told.states()["S-1"]) == (11_440 - due, ("delivered", "done"))
    assert told.broken() == {}


@pytest.mark.parametrize("labelled", [True, False], ids=["by the carrier's statement", "by what is due"])
def test_what_an_operator_records_is_what_came_in(told: World, labelled: bool) -> None:
    leave(told, "warehouse")
    due = take_out(told, "2")
    told.tell(told.ask("cod.collected", "S-1", amount=11_440 if labelled else due, reference="2026-11"))
    told.settle()
    shown = told.show()
    assert shown["payment"]["captured"] == (11_440 if labelled else due)
    assert [one["reason"] for one in shown["holds"]] == (["refund_due"] if labelled else [])


def test_a_parcel_that_left_before_its_supplier_read_the_new_amount_has_the_old_label(told: World) -> None:
    """The new instruction cannot be delivered yet."""
    told.suppliers.answers.append(Verdict.RETRY)
    due = take_out(told, "2")
    assert labels(told) == [11_440]
    leave(told, "warehouse")
    assert "Cash needed: ¥11,440" in text_of(told, "shipment_shipped")
    arrive(told, "warehouse")
    shown = told.show()
    assert (shown["payment"]["captured"], [one["reason"] for one in shown["holds"]]) == (11_440, ["refund_due"])
    assert due == shown["payment"]["captured"] - 4_400
    assert told.broken() == {}


@pytest.mark.parametrize("word", ["held", "attempt_failed", "lost", "damaged", "returned"])
def test_of_a_parcel_that_goes_back_its_customer_hears_no_more(world: World, word: str) -> None:
    """PAY-09: after the cancel nobody is asked to receive it, with cash in hand, or told that it was lost."""
    bag = a_line("1", 1, 100_000, availability="unique")
    world.take(document("R-1", bag, shop="reuse", payment={"method": "cod"}))
    world.settle()
    (shipment,) = world.shipments("R-1", "reuse")
    world.ship_all("R-1", shop="reuse")
    world.at("2026-11-28 09:00:00")
    assert world.states()["R-1"] == ("cancelled", "done")
    told = [one["template"] for one in world.show("R-1", "reuse")["mails"]]
    world.clock.advance(hours=1)
    world.tell(world.news("shipment.tracking_updated", shipment, status=word))
    world.settle()
    assert world.show("R-1", "reuse")["shipments"][0]["tracking_status"] == word
    assert [one["template"] for one in world.show("R-1", "reuse")["mails"]] == told
    assert world.broken() == {}
