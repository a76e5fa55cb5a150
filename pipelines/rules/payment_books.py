"""The books move to what the gateway says: one rule for answers, look-ups and notices, in whatever order they come.

A snapshot that is older says nothing; one that is ahead by allowed moves is followed; one that steps back, or is beyond what
was asked, contradicts the books, and a human sees both sides.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from models.states import PAYMENT_MOVES, PaymentState
from pipelines.gateway import Snapshot

_P = PaymentState
#: Moves that no gateway makes: back, or into the hands of a human.
_OURS_ALONE: Final = {(_P.CAPTURED, _P.PENDING), (_P.REFUNDED, _P.PARTLY_REFUNDED)}
_STEPS: Final = {
    _P(old): [
        _P(new) for new in PaymentState if new in moves and new != _P.NEEDS_REVIEW and (old, new) not in _OURS_ALONE
    ]
    for old, moves in PAYMENT_MOVES.items()
}
_WITH_MONEY: Final = (_P.CAPTURED, _P.PARTLY_REFUNDED, _P.REFUNDED)
_HELD: Final = (_P.AUTHORIZED, *_WITH_MONEY)


@dataclass(frozen=True, slots=True)
class Books:
    """What our books say of a payment, in yen.

    ``due``: what was asked for with the order.  ``may_capture``: what was asked to be captured, or is to be paid.  ``whole``: what is
    to be paid at least, where goods wait for it; else 0.
    ``by_hand``: the part of ``refunded`` that no gateway gave back.  ``as_of``: of the last snapshot that was followed.
    """

    state: PaymentState
    due: int
    may_capture: int
    whole: int
    authorized: int
    captured: int
    refunded: int
    by_hand: int
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Follows:
    """The books move through ``states``, none if they stay, to these sums; ``refunded`` counts what was given by hand."""

    states: tuple[PaymentState, ...]
    authorized: int
    captured: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Differs:
    """The gateway contradicts the books: what it says, what they say, and what of it cannot be."""

    theirs: str
    ours: str
    wrong: str


def follow(books: Books, told: Snapshot, *, once: bool = False) -> Follows | Differs | None:
    """Where the books go by what the gateway ``told``; None where it says nothing that is newer than what they know.

    ``once``: it was never heard before, so that what cannot be of money that is held or taken is news, though the gateway names no
    later moment for it.
    """
    is_newer = books.as_of is None or told.as_of > books.as_of
    if not is_newer and told.as_of != books.as_of:
        return None
    state = _together(told, books.by_hand)
    states = _moves(books, told, state)
    wrong = _beyond(books, told)
    falls = told.captured < books.captured or told.refunded < books.refunded - books.by_hand
    if wrong or falls or states is None:
        # Of what is as old as what was heard, a step back is what was before it. What cannot be is with a human already, or is not; but of
        # money that is held or taken, what was just asked for may be in doubt.
        is_doubt = told.state == _P.NEEDS_REVIEW and books.state in _HELD and not falls
        is_news = is_newer or is_doubt or (once and wrong is not None and books.state in _HELD)
        return _differs(books, told, wrong or "a step back") if is_news else None
    held = told.authorized if state in _HELD else told.captured
    sums = (max(books.authorized, held), told.captured, told.refunded + books.by_hand)
    if not is_newer and not states and sums == (books.authorized, books.captured, books.refunded):
        return None
    return Follows(states, *sums)


def _together(told: Snapshot, by_hand: int) -> PaymentState:
    """How the payment stands with what was given back by hand."""
    if told.state not in _WITH_MONEY:
        return told.state
    back = told.refunded + by_hand
    if back == 0:
        return _P.CAPTURED
    return _P.REFUNDED if back >= told.captured else _P.PARTLY_REFUNDED


def _beyond(books: Books, told: Snapshot) -> str | None:
    """What of the snapshot cannot be, whatever the books say."""
    if told.state == _P.NEEDS_REVIEW:
        return "a state that needs a look"
    if told.state in _HELD and told.authorized not in (books.due, books.authorized):
        return "another amount than was asked for"
    if told.captured > books.may_capture:
        return "more captured than was asked for"
    if told.state in _WITH_MONEY and told.captured < books.whole:
        return "less paid than was asked for"
    if told.refunded + books.by_hand > told.captured:
        return "more given back than was captured"
    return None


def _moves(books: Books, told: Snapshot, state: PaymentState) -> tuple[PaymentState, ...] | None:
    """The moves to ``state``: a further part that went back is one too. None if there are none: what was held once is not to be
    paid again."""
    if state == _P.PENDING and books.state == _P.NEEDS_REVIEW and books.authorized:
        return None
    if books.state == state == _P.PARTLY_REFUNDED and told.refunded + books.by_hand > books.refunded:
        return (state,)
    return _path(books.state, state)


@cache
def _path(old: PaymentState, new: PaymentState) -> tuple[PaymentState, ...] | None:
    """The shortest way by allowed moves, ``old`` left out; None if there is none."""
    ways: deque[tuple[PaymentState, tuple[PaymentState, ...]]] = deque([(old, ())])
    seen = {old}
    while ways:
        at, way = ways.popleft()
        if at == new:
            return way
        for following in _STEPS[at]:
            if following not in seen:
                seen.add(following)
                ways.append((following, (*way, following)))
    return None


def _differs(books: Books, told: Snapshot, wrong: str) -> Differs:
    theirs = _in_words(told.state, told.authorized, told.captured, told.refunded)
    theirs += f", code {told.code}" if told.code else ""
    ours = _in_words(books.state, books.authorized, books.captured, books.refunded)
    return Differs(theirs, ours, wrong)


def _in_words(state: PaymentState, authorized: int, captured: int, refunded: int) -> str:
    return f"{state}: {authorized} yen authorized, {captured} captured, {refunded} refunded"
