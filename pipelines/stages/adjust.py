"""Adjust (欠品・明細取消): an operator takes lines out of an order before they left; money, points and people follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from models.states import OrderState, ShipmentState, TrackingState
from pipelines.engine.stage import (
    Decision,
    EventFacts,
    Facts,
    LineFacts,
    Need,
    NewAdjustment,
    ShipmentFacts,
    Stage,
)
from pipelines.errors import Problem
from pipelines.orders.mails import customer_mail, lines_of, supplier_mail, what_is_left
from pipelines.rules.money.adjustments import CANCEL, SHORT, Adjustment, adjust
from pipelines.shops import Shop
from pipelines.stages.cancelling import UNTOLD, cancel_order
from pipelines.stages.capturing import capture, collect
from pipelines.stages.crediting import credit
from pipelines.stages.dispatch import address
from pipelines.stages.news import short_lines
from pipelines.stages.requests import answer, asked_lines, missing

REQUESTED = "order.cancel_lines"

_OPEN_ORDER = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)
#: Holds that an operator answers by taking the lines out.
_ANSWERED = frozenset({"supplier_short", "supplier_refused"})


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Take out what was asked, one request after the other (INT-13)."""

    def take_out(decision: Decision, event: EventFacts) -> None:
        _take_out(decision, facts, shop, now, event, asked_lines(event))

    return answer(facts, STAGE.name, now, lambda event: refusals(facts, asked_lines(event)), take_out)


def refusals(facts: Facts, lines: Mapping[str, int]) -> list[Problem]:
    """Why ``lines`` (line -> pieces) cannot be taken out now; none if they can. The stage was told the shipments."""
    if facts.state not in _OPEN_ORDER or not facts.shipments:
        says = (
            f"the order is {facts.state}: lines are taken out between authorization and dispatch; before it cancel the "
            "order, after it take a return"
        )
        return [Problem("state", says)]
    return missing(facts, lines, lambda line: _open_pieces(facts, line), "have neither left nor been cancelled")


def _open_pieces(facts: Facts, line: str) -> int:
    return sum(s.lines[line].open for s in facts.shipments if s.is_live and line in s.lines)


def _take_out(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, event: EventFacts, lines: Mapping[str, int]
) -> None:
    kind = CANCEL if event.body.get("fault") == "customer" else SHORT
    change = adjust(facts.breakdown, facts.adjustments, kind, lines.items())
    key, reason = f"{event.source}:{event.event_id}", str(event.body.get("reason") or "")
    touched = _cancel_pieces(decision, facts, shop, now, lines, reason)
    if not any(_pieces_left(decision, s) for s in facts.shipments) and facts.state != OrderState.PARTLY_SHIPPED:
        decision.hold = []
        decision.adjustments.append(NewAdjustment(key, reason, change))
        reason = "customer_request" if kind == CANCEL else "out_of_stock"
        cancel_order(decision, facts, shop, now, reason=reason, cause="every line taken out (INT-13)")
        return
    change = credit(decision, facts, shop, now, key=key, reason=reason, change=change)
    _tell(decision, facts, shop, now, change)
    # A shipment that was refused goes nowhere by itself: what is left of it still waits for the operator.
    answered = {s.id for s in touched if s.state != ShipmentState.REFUSED or not _pieces_left(decision, s)}
    gone = {line for line, pieces in decision.gone.items() if pieces}
    decision.lift_holds(
        lambda h: h["reason"] in _ANSWERED and h.get("shipment") in answered and short_lines(h) <= gone,
        "lines taken out",
    )
    _follow(decision, facts, shop, now)


def _cancel_pieces(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, lines: Mapping[str, int], reason: str
) -> list[ShipmentFacts]:
    """Take the pieces from the shipments, those with bad news first; the shipments that were touched."""
    touched: list[ShipmentFacts] = []
    bad_news = {h.get("shipment") for h in facts.hold if h["reason"] in _ANSWERED}
    ranked = sorted(facts.shipments, key=lambda s: (s.id not in bad_news, s.state != ShipmentState.BACKORDERED, s.id))
    for line, quantity in lines.items():
        left = quantity
        for shipment in ranked:
            pieces = shipment.lines.get(line)
            part = min(left, pieces.open) if pieces is not None and shipment.is_live else 0
            if pieces is not None and part:
                decision.change(shipment).cancelled[line] = pieces.cancelled + part
                left -= part
                if shipment not in touched:
                    touched.append(shipment)
        total = sum(s.lines[line].cancelled for s in facts.shipments if line in s.lines) + quantity
        decision.line_cancelled[line] = total
    for shipment in touched:
        if shipment.state not in UNTOLD and shipment.id not in bad_news:
            _tell_supplier(decision, facts, shop, now, shipment, reason)
        _move_shipment(decision, shipment)
    return touched


def _move_shipment(decision: Decision, shipment: ShipmentFacts) -> None:
    if _pieces_left(decision, shipment):
        return
    shipped = any(pieces.shipped for pieces in shipment.lines.values())
    new = ShipmentState.SHIPPED if shipped else ShipmentState.CANCELLED
    decision.move_shipment(shipment, new, "the rest was taken out" if shipped else "every line taken out")


def _pieces_left(decision: Decision, shipment: ShipmentFacts) -> int:
    """Pieces still to ship."""
    if not shipment.is_live:
        return 0
    change = decision.shipments.get(shipment.id)
    cancelled = change.cancelled if change else {}
    return sum(p.quantity - p.shipped - cancelled.get(line, p.cancelled) for line, p in shipment.lines.items())


def _state(decision: Decision, shipment: ShipmentFacts) -> str:
    change = decision.shipments.get(shipment.id)
    return change.state if change and change.state else shipment.state


def _tell_supplier(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, shipment: ShipmentFacts, reason: str
) -> None:
    """A supplier that was told to ship these pieces, and did not itself report them missing, hears of it."""
    cancelled = decision.change(shipment).cancelled
    fewer = {line: LineFacts(n - shipment.lines[line].cancelled, 0, 0) for line, n in cancelled.items()}
    told = replace(shipment, lines=fewer)
    mail = supplier_mail(
        "supplier_cancel", shop, instruction_of(facts, told), address(facts, shop, shipment), now, reason=reason
    )
    decision.mails.append(replace(mail, subject_key=f"{shipment.id}:adjust:{len(decision.changes)}"))


def _tell(decision: Decision, facts: Facts, shop: Shop, now: datetime, change: Adjustment) -> None:
    """The customer hears what is missing and what the order is now."""
    changes = decision.changes
    decision.mails.append(
        customer_mail(
            "order_short",
            facts,
            shop,
            now,
            about=f"adjust:{len(changes)}",
            short_lines=lines_of(facts, change.lines),
            wished=change.kind == CANCEL,
            **what_is_left(facts, shop, changes, decision.gone),
        )
    )


def _follow(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    """With the missing pieces gone the rest may be complete: then the order, its money and its points move on."""
    live = [s for s in facts.shipments if _state(decision, s) != ShipmentState.CANCELLED]
    if live and all(_state(decision, s) == ShipmentState.SHIPPED for s in live):
        decision.move_order(OrderState.SHIPPED, "what is left has shipped")
        if facts.parcels and all(p.tracking_status == TrackingState.DELIVERED for p in facts.parcels):
            decision.move_order(OrderState.DELIVERED, "all parcels delivered")
            collect(decision)
        capture(decision, shop)
        decision.next("reward", now)
    else:
        decision.next("dispatch", now)


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
    (REQUESTED,),
)
