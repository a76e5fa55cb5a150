"""The books move to what a gateway says: twice, late and out of order it comes to the same; what cannot be is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.states import PaymentState, may_move
from pipelines.gateway import Snapshot
from pipelines.rules.payment_books import Books, Differs, Follows, follow
from tests.rules.build import at

DUE = 5_000
MORNING = at("2026-11-20 09:00:00")


def books(
    state: str = "pending", authorized: int = 0, captured: int = 0, refunded: int = 0, **changes: object
) -> Books:
    """Our books as of nine o'clock; all of what is due may be captured."""
    made = Books(PaymentState(state), DUE, DUE, 0, authorized, captured, refunded, 0, MORNING)
    return replace(made, **changes)  # type: ignore[arg-type]


def told(state: str, authorized: int = DUE, captured: int = 0, refunded: int = 0, minutes: int = 1) -> Snapshot:
    """What the gateway says, so many minutes after nine."""
    when = MORNING + timedelta(minutes=minutes)
    return Snapshot("pay_1", PaymentState(state), authorized, captured, refunded, when)


@pytest.mark.parametrize(
    ("ours", "theirs", "through", "sums"),
    [
        (books(), told("authorized"), ["authorized"], (DUE, 0, 0)),
        (books(), told("captured", captured=DUE), ["captured"], (DUE, DUE, 0)),
        (books(), told("partly_refunded", captured=DUE, refunded=1), ["captured", "partly_refunded"], (DUE, DUE, 1)),
        (books("authorized", DUE), told("captured", captured=3_000), ["captured"], (DUE, 3_000, 0)),
        (books("authorized", DUE), told("captured", 3_000, 3_000), None, None),  # another amount than was held
        (books("authorized", DUE), told("voided"), ["voided"], (DUE, 0, 0)),
        (books("authorized", DUE), told("expired"), ["expired"], (DUE, 0, 0)),
        (books("captured", DUE, DUE), told("refunded", DUE, DUE, DUE), ["refunded"], (DUE, DUE, DUE)),  # a dashboard's
        (books("expired"), told("captured", captured=DUE), ["captured"], (DUE, DUE, 0)),  # late money (PAY-08)
        (books("voided"), told("captured", captured=DUE), ["captured"], (DUE, DUE, 0)),
        (books("needs_review"), told("authorized"), ["authorized"], (DUE, 0, 0)),
        (books("needs_review"), told("pending"), ["pending"], (0, 0, 0)),  # it was begun after all
        (books("needs_review"), told("expired"), ["expired"], (0, 0, 0)),
        (
            books("partly_refunded", DUE, DUE, 1_000),
            told("partly_refunded", DUE, DUE, 3_000),
            ["partly_refunded"],  # another part: the history tells of each
            (DUE, DUE, 3_000),
        ),
        (books("authorized", DUE), told("authorized"), [], (DUE, 0, 0)),  # the same, told again later
    ],
)
def test_the_books_follow(
    ours: Books, theirs: Snapshot, through: list[str] | None, sums: tuple[int, int, int] | None
) -> None:
    found = follow(ours, theirs)
    if through is None:
        assert isinstance(found, Differs)
        return
    assert isinstance(found, Follows)
    assert (list(found.states), (found.authorized, found.captured, found.refunded)) == (through, sums)


@pytest.mark.parametrize(
    "theirs",
    [told("authorized", minutes=-1), told("captured", captured=DUE, minutes=-1), told("authorized", minutes=0)],
    ids=["older", "older and ahead", "the same moment again"],
)
def test_what_is_no_news_changes_nothing(theirs: Snapshot) -> None:
    assert follow(books("authorized", DUE), theirs) is None


def test_at_one_moment_the_most_that_was_done_counts() -> None:
    """A clock may be coarser than the gateway: what was before is no step back, what came after is followed."""
    ours = books("captured", DUE, DUE)
    assert follow(ours, told("authorized", minutes=0)) is None
    assert isinstance(follow(ours, told("refunded", DUE, DUE, DUE, minutes=0)), Follows)


@pytest.mark.parametrize(
    ("ours", "theirs", "why"),
    [
        (books("captured", DUE, DUE), told("authorized"), "a step back"),
        (books("refunded", DUE, DUE, DUE), told("captured", captured=DUE), "a step back"),
        (books("captured", DUE, DUE), told("captured", captured=DUE - 1), "a step back"),
        (books("voided"), told("authorized"), "a step back"),
        (books("needs_review", DUE), told("pending"), "a step back"),
        (books(), told("authorized", DUE + 1), "another amount than was asked for"),
        (books(), told("authorized", DUE - 1), "another amount than was asked for"),
        (books("authorized", DUE, may_capture=0), told("captured", captured=DUE), "more captured than was asked for"),
        (books(), told("captured", captured=DUE, refunded=DUE + 1), "more given back than was captured"),
        (books("captured", DUE, DUE), told("needs_review", captured=DUE), "a state that needs a look"),  # a dispute
    ],
)
def test_what_cannot_be_shows_both_sides(ours: Books, theirs: Snapshot, why: str) -> None:
    found = follow(ours, theirs)
    assert isinstance(found, Differs)
    assert why in found.wrong
    assert f"{theirs.state}: {theirs.authorized} yen" in found.theirs
    assert f"{ours.state}: {ours.authorized} yen" in found.ours


