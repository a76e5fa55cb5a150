"""Lives of orders as the properties of returns draw them: what left, what was cancelled before, and the customer's points."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

from pipelines.engine.facts import Facts, LineFacts, UsedPoints
from pipelines.rules.lots import Lot
from pipelines.rules.money.adjustments import CANCEL, Adjustment, adjust
from pipelines.rules.purse import Cause, Purse
from pipelines.rules.returns.case import Sold, SoldLine
from pipelines.shops import Shop
from pipelines.shops.returning import Returns, ReturnTerms
from tests.rules.build import day
from tests.rules.drawn import Case
from tests.stages.build import NOW, but, event, facts, json_text, lot, payment, shipment


@cache
def taking_back(fee: int) -> Returns:
    """Terms under which everything comes back, for a refund or for other goods."""
    return Returns(
        terms=(
            ReturnTerms(
                reasons=("defect",), windows=(), cost_on="shop", remedies=("refund", "replacement", "exchange")
            ),
            ReturnTerms(reasons=("unwanted",), windows=(), remedies=("refund", "exchange")),
        ),
        customer_fee=fee,
    )


def taking_all_back(case: Case, chance: Random) -> Shop:
    points = case.shop.points.model_copy(update={"clawback": chance.choice(("negative_balance", "deduct_from_refund"))})
    return case.shop.model_copy(update={"returns": taking_back(chance.choice((0, 1_500))), "points": points})


def portion(pieces: dict[str, int], chance: Random) -> dict[str, int]:
    """Some of ``pieces``, at least one."""
    some = {line: chance.randint(0, left) for line, left in pieces.items()}
    if not any(some.values()):
        line = chance.choice(sorted(line for line, left in pieces.items() if left))
        some[line] = 1
    return {line: quantity for line, quantity in some.items() if quantity}


class Life:
    """An order all of which has left and arrived, some pieces cancelled before, and its customer's points."""

    def __init__(self, case: Case, chance: Random) -> None:
        self.shop, self.chance = taking_all_back(case, chance), chance
        self.order = case.order
        self.sums = case.sums
        self.pieces = {line.line: line.quantity for line in case.order.lines}
        self.adjustments: list[Adjustment] = []
        if chance.random() < 0.3 and sum(self.pieces.values()) > 1:
            self._cancel_some()
        gone = {line: sum(dict(one.lines).get(line, 0) for one in self.adjustments) for line in self.pieces}
        self.left = {line: quantity - gone[line] for line, quantity in self.pieces.items()}
        member, points = bool(case.order.customer.id), case.sums.points_earned
        lots = (lot(chance.choice(("valid", "pending")), points),) if member and points else ()
        purse = Purse(lots)
        if lots and lots[0].state == "valid":
            purse.use(chance.randint(0, points), Cause("", NOW))
        self.lots = tuple(purse.lots.values())
        self.purse = Purse([*self.lots, Lot(2, None, "gift", None, 0, False, 30, 30, 0, 0, 0, "valid", None, NOW)])

    def _cancel_some(self) -> None:
        some = portion(self.pieces, self.chance)
        if some != self.pieces:
            self.adjustments.append(adjust(self.sums, (), CANCEL, some.items()))

    def facts(self, some: dict[str, int], fault: str) -> Facts:
        """What the stage is told."""
        lines = {
            line: LineFacts(pieces, pieces - self.left[line], self.left[line]) for line, pieces in self.pieces.items()
        }
        body: dict[str, Any] = {"lines": [{"line": line, "quantity": n} for line, n in some.items()], "fault": fault}
        used = (UsedPoints(3, self.sums.points_used, None),) if self.sums.points_used else ()
        known = facts(
            self.order,
            shop=self.shop,
            state="shipped",
            shipments=(shipment(1, "shipped", lines=lines),),
            events=(event("order.return_lines", **body),),
            adjustments=tuple(self.adjustments),
            lots=self.lots,
            used_points=used,
            purse=self.purse,
            payment=payment("captured", self.sums.grand_total),
        )
        return but(known, priced_text=json_text(self.sums.to_json()), grand_total=self.sums.grand_total)

    def sold(self) -> Sold:
        """What the rules are told."""
        lines = {line: SoldLine(n, day("2026-11-20"), day("2026-11-20")) for line, n in self.left.items()}
        return Sold(
            self.order, self.sums, self.order.placed_at, self.order.method, lines, tuple(self.adjustments), self.lots,
            self.purse,
        )  # fmt: skip
