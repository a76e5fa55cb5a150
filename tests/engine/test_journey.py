"""Whole orders through all stages on real PostgreSQL."""

from __future__ import annotations

from tests.world import World, a_line, document


def test_an_order_goes_from_the_storefront_to_active_points(world: World) -> None:
    world.take(document("S-1", a_line(quantity=4, unit_price=3_300)))
    world.settle()
    shown = world.show()
    assert (shown["state"], shown["payment"]["state"]) == ("released", "authorized")
    assert shown["points"] == {"used": 0, "earned": 132, "state": "pending"}
    world.ship_all("S-1")
    shown = world.show()
    assert (shown["state"], shown["condition"]) == ("shipped", "done")
    assert shown["payment"] == {
        "method": "card",
        "state": "captured",
        "amount": 14_520,
        "authorized": 14_520,
        "captured": 14_520,
        "refunded": 0,
    }
    assert shown["points"]["state"] == "valid"
    assert world.balance() == (0, 132)
    assert [(t["entity"], t["from"], t["to"]) for t in shown["timeline"] if t["entity"] == "order"] == [
        ("order", None, "accepted"),
        ("order", "accepted", "authorized"),
        ("order", "authorized", "released"),
        ("order", "released", "shipped"),
    ]
    assert world.postbox.templates("salon/S-1") == [
        "dispatch_planned",
        "order_accepted",
        "points_activated",
        "shipment_shipped",
        "supplier_instruction",
    ]
    assert world.broken() == {}
