"""Points of an order (ポイント): in which lots it earns them, which give them back, and where used ones return to.

A lot an order, or one a line where each parcel activates its own (SPL-05); what an order earns more when it is priced
again comes as a lot of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.states import LotState
from pipelines.engine.decision import Clawback, LotMove, NewLot
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, LotFacts, UsedPoints
from pipelines.rules.dates.periods import end_of, exclusive
from pipelines.rules.money.breakdown import Breakdown
from pipelines.shops import Shop


@dataclass(frozen=True, slots=True)
class Unearned:
    """Points of a lot that are earned no longer, because of ``line`` (empty: because of the whole order)."""

    line: str
    lot: LotFacts
    points: int


def earn(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Pending points as the order's breakdown says."""
    facts = draft.facts
    granted = [
        _grant(draft, earn_source(facts, line), points) for line, points in _earners(facts.breakdown, shop).items()
    ]
    _count_with_the_order(draft, shop, now, granted=any(granted))


def earn_anew(draft: OrderDraft, shop: Shop, now: datetime, after: Breakdown) -> None:
    """Points as ``after`` says instead of the order's breakdown."""
    facts = draft.facts
    times = facts.known.times + 1
    before, later = _earners(facts.breakdown, shop), _earners(after, shop)
    for one in unearned(draft, {line: before[line] - points for line, points in later.items()}):
        take_back(draft, f"order:{facts.id}:repriced:{times}", one)
    granted = [_grant(draft, earn_source(facts, line, times), points - before[line]) for line, points in later.items()]
    _count_with_the_order(draft, shop, now, granted=any(granted))


def _grant(draft: OrderDraft, source: str, points: int) -> bool:
    """Grant pending points; whether there were any to grant."""
    if points > 0:
        draft.grant(NewLot(source, "purchase", points, LotState.PENDING))
    return points > 0


def _count_with_the_order(draft: OrderDraft, shop: Shop, now: datetime, *, granted: bool) -> None:
    if granted and shop.points.activation_event == "ordered":
        draft.next("reward", now)


def earn_source(facts: Facts, line: str = "", repriced: int = 0) -> str:
    """The source of the lot that an order earns, or one line of it, or what it earns more by its ``repriced``-th price."""
    again = f":repriced:{repriced}" if repriced else ""
    return f"order:{facts.id}{again}:earn" + (f":{line}" if line else "")


def line_of(lot: LotFacts) -> str:
    """The line whose parcels activate the lot; empty where the whole order does."""
    return lot.source.partition(":earn")[2].removeprefix(":")


def activate(draft: OrderDraft, lot: LotFacts, expires_at: datetime | None) -> None:
    """Pending points become valid (PTS-05) and last until ``expires_at`` (PTS-11)."""
    source = f"order:{draft.facts.id}:activate"
    draft.move_lot(
        LotMove(lot.id, lot.state, LotState.VALID, "activate", source, "pending", "valid", lot.remaining, 0, expires_at)
    )


def unearned(draft: OrderDraft, points: Mapping[str, int]) -> Iterator[Unearned]:
    """From which lots ``points`` by line go: the newest first, none gives more than it ever gave the customer."""
    lots = sorted((lot for lot in draft.lots if lot.kind == "purchase"), key=lambda lot: lot.id, reverse=True)
    left = {lot.id: lot.amount - draft.facts.purse.gone.get(lot.id, 0) for lot in lots}
    for line, due in points.items():
        rest = due
        for lot in [one for one in lots if line_of(one) == line] or lots:
            part = min(rest, left[lot.id])
            if part > 0:
                left[lot.id] -= part
                rest -= part
                yield Unearned(line, lot, part)


def take_back(draft: OrderDraft, source: str, one: Unearned) -> None:
    """Pending points become void (PTS-14); valid ones are taken back wherever they are by then (PTS-13).

    ``source`` names the change that it is for, once for the order.
    """
    key = f"{source}:{one.line}:{one.lot.id}"
    lot = next(lot for lot in draft.lots if lot.id == one.lot.id)
    if one.lot.state == LotState.PENDING:
        _void(draft, lot, min(one.points, lot.remaining), key)
    elif one.points:
        draft.claw_back(Clawback(key, lot.id, one.points))


def return_points(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The points of an order that ends: earned ones are void, or taken back where they were valid already (PTS-13,
    PTS-14); used ones go back to their own lots (PTS-12)."""
    order_id = draft.facts.id
    for lot in list(draft.lots):
        if lot.state == LotState.PENDING:
            _void(draft, lot, lot.remaining, f"order:{order_id}:void")
        elif lot.kind == "purchase" and lot.state not in (LotState.VOID, LotState.EXPIRED):
            draft.claw_back(Clawback(f"order:{order_id}:cancel:{lot.id}", lot.id, lot.amount))
    for used in list(draft.used_points):
        give_back(draft, shop, now, used, used.amount, f"order:{order_id}:return")


def _void(draft: OrderDraft, lot: LotFacts, points: int, source: str) -> None:
    if points > 0:
        draft.move_lot(LotMove(lot.id, lot.state, LotState.VOID, "void", source, "pending", "void", points, -points))


def give_back_some(draft: OrderDraft, shop: Shop, now: datetime, points: int, source: str) -> None:
    """So many used points return to their lots (PTS-12): those that would last longest were spent last, so they get
    theirs back first."""
    last_first = sorted(
        draft.used_points, key=lambda used: (used.expires_at is None, used.expires_at or now, used.lot), reverse=True
    )
    for used in last_first:
        if part := min(points, used.amount):
            give_back(draft, shop, now, used, part, source)
        points -= part


def give_back(draft: OrderDraft, shop: Shop, now: datetime, used: UsedPoints, points: int, source: str) -> None:
    """Used points go back to their own lot; one that expired meanwhile is lost, or granted anew by profile (PTS-12)."""
    expired = used.lot_state == LotState.EXPIRED or (used.expires_at is not None and used.expires_at <= now)
    if expired and shop.points.return_expired == "regrant":
        until = end_of(exclusive(now.date(), shop.points.regrant_days))
        again = f"{source.removesuffix(':return')}:regrant:{used.lot}"
        new = NewLot(again, "regrant", points, LotState.VALID, until, limited=True)
        draft.grant(new, instead_of=used.lot)
    elif not expired and used.lot_state in (LotState.USED, LotState.VALID, LotState.HELD):
        draft.move_lot(
            LotMove(used.lot, used.lot_state, LotState.VALID, "return", source, "used", "valid", points, points)
        )


def _earners(breakdown: Breakdown, shop: Shop) -> dict[str, int]:
    """Points by what activates them: the whole order (empty), or each line."""
    if shop.points.activate_on == "each_shipment":
        return {line.line: line.points for line in breakdown.lines}
    return {"": breakdown.points_earned}
