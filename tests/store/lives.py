"""Orders in every state and condition, with whatever hangs on them: what a database holds when a new version meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.rules.build import shop_with
from tests.world import World, a_line, document

BANK = {"method": "bank_transfer"}
LATER = {"availability": "backorder", "expected_on": "2026-12-20"}
COUPONS = [{"code": "AUTUMN", "kind": "amount", "value": 500}]
PIECE = [{"line": "1", "quantity": 1}]
#: A shop whose points are of each shipment, and are granted anew where they come back expired.
POINTS = """[split]
drop_ship = true

[points]
activate_on = "each_shipment"
return_expired = "regrant"
"""


def live(world: World, run_jobs: Callable[[], object], hold_points: Callable[[str, int], object]) -> None:
    """Let orders of two shops come as far as their numbers say, over some days. ``run_jobs`` runs what is periodic,
    ``hold_points`` takes points of a customer aside."""
    world.runner = replace(world.runner, shops={**world.shops, "salon": shop_with("salon", **{"[points]": POINTS})})
    world.enrol("supplier", "maker-a", url="https://maker.example/hook")
    _end(world)
    _pass_on(world, run_jobs)
    _stand(world)
    world.grant(30, "M-6")
    hold_points("M-6", 30)
    hold_points("M-1", 5)
    world.enrol("storefront", "shop", url="https://shop.example/events")
    _begin(world)


def _ask(world: World, type_: str, number: str, **body: Any) -> None:
    world.tell(world.ask(type_, number, **{"reason": "", "fault": "customer", "by": "operations", **body}))
    world.settle()


def _end(world: World) -> None:
    """Orders that are over, or nearly."""
    ended = ("shipped", "delivered", "returned", "taken-back", "undelivered")
    world.grant(1_000, "M-9", expires_at=world.clock.now() + timedelta(days=1))
    world.grant(40, "M-7")
    points = {"points": {"use": 300}, "customer": "M-9"}
    world.take(*(document(number, a_line(quantity=2)) for number in ended))
    world.take(document("cancelled", **points), document("unpaid", payment=BANK, **points))
    world.take(document("on-delivery", payment={"method": "cod"}), document("no-card", payment=_card("tok_declined")))
    world.take(document("bag", a_line(sku="BAG", availability="unique"), coupons=COUPONS))
    world.take(document("spends", points={"use": 40}, customer="M-7"))
    world.settle()
    _ask(world, "order.cancel", "cancelled")
    world.ship_all(*ended, "on-delivery")
    for number in ("delivered", "taken-back"):
        (shipment,) = world.shipments(number)
        world.tell(world.news("shipment.delivered", shipment))
    world.tell(world.news("shipment.lost", world.shipments("undelivered")[0]))
    world.settle()
    for number in ("returned", "taken-back"):
        _ask(world, "order.return_lines", number, lines=PIECE)
    world.take(document("card-unknown"))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.execute("UPDATE effect SET state = 'needs_review' WHERE key LIKE '%card-unknown%'")
    world.settle()
    _ask(world, "order.cancel", "card-unknown", operator=True)


def _card(token: str) -> dict[str, str]:
    return {"method": "card", "token": token}


def _pass_on(world: World, run_jobs: Callable[[], object]) -> None:
    """Days pass: what nobody paid ends, points expire."""
    world.at(world.clock.now() + timedelta(days=10))
    run_jobs()
    world.settle()


def _stand(world: World) -> None:
    """Orders that are under way, each at rest until something comes."""
    placed = {"placed_at": world.clock.now().isoformat()}
    world.take(
        document("awaiting", payment=BANK, **placed),
        document("other-sum", payment=BANK, **placed),
        document("authorized", a_line(**LATER), **placed),
        document("held-authorized", a_line(**LATER), **placed),
        document("released", **placed),
        document("of-two-suppliers", a_line("1"), a_line("2", supplier="maker-a"), **placed),
        document("refused", **placed),
        document("part", a_line(quantity=3), **placed),
        document("adjusted", a_line(quantity=3), **placed),
        document("in-remarks", remarks="クーポン AUTUMN", **placed),
        document("priced-again", remarks="クーポン AUTUMN", **placed),
        document("acknowledged", **placed),
    )
    loads = [{"code": "POINTS", "kind": "points", "value": 700}]
    world.take(
        document("makers", a_line("1"), a_line("2", supplier="maker-a"), shop="clinic", **placed),
        document("loads", coupons=loads, customer="M-8", shop="clinic", **placed),
    )
    world.settle()
    world.take(document("uses", points={"use": 200}, customer="M-8", shop="clinic", **placed))
    world.settle()
    world.tell(world.deposit("other-sum", 1), world.deposit("held-authorized", 5))
    world.tell(world.news("shipment.refused", world.shipments("refused")[0], reason="no stock"))
    world.tell(world.news("shipment.acknowledged", world.shipments("acknowledged")[0]))
    world.tell(world.shipped(world.shipments("part")[0], lines=PIECE))
    world.tell(world.news("shipment.shipped", "SH-UNKNOWN"))
    world.settle()
    _ask(world, "order.cancel_lines", "adjusted", lines=PIECE)
    _ask(world, "order.apply_coupons", "priced-again", coupons=COUPONS)


def _begin(world: World) -> None:
    """Orders of which something is due, under way or failing in this very moment."""
    placed = {"placed_at": world.clock.now().isoformat()}
    world.take(document("failing", **placed), document("asked", **placed), document("captures", **placed))
    world.settle()
    world.tell(world.shipped(world.shipments("captures")[0]))
    world.decide("notify")
    world.take(document("asked-now", **placed))
    world.decide("accept", "authorize")
    world.take(document("waits-in-the-inbox", **placed))
    world.decide("accept")
    world.tell(world.ask("order.cancel", "waits-in-the-inbox", reason="", operator=True))
    world.take(document("accepted", **placed))
    world.wake("reward")
    world.execute(
        "UPDATE work SET attempts = 3, error = 'ZeroDivisionError at stage.py:1', retry_at = now() + interval '1 hour' "
        "WHERE order_id = (SELECT id FROM shop_order WHERE number = 'failing')"
    )
    world.execute("UPDATE mail SET state = 'failed', code = '550' WHERE template = 'order_delivered'")
