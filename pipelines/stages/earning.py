"""Points that an order earns (ポイント付与予定): in which lots they wait, and which give them back when it earns fewer.

A lot an order, or one a line where each parcel activates its own (SPL-05); what an order earns more when it is priced
again comes as a lot of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.states import LotState
from pipelines.engine.stage import Decision, Facts
from pipelines.rules.lots import Clawback, Lot, NewLot
from pipelines.rules.money.breakdown import Breakdown
from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Unearned:
    """Points of a lot that are earned no longer, because of ``line`` (empty: because of the whole order)."""

    line: str
    lot: Lot
    points: int


def earn(decision: Decision, facts: Facts, shop: Shop) -> None:
    """Pending points as the order's breakdown says."""
    for line, points in _earners(facts.breakdown, shop).items():
        _grant(decision, facts, line, points)


def earn_anew(decision: Decision, facts: Facts, shop: Shop, now: datetime, after: Breakdown) -> None:
    """Points as ``after`` says instead of the order's breakdown; the stage was told lots and repricing."""
    times = facts.known.times + 1
    before, later = _earners(facts.breakdown, shop), _earners(after, shop)
    for one in unearned(facts, {line: before[line] - points for line, points in later.items()}):
        take_back(decision, f"order:{facts.id}:repriced:{times}", one)
    for line, points in later.items():
        _grant(decision, facts, line, points - before[line], times)
    if decision.new_lots and shop.points.activation_event == "ordered":
        decision.next("reward", now)


def unearned(facts: Facts, points: Mapping[str, int]) -> Iterator[Unearned]:
    """From which lots ``points`` by line go: the newest first, none gives more than it ever gave the customer.

    The stage was told lots.
    """
    lots = sorted((lot for lot in facts.lots if lot.kind == "purchase"), key=lambda lot: lot.id, reverse=True)
    left = {lot.id: lot.amount - lot.gone for lot in lots}
    for line, due in points.items():
        rest = due
        for lot in [one for one in lots if (one.line or "") == line] or lots:
            part = min(rest, left[lot.id])
            if part > 0:
                left[lot.id] -= part
                rest -= part
                yield Unearned(line, lot, part)


def take_back(decision: Decision, source: str, one: Unearned) -> None:
    """Points are earned no longer (PTS-13, PTS-14). ``source`` names the change that it is for, once for the order."""
    if one.points:
        decision.clawbacks.append(Clawback(f"{source}:{one.line}:{one.lot.id}", one.lot.id, one.points))


def _earners(breakdown: Breakdown, shop: Shop) -> dict[str, int]:
    """Points by what activates them: the whole order (empty), or each line."""
    if shop.points.activate_on == "each_shipment":
        return {line.line: line.points for line in breakdown.lines}
    return {"": breakdown.points_earned}


def _grant(decision: Decision, facts: Facts, line: str, points: int, repriced: int = 0) -> None:
    """Pending points of the order (no ``line``) or of one line, by its ``repriced``-th price if it was priced again."""
    if points > 0:
        again = f":repriced:{repriced}" if repriced else ""
        source = f"order:{facts.id}{again}:earn" + (f":{line}" if line else "")
        lot = NewLot(source, "purchase", points, LotState.PENDING, line=line or None, repriced=repriced)
        decision.new_lots.append(lot)
