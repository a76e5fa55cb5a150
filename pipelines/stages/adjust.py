"""Adjust (欠品・明細取消): an operator takes lines out of an order before they left; money, points and people follow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from models.states import OrderState, ShipmentState
from pipelines.changes.arrival import follow_parcels, tell_first_of
from pipelines.changes.collection import to_be_collected
from pipelines.changes.credit import credit
from pipelines.changes.ending import AT_WISH, cancel_order
from pipelines.changes.money import LETS_GO, TAKES, capture, is_collected, is_owed_on_delivery
from pipelines.changes.requests import answer
from pipelines.changes.sending import ask_to_collect_anew
from pipelines.changes.suppliers import call_off, heard_from, may_be_told
from pipelines.engine.decision import REPLACEMENT_CANCELLED
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.orders.actions.cancel_lines import ACTION, LinesCancelled
from pipelines.orders.mails import bill_of, customer_mail, lines_of, what_is_left
from pipelines.orders.pieces import by_line
from pipelines.rules.money.adjustments import CANCEL, SHORT, Adjustment, adjust
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Take out what was asked, one request after the other (INT-13)."""
    answer(ACTION, draft, shop, now, lambda event, asked: _take_out(draft, shop, now, event, asked))


def _take_out(draft: OrderDraft, shop: Shop, now: datetime, event: EventFacts, asked: LinesCancelled) -> None:
    lines, kind = by_line(asked.lines), CANCEL if asked.fault == "customer" else SHORT
    scope = shop.points.rounding_scope
    change = adjust(draft.facts.breakdown, draft.adjustments, kind, lines.items(), earn_scope=scope)
    key, reason = f"{event.source}:{event.event_id}", asked.reason
    touched = _cancel_pieces(draft, shop, now, lines, reason)
    heard_from(draft, now)
    if not any(shipment.left for shipment in draft.shipments) and draft.state != OrderState.PARTLY_SHIPPED:
        draft.adjust(key, reason, change)
        reason = AT_WISH if kind == CANCEL else "out_of_stock"
        cancel_order(draft, shop, now, reason=reason, cause="every line taken out (INT-13)")
        return
    change = credit(draft, shop, now, key=key, reason=reason, change=change)
    tell_first_of(draft, REPLACEMENT_CANCELLED, dict(change.lines))
    if change.money and is_owed_on_delivery(draft):
        ask_to_collect_anew(draft, shop, now)
    _tell(draft, shop, now, change)
    # A shipment that was refused goes nowhere by itself: what is left of it still waits for the operator.
    answered = {shipment.id for shipment in touched if shipment.state != ShipmentState.REFUSED}
    gone = {line for line, pieces in draft.gone.items() if pieces}
    draft.lift(
        lambda hold: hold.answered_by(ACTION.name) and hold.shipment in answered and hold.lines.keys() <= gone,
        "lines taken out",
    )
    _follow(draft, shop, now)


def _cancel_pieces(
    draft: OrderDraft, shop: Shop, now: datetime, lines: Mapping[str, int], reason: str
) -> list[ShipmentDraft]:
    """Take the pieces from the shipments, those with bad news first; the shipments that were touched."""
    bad_news = {hold.shipment for hold in draft.holds if hold.answered_by(ACTION.name)}
    ranked = sorted(draft.shipments, key=lambda s: (s.id not in bad_news, s.state != ShipmentState.BACKORDERED, s.id))
    taken: dict[str, dict[str, int]] = {}
    for line, quantity in lines.items():
        left = quantity
        for shipment in ranked:
            if part := min(left, shipment.open(line)):
                shipment.cancel(line, part)
                taken.setdefault(shipment.id, {})[line] = part
                left -= part
    for id_, pieces in taken.items():
        shipment = draft.shipment(id_)
        if may_be_told(draft, shipment) and id_ not in bad_news:
            about = f"{id_}:adjust:{len(draft.adjustments)}"
            call_off(draft, shop, now, shipment, pieces, about=about, reason=reason)
        _close(shipment)
    return [draft.shipment(id_) for id_ in taken]


def _close(shipment: ShipmentDraft) -> None:
    """A shipment of which nothing is left to ship has shipped, or ends."""
    if shipment.left:
        return
    if any(pieces.shipped for pieces in shipment.lines.values()):
        shipment.move(ShipmentState.SHIPPED, "the rest was taken out")
    else:
        shipment.move(ShipmentState.CANCELLED, "every line taken out")


def _tell(draft: OrderDraft, shop: Shop, now: datetime, change: Adjustment) -> None:
    """The customer hears what is missing and what the order is now."""
    facts = draft.facts
    draft.tell(
        customer_mail(
            "order_short",
            facts,
            shop,
            now,
            about=f"adjust:{len(draft.adjustments)}",
            short_lines=lines_of(facts, change.lines),
            wished=change.kind == CANCEL,
            bill=bill_of(facts, now),
            collected=_collected(draft, shop),
            **what_is_left(draft, shop),
        )
    )


def _collected(draft: OrderDraft, shop: Shop) -> dict[str, int] | None:
    """What the carrier collects all the same, since the parcel with the label has left, and what of it goes back (PAY-09)."""
    if not is_owed_on_delivery(draft) or (amount := to_be_collected(draft, shop)) <= draft.due:
        return None
    return {"amount": amount, "back": amount - draft.due}


def _follow(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """With the missing pieces gone the rest may be complete: then the order, its money and its points move on."""
    live = [shipment for shipment in draft.shipments if shipment.is_live]
    if live and all(shipment.state == ShipmentState.SHIPPED for shipment in live):
        follow_parcels(draft, shop, now)
        capture(draft, shop, now)
        draft.next("reward", now)
    else:
        draft.next("dispatch", now)
    if is_collected(draft.money):
        draft.next("collect", now)


STAGE = Stage(
    "adjust",
    decide,
    Need.PAYMENT
    | Need.SHIPMENTS
    | Need.PARCELS
    | Need.LOTS
    | Need.PURSE
    | Need.COUPONS
    | Need.EVENTS
    | Need.EFFECTS
    | Need.SUPPLIERS
    | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes,),
    leads_to=("dispatch", "settle", "reward", "collect"),
    asks=(*TAKES, *LETS_GO),
)
