"""What a return gives back (返品の精算): by the order's stored spread, as the stage that books it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pipelines.rules.lots import Lot
from pipelines.rules.money.adjustments import FAULT, RETURN, Adjustment, adjust
from pipelines.rules.money.crediting import Credit, credited
from pipelines.rules.money.tax import STANDARD_RATE, tax_on
from pipelines.rules.purse import Cause, Purse
from pipelines.rules.returns.case import CostOn, LineJudgement, Remedy, Settlement, Sold

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: The kind of change that a return is, by who bears its cost.
KIND: Final[dict[CostOn, str]] = {"shop": FAULT, "customer": RETURN}


def return_fee(shop: Shop, kind: str) -> int:
    """Yen ex tax that a change of ``kind`` costs the customer for sending back (TAX-05)."""
    return shop.returns.customer_fee if kind == RETURN else 0


def settle(sold: Sold, shop: Shop, lines: Sequence[LineJudgement], at: datetime) -> Settlement:
    """What ``lines``, which are allowed, give back at ``at`` (aware) under the remedy each was judged for.

    Only a refund moves money and points of the order: first what is the shop's fault, then the rest. An exchange at the
    customer's cost asks for the fee alone, and a replacement for nothing.
    """
    books = _Books(sold, shop, at)
    for cost_on, kind in KIND.items():
        refunded = [one for one in lines if one.remedy == Remedy.REFUND and one.cost_on == cost_on]
        if refunded:
            books.book(kind, _pieces(refunded))
    fee_of_refund = any(change.return_fee for change in books.changes)
    pays = any(one.remedy == Remedy.EXCHANGE and one.cost_on == "customer" for one in lines)
    return Settlement(
        money=sum(one.money for one in books.changes),
        points_returned=sum(one.points_returned for one in books.changes),
        coupon_recovered=sum(one.coupon_recovered for one in books.changes),
        fee=with_tax(sold, return_fee(shop, RETURN)) if fee_of_refund or pays else 0,
        points_taken_back=books.points_taken_back,
        points_deducted=sum(one.points_deducted for one in books.changes),
        changes=tuple(books.changes),
    )


def with_tax(sold: Sold, fee: int) -> int:
    """A fee ex tax as the customer pays it: 1,500 yen are 1,650 (TAX-05)."""
    return fee + tax_on(fee, STANDARD_RATE, sold.breakdown.rules.rounding)


class _Books:
    """The order's books on trial: each change comes after those before it, and finds their points gone."""

    def __init__(self, sold: Sold, shop: Shop, at: datetime) -> None:
        self._sold, self._shop, self._at = sold, shop, at
        self._lots = {lot.id: lot for lot in sold.lots}
        deducts = sold.purse is not None and shop.points.clawback == "deduct_from_refund"
        self._purse = Purse(sold.purse.lots.values()) if deducts and sold.purse is not None else None
        self.changes: list[Adjustment] = []
        self.points_taken_back = 0

    def book(self, kind: str, pieces: Iterable[tuple[str, int]]) -> None:
        """One change of ``pieces`` (line, quantity)."""
        before = (*self._sold.adjustments, *self.changes)
        breakdown = self._sold.breakdown
        fee, scope = return_fee(self._shop, kind), self._shop.points.rounding_scope
        change = adjust(breakdown, before, kind, pieces, return_fee=fee, earn_scope=scope)
        kept = credited(breakdown, before, change, self._lots.values(), self._at, self._purse)
        self.changes.append(kept.change)
        self._take(kept)

    def _take(self, kept: Credit) -> None:
        for one in kept.taken:
            self.points_taken_back += one.points
            lot: Lot = self._lots[one.lot.id]
            self._lots[lot.id] = lot._replace(gone=min(lot.amount, lot.gone + one.points))
            if self._purse is not None:
                self._purse.claw_back(lot.id, one.points, Cause("", self._at))


def _pieces(lines: Iterable[LineJudgement]) -> list[tuple[str, int]]:
    """Pieces by line; one line may be asked for several reasons."""
    pieces = Counter[str]()
    for one in lines:
        pieces[one.line] += one.quantity
    return list(pieces.items())
