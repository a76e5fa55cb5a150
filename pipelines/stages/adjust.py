"""Adjust (欠品・明細取消): an operator takes lines out of an order before they left; money, points and people follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from models.states import LotState, OrderState, PaymentState, ShipmentState, TrackingState
from pipelines.errors import Problem
from pipelines.mails import customer_mail, lines_of, supplier_mail
from pipelines.profile import Shop
from pipelines.rules.adjustments import SHORT, Adjustment, adjust, points_unearned, totals_after
from pipelines.stage import (
    Clawback,
    Decision,
    EventFacts,
    Facts,
    LineFacts,
    LotFacts,
    LotMove,
    Move,
    Need,
    NewAdjustment,
    ShipmentFacts,
    Stage,
)
from pipelines.stages.cancelling import UNTOLD, cancel_order, give_back
from pipelines.stages.capturing import capture, refund_excess
from pipelines.stages.dispatch import address

REQUESTED = "order.cancel_lines"

_OPEN_ORDER = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)
#: Holds that an operator answers by taking the lines out.
_ANSWERED = frozenset({"supplier_short", "supplier_refused"})


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Take out what was asked, one request after the other; a request that cannot be granted is refused whole (INT-13)."""
    decision = Decision(facts)
    for event in facts.events:
        lines = {str(one["line"]): int(one["quantity"]) for one in event.body["lines"]}
        if decision.adjustments:
            continue  # waits: the next is decided on what this one leaves
        if problems := refusals(facts, lines):
            decision.events.append((event.id, "refused", "; ".join(p.message for p in problems)))
            continue
        _take_out(decision, facts, shop, now, event, lines)
        decision.events.append((event.id, "applied", None))
    if len(facts.events) > len(decision.events):
        decision.next("adjust", now)
    return decision


def refusals(facts: Facts, lines: Mapping[str, int]) -> list[Problem]:
    """Why ``lines`` (line -> pieces) cannot be taken out now; none if they can. The stage was told the shipments."""
    if facts.state not in _OPEN_ORDER or not facts.shipments:
        says = (
            f"the order is {facts.state}: lines are taken out between authorization and dispatch; before it cancel the "
            "order, after it take a return"
        )
        return [Problem("state", says)]
    known = {share.line for share in facts.breakdown.lines}
    problems = []
    for index, (line, quantity) in enumerate(lines.items()):
        left = _open_pieces(facts, line)
        if line not in known:
            problems.append(Problem(f"lines[{index}].line", f"the order has no line {line}"))
        elif quantity > left:
            says = f"{left} pieces of line {line} have neither left nor been cancelled: ask for at most so many"
            problems.append(Problem(f"lines[{index}].quantity", says))
    return problems


def _open_pieces(facts: Facts, line: str) -> int:
    return sum(s.lines[line].open for s in facts.shipments if s.is_live and line in s.lines)


def _take_out(
    decision: Decision, facts: Facts, shop: Shop, now: datetime, event: EventFacts, lines: Mapping[str, int]
) -> None:
    change = adjust(facts.breakdown, facts.adjustments, SHORT, lines.items())
    reason = str(event.body.get("reason") or "")
    decision.adjustments.append(NewAdjustment(f"{event.source}:{event.event_id}", reason, change))
    touched = _cancel_pieces(decision, facts, shop, now, lines, reason)
    if not any(_pieces_left(decision, s) for s in facts.shipments) and facts.state != OrderState.PARTLY_SHIPPED:
        decision.hold = []
        cancel_order(decision, facts, shop, now, reason="out_of_stock", cause="every line taken out (INT-13)")
        return
    _lessen_points(decision, facts, shop, now, change)
    _settle_money(decision, facts, change)
    _tell(decision, facts, shop, now, change)
    answered = {s.id for s in touched}
    decision.lift_holds(lambda h: h["reason"] in _ANSWERED and h.get("shipment") in answered, "lines taken out")
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
    mail = supplier_mail("supplier_cancel", facts, shop, now, told, address(facts, shop, shipment), reason=reason)
    decision.mails.append(replace(mail, subject_key=f"{shipment.id}:adjust:{len(decision.changes)}"))


