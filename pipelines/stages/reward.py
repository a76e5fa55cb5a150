"""Reward (ポイント付与): pending points become valid once the goods have left; then the order rests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from models.states import ALL_LEFT, LotState, OrderState, TrackingState
from pipelines.changes.arrival import was_let_go
from pipelines.changes.ending import finish
from pipelines.changes.points import activate
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need, ParcelFacts
from pipelines.engine.stage import Stage
from pipelines.orders.mails import customer_mail
from pipelines.rules.dates.periods import end_of
from pipelines.rules.lots import Lot
from pipelines.rules.parcels import ENDED
from pipelines.rules.points import expires_on
from pipelines.shops import Shop

#: Where an order may stand for its points to become valid, by the event that makes them so.
READY = {
    "ordered": frozenset(OrderState) - {OrderState.CANCELLED},
    "shipped": ALL_LEFT,
    "delivered": frozenset({OrderState.DELIVERED}),
}


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Activate the order's points when the profile says so (PTS-05, SPL-05), and finish what has nothing left to do."""
    if draft.state == OrderState.CANCELLED:
        return
    due: list[Lot] = []
    later: list[datetime] = []
    for lot in draft.lots:
        at = valid_from(lot, draft, shop, now) if lot.state == LotState.PENDING else None
        if at is not None and at <= now:
            due.append(lot)
        elif at is not None:
            later.append(at)
    if due:
        _activate(draft, shop, now, due)
    if later:
        draft.again(min(later))
    else:
        finish(draft)


def valid_from(lot: Lot, draft: OrderDraft, shop: Shop, now: datetime) -> datetime | None:
    """When a pending lot becomes valid; None while the event it waits for has not come: its news wake this stage.

    A supplier whose clock is ahead of ours keeps no points back: what left, or came, did by ``now`` at the latest.
    """
    delay = timedelta(days=shop.points.activation_delay_days)
    event = shop.points.activation_event
    if event == "ordered":
        return draft.facts.accepted_at + delay
    parcels = draft.parcels.values()
    if draft.state in READY[event] or (event == "delivered" and _is_seen_to(draft, shop, now)):
        happened = _ended(parcels) if event == "delivered" else [p.shipped_at for p in parcels]
        return min(max(happened, default=draft.facts.accepted_at), now) + delay
    line = lot.line
    if event == "shipped" and line and not any(s.lines[line].open for s in draft.shipments if line in s.lines):
        left = [p.shipped_at for p in parcels if p.lines.get(line)]
        return min(max(left), now) + delay if left else None
    return None


def _is_seen_to(draft: OrderDraft, shop: Shop, now: datetime) -> bool:
    """Whether all has left, no parcel is waited for any more, and a human let go of what did not arrive (RET-07, RET-08): the customer
    keeps what was not taken back from him, and nothing more is to come."""
    if draft.state not in READY["shipped"] or draft.holds or not draft.parcels:
        return False
    out = (one for one in draft.parcels.values() if one.tracking_status not in ENDED)
    return all(one.tracking_status != TrackingState.AT_STORE and was_let_go(draft, shop, one, now) for one in out)


def _ended(parcels: Iterable[ParcelFacts]) -> list[datetime]:
    """When the parcels that the customer has were delivered; where he has none, when their ends were known."""
    ends = [(one.tracking_status, one.status_as_of or one.shipped_at) for one in parcels]
    return [at for status, at in ends if status == TrackingState.DELIVERED] or [at for _, at in ends]


def _activate(draft: OrderDraft, shop: Shop, now: datetime, lots: Sequence[Lot]) -> None:
    facts = draft.facts
    last_day = expires_on(now.date(), shop)
    expires_at = end_of(last_day) if last_day else None  # PTS-11: through that whole day
    for lot in lots:
        activate(draft, lot, expires_at)
    amount = sum(lot.remaining for lot in lots)
    points = {
        "used": facts.priced["points_used"],
        "earned": facts.priced["points_earned"],
        "amount": amount,
        "balance": facts.balance + amount,
        "expires_on": last_day,
    }
    # One mail an order, or one for each of the lots that parcels activate apart.
    about = "".join(sorted(_name_of(lot, draft.lots) for lot in lots))
    draft.tell(customer_mail("points_activated", facts, shop, now, about=about, points=points))


def _name_of(lot: Lot, lots: Iterable[Lot]) -> str:
    """What tells a lot from the others of its order; empty for the one lot of the whole order. One that took the place of another,
    which a cancel had taken away, is told of by itself."""
    earned = (one for one in lots if (one.kind, one.line, one.repriced) == (lot.kind, lot.line, lot.repriced))
    before = sum(one.id < lot.id for one in earned)
    line = f":{lot.line}" if lot.line else ""
    repriced = f":repriced:{lot.repriced}" if lot.repriced else ""
    return line + repriced + (f":again:{before}" if before else "")


STAGE = Stage("reward", decide, Need.PAYMENT | Need.LOTS | Need.PARCELS | Need.SHIPMENTS | Need.RELEASES)
