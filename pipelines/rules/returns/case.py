"""What a return is judged by, and how it is judged (A.12): plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from pipelines.errors import Problem
from pipelines.rules.explain import Because
from pipelines.rules.lots import Lot
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.order import Order
from pipelines.rules.purse import Purse

CostOn = Literal["customer", "shop"]
"""Who pays for sending the goods back."""


class Reason(StrEnum):
    """Why goods come back, as the customer says."""

    DEFECT = "defect"
    WRONG_ITEM = "wrong_item"
    DAMAGED = "damaged"
    UNWANTED = "unwanted"
    NOT_AUTHENTIC = "not_authentic"


class Remedy(StrEnum):
    """What the customer gets for them."""

    REFUND = "refund"
    REPLACEMENT = "replacement"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class AskedLine:
    """Pieces of one line that are to come back. ``condition`` says in the profile's words what is the matter with them, as
    ``opened``; ``remedy`` is the customer's choice, None for the first that there is."""

    line: str
    quantity: int
    reason: Reason
    condition: tuple[str, ...] = ()
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True)
class SoldLine:
    """How one line stands: days are in Japan, of the last parcel that holds pieces of it.

    ``dispatched_on``: None while nothing has left. ``delivered_on``: None where no tracking says so; ``arrives_on`` is then
    the day on which it should arrive (``orders.arrivals``). ``shipped`` pieces have left, of which ``returned`` came
    back or were settled, and ``asked`` are in returns that are under way.
    """

    shipped: int
    dispatched_on: date | None = None
    delivered_on: date | None = None
    arrives_on: date | None = None
    returned: int = 0
    asked: int = 0

    @property
    def left(self) -> int:
        """Pieces that may still be asked for."""
        return self.shipped - self.returned - self.asked


@dataclass(frozen=True, slots=True)
class Sold:
    """An order as a return sees it: what was sold, what changed since, and where its goods are.

    ``purchased_at`` is aware. ``lines`` is by line id; one that is missing has not left. ``method`` is the one that was
    paid with. ``lots`` are the order's own lots of points, and ``purse`` all of the customer's; None: the points that the
    goods earned are still there.
    """

    order: Order
    breakdown: Breakdown
    purchased_at: datetime
    method: str
    lines: Mapping[str, SoldLine]
    adjustments: tuple[Adjustment, ...] = ()
    lots: tuple[Lot, ...] = ()
    purse: Purse | None = None

    @property
    def used_coupons(self) -> bool:
        """Whether a coupon took something off, which a return may cost (CPN-04)."""
        return self.breakdown.coupon_discount > 0


@dataclass(frozen=True, slots=True)
class LineJudgement:
    """The answer for one asked line. ``apply_by`` is the last day to ask, ``goods_by`` the last day on which the goods may be
    back at the shop, both in Japan and None for no limit; ``remedies`` are those of the profile, the usual one first.

    ``approve`` says whether an allowed return is approved by itself or waits for a person.
    """

    line: str
    quantity: int
    reason: Reason
    allowed: bool
    apply_by: date | None
    goods_by: date | None
    remedies: tuple[Remedy, ...]
    remedy: Remedy | None
    cost_on: CostOn
    approve: Literal["automatic", "human"]
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the allowed lines give back: yen with tax, and points.

    ``money`` goes back to the customer, ``points_returned`` to the lots they came from. ``coupon_recovered`` (CPN-04) and
    ``points_deducted`` (PTS-13) are kept back from it already, and so is ``fee`` where there is a refund; of an exchange alone
    it is to be paid. ``points_taken_back`` were earned with these goods and are earned no longer. ``changes`` are what the
    order's adjustments grow by, one a kind (``return``, ``fault``).
    """

    money: int
    points_returned: int
    coupon_recovered: int
    fee: int
    points_taken_back: int
    points_deducted: int = 0
    changes: tuple[Adjustment, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to a whole request, in its sequence; no ``settlement`` where nothing of it is allowed. ``problems`` are what
    is wrong with the request itself: a line that there is not, more pieces than are with the customer."""

    lines: tuple[LineJudgement, ...]
    settlement: Settlement | None
    problems: tuple[Problem, ...]
