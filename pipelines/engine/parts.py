"""In parts: what is written together shares a transaction, and what cannot be written takes no neighbour with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from models.database import is_away

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
