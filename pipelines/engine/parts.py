"""In parts: what is written together shares a transaction, and what cannot be written takes no neighbour with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from models.database import is_away, is_passing

In = TypeVar("In")
Out = TypeVar("Out")


def in_parts(
    items: Sequence[In],
    attempt: Callable[[Sequence[In]], Sequence[Out]],
    alone: Callable[[In, Exception], Out],
) -> list[Out]:
    """What ``attempt`` says of ``items``, asked of all together; where it raises, of ever smaller parts.

    ``attempt`` is a transaction of its own: what raised left nothing. What one item raises alone is told to ``alone``, which
    answers for it. Raises what ``attempt`` raises when the database is away: no item is to blame for that.
    """
    try:
        return list(attempt(items))
    except Exception as error:
        if is_away(error):
            raise
        if len(items) == 1:
            return [alone(one, error) for one in items]
    half = len(items) // 2
    return in_parts(items[:half], attempt, alone) + in_parts(items[half:], attempt, alone)


def each_kept(
    items: Sequence[In],
    attempt: Callable[[Sequence[In]], Sequence[Out]],
    alone: Callable[[In, Exception], Out],
) -> list[Out]:
    """As ``in_parts``, where ``alone`` keeps what is at fault itself.

    What fails alone for what passes is not at fault: it is not told to ``alone``, and what was raised for it is raised once the others
    are kept, so that whoever sent it sends it again.
    """
    passing: list[Exception] = []

    def blamed(item: In, error: Exception) -> Sequence[Out]:
        if is_passing(error):
            passing.append(error)
            return ()
        return [alone(item, error)]

    kept = in_parts(items, lambda part: [[one] for one in attempt(part)], blamed)
    for error in passing:
        raise error
    return [one for each in kept for one in each]
