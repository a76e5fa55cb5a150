"""Points: lots, ledger and balance move together, and none are lost or made."""

from __future__ import annotations

import threading

from pipelines.route import STAGES
from tests.rules.build import at
from tests.world import World, document


def used(world: World) -> list[tuple[int, int]]:
    """(granted, remaining) of all lots, oldest first."""
    return [
        (r.amount, r.remaining)
        for r in world.rows("SELECT amount, remaining FROM point_lot WHERE kind = 'gift' ORDER BY id")
    ]


def test_the_soonest_to_expire_is_spent_first_and_comes_back_to_its_lot(world: World) -> None:
    """PTS-12."""
    world.clock.set(at("2026-11-20 15:00:01"))
    world.grant(100)
    world.grant(100, expires_at=at("2027-03-01 00:00:00"))
    world.grant(100, expires_at=at("2026-12-01 00:00:00"))
    world.take(document("S-1", points={"use": 150}, placed_at="2026-11-20T15:00:01+09:00"))
    world.settle()
    assert used(world) == [(100, 100), (100, 50), (100, 0)]
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    assert used(world) == [(100, 100)] * 3
    assert world.balance() == (0, 300)


def test_expired_points_are_not_spent(world: World) -> None:
    """PTS-11: through the whole last day."""
    world.grant(100, expires_at=world.clock.now())
    world.take(document("S-1", points={"use": "all"}))
    assert world.rows("SELECT 1 FROM point_transfer WHERE kind = 'use'") == []


def test_two_orders_in_one_group_share_a_purse(world: World) -> None:
    world.grant(100)
    world.take(document("S-1", points={"use": 70}), document("S-2", points={"use": "all"}))
    assert sorted(r[0] for r in world.rows("SELECT amount FROM point_transfer WHERE kind = 'use'")) == [30, 70]
    assert world.balance() == (0, 0)
    assert world.broken() == {}


def test_a_coupons_points_are_spent_in_the_same_order(world: World) -> None:
    """PTS-15, CPN-05."""
    coupon = {"code": "WELCOME", "kind": "points", "value": 3_000}
    world.take(document("C-1", shop="clinic", coupons=[coupon], points={"use": "all"}))
    world.settle()
    assert world.show("C-1", "clinic")["points"]["used"] == 3_000
    assert world.balance(shop="clinic") == (0, 0)
    assert world.broken() == {}


def test_points_that_pay_everything_leave_no_card_to_authorize(world: World) -> None:
    """PAY-13."""
    world.grant(50_000)
    world.take(document("S-1", points={"use": "all"}))
    world.settle()
    assert world.gateway.calls == {}
    world.ship_all("S-1")
    assert world.states() == {"S-1": ("shipped", "done")}
    assert world.broken() == {}


def test_points_come_back_although_another_order_moves_their_lot(world: World) -> None:
    """PTS-12: returns of one lot and uses of it, all at once; the sum stays what it was."""
    world.clock.set(at("2026-11-20 15:00:01"))
    late = {"placed_at": "2026-11-20T15:00:01+09:00"}
    world.grant(1_000)
    world.take(*(document(f"S-{n}", points={"use": 100}, **late) for n in range(10)))
    world.settle()
    assert used(world) == [(1_000, 0)]
    for n in range(10):
        world.tell(world.ask("order.cancel", f"S-{n}"))
    start = threading.Barrier(4)

    def cancel() -> None:
        start.wait()
        while world.runner.run_batch(STAGES["cancel"], limit=1).claimed:
            pass

    def buy() -> None:
        start.wait()
        for n in range(8):
            world.take(document(f"T-{n}", points={"use": "all"}, **late))

    threads = [threading.Thread(target=work) for work in (cancel, cancel, cancel, buy)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    spent = world.value(
        "SELECT coalesce(sum(t.amount), 0) FROM point_transfer t JOIN shop_order o ON o.id = t.order_id "
        "WHERE t.kind = 'use' AND o.state <> 'cancelled'"
    )
    assert world.balance()[1] == 1_000 - spent
    assert world.broken() == {}
