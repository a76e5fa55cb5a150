"""Goods at a store (取り寄せ商品の店舗での保管): kept for the customer's visit, bought, or sent back (STO-01)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from models.states import HoldReason, ShipmentState, TrackingState
from models.subject import SHIPMENT, Subject
from pipelines.changes.arrival import WAITS_AT as DELIVERIES_WAIT_AT
from pipelines.changes.arrival import follow_parcels
from pipelines.changes.ending import cancel_order
from pipelines.changes.wishes import explain_visit
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, ParcelFacts
from pipelines.orders.mails import customer_mail, lines_of
from pipelines.orders.store_mails import EXPECT, RELEASE, SEND_BACK, VISIT, store_mail
from pipelines.ports import MailIntent
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import ENDED
from pipelines.rules.pull_in import Kept, kept
from pipelines.shops import Shop

_VISIT: Final = "customer.visit"
_GOODS: Final = "store.return"
REMIND: Final = "remind"
TO_SEND_BACK: Final = "send_back"
OPERATOR: Final = "operator"
EXPIRED: Final = "pickup_expired"
NOT_BOUGHT: Final = "not_bought"


def store_of(facts: Facts) -> str:
    """The store that the order's goods are called to."""
    return str(facts.document["pickup"]["store"])


def visit_of(facts: Facts) -> date:
    """The day of the visit."""
    return date.fromisoformat(facts.document["pickup"]["visit_on"])


def at_store(draft: OrderDraft) -> Sequence[ParcelFacts]:
    """The parcels that are kept at the store."""
    return [one for one in draft.parcels.values() if one.tracking_status == TrackingState.AT_STORE]


def is_ready(draft: OrderDraft) -> bool:
    """Whether all that is to come is at the store."""
    live = [one for one in draft.shipments if one.is_live]
    if any(one.state != ShipmentState.SHIPPED for one in live) or not at_store(draft):
        return False
    return all(one.tracking_status in {TrackingState.AT_STORE, *ENDED} for one in draft.parcels.values())


def stay(draft: OrderDraft, shop: Shop) -> Kept | None:
    """How long the goods are kept; None before they are there."""
    return _kept_for(draft, shop, visit_of(draft.facts)) if is_ready(draft) else None


def _kept_for(draft: OrderDraft, shop: Shop, visit_on: date) -> Kept:
    arrived_at = max(one.status_as_of or one.shipped_at for one in at_store(draft))
    return kept(shop, store_of(draft.facts), visit_on, arrived_at)


