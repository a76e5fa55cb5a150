"""Reconciliation (突合): what is to become of a payment in a gateway's own list, beside what the books say of it (PAY-05).

What is certain is done: the books hear what they missed, and money held for no order, or twice for one, is released. What may
have cost a customer twice, or is missing at the gateway, is a human's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.states import PaymentState
from pipelines.gateway import Listed, Snapshot

_P = PaymentState
#: Where nothing is held, taken or to be paid any more.
_OVER: Final = frozenset({_P.VOIDED, _P.FAILED, _P.EXPIRED})
_LETS_GO: Final = frozenset({_P.AUTHORIZED, _P.PENDING})
#: Where the books are sure that no money of the order is at the gateway.
_NOTHING: Final = frozenset({_P.VOIDED, _P.FAILED, _P.EXPIRED})
#: How long an authorization may be there before its order is (PAY-05).
GRACE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books have of an order's payment; yen. ``open``: something is under way at the gateway."""

    reference: str | None
    state: PaymentState
    authorized: int
    captured: int
    refunded: int
    refunded_by_hand: int
    fee: int
    open: bool

    @property
    def given(self) -> int:
        """Yen that the gateway gave back."""
        return self.refunded - self.refunded_by_hand


class Fate(StrEnum):
    """What is to be done."""

    AGREES = "agrees"
    NOT_OURS = "not_ours"  # it names no order as Shukka names them: another seller on the same account
    WAIT = "wait"  # it is too young, or something is under way
    TELL = "tell"  # the books hear how it stands; what contradicts them holds the order
    VOID = "void"  # what is held, or waits to be paid, is released
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to become of one payment; ``says`` why, in a sentence, and ``choices`` what a human may safely do."""

    fate: Fate
    says: str = ""
    choices: tuple[str, ...] = ()


_AGREES = Finding(Fate.AGREES)
_WAIT = Finding(Fate.WAIT)
_GIVE_BACK: Final = "give it back in the gateway's dashboard"
_LEAVE: Final = "leave it, if it was sold another way"


def compare(listed: Listed, booked: Booked | None, now: datetime, *, known_shop: bool) -> Finding:
    """What is to become of ``listed``, of whose order the books have ``booked`` (None: they have no such order).

    ``known_shop``: the order that it names is one of a shop of ours. ``now`` is aware, by the Clock.
    """
    young = listed.begun_at is not None and now - listed.begun_at < GRACE
    told = listed.snapshot
    if booked is None:
        if not known_shop:
            return Finding(Fate.NOT_OURS)
        return _WAIT if young else _of_no_order(told)
    if booked.open or young:
        return _WAIT
    if booked.reference not in (None, told.reference):
        return _beside(told)
    if told.state in _LETS_GO and booked.state in _NOTHING:
        return Finding(Fate.VOID, f"the order's payment is {booked.state}, and the gateway still has it {told.state}")
    return _AGREES if _same(told, booked) else Finding(Fate.TELL, _differs(told, booked))


def _of_no_order(told: Snapshot) -> Finding:
    if told.state in _OVER or (told.captured and told.refunded >= told.captured):
        return _AGREES
    if told.state in _LETS_GO:
        return Finding(Fate.VOID, f"{told.authorized} yen are {told.state}, and there is no such order (PAY-05)")
    says = f"{told.captured - told.refunded} yen were taken, and there is no such order (PAY-05)"
    return Finding(Fate.HUMAN, says, (_GIVE_BACK, "let the storefront send the order again", _LEAVE))


def _beside(told: Snapshot) -> Finding:
    """A payment of an order whose money the books have under another reference."""
    if told.state in _OVER or (told.captured and told.refunded >= told.captured):
        return _AGREES
    if told.state in _LETS_GO:
        return Finding(Fate.VOID, f"{told.authorized} yen are {told.state} beside the order's payment")
    says = f"{told.captured - told.refunded} yen were taken beside the order's payment"
    return Finding(Fate.HUMAN, says, (_GIVE_BACK, _LEAVE))


def missing(booked: Booked) -> Finding:
    """What the books have at a gateway that does not list it."""
    if booked.open or booked.state in _OVER or not (booked.authorized or booked.captured):
        return _AGREES
    says = f"the books say {booked.state} over {booked.authorized} yen, and the gateway does not list it"
    return Finding(Fate.HUMAN, says, ("look for the reference in the gateway's dashboard", "ask the gateway"))


def _same(told: Snapshot, booked: Booked) -> bool:
    theirs = (told.captured, told.refunded, told.fee if told.fee is not None else booked.fee)
    return theirs == (booked.captured, booked.given, booked.fee) and _together(told.state) == _together(booked.state)


def _together(state: PaymentState) -> PaymentState:
    """Whether it was given back, and how much of it, is told by the sums: a part may have been given by hand."""
    return _P.CAPTURED if state in (_P.PARTLY_REFUNDED, _P.REFUNDED) else state


def _differs(told: Snapshot, booked: Booked) -> str:
    return (
        f"the gateway says {told.state}, {told.captured} yen taken and {told.refunded} given back; "
        f"the books {booked.state}, {booked.captured} and {booked.given}"
    )
