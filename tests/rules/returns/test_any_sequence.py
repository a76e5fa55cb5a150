"""Any sequence of returns, refunds, exchanges, replacements, their cancels and settlements at once, decided by the stage itself: no piece
comes back twice, nothing pays out more than was paid, and a refund is what was foretold (A.12, CPN-04, PTS-12, PTS-13)."""

from __future__ import annotations

import os
from collections import Counter
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.states import LotState, ReturnState
from pipelines.changes.coming_back import sold_of
from pipelines.engine.decision import REPLACEMENT_CANCELLED, REPLACEMENT_RETURNED, REPLACEMENT_UNDELIVERED, Decision
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, ReturnFacts
from pipelines.rules.lots import GiveBack
from pipelines.rules.order import Order
from pipelines.rules.purse import Cause, Purse
from pipelines.rules.returns.case import LineJudgement, Reason, Remedy
from pipelines.rules.returns.settlement import settle
from pipelines.stages.returns import STAGE
from tests.rules.drawn import CASES, Case
from tests.rules.returns.life import Life
from tests.stages.build import NOW, ORDER_ID, but, decide, event, parcel
from tests.world import a_line

#: Each example is a whole sequence: a few dozen find what a change breaks, `make returns` looks at 2,000.
SEQUENCES = settings(max_examples=int(os.environ.get("SHUKKA_RETURNS", "60")), deadline=None)
STEPS = 24
#: What an operator may say of a return, by where it stands: mostly that is asked, and else anything at all.
ACTS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "requested": (("approve", {}), ("approve", {}), ("refuse", {"words": "no"})),
    "awaiting_goods": (("receive", {}), ("receive", {}), ("receive", {}), ("close", {})),
    "received": (*[("inspect", {"passes": True})] * 3, ("inspect", {"passes": False, "words": "worn"})),
    "inspected": (("refund", {}), ("replace", {}), *[("exchange", {})] * 2),
    "rejected": (("close", {}),),
}
ANY_ACT = tuple(act for acts in ACTS.values() for act in acts)


