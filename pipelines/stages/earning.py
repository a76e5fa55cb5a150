"""Points that an order earns (ポイント付与予定): in which lots they wait, and which give them back when it earns fewer.

A lot an order, or one a line where each parcel activates its own (SPL-05); what an order earns more when it is priced
again comes as a lot of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.states import LotState
from pipelines.engine.stage import Clawback, Decision, Facts, LotFacts, LotMove, Move, NewLot
from pipelines.rules.money.breakdown import Breakdown
from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Unearned:
    """Points of a lot that are earned no longer, because of ``line`` (empty: because of the whole order)."""

    line: str
    lot: LotFacts
    points: int


def earn(decision: Decision, facts: Facts, shop: Shop) -> None:
    """Pending points as the order's breakdown says."""
    for line, points in _earners(facts.breakdown, shop).items():
        _grant(decision, earn_source(facts, line), points)


def earn_anew(decision: Decision, facts: Facts, shop: Shop, now: datetime, after: Breakdown) -> None:
    """Points as ``after`` says instead of the order's breakdown; the stage was told lots, purse and repricing."""
    times = facts.known.times + 1
    before, later = _earners(facts.breakdown, shop), _earners(after, shop)
    for one in unearned(facts, {line: before[line] - points for line, points in later.items()}):
        take_back(decision, f"order:{facts.id}:repriced:{times}", one)
    for line, points in later.items():
        _grant(decision, earn_source(facts, line, times), points - before[line])
    if decision.new_lots and shop.points.activation_event == "ordered":
        decision.next("reward", now)


def earn_source(facts: Facts, line: str = "", repriced: int = 0) -> str:
    """The source of the lot that an order earns, or one line of it, or what it earns more by its ``repriced``-th price."""
    again = f":repriced:{repriced}" if repriced else ""
    return f"order:{facts.id}{again}:earn" + (f":{line}" if line else "")


def line_of(lot: LotFacts) -> str:
    """The line whose parcels activate the lot; empty where the whole order does."""
    return lot.source.partition(":earn")[2].removeprefix(":")


def unearned(facts: Facts, points: Mapping[str, int]) -> Iterator[Unearned]:
    """From which lots ``points`` by line go: the newest first, none gives more than it ever gave the customer.

    The stage was told lots and purse.
    """
    lots = sorted((lot for lot in facts.lots if lot.kind == "purchase"), key=lambda lot: lot.id, reverse=True)
    left = {lot.id: lot.amount - facts.purse.gone.get(lot.id, 0) for lot in lots}
    for line, due in points.items():
        rest = due
        for lot in [one for one in lots if line_of(one) == line] or lots:
            part = min(rest, left[lot.id])
            if part > 0:
                left[lot.id] -= part
                rest -= part
                yield Unearned(line, lot, part)


def take_back(decision: Decision, source: str, one: Unearned) -> None:
    """Pending points become void (PTS-14); valid ones are taken back wherever they are by then (PTS-13).

    ``source`` names the change that it is for, once for the order.
    """
    lot, key = one.lot, f"{source}:{one.line}:{one.lot.id}"
    if lot.state != LotState.PENDING:
        if one.points:
            decision.clawbacks.append(Clawback(key, lot.id, one.points))
        return
    voided = sum(-move.change for move in decision.lot_moves if move.lot == lot.id)
    part = min(one.points, lot.remaining - voided)
    if part > 0:
        decision.lot_moves.append(
            LotMove(lot.id, lot.state, LotState.VOID, "void", key, "pending", "void", part, -part)
        )
        if voided + part == lot.remaining:
            decision.moves.append(Move("lot", str(lot.id), lot.state, LotState.VOID, "void"))


def _earners(breakdown: Breakdown, shop: Shop) -> dict[str, int]:
    """Points by what activates them: the whole order (empty), or each line."""
    if shop.points.activate_on == "each_shipment":
        return {line.line: line.points for line in breakdown.lines}
    return {"": breakdown.points_earned}


def _grant(decision: Decision, source: str, points: int) -> None:
    if points > 0:
        decision.new_lots.append(NewLot(source, "purchase", points, LotState.PENDING))
