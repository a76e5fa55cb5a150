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
