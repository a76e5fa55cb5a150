"""What an invariant is; ``models.invariants`` lists them all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Over(StrEnum):
    """What an invariant is over, and so what of it an incremental check looks at (``models.touched``)."""

    #: What waits, or is small by nature: all of it, each time.
    WAITING = "waiting"
    #: Orders, each by itself: those that live, those that something waits for, and those that were touched.
    ORDERS = "orders"
    #: Effects and mails, each by itself: those of such orders, and all that are of no order.
    EFFECTS = "effects"
    #: Customers' points, each customer by itself: those that were touched, and those of such orders.
    CUSTOMERS = "customers"


@dataclass(frozen=True, slots=True)
class Invariant:
    """``query`` lists the rows that break it; ``says`` is the sentence for an operator.

    One ``over`` orders, or customers, tells the same of each when it sees no other's rows: it joins and sums by order, or by customer.
    One of ``liveness`` names with ``shop`` and ``number`` the orders that nothing will ever move.
    """

    name: str
    says: str
    over: Over
    query: str
    liveness: bool = False