def test_a_contradiction_is_shown_once() -> None:
    """What was heard at this moment is with a human already, who may have let it pass."""
    assert follow(books("captured", DUE, DUE, as_of=MORNING), told("authorized", minutes=0)) is None


@pytest.mark.parametrize(
    ("state", "shown"), [("authorized", True), ("captured", True), ("needs_review", False), ("voided", False)]
)
def test_a_word_that_needs_a_look_is_news_at_the_moment_of_what_was_heard_too(state: str, shown: bool) -> None:
    """KOMOJU, PayPay and GMO tell the moment of the payment's last move, which an answer that contradicts itself is none of; once with a
    human it is known."""
    sums = {"authorized": (DUE, 0), "captured": (DUE, DUE), "needs_review": (DUE, 0), "voided": (DUE, 0)}[state]
    found = follow(books(state, *sums), told("needs_review", DUE, sums[1], minutes=0))
    assert isinstance(found, Differs) is shown


def test_what_was_given_back_by_hand_is_counted_apart() -> None:
    """The gateway knows nothing of it: what it says is no step back, and its own refund comes on top."""
    ours = books("partly_refunded", DUE, DUE, 2_000, by_hand=2_000)
    assert follow(ours, told("captured", captured=DUE)) == Follows((), DUE, DUE, 2_000)
    assert follow(ours, told("partly_refunded", DUE, DUE, 3_000)) == Follows((PaymentState.REFUNDED,), DUE, DUE, DUE)


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """A payment's whole life as the gateway saw it, each step at a moment of its own."""
    captured = draw(st.integers(1, DUE))
    life = [("authorized", 0, 0)]
    end = draw(st.sampled_from(["captured", "voided", "expired"]))
    if end == "captured":
        life.append(("captured", captured, 0))
        back = 0
        for part in draw(st.lists(st.integers(1, DUE), max_size=3)):
            back = min(captured, back + part)
            life.append(("refunded" if back == captured else "partly_refunded", captured, back))
    else:
        life.append((end, 0, 0))
    return [told(state, DUE, taken, back, minutes) for minutes, (state, taken, back) in enumerate(life, 1)]


@given(history=histories(), data=st.data())
def test_in_any_order_and_any_number_of_times_the_books_end_with_the_last_word(
    history: list[Snapshot], data: st.DataObject
) -> None:
    """Everything comes at least once; each move on the way is one that the tables allow."""
    more = data.draw(st.lists(st.sampled_from(history), max_size=5))
    ours = books()
    for snapshot in data.draw(st.permutations([*history, *more])):
        ours = heard(ours, snapshot, snapshot.as_of)
    last = history[-1]
    assert (ours.state, ours.captured, ours.refunded) == (last.state, last.captured, last.refunded)


def heard(ours: Books, snapshot: Snapshot, as_of: datetime) -> Books:
    found = follow(ours, snapshot)
    assert not isinstance(found, Differs)
    if found is None:
        return ours
    for old, new in zip((ours.state, *found.states), found.states, strict=False):
        assert may_move("payment", old, new)
    sums = {"authorized": found.authorized, "captured": found.captured, "refunded": found.refunded}
    return replace(ours, state=found.states[-1] if found.states else ours.state, as_of=as_of, **sums)


@pytest.mark.parametrize(
    ("captured", "whole", "wrong"),
    [(DUE - 1, DUE, "less paid than was asked for"), (DUE - 1, 0, None), (DUE, DUE, None)],
)
def test_goods_that_wait_for_money_do_not_leave_for_less(captured: int, whole: int, wrong: str | None) -> None:
    """PAY-08, B.6.7: a gateway that takes less than its slip says."""
    found = follow(books(whole=whole), told("captured", captured=captured))
    assert (found.wrong if isinstance(found, Differs) else None) == wrong


@pytest.mark.parametrize(
    ("ours", "once", "is_heard"),
    [("captured", True, True), ("captured", False, False), ("needs_review", True, False)],
)
def test_a_word_that_nobody_knows_is_news_though_it_names_no_later_moment(
    ours: str, once: bool, is_heard: bool
) -> None:
    """gateways.md 3.3: KOMOJU's payments name no moment of their last change; an answer is read again and again, a notice once."""
    found = follow(books(ours, DUE, DUE), told("needs_review", captured=0, minutes=0), once=once)
    assert isinstance(found, Differs) is is_heard
