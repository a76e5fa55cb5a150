"""How often a carrier is asked how a parcel fares (配送状況の照会): often while something may happen, seldom while it lies, never once it
ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from models.states import TrackingState
from pipelines.rules.parcels import ENDED

#: Days from dispatch in which a carrier is asked; by then an operator has had the parcel for weeks (``delivery_overdue``).
ASKED_DAYS: Final = 45
#: Days from dispatch in which a carrier may not know a number yet: it learns of it when the parcel is first scanned.
UNSCANNED_DAYS: Final = 2

#: Until when a carrier is waited for that is asked at once because something depends on its answer (PAY-09).
ANSWER_WITHIN: Final = timedelta(hours=6)
#: Between two such questions.
ASKED_AGAIN: Final = timedelta(minutes=10)

_MOVES, _GOES_ROUND, _LIES = timedelta(hours=4), timedelta(hours=1), timedelta(hours=12)
_BY_STATE: Final = {
    TrackingState.OUT_FOR_DELIVERY: _GOES_ROUND,
    TrackingState.HELD: _LIES,
    TrackingState.ADDRESS_PROBLEM: _LIES,
    TrackingState.REFUSED: _LIES,
    TrackingState.RETURNING: _LIES,
}

#: State ("" while nothing was heard) -> between two questions. What ended, or came to its store, is not in it.
PAUSES: Final[Mapping[str, timedelta]] = {
    "": _MOVES,
    **{state: _BY_STATE.get(state, _MOVES) for state in TrackingState if state not in {TrackingState.AT_STORE, *ENDED}},
}