class Sequence(Life):
    """An order on its way through anything that may be asked of it, as its stage decides."""

    def __init__(self, case: Case, chance: Random) -> None:
        super().__init__(case, chance)
        self._numbers, self._ids = count(10), count(100)
        self.known = but(self.facts({}, "shop"), events=(), parcels=(parcel(lines=dict(self.left)),))
        self.known = but(self.known, purse=Purse(self.purse.lots.values(), lambda: next(self._ids)))
        self.brought: dict[str, Order] = {}
        self.cancelled: set[str] = set()
        self.rests_back = 0
        self.reached = Counter[str]()

    def step(self) -> None:
        """Something that may be asked; most of it cannot be, and then nothing follows."""
        asked = self._asked()
        foretold = self._foretold(asked)
        decision = decide(STAGE, but(self.known, events=(asked,)), shop=self.shop)
        if foretold is not None and decision.adjustments:
            assert [new.change for new in decision.adjustments] == list(foretold)
        self._fold(decision)

    def _asked(self) -> EventFacts:
        returns, kind, number = self.known.returns, self.chance.randrange(12), next(self._numbers)
        there = sold_of(OrderDraft(but(self.known, events=())), self.shop).lines
        some = [line for line, one in there.items() if one.left > 0] if kind else []
        line, pieces = self.chance.choice(sorted(some or self.pieces)), self.chance.choice((1, 1, 1, 2, 3))
        standing = [name for name in self.brought if name not in self.cancelled]
        if standing and kind == 0:
            name = self.chance.choice(standing)
            self.cancelled.add(name)
            ended = self.chance.choice((REPLACEMENT_CANCELLED, REPLACEMENT_UNDELIVERED, REPLACEMENT_RETURNED))
            return event(ended, number, order=name)
        if kind <= 2 or not any(one.is_live for one in returns):
            said = {
                "line": line,
                "quantity": pieces,
                "reason": self.chance.choice(("unwanted", "defect")),
                "condition": [],
            }
            return event("return.requested", number, lines=[said], **{"return": f"RT-{number}"}, operator=True)
        if kind == 3:
            fault = self.chance.choice(("customer", "shop"))
            said = {"line": line, "quantity": pieces}
            return event("order.return_lines", number, lines=[said], fault=fault, reason="", operator=True)
        one = self.chance.choice([one for one in returns if one.is_live] or returns)
        act, body = self.chance.choice(ACTS.get(one.state, ANY_ACT) if kind < 11 else ANY_ACT)
        if act == "exchange":
            other = a_line("1", 1, self.chance.choice((1, 500, 3_000, 20_000)), sku="OTHER")
            body = {"lines": [other], "payment": {"method": "card", "token": "tok_ok"}}
        return event(f"return.{act}", number, **{"return": one.id}, **body, operator=True)

    def _foretold(self, asked: EventFacts) -> tuple[Any, ...] | None:
        """What the rules say that a refund of the return comes to."""
        if asked.type != "return.refund":
            return None
        (one,) = [one for one in self.known.returns if one.id == asked.body["return"]]
        if one.state != ReturnState.INSPECTED:
            return None
        sold = sold_of(OrderDraft(but(self.known, events=())), self.shop)
        told = settle(sold, self.shop, [_refunded(one, index) for index in range(len(one.lines))], NOW)
        return told.changes

    def _fold(self, decision: Decision) -> None:
        """The order after the decision."""
        known, purse = self.known, self.known.purse
        self.reached.update(move.new for move in decision.moves if move.entity == "return")
        self.reached.update(new.kind for new in decision.new_lots)
        returns = {one.id: one for one in known.returns} | decision.returns
        used = {one.lot: one for one in known.used_points}
        for move in decision.lot_moves:
            assert isinstance(move, GiveBack)
            used[move.lot] = used[move.lot]._replace(amount=used[move.lot].amount - move.amount)
        for new in decision.new_lots:
            assert new.state == LotState.VALID
            purse.grant(new, NOW, ORDER_ID)
        for back in decision.clawbacks:
            if purse.lots[back.lot].kind == "exchange":
                self.rests_back += back.amount
            purse.claw_back(back.lot, back.amount, Cause(back.source, NOW))
        for new_order in decision.new_orders:
            assert new_order.number not in self.brought, "each order that leaves for goods has a number of its own"
            self.brought[new_order.number] = new_order
        self.known = but(
            known,
            returns=list(returns.values()),
            adjustments=[*known.adjustments, *(new.change for new in decision.adjustments)],
            payment=known.payment if decision.payment is None else decision.payment.after(known.payment),
            used_points=list(used.values()),
            purse=Purse(purse.lots.values(), purse.new_id),
            lots=[lot for lot in purse.lots.values() if lot.order_id == ORDER_ID],
            condition=decision.condition or known.condition,
            holds=decision.holds,
        )

    def check(self) -> None:
        """What holds after each step."""
        back = Counter[str]()
        for change in self.known.adjustments:
            back.update(dict(change.lines))
        given = [one for one in self.known.returns if one.state in (ReturnState.REPLACED, ReturnState.EXCHANGED)]
        for one in self.known.returns:
            if one.is_live or one in given:
                back.update(one.pieces)
        assert all(back[line] <= pieces for line, pieces in self.pieces.items()), "a piece came back twice"
        money = sum(change.money for change in self.known.adjustments)
        points = sum(change.points_returned for change in self.known.adjustments)
        rests = sum(lot.amount for lot in self.known.purse.lots.values() if lot.kind == "exchange") - self.rests_back
        assert min(money, points, rests) >= 0
        assert money <= self.sums.grand_total
        assert points <= self.sums.points_used
        assert money + points + rests <= self.sums.grand_total + self.sums.points_used
        assert {one.replacement for one in given} == set(self.brought) - self.cancelled


def _refunded(one: ReturnFacts, index: int) -> LineJudgement:
    line = one.lines[index]
    cost_on = "shop" if line.cost_on == "shop" else "customer"
    remedy = (Remedy.REFUND,)
    return LineJudgement(
        line.line, line.quantity, Reason(line.reason), True, None, None, remedy, Remedy.REFUND, cost_on, "human", ()
    )  # fmt: skip


@pytest.mark.timeout(1_800)
def test_no_sequence_pays_out_more_than_was_paid() -> None:
    """Whatever is asked, in whatever order; the next order that leaves for a return has a number that none had before. The examples reach
    every remedy, goods that are sent back, and orders that are cancelled after all."""
    reached = Counter[str]()

    @SEQUENCES
    @given(CASES, st.integers(0, 2**32))
    def any_sequence(case: Case, seed: int) -> None:
        sequence = Sequence(case, Random(f"{seed} {case.sums}"))
        for _ in range(STEPS):
            sequence.step()
            sequence.check()
        reached.update(sequence.reached)
        reached["cancelled"] += len(sequence.cancelled)

    any_sequence()
    assert {"refunded", "replaced", "exchanged", "sent_back", "cancelled"} <= set(+reached), reached