def expect(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Something has left: the store is told what comes, once."""
    draft.tell(_to_store(draft, shop, now, EXPECT, _lines(draft, kept=False)))


def arrive(draft: OrderDraft, now: datetime) -> None:
    """All that left is at the store, which says so itself."""
    for parcel in draft.parcels.values():
        if parcel.tracking_status not in {TrackingState.AT_STORE, *ENDED}:
            draft.keep_parcel(parcel._replace(tracking_status=TrackingState.AT_STORE, status_as_of=now))
            draft.end_wait(DELIVERIES_WAIT_AT, Subject(SHIPMENT, parcel.shipment))


def buy(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The customer came and has the goods."""
    for parcel in at_store(draft):
        draft.keep_parcel(parcel._replace(tracking_status=TrackingState.DELIVERED, status_as_of=now))
    follow_parcels(draft, shop, now)
    draft.next("reward", now)


def give_back(draft: OrderDraft, shop: Shop, now: datetime, *, reason: str, cause: str) -> None:
    """Nothing is bought: the order ends and its money goes back; the goods are free again once they are back, and at once where they
    lay in the store before."""
    cancel_order(draft, shop, now, reason=reason, cause=cause)
    for parcel in at_store(draft):
        is_kept = draft.facts.is_kept_by(draft.shipment(parcel.shipment).supplier)
        status = TrackingState.RETURNED if is_kept else TrackingState.RETURNING
        draft.keep_parcel(parcel._replace(tracking_status=status, status_as_of=now))
    watch_return(draft, shop, now)


def watch(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Tell the customer what has come, wait for the visit, and have the goods sent back without one."""
    facts = draft.facts
    keep = stay(draft, shop)
    if keep is None:
        return
    _tell_customer(draft, shop, now, "pickup_ready", keep, about=_told_as(draft, shop, keep))
    if keep.over_at <= now:
        for what, lines in ((SEND_BACK, _lines(draft, kept=False)), (RELEASE, _lines(draft, kept=True))):
            if lines:
                draft.tell(_to_store(draft, shop, now, what, lines))
        cause = f"no visit by {keep.keep_until.isoformat()} (STO-01)"
        give_back(draft, shop, now, reason=EXPIRED, cause=cause)
        return
    until, then = keep.over_at, TO_SEND_BACK
    if keep.remind_at is not None and now < keep.remind_at:
        until, then = keep.remind_at, REMIND
    elif keep.remind_at is not None:
        _tell_customer(draft, shop, now, "pickup_reminder", keep, about=keep.visit_on.isoformat())
    draft.await_for(_VISIT, facts.customer_id or "customer", until, then)


def put_off(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The visit is on another day: the store hears of it once it was told of the goods, and the customer where they are there already
    (``watch``); what has not left says the new day in its reasons."""
    explain_visit(draft, shop)
    if draft.parcels or any(one.is_owed and draft.facts.is_kept_by(one.supplier) for one in draft.shipments):
        about = f"{visit_of(draft.facts)}:{now.isoformat()}"
        draft.tell(_to_store(draft, shop, now, VISIT, [line["line"] for line in draft.facts.document["lines"]], about))


def watch_return(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """After the cancel: what is back may be sold again, and the rest is waited for."""
    back = {
        line for one in draft.parcels.values() if one.tracking_status == TrackingState.RETURNED for line in one.lines
    }
    for line in draft.facts.order.lines:
        if line.line in back and line.availability == "unique":
            draft.free_item(line.sku)
    days = timedelta(days=shop.stores[store_of(draft.facts)].return_days)
    out = {one.shipment: (one.status_as_of or one.shipped_at) + days for one in _still_out(draft)}
    late = {shipment for shipment, by in out.items() if by <= now}
    draft.lift(
        lambda hold: hold.reason == HoldReason.RETURN_OVERDUE and hold.shipment not in late,
        "the parcel is not out any more",
    )
    for shipment in sorted(late):
        draft.hold(Hold(HoldReason.RETURN_OVERDUE, shipment), "goods that a store sent back have not arrived")
    if waiting := [by for shipment, by in out.items() if shipment not in late]:
        draft.await_for(_GOODS, store_of(draft.facts), min(waiting), OPERATOR)


def _still_out(draft: OrderDraft) -> Sequence[ParcelFacts]:
    return [one for one in draft.parcels.values() if one.tracking_status not in ENDED]


def _told_as(draft: OrderDraft, shop: Shop, keep: Kept) -> str:
    """The day for which the goods are kept, and, where the visit comes back to a day, which time that is: the customer's last word was
    of another one."""
    before = [_kept_for(draft, shop, day).visit_on for day in draft.facts.visits].count(keep.visit_on)
    return f"{keep.visit_on.isoformat()}:{before + 1}" if before else keep.visit_on.isoformat()


def _tell_customer(draft: OrderDraft, shop: Shop, now: datetime, template: str, keep: Kept, *, about: str) -> None:
    """Once for each ``about``."""
    facts, lines = draft.facts, dict[str, int]()
    for parcel in at_store(draft):
        for line, pieces in parcel.lines.items():
            lines[line] = lines.get(line, 0) + pieces
    mail = customer_mail(
        template,
        facts,
        shop,
        now,
        about=about,
        lines=lines_of(facts, lines.items()),
        visit_on=keep.visit_on,
        keep_until=keep.keep_until,
    )
    draft.tell(mail)


def _lines(draft: OrderDraft, *, kept: bool) -> Sequence[str]:
    """The lines that lay in the store before, or those that came to it."""
    lay = {line for one in draft.shipments if draft.facts.is_kept_by(one.supplier) for line in one.lines}
    return [line["line"] for line in draft.facts.document["lines"] if (line["line"] in lay) is kept]


def _to_store(
    draft: OrderDraft, shop: Shop, now: datetime, what: str, lines: Sequence[str], about: str = ""
) -> MailIntent:
    store, visit_on = store_of(draft.facts), visit_of(draft.facts)
    return store_mail(draft.facts, shop, now, store, what, visit_on, lines=lines, about=about)
