"""Points of an order (ポイント): in which lots it earns them, which give them back, and where used ones return to.

A lot an order, or one a line where each parcel activates its own (SPL-05); what an order earns more when it is priced
again comes as a lot of its own.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from models.states import LotState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import UsedPoints
from pipelines.rules.dates.periods import end_of, exclusive
from pipelines.rules.lots import Activation, Clawback, GiveBack, Lot, NewLot, UseAgain
from pipelines.rules.money.adjustments import points_unearned
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.crediting import Unearned, unearned
from pipelines.shops import Shop


def earn(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Pending points as the order's breakdown says."""
    priced = draft.facts.priced  # as it is stored: of all the breakdown these numbers alone are read
    by_line = {line["line"]: line["points"] for line in priced["lines"]}
    earners = by_line if shop.points.activate_on == "each_shipment" else {"": priced["points_earned"]}
    granted = [_grant(draft, line, points) for line, points in earners.items()]
    _count_with_the_order(draft, shop, now, granted=any(granted))


def earn_anew(draft: OrderDraft, shop: Shop, now: datetime, after: Breakdown) -> None:
    """Points as ``after`` says instead of the order's breakdown."""
    facts = draft.facts
    times = facts.known.times + 1
    before, later = _earners(facts.breakdown, shop), _earners(after, shop)
    for one in unearned(draft.lots, {line: before[line] - points for line, points in later.items()}):
        take_back(draft, f"order:{facts.id}:repriced:{times}", one)
    granted = [_grant(draft, line, points - before[line], times) for line, points in later.items()]
    _count_with_the_order(draft, shop, now, granted=any(granted))


def used_to_take_again(draft: OrderDraft) -> int:
    """Points that came back to the customer when the order was cancelled, and that it uses if it stands after all."""
    before = draft.facts.breakdown.points_used - sum(one.points_returned for one in draft.adjustments)
    return max(0, before - sum(used.amount for used in draft.used_points)) if draft.facts.customer_id else 0


def stand_again(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The points of a cancelled order that stands after all: used ones are spent again, what its goods earn is earned anew."""
    facts = draft.facts
    if not facts.customer_id:
        return
    if points := used_to_take_again(draft):
        draft.use_again(UseAgain(f"order:{facts.id}:use:again", points))
    lost = Counter[str]()
    for index, change in enumerate(draft.adjustments):
        lost.update(points_unearned(facts.breakdown, draft.adjustments[:index], change))
    earners = _earners(facts.breakdown, shop)
    for line, points in earners.items():
        left = points - (lost[line] if line else lost.total())
        if left > 0:
            source = f"order:{facts.id}:again:earn" + (f":{line}" if line else "")
            draft.grant(NewLot(source, "purchase", left, LotState.PENDING, line=line or None))
    draft.next("reward", now)


def _grant(draft: OrderDraft, line: str, points: int, repriced: int = 0) -> bool:
    """Grant pending points of the order (no ``line``) or of one line, earned by its first or ``repriced``-th other price;
    whether there were any to grant."""
    if points > 0:
        again = f":repriced:{repriced}" if repriced else ""
        source = f"order:{draft.facts.id}{again}:earn" + (f":{line}" if line else "")
        draft.grant(NewLot(source, "purchase", points, LotState.PENDING, line=line or None, repriced=repriced))
    return points > 0


def _count_with_the_order(draft: OrderDraft, shop: Shop, now: datetime, *, granted: bool) -> None:
    if granted and shop.points.activation_event == "ordered":
        draft.next("reward", now)


def activate(draft: OrderDraft, lot: Lot, expires_at: datetime | None) -> None:
    """Pending points become valid (PTS-05) and last until ``expires_at`` (PTS-11)."""
    draft.activate(Activation(f"order:{draft.facts.id}:activate", lot.id, expires_at))


def take_back(draft: OrderDraft, source: str, one: Unearned) -> None:
    """Points are earned no longer (PTS-13, PTS-14). ``source`` names the change that it is for, once for the order."""
    if one.points:
        draft.claw_back(Clawback(f"{source}:{one.line}:{one.lot.id}", one.lot.id, one.points))


def return_points(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The points of an order that ends: earned ones are void, or taken back where they were valid already (PTS-13,
    PTS-14); used ones go back to their own lots (PTS-12)."""
    order_id = draft.facts.id
    draft.earn_nothing()
    for lot in list(draft.lots):
        earned = lot.kind == "purchase" and lot.state not in (LotState.VOID, LotState.EXPIRED)
        if earned or lot.state == LotState.PENDING:
            draft.claw_back(Clawback(f"order:{order_id}:cancel:{lot.id}", lot.id, lot.amount))
    for used in list(draft.used_points):
        give_back(draft, shop, now, used, used.amount, f"order:{order_id}:return")


def to_come_back(draft: OrderDraft, shop: Shop, now: datetime) -> int:
    """Used points that the customer gets back if the order ends now: those of lots that have expired meanwhile are lost, unless the
    profile grants them anew (PTS-12), and what came back before does not come again."""
    regrants = shop.points.return_expired == "regrant"
    return sum(
        used.amount for used in draft.used_points if regrants or used.expires_at is None or used.expires_at > now
    )


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
    """Used points go back to their own lot; of one that expired meanwhile as the profile says (PTS-12)."""
    again = shop.points.return_expired == "regrant"
    until = end_of(exclusive(now.date(), shop.points.regrant_days)) if again else None
    draft.give_back(GiveBack(source, used.lot, points, until))


def _earners(breakdown: Breakdown, shop: Shop) -> dict[str, int]:
    """Points by what activates them: the whole order (empty), or each line."""
    if shop.points.activate_on == "each_shipment":
        return {line.line: line.points for line in breakdown.lines}
    return {"": breakdown.points_earned}