def _lessen_points(decision: Decision, facts: Facts, shop: Shop, now: datetime, change: Adjustment) -> None:
    """Pending points shrink, valid ones are taken back (PTS-13, PTS-14); used ones return to their lots (PTS-12)."""
    source = f"order:{facts.id}:adjust:{len(facts.adjustments) + 1}"
    lots = [lot for lot in facts.lots if lot.kind == "purchase"]
    for line, points in points_unearned(facts.breakdown, facts.adjustments, change).items():
        # A lot an order, or one a line where each parcel activates its own (SPL-05).
        lot = next((one for one in lots if one.source.endswith(f":earn:{line}")), lots[0] if lots else None)
        if lot is not None and points:
            _unearn(decision, f"{source}:{line}", lot, points)
    left = change.points_returned
    # The lots that would last longest were spent last, so they get theirs back first.
    for used in sorted(
        facts.used_points, key=lambda u: (u.expires_at is None, u.expires_at or now, u.lot), reverse=True
    ):
        part = min(left, used.amount)
        left -= part
        if part:
            give_back(decision, shop, now, used, part, source)


def _unearn(decision: Decision, source: str, lot: LotFacts, points: int) -> None:
    if lot.state != LotState.PENDING:
        decision.clawbacks.append(Clawback(source, lot.id, points))
        return
    voided = sum(-move.change for move in decision.lot_moves if move.lot == lot.id)
    part = min(points, lot.remaining - voided)
    if part > 0:
        decision.lot_moves.append(
            LotMove(lot.id, lot.state, LotState.VOID, "void", source, "pending", "void", part, -part)
        )
        if voided + part == lot.remaining:
            decision.moves.append(Move("lot", str(lot.id), lot.state, LotState.VOID, "void"))


def _settle_money(decision: Decision, facts: Facts, change: Adjustment) -> None:
    """Not captured yet: the capture will be less. Captured: refund, by hand where no gateway can."""
    money = facts.money
    if money.state not in (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED) or not change.money:
        return
    if money.reference:
        refund_excess(decision)
    else:
        says = f"Give {change.money} yen back to the customer: no gateway can."
        decision.hold_for([{"reason": "refund_due", "says": says, "blocks": "release"}], "lines taken out")


def _tell(decision: Decision, facts: Facts, shop: Shop, now: datetime, change: Adjustment) -> None:
    """The customer hears what is missing and what the order is now."""
    changes = decision.changes
    gone = Counter[str]()
    for one in changes:
        gone.update(dict(one.lines))
    left = [(line.line, line.quantity - gone[line.line]) for line in facts.order.lines]
    totals = {**totals_after(facts.breakdown, changes), "price_display": shop.price.display}
    decision.mails.append(
        customer_mail(
            "order_short",
            facts,
            shop,
            now,
            about=f"adjust:{len(changes)}",
            lines=lines_of(facts, left),
            totals=totals,
            short_lines=lines_of(facts, change.lines),
        )
    )


def _follow(decision: Decision, facts: Facts, shop: Shop, now: datetime) -> None:
    """With the missing pieces gone the rest may be complete: then the order, its money and its points move on."""
    live = [s for s in facts.shipments if _state(decision, s) != ShipmentState.CANCELLED]
    if live and all(_state(decision, s) == ShipmentState.SHIPPED for s in live):
        decision.move_order(OrderState.SHIPPED, "what is left has shipped")
        if facts.parcels and all(p.tracking_status == TrackingState.DELIVERED for p in facts.parcels):
            decision.move_order(OrderState.DELIVERED, "all parcels delivered")
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
    | Need.EVENTS
    | Need.EFFECTS
    | Need.SUPPLIERS
    | Need.ADJUSTMENTS,
    (REQUESTED,),
)
