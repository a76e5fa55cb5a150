"""Which lot gives, takes back or owes: PTS-05, PTS-12 and PTS-13 as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.states import may_move
from pipelines.rules.lots import OpenLot, Purse, Transfer, claw_back, hold, hold_earned, release, spendable, use
from tests.rules.build import at

NOW = at("2026-11-22 10:00:00")
OLD, NEW = at("2026-10-01 00:00:00"), at("2026-11-01 00:00:00")
SOON, LATER = at("2026-12-01 00:00:00"), at("2027-11-23 00:00:00")
LOT = OpenLot(1, "valid", 100, 100, 0, 0, limited=False, expires_at=LATER, at=OLD)


def lot(number: int, **changes: object) -> OpenLot:
    return replace(LOT, id=number, **changes)


def told(transfers: list[Transfer]) -> list[tuple[int, str, str, str, int]]:
    return [(t.lot, t.debit, t.credit, t.new, t.amount) for t in transfers]


@pytest.mark.parametrize(
    ("lots", "order"),
    [
        ([lot(1), lot(2, limited=True)], [2, 1]),  # limited-time points first
        ([lot(1), lot(2, expires_at=SOON)], [2, 1]),  # soonest expiry first
        ([lot(1, at=NEW), lot(2, at=OLD)], [2, 1]),  # the oldest grant first
        ([lot(1, expires_at=None), lot(2)], [2, 1]),  # what never expires, last
        ([lot(1), lot(2, expires_at=NOW)], [1]),  # expired at this very moment
        ([lot(1, state="pending"), lot(2, state="held", remaining=0, held=100), lot(3, state="used", remaining=0)], []),
    ],
)
def test_the_order_in_which_points_are_spent(lots: list[OpenLot], order: list[int]) -> None:
    """PTS-06, PTS-12."""
    assert [one.id for one in spendable(lots, NOW)] == order


def test_points_are_taken_from_as_many_lots_as_it_needs() -> None:
    lots = [lot(1), lot(2, expires_at=SOON, remaining=30)]
    assert told(use(lots, 50, NOW)) == [(2, "valid", "used", "used", 30), (1, "valid", "used", "used", 20)]
    assert told(hold(lots, 10, NOW)) == [(2, "valid", "held", "held", 10)]
    with pytest.raises(ValueError, match="fewer"):
        use(lots, 131, NOW)


def test_what_an_order_earned_is_held_whole() -> None:
    lots = [
        lot(1, state="pending"),
        lot(2, remaining=40),
        lot(3, state="used", remaining=0),
        lot(4, state="void", remaining=0),
    ]
    assert told(hold_earned(lots)) == [(1, "pending", "held", "held", 100), (2, "valid", "held", "held", 40)]


@pytest.mark.parametrize(
    ("held", "amount", "pending", "outcome", "told_", "expires_at"),
    [
        (100, 100, False, "valid", ("held", "valid", "valid"), None),
        (100, 100, True, "valid", ("held", "valid", "valid"), LATER),  # never valid before: acquired now
        (100, 100, False, "void", ("held", "void", "void"), None),  # the whole lot: final
        (40, 40, False, "void", ("held", "void", "used"), None),  # what was used of it may still come back
    ],
)
def test_a_hold_ends(
    held: int, amount: int, pending: bool, outcome: str, told_: tuple[str, str, str], expires_at: object
) -> None:
    """PTS-05."""
    (made,) = release([(lot(1, state="held", remaining=0, held=held), amount, pending)], outcome, LATER)  # type: ignore[arg-type]
    assert (made.debit, made.credit, made.new, made.amount, made.expires_at) == (*told_, amount, expires_at)


@pytest.mark.parametrize(
    ("old", "moves"),
    [
        ("pending", {"valid", "void", "held"}),
        ("valid", {"used", "expired", "held", "void"}),
        ("held", {"valid", "void", "used"}),
        ("used", {"valid"}),  # used points come back to their lot (PTS-12)
        ("expired", set()),
        ("void", set()),
    ],
)
def test_the_moves_of_a_lot(old: str, moves: set[str]) -> None:
    """PTS-05: expired and void are final, expired points are never restored."""
    states = ("pending", "valid", "used", "expired", "held", "void")
    assert {new for new in states if may_move("lot", old, new)} == moves


SPENT = lot(1, state="used", remaining=0)


@pytest.mark.parametrize(
    ("earned", "others", "amount", "taken"),
    [
        (lot(1), [], 100, [(1, "valid", "clawed_back", "void", 100)]),
        (lot(1), [], 40, [(1, "valid", "clawed_back", "used", 40)]),
        (lot(1, state="pending"), [], 100, [(1, "pending", "void", "void", 100)]),
        (lot(1, state="held", remaining=0, held=100), [], 100, [(1, "held", "void", "void", 100)]),
        (SPENT, [lot(2)], 70, [(2, "valid", "clawed_back", "used", 70)]),
        (
            SPENT,
            [lot(2, remaining=30)],
            70,
            [(2, "valid", "clawed_back", "used", 30), (1, "valid", "clawed_back", "used", 40)],
        ),
        (SPENT, [lot(2, expires_at=NOW)], 70, [(1, "valid", "clawed_back", "used", 70)]),
        (
            lot(1, remaining=60),
            [],
            100,
            [(1, "valid", "clawed_back", "used", 60), (1, "valid", "clawed_back", "used", 40)],
        ),
    ],
    ids=[
        "its own lot",
        "a part",
        "still pending",
        "held",
        "spent: another lot",
        "and the rest is owed",
        "expired lots give nothing",
        "part spent",
    ],
)
def test_points_of_returned_goods(
    earned: OpenLot, others: list[OpenLot], amount: int, taken: list[tuple[int, str, str, str, int]]
) -> None:
    """PTS-13: from the earning lot, then as points are spent; what is missing is owed."""
    transfers = claw_back([earned, *others], earned, amount, NOW)
    assert told(transfers) == taken
    assert sum(t.amount for t in transfers) == amount


@pytest.mark.parametrize(
    ("held", "takings", "missing"),
    [
        (30, [70], [40]),
        (100, [70], [0]),
        (0, [70], [70]),
        (30, [20, 20], [0, 10]),
        (0, [90, 90], [90, 10]),
    ],
    ids=["a part", "none", "all", "of two lines", "never more than the lot gave"],
)
def test_what_a_customer_has_no_more(held: int, takings: list[int], missing: list[int]) -> None:
    """PTS-13, ``deduct_from_refund``: each line's points are sought in what those before it leave."""
    purse = Purse({SPENT.id: SPENT, 2: lot(2, remaining=held, amount=200)})
    before = dict(purse.lots)
    asked = [(SPENT.id, points) for points in takings]
    assert purse.out_of_reach(asked, NOW) == missing
    assert purse.lots == before
    owed = [sum(t.amount for t in purse.claw_back(*one, NOW) if t.kind == "owe") for one in asked]
    assert owed == missing
