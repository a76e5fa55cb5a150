"""Cash on delivery (代金引換): which parcel brings an order's money in, and what becomes of one that nobody receives (PAY-09)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from models.states import HoldReason, OrderState, PaymentState, TrackingState
from models.subject import SHIPMENT, Subject
from pipelines.changes.arrival import WAITS_AT as DELIVERIES_WAIT_AT
from pipelines.changes.collection import candidates, collecting_parcel, to_be_collected
from pipelines.changes.ending import cancel_order
from pipelines.changes.money import ask_for_refund, is_owed_on_delivery
from pipelines.changes.undelivered import count_undelivered
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, ParcelFacts
from pipelines.inquiries.inquiry import ANSWER
from pipelines.orders.mails import cash, customer_mail, parcel_context
from pipelines.rules.dates.inquiry import ANSWER_WITHIN
from pipelines.rules.dates.unclaimed import Unclaimed, unclaimed
from pipelines.rules.holds import Hold
from pipelines.rules.money.collecting import collecting, gone
from pipelines.rules.parcels import ENDED
from pipelines.shops import Shop

_MONEY: Final = "carrier.collection"
_GOODS: Final = "carrier.return"
REMIND: Final = "remind"
CANCEL: Final = "cancel"
OPERATOR: Final = "operator"
#: How a parcel fares of which its customer need not be reminded.
_ON_ITS_WAY_BACK: Final = frozenset({TrackingState.REFUSED, TrackingState.RETURNING, TrackingState.RETURNED})
_ACCIDENTS: Final = frozenset({TrackingState.LOST, TrackingState.DAMAGED})
REASON: Final = "cod_unclaimed"


Answers = Mapping[tuple[str | None, str], EventFacts]
"""(Shipment, parcel's key) -> what its carrier answered just now."""


def watch_money(draft: OrderDraft, shop: Shop, now: datetime, answers: Answers) -> None:
    """Wait for the money that a carrier collects; where no parcel brings it in, a human has the order. What the carrier answers goes
    before what was heard; where it can be asked, no order ends before it was."""
    parcel = collecting_parcel(draft, shop) if is_owed_on_delivery(draft) else None
    if parcel is None:
        _hold(draft, None) if _is_brought_by_nobody(draft, shop) else _lift(draft)
        return
    answer = answers.get((parcel.shipment, parcel.key))
    parcel = _heard(parcel, answer)
    if parcel.tracking_status in _ACCIDENTS:
        _hold(draft, parcel)
        return
    if parcel.tracking_status == TrackingState.DELIVERED:  # the news of it is on its way, and brings the money in
        until = now + timedelta(days=shop.payment.cod_redelivery_wait_days)
        draft.await_for(_MONEY, parcel.carrier or draft.shipment(parcel.shipment).supplier, until, CANCEL)
        return
    due = unclaimed(shop, draft.money.method, parcel.shipped_at, parcel.tracking_status, parcel.status_as_of)
    if due is None:
        return
    if due.cancel_at > now:
        _lift(draft)
        _wait(draft, shop, now, parcel, due)
    elif not _may_be_cancelled(draft, parcel):
        _hold(draft, parcel)
    elif answer is None and shop.is_asked(parcel.carrier) and due.cancel_at + ANSWER_WITHIN > now:
        draft.await_for(ANSWER, parcel.carrier or "", due.cancel_at + ANSWER_WITHIN, CANCEL)
    else:
        _cancel(draft, shop, now, parcel)


def _heard(parcel: ParcelFacts, answer: EventFacts | None) -> ParcelFacts:
    """``parcel`` as its carrier says that it fares; a word that nobody knows, or older than the last news, says nothing."""
    status = answer.body["status"] if answer is not None else None
    if answer is None or status is None or (parcel.status_as_of is not None and answer.at < parcel.status_as_of):
        return parcel
    return parcel._replace(tracking_status=status, status_as_of=answer.at)


def _is_brought_by_nobody(draft: OrderDraft, shop: Shop) -> bool:
    """Whether goods go out, and none of their suppliers was or will be told to collect."""
    goes = any(not gone(one.state) for one in draft.shipments)
    return goes and is_owed_on_delivery(draft) and collecting(candidates(draft), shop.payment.cod_collects) is None


def _hold(draft: OrderDraft, parcel: ParcelFacts | None) -> None:
    hold = Hold(HoldReason.COD_UNCOLLECTED, parcel.shipment if parcel else None, amount=draft.due)
    draft.hold(hold, "cash on delivery that nothing brings in", anew=True)


def _lift(draft: OrderDraft) -> None:
    draft.lift(lambda hold: hold.reason == HoldReason.COD_UNCOLLECTED, "the money is in, or will be")


def _wait(draft: OrderDraft, shop: Shop, now: datetime, parcel: ParcelFacts, due: Unclaimed) -> None:
    """Wait on; remind the customer, once, of a parcel that can still be received."""
    from_ = parcel.carrier or draft.shipment(parcel.shipment).supplier
    remind_at = None if parcel.tracking_status in _ON_ITS_WAY_BACK else due.remind_at
    if remind_at is not None and remind_at > now:
        draft.await_for(_MONEY, from_, remind_at, REMIND)
        return
    if remind_at is not None and _is_not_over(due, now):
        _remind(draft, shop, now, parcel, due)
    draft.await_for(_MONEY, from_, due.cancel_at, CANCEL if _may_be_cancelled(draft, parcel) else OPERATOR)


def _is_not_over(due: Unclaimed, now: datetime) -> bool:
    return now.date() <= due.receive_by


def _remind(draft: OrderDraft, shop: Shop, now: datetime, parcel: ParcelFacts, due: Unclaimed) -> None:
    facts, shipment = draft.facts, draft.shipment(parcel.shipment)
    draft.tell(
        customer_mail(
            "cod_unclaimed",
            facts,
            shop,
            now,
            about=f"{parcel.shipment}:{parcel.key}",
            shipment_id=parcel.shipment,
            parcel=parcel_context(facts, shop, parcel, shipment, now),
            collect=cash(facts.method, to_be_collected(draft, shop), shop),
            receive_by=due.receive_by,
        )
    )


def _may_be_cancelled(draft: OrderDraft, parcel: ParcelFacts) -> bool:
    """Nothing is with the customer, nothing is still to leave, and the carrier could have said that it was delivered."""
    if draft.state not in (OrderState.SHIPPED, OrderState.UNDELIVERED) or parcel.tracking_number is None:
        return False
    return all(one.tracking_status != TrackingState.DELIVERED for one in draft.parcels.values())


def _cancel(draft: OrderDraft, shop: Shop, now: datetime, parcel: ParcelFacts) -> None:
    """Nobody received it: the order ends, and the goods are free again once they are back."""
    cancel_order(
        draft, shop, now, reason=REASON, cause=f"not received in {shop.payment.cod_unclaimed_days} days (PAY-09)"
    )
    for shipment in draft.shipments:
        if draft.parcels_of(shipment.id):
            draft.end_wait(DELIVERIES_WAIT_AT, Subject(SHIPMENT, shipment.id))
    count_undelivered(draft, parcel.shipment)
    watch_goods(draft, shop, now)


def watch_goods(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """After the cancel: what is back is free, what was received after all is paid for, and the rest is waited for."""
    back = [one for one in draft.parcels.values() if one.tracking_status == TrackingState.RETURNED]
    returned = {line for parcel in back for line in parcel.lines}
    for line in draft.facts.order.lines:
        if line.line in returned and line.availability == "unique":
            draft.free_item(line.sku)
    _settle_late_money(draft, shop, now)
    out = [one for one in draft.parcels.values() if one.tracking_status not in ENDED]
    late = {one.shipment for one in out if _back_by(draft, shop, one) <= now}
    draft.lift(
        lambda hold: hold.reason == HoldReason.RETURN_OVERDUE and hold.shipment not in late,
        "the parcel is not out any more",
    )
    for shipment in sorted(late):
        draft.hold(Hold(HoldReason.RETURN_OVERDUE, shipment), "an unclaimed parcel is not back")
    if waiting := [(_back_by(draft, shop, one), one.carrier or "") for one in out if one.shipment not in late]:
        until, carrier = min(waiting)
        draft.await_for(_GOODS, carrier, until, OPERATOR)


def _back_by(draft: OrderDraft, shop: Shop, parcel: ParcelFacts) -> datetime:
    due = unclaimed(shop, draft.money.method, parcel.shipped_at, parcel.tracking_status, parcel.status_as_of)
    ends = due.cancel_at if due is not None else parcel.shipped_at
    return ends + timedelta(days=shop.payment.cod_return_days)


def _settle_late_money(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """A parcel that was received after the cancel was paid for; unless that was the way back to whoever sent it (B.4.3)."""
    parcel, amount = collecting_parcel(draft, shop), to_be_collected(draft, shop)
    received = parcel is not None and parcel.tracking_status == TrackingState.DELIVERED
    if parcel is not None and received and draft.money.state == PaymentState.VOIDED and amount:
        draft.move_payment(PaymentState.CAPTURED, "collected after the cancel", authorized=amount, captured=amount)
        if any(draft.cancelled.values()):
            ask_for_refund(draft, shop, now, amount, "collected for cancelled goods")
        else:
            draft.hold(Hold(HoldReason.COD_AFTER_CANCEL, parcel.shipment, amount=amount), "collected after the cancel")
    elif not received and any(hold.reason == HoldReason.COD_AFTER_CANCEL for hold in draft.holds):
        draft.move_payment(PaymentState.PENDING, "not collected after all", authorized=0, captured=0)
        draft.move_payment(PaymentState.VOIDED, "not collected after all")
        draft.lift(lambda hold: hold.reason == HoldReason.COD_AFTER_CANCEL, "not collected after all")
