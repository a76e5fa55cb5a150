"""Each invariant of the ledger can fail: a fault planted behind its back is found, by its name."""

from __future__ import annotations

import pytest

from models.points_invariants import POINTS
from tests.rules.build import at
from tests.world import World, a_line, document

_TRANSFER = """INSERT INTO point_transfer (shop, customer_id, lot_id, order_id, source, kind, debit, credit, amount, at)
               SELECT shop, customer_id, id, order_id, 'planted', {} FROM point_lot WHERE kind = '{}'"""
_CODE = """INSERT INTO posted_coupon (shop, customer_id, code, points, due_on, made_at, posted_at, posted_by, used_at,
                                       code_key, way, order_id, used_order_id)
           SELECT shop, customer_id, 'THX', 100, '2026-11-30', placed_at, placed_at, 'planted', placed_at, {} FROM shop_order"""

FAULTS = {
    "points_balance": "UPDATE point_balance SET valid = valid + 1",
    "points_lots": "UPDATE point_balance SET held = held + 1",
    "points_lot_ledger": "UPDATE point_lot SET remaining = remaining - 1 WHERE kind = 'gift'",
    "points_earned_as_priced": "UPDATE point_lot SET amount = amount + 1 WHERE kind = 'purchase'",
    "points_gone": "UPDATE point_lot SET gone = gone + 1 WHERE kind = 'purchase'",
    "points_taken_back_once": _TRANSFER.format("'owe', 'valid', 'clawed_back', amount + 1, at", "purchase"),
    "points_negative_by_clawback": "UPDATE point_lot SET owed = 1 WHERE kind = 'gift'",
    "points_activated_once": _TRANSFER.format("'activate', 'pending', 'valid', 1, at", "purchase"),
    "points_final": _TRANSFER.format("'return', 'expired', 'valid', 1, at", "gift"),
    "points_closed": "UPDATE point_balance SET closed = true",
    "points_returned_once": _TRANSFER.format("'return', 'used', 'valid', 1, at", "purchase"),
    "posted_code_once": _CODE.format("'thx-2', 'mail', id, id"),
    "posted_code_or_points": _CODE.format("'thx-3', 'mail', id, id"),
    "points_used_within_order": _TRANSFER.format("'use', 'valid', 'used', 1, at", "purchase"),
}


def test_every_invariant_has_a_fault() -> None:
    assert FAULTS.keys() == {one.name for one in POINTS}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(world: World, name: str) -> None:
    world.grant(100, expires_at=at("2027-11-21 00:00:00"))
    world.take(document("S-1", a_line(unit_price=10_000), points={"use": 30}))
    world.settle()
    world.ship_all("S-1")
    assert world.broken() == {}
    assert world.execute(FAULTS[name]) > 0
    assert name in world.broken()


def test_a_cancelled_order_that_keeps_points_is_found(world: World) -> None:
    world.take(document("S-1"))
    world.decide("accept")
    world.execute("UPDATE shop_order SET state = 'cancelled'")
    assert "points_activated_once" in world.broken()
