"""What a storefront asks of the ledger under a key: done once, and answered alike ever after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Engine

from pipelines.engine.ledger import Ledger
from pipelines.errors import Conflict, Invalid, Problem, Raced
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.values.card_number import mask

Result = TypeVar("Result")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Answered:
    """What a storefront is told; ``new`` unless the same was asked before."""

    new: bool
    body: Mapping[str, Any]


def transact(engine: Engine, clock: Clock, attempt: Callable[[Ledger], Result]) -> Result:
    """Run ``attempt`` on a ledger in a transaction of its own, and again where another process was faster.

    Raises Raced when that never ends.
    """
    after: set[int] = set()
    for left in reversed(range(_ATTEMPTS)):
        try:
            with engine.begin() as connection:
                return attempt(Ledger(connection, clock.now(), after=after))
        except Raced as raced:
            if not left:
                raise
            after |= raced.orders
    raise AssertionError


def same(stored: bytes, asked: bytes) -> None:
    """Raise Conflict unless a key is used for the same again."""
    if bytes(stored) != asked:
        raise Conflict("This key was used for something else: send a new key with a new request.")


def shop_of(shops: Mapping[str, Shop], key: str) -> Shop:
    """The profile of a shop. Raises Invalid for one there is not."""
    if key not in shops:
        raise Invalid([Problem("shop", f"is unknown: no profile {mask(key)!r}")])
    return shops[key]
