"""Which lot gives, takes back or owes: PTS-05, PTS-11, PTS-12 and PTS-13 as tables."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from models.states import LotState, may_move
from pipelines.rules.lots import Lot, NewLot, spendable
from pipelines.rules.purse import Cause, HeldPart, Purse
from tests.rules.build import at

NOW = at("2026-11-22 10:00:00")
OLD, NEW = at("2026-10-01 00:00:00"), at("2026-11-01 00:00:00")
SOON, LATER, LATEST = at("2026-12-01 00:00:00"), at("2027-11-01 00:00:00"), at("2027-11-23 00:00:00")
WHY = Cause("test", NOW, 7)
LOT = Lot(
    id=1,
    order_id=7,
    kind="purchase",
    line=None,
    repriced=0,
    limited=False,
    amount=100,
    remaining=100,
    held=0,
    owed=0,
    gone=0,
    state="valid",
    expires_at=LATER,
    at=OLD,
)


def lot(number: int = 1, **changes: Any) -> Lot:
    return LOT._replace(id=number, **changes)


def spent(number: int = 1, **changes: Any) -> Lot:
    return lot(number, **{"state": "used", "remaining": 0, **changes})


def purse(*lots: Lot) -> Purse:
    return Purse(lots, count(100).__next__)


def booked(of: Purse) -> list[tuple[int, str, str, int]]:
    """(lot, from, to, points) of every transfer."""
    return [(one.lot, one.debit, one.credit, one.amount) for one in of.transfers]


def states(of: Purse) -> dict[int, str]:
    return {number: one.state for number, one in of.lots.items()}


@pytest.mark.parametrize(
    ("lots", "order"),
    [
        ([lot(1), lot(2, limited=True)], [2, 1]),  # limited-time points first
        ([lot(1), lot(2, expires_at=SOON)], [2, 1]),  # soonest expiry first
        ([lot(1, at=NEW), lot(2, at=OLD)], [2, 1]),  # the oldest grant first
        ([lot(1, expires_at=None), lot(2)], [2, 1]),  # what never expires, last
        ([lot(1), lot(2, expires_at=NOW)], [1]),  # expired at this very moment
        ([lot(1, state="pending"), lot(2, state="held", remaining=0, held=100), spent(3)], []),
    ],
)
def test_the_order_in_which_points_are_spent(lots: list[Lot], order: list[int]) -> None:
    """PTS-06, PTS-12."""
    assert [one.id for one in spendable(lots, NOW)] == order


def test_points_are_taken_from_as_many_lots_as_it_needs() -> None:
    customer = purse(lot(1), lot(2, expires_at=SOON, remaining=30))
    customer.use(50, WHY)
    assert booked(customer) == [(2, "valid", "used", 30), (1, "valid", "used", 20)]
    assert states(customer) == {1: "valid", 2: "used"}
    customer.hold(80, WHY)
    assert (states(customer), customer.lots[1].held) == ({1: "held", 2: "used"}, 80)


@pytest.mark.parametrize("act", [Purse.use, Purse.hold])
def test_more_than_there_is_cannot_be_taken(act: Callable[[Purse, int, Cause], None]) -> None:
    customer = purse(lot(1), lot(2, state="pending"), lot(3, expires_at=NOW))
    with pytest.raises(ValueError, match="fewer"):
        act(customer, 101, WHY)
    assert booked(customer) == []


@pytest.mark.parametrize(("owed", "usable"), [(0, 100), (30, 70), (130, -30)])
def test_what_is_owed_blocks_as_many_points(owed: int, usable: int) -> None:
    """PTS-13."""
    assert purse(lot(1), lot(2, expires_at=NOW), spent(3, amount=200, owed=owed)).usable(NOW) == usable


def test_what_an_order_earned_is_held_whole() -> None:
    """PTS-05; what other orders earned stays."""
    customer = purse(
        lot(1, state="pending"), lot(2, remaining=40), spent(3), lot(4, order_id=8), lot(5, state="void", remaining=0)
    )
    assert customer.hold_earned(7, WHY) == 140
    assert booked(customer) == [(1, "pending", "held", 100), (2, "valid", "held", 40)]
    assert states(customer) == {1: "held", 2: "held", 3: "used", 4: "valid", 5: "void"}


@pytest.mark.parametrize(
    ("held", "amount", "pending", "outcome", "moved", "state", "expires_at"),
    [
        (100, 100, False, "valid", ("held", "valid", 100), "valid", LATER),
        (100, 100, True, "valid", ("held", "valid", 100), "valid", LATEST),  # never valid before: acquired now
        (100, 100, False, "void", ("held", "void", 100), "void", LATER),  # the whole lot: final
        (40, 40, False, "void", ("held", "void", 40), "used", LATER),  # what was used of it may still come back
        (40, 100, False, "valid", ("held", "valid", 40), "valid", LATER),  # a cancelled order took the rest out of it
    ],
)
def test_a_hold_ends(
    held: int, amount: int, pending: bool, outcome: Any, moved: tuple[str, str, int], state: str, expires_at: object
) -> None:
    """PTS-05, PTS-11; what was never valid has no last day yet."""
    customer = purse(lot(1, state="held", remaining=0, held=held, expires_at=None if pending else LATER))
    customer.release([HeldPart(1, amount, pending)], outcome, LATEST, WHY)
    assert booked(customer) == [(1, *moved)]
    assert (states(customer), customer.lots[1].expires_at) == ({1: state}, expires_at)


@pytest.mark.parametrize(
    ("new", "others", "expiries"),
    [
        (NewLot("s", "gift", 10, LotState.VALID, LATEST), [lot(1)], [LATEST, LATEST]),
        (NewLot("s", "gift", 10, LotState.VALID, LATEST), [lot(1, limited=True)], [LATER, LATEST]),
        (NewLot("s", "gift", 10, LotState.VALID, LATEST), [lot(1, expires_at=NOW)], [NOW, LATEST]),
        (NewLot("s", "gift", 10, LotState.VALID, LATEST), [lot(1, expires_at=None)], [None, LATEST]),
        (NewLot("s", "gift", 10, LotState.VALID, LATEST), [spent(1)], [LATER, LATEST]),
        (
            NewLot("s", "gift", 10, LotState.VALID, LATEST),
            [lot(1, state="held", remaining=0, held=9)],
            [LATEST, LATEST],
        ),
        (NewLot("s", "gift", 10, LotState.VALID, SOON), [lot(1)], [LATER, SOON]),
        (NewLot("s", "campaign", 10, LotState.VALID, LATEST, limited=True), [lot(1)], [LATER, LATEST]),
        (NewLot("s", "purchase", 10, LotState.PENDING), [lot(1)], [LATER, None]),
    ],
    ids=[
        "ordinary points roll",
        "limited ones keep their day",
        "what is over stays over",
        "what never expires never does",
        "what is spent is gone",
        "held points roll too",
        "never back",
        "a campaign extends nothing",
        "pending is no acquisition",
    ],
)
def test_an_acquisition_extends_ordinary_points(new: NewLot, others: list[Lot], expiries: list[object]) -> None:
    """PTS-11."""
    customer = purse(*others)
    customer.grant(new, NOW, 7)
    assert [one.expires_at for one in customer.lots.values()] == expiries


@pytest.mark.parametrize(
    ("earned", "until", "other", "moved", "expiries"),
    [
        (lot(state="pending", expires_at=None), LATEST, lot(2), [(1, "pending", "valid", 100)], [LATEST, LATEST]),
        (lot(state="pending", expires_at=None), None, lot(2), [(1, "pending", "valid", 100)], [None, LATER]),
        (lot(state="pending", remaining=60, gone=40), LATEST, lot(2, limited=True), [(1, "pending", "valid", 60)], [LATEST, LATER]),
        (lot(), LATEST, lot(2), [], [LATER, LATER]),
        (lot(state="held", remaining=0, held=100), LATEST, lot(2), [], [LATER, LATER]),
        (lot(state="void", remaining=0, gone=100), LATEST, lot(2), [], [LATER, LATER]),
        (
            lot(state="pending"),
            LATEST,
            spent(2, owed=30),
            [(1, "pending", "valid", 100), (1, "valid", "clawed_back", 30), (2, "clawed_back", "valid", 30)],
            [LATEST, LATER],
        ),
    ],
    ids=["an acquisition", "for ever", "what is left of it", "only once", "held meanwhile", "cancelled", "what is owed is paid"],
)  # fmt: skip
def test_points_of_an_order_that_was_shipped(
    earned: Lot, until: Any, other: Lot, moved: list[tuple[int, str, str, int]], expiries: list[object]
) -> None:
    """PTS-05, PTS-11, PTS-13: what is pending becomes valid, as an acquisition of that moment."""
    customer = purse(earned, other)
    customer.activate(1, until, WHY)
    assert booked(customer) == moved
    assert [one.expires_at for one in customer.lots.values()] == expiries


def test_what_is_owed_is_paid_by_the_next_points_the_oldest_debt_first() -> None:
    """PTS-12, PTS-13: the balance counts them once, when they were clawed back."""
    customer = purse(spent(1, owed=30), spent(2, owed=50))
    customer.grant(NewLot("gift", "gift", 60, LotState.VALID, LATEST), NOW)
    assert booked(customer) == [
        (100, "granted", "valid", 60),
        (100, "valid", "clawed_back", 30),
        (1, "clawed_back", "valid", 30),
        (100, "valid", "clawed_back", 30),
        (2, "clawed_back", "valid", 30),
    ]
    assert [one.owed for one in customer.lots.values()] == [0, 20, 0]
    assert states(customer) == {1: "used", 2: "used", 100: "used"}
    assert len({(one.source, one.kind, one.lot) for one in customer.transfers}) == 5


@pytest.mark.parametrize(
    ("used", "regrant_until", "moved"),
    [
        (spent(), None, [(1, "used", "valid", 40)]),
        (lot(remaining=60), None, [(1, "used", "valid", 40)]),
        (lot(state="held", remaining=0, held=60), None, [(1, "used", "valid", 40)]),
        (lot(state="void", remaining=0), None, []),
        (spent(expires_at=NOW), None, []),
        (spent(state="expired", expires_at=SOON), None, []),
        (spent(expires_at=NOW), SOON, [(100, "granted", "valid", 40)]),
        (spent(), SOON, [(1, "used", "valid", 40)]),
    ],
    ids=["spent", "valid", "held", "void", "expired by now", "expired", "granted anew", "nothing to grant anew"],
)
def test_used_points_come_back(used: Lot, regrant_until: Any, moved: list[tuple[int, str, str, int]]) -> None:
    """PTS-12: to their own lot, with its own expiry; what expired meanwhile is lost, or granted anew."""
    customer = purse(used, lot(2, expires_at=SOON))
    customer.give_back(1, 40, regrant_until, WHY)
    assert booked(customer) == moved
    assert customer.lots[1].expires_at == used.expires_at
    assert customer.lots[2].expires_at == SOON, "it is no acquisition (PTS-11)"
    again = [(new.kind, new.replaces, new.limited, new.source) for new, _ in customer.granted]
    assert again == ([("regrant", 1, True, "test:regrant:1")] if (100, "granted", "valid", 40) in moved else [])


@pytest.mark.parametrize(
    ("over", "state"),
    [
        (lot(expires_at=NOW), "expired"),
        (lot(expires_at=NOW, remaining=60, held=40), "held"),
        (lot(expires_at=SOON), "valid"),
        (lot(expires_at=None), "valid"),
        (lot(state="held", remaining=0, held=100, expires_at=NOW), "held"),
        (lot(state="pending", expires_at=NOW), "pending"),
    ],
    ids=["over", "but for what is held", "not yet", "never", "held", "pending"],
)
def test_points_expire(over: Lot, state: str) -> None:
    """PTS-05, PTS-11."""
    customer = purse(over)
    customer.expire(Cause("expiry", NOW))
    assert states(customer) == {1: state}
    assert customer.lots[1].gone == (over.remaining if state != over.state else 0)


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


@pytest.mark.parametrize(
    ("earned", "others", "amount", "taken", "ends"),
    [
        (lot(1), [], 100, [(1, "valid", "clawed_back", 100)], "void"),
        (lot(1), [], 40, [(1, "valid", "clawed_back", 40)], "valid"),
        (lot(1, state="pending"), [], 100, [(1, "pending", "void", 100)], "void"),
        (lot(1, state="pending", remaining=60, gone=40), [], 100, [(1, "pending", "void", 60)], "void"),
        (lot(1, state="held", remaining=0, held=100), [], 100, [(1, "held", "void", 100)], "void"),
        (spent(), [lot(2)], 70, [(2, "valid", "clawed_back", 70)], "used"),
        (
            spent(),
            [lot(2, remaining=30)],
            70,
            [(2, "valid", "clawed_back", 30), (1, "valid", "clawed_back", 40)],
            "used",
        ),
        (spent(), [lot(2, expires_at=NOW)], 70, [(1, "valid", "clawed_back", 70)], "used"),
        (
            lot(1, remaining=60),
            [],
            100,
            [(1, "valid", "clawed_back", 60), (1, "valid", "clawed_back", 40)],
            "used",
        ),
        (lot(1, remaining=0, state="expired", gone=60), [lot(2)], 100, [(2, "valid", "clawed_back", 40)], "expired"),
    ],
    ids=[
        "its own lot",
        "a part",
        "still pending",
        "the rest of what is pending",
        "held",
        "spent: another lot",
        "and the rest is owed",
        "expired lots give nothing",
        "part spent",
        "what expired was never had",
    ],
)
def test_points_of_returned_goods(
    earned: Lot, others: list[Lot], amount: int, taken: list[tuple[int, str, str, int]], ends: str
) -> None:
    """PTS-13: from the earning lot, then as points are spent; what is missing is owed."""
    customer = purse(earned, *others)
    missing = customer.claw_back(1, amount, WHY)
    assert booked(customer) == taken
    assert states(customer)[1] == ends
    assert missing == customer.lots[1].owed == sum(one.amount for one in customer.transfers if one.kind == "owe")
    assert customer.lots[1].gone == earned.gone + sum(points for *_, points in taken)


def test_points_of_one_order_are_taken_back_once_wherever_they_were_taken_from() -> None:
    """PTS-13: a part of the order went, then all of it; the customer had spent its points and had others."""
    customer = purse(spent(1), lot(2, amount=200, remaining=200))
    for amount in (40, 100):
        customer.claw_back(1, amount, WHY)
    assert (customer.lots[2].remaining, customer.lots[1].owed) == (100, 0)


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
    customer = purse(spent(1), lot(2, amount=200, remaining=held, state="valid" if held else "used"))
    before = dict(customer.lots)
    assert customer.out_of_reach([(1, points) for points in takings], NOW) == missing
    assert (customer.lots, customer.transfers) == (before, [])
    assert [customer.claw_back(1, points, WHY) for points in takings] == missing


@pytest.mark.parametrize(
    ("stood", "booked_as", "ended"),
    [
        (lot(1), [(1, "valid", "void", 100)], "void"),
        (lot(1, state="pending"), [(1, "pending", "void", 100)], "void"),
        (lot(1, remaining=60), [(1, "valid", "void", 60)], "used"),  # 40 were used, and may come back
        (lot(1, remaining=60, held=40), [(1, "valid", "void", 60), (1, "held", "void", 40)], "void"),
        (lot(1, state="held", remaining=0, held=30), [(1, "held", "void", 30)], "used"),
        (spent(1), [], "used"),
    ],
)
def test_a_customer_who_withdraws_has_no_points(stood: Lot, booked_as: list[Any], ended: str) -> None:
    """CON-06."""
    customer = purse(stood)
    customer.close(WHY)
    assert (booked(customer), states(customer)) == (booked_as, {1: ended})
    assert customer.usable(NOW) == 0


def test_what_comes_to_a_customer_who_withdrew_is_void_at_once() -> None:
    """CON-06: grants, and used points that come back (PTS-12); whatever it is, the books say both."""
    customer = purse(spent(1))
    customer.close(WHY)
    customer.grant(NewLot("g", "campaign", 5, LotState.VALID, SOON), NOW)
    customer.give_back(1, 40, None, WHY)
    assert [move for move in booked(customer) if move[0] == 1] == [(1, "used", "valid", 40), (1, "valid", "void", 40)]
    assert states(customer) == {1: "used", 100: "void"}


def test_what_an_order_earned_before_its_customer_withdrew_is_never_valid() -> None:
    """CON-06: it is shipped, or its hold ends, afterwards."""
    shipped, held = lot(1, state="pending"), lot(2, state="held", remaining=0, held=30)
    customer = Purse([shipped, held], closed=True)
    customer.activate(1, LATEST, WHY)
    assert states(customer) == {1: "void", 2: "used"}
    again = Purse([held], closed=True)
    again.release([HeldPart(2, 30, was_pending=False)], "valid", LATEST, WHY)
    assert (states(again), again.usable(NOW)) == ({2: "used"}, 0)


def test_what_was_asked_in_vain_leaves_the_purse_as_it_was() -> None:
    customer = purse(lot(1), lot(2, state="pending"))
    customer.use(10, WHY)
    checkpoint = customer.checkpoint()
    before = (dict(customer.lots), list(customer.transfers), list(customer.moves))
    customer.activate(2, LATER, WHY)
    customer.grant(NewLot("s", "gift", 5, LotState.VALID), NOW)
    customer.restore(checkpoint)
    assert (customer.lots, customer.transfers, customer.moves) == before
    assert (customer.granted, [one.id for one in customer.changed]) == ([], [1])
