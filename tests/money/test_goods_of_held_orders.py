"""SPL-01, CUT-01: a supplier who was told of goods owes them on their day, whatever a person has the order for: another supplier's, or
money that does not pay for them. He is reminded, the customer hears of a day that passed, the storefront of a promise that was missed."""

from __future__ import annotations

import pytest

from tests.world import World, a_line, document

MAKER = a_line("2", 1, 4_000, supplier="maker-a")


@pytest.fixture
def told(world: World) -> World:
    """Two suppliers were told to ship today, Friday; a storefront listens."""
    world.enrol("storefront", "shop", url="https://shop.example/hook", shops=["salon"])
    world.take(document("S-1", a_line("1"), MAKER))
    world.settle()
    return world


def shipment_of(world: World, supplier: str) -> str:
    return next(str(one["id"]) for one in world.show()["shipments"] if one["supplier"] == supplier)


def missed(world: World) -> list[str]:
    """Shipments of which the storefront heard that their day passed."""
    told = world.storefronts.messages.values()
    return sorted(str(one.data["shipment"]) for one in told if one.type == "promise.missed")


def late(world: World) -> list[str]:
    return sorted(one["about"] for one in world.show()["holds"] if one["reason"] == "dispatch_late")


def mails(world: World, template: str) -> int:
    return sum(one["template"] == template for one in world.show()["mails"])


def test_money_beside_the_order_stops_no_supplier(told: World) -> None:
    """A deposit that nobody awaited: `awaits` promised a reminder, and nobody was reminded, for as long as nobody looked."""
    told.tell(told.deposit("S-1", 500))
    told.settle()
    told.at("2026-11-20 20:00:00")
    assert mails(told, "supplier_overdue") == 2
    told.at("2026-11-24 12:00:00")
    both = sorted(one["id"] for one in told.show()["shipments"])
    assert (late(told), missed(told), mails(told, "dispatch_delayed")) == (both, both, 2)
    assert {one["dispatch_on"] for one in told.show()["shipments"]} == {"2026-11-24"}
    assert told.broken() == {}


def test_one_suppliers_hold_leaves_the_others_goods_watched(told: World) -> None:
    """The warehouse refuses; the maker's goods do not leave, and their customer hears of it."""
    told.tell(told.news("shipment.refused", shipment_of(told, "warehouse"), reason="broken"))
    told.settle()
    told.at("2026-11-24 12:00:00")
    makers = [shipment_of(told, "maker-a")]
    assert (late(told), missed(told), mails(told, "dispatch_delayed")) == (makers, makers, 1)
    told.tell(told.shipped(makers[0], "maker-a"))
    told.settle()
    assert [one["reason"] for one in told.show()["holds"]] == ["supplier_refused"]
    assert told.broken() == {}


@pytest.fixture
def planned(world: World) -> World:
    """The warehouse was told to ship today, Friday; the maker is told once it has the goods, on Thursday."""
    waited_for = a_line("2", 1, 4_000, supplier="maker-a", availability="backorder", expected_on="2026-11-26")
    world.take(document("S-1", a_line("1"), waited_for))
    world.settle()
    assert told_of(world) == ["warehouse"]
    return world


def told_of(world: World) -> list[str]:
    return [one.supplier for one in world.rows("SELECT supplier FROM shipment WHERE told_at IS NOT NULL ORDER BY id")]


def days(world: World) -> dict[str, str]:
    return {one["supplier"]: one["dispatch_on"] for one in world.show()["shipments"]}


def test_goods_that_another_supplier_is_still_to_be_told_of_go_out_on_their_day(planned: World) -> None:
    """SPL-01, SPL-02: the warehouse refuses, and a person has that; the maker's goods left days after their day, once he was through."""
    promised = days(planned)["maker-a"]
    planned.tell(planned.news("shipment.refused", shipment_of(planned, "warehouse"), reason="broken"))
    planned.settle()
    planned.at("2026-11-26 18:00:00")
    assert (told_of(planned), days(planned)["maker-a"]) == (["warehouse", "maker-a"], promised)
    planned.tell(planned.shipped(shipment_of(planned, "maker-a"), "maker-a"))
    planned.settle()
    assert planned.states()["S-1"] == ("partly_shipped", "held")
    assert (mails(planned, "shipment_shipped"), mails(planned, "dispatch_delayed")) == (1, 0)
    assert [one["reason"] for one in planned.show()["holds"]] == ["supplier_refused"]
    assert planned.broken() == {}


def test_what_cannot_be_brought_to_the_customer_keeps_back_all_that_goes_there(planned: World) -> None:
    """A parcel whose address is not found: what is still to leave for it would come back too, until a person has asked."""
    first = shipment_of(planned, "warehouse")
    planned.tell(planned.shipped(first))
    planned.settle()
    planned.tell(planned.news("shipment.tracking_updated", first, status="address_problem"))
    planned.settle()
    assert [one["reason"] for one in planned.show()["holds"]] == ["parcel_problem"]
    planned.at("2026-11-26 18:00:00")
    assert told_of(planned) == ["warehouse"]


def test_whatever_kept_all_back_ends_and_leaves_a_hold_about_one_shipment(planned: World) -> None:
    """The maker's day passes while nothing may leave; that is settled, the warehouse's refusal is not."""
    first = shipment_of(planned, "warehouse")
    planned.tell(planned.news("shipment.refused", first, reason="broken"))
    planned.settle()
    planned.tell(planned.deposit("S-1", 500))
    planned.settle()
    planned.at("2026-11-26 18:00:00")
    assert told_of(planned) == ["warehouse"]
    planned.tell(planned.ask("order.release", "S-1", by="operations", reason="given back"))
    planned.settle()
    assert [one["reason"] for one in planned.show()["holds"]] == ["supplier_refused"]
    assert told_of(planned) == ["warehouse", "maker-a"]
    assert planned.broken() == {}
