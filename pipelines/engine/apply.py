"""Apply: what a batch decided becomes rows, written in a fixed number of statements. The one writer of orders' state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from models.store import (
    adjustments,
    coupons,
    customers,
    effect_items,
    effects,
    holds,
    inbox,
    items,
    mails,
    orders,
    parcels,
    payments,
    readdressings,
    repricings,
    retention,
    search,
    shipments,
    transitions,
    visits,
    work,
)
from models.store.adjustments import AdjustmentRow
from models.store.coupons import CouponAgainRow, CouponUseRow, ReturnedCouponRow
from models.store.customers import MarkRow
from models.store.effect_items import NewItemRow
from models.store.effects import NewEffectRow
from models.store.holds import ClosedHoldRow, NewHoldRow
from models.store.inbox import EventEndRow
from models.store.items import FreedItemRow, ItemRow
from models.store.mails import MailCopyRow, NewMailRow
from models.store.orders import LinePiecesRow, OrderChangeRow
from models.store.parcels import ParcelRow
from models.store.payments import EntryRow, PaymentChangeRow
from models.store.repricings import NewRepricingRow
from models.store.shipments import NewShipmentLineRow, NewShipmentRow, ShipmentChangeRow, ShipmentPiecesRow
from models.store.transitions import TransitionRow
from models.store.work import WorkRow
from models.subject import order_subject
from pipelines.engine import announce
from pipelines.engine.between import pass_on
from pipelines.engine.decision import Decision
from pipelines.engine.facts import Facts
from pipelines.engine.ledger import Ledger
from pipelines.engine.place_rows import readdressing_rows, term_rows, visit_rows
from pipelines.engine.returns_rows import write_returns
from pipelines.engine.stage import Stage
from pipelines.errors import ShukkaError
from pipelines.rules.money.repricing import Repricing
from pipelines.shops.retention import LEAST_DAYS


@dataclass(slots=True)
class BatchResult:
    """What a batch did: orders claimed and decided, and whose bells should ring now."""

    claimed: int = 0
    decided: int = 0
    stages: set[str] = field(default_factory=set)
    effects: set[str] = field(default_factory=set)


def sum_of(results: Iterable[BatchResult]) -> BatchResult:
    """What several batches did together."""
    total = BatchResult()
    for one in results:
        total.claimed += one.claimed
        total.decided += one.decided
        total.stages |= one.stages
        total.effects |= one.effects
    return total


class StaleFacts(ShukkaError):
    """Decisions were taken on facts that hold no more, perhaps since two of them want the same: the batch is dropped and taken again
    in parts."""


def apply(
    connection: Connection,
    stage: Stage,
    decisions: Sequence[Decision],
    new_mails: Sequence[NewMailRow],
    ledger: Ledger,
    now: datetime,
) -> BatchResult:
    """Write all decisions of a batch: state, history, next work, effects. Raises StaleFacts.

    ``ledger`` has carried out what they ask of points; moves of the orders' own lots become moves of the decisions.
    """
    lots = ledger.write_books()
    for decision in decisions:
        decision.moves += lots.pop(decision.facts.id, ())
    ledger.write_history(lots)
    _write_orders(connection, decisions)
    payments.change(connection, _payment_rows(decisions))
    payments.enter(connection, _entry_rows(decisions, now))
    _write_shipments(connection, decisions)
    write_returns(connection, decisions)
    holds.close(connection, [ClosedHoldRow(one.id, now, one.cause) for d in decisions for one in d.closed_holds])
    holds.add(connection, _hold_rows(decisions, now))
    transitions.add(connection, _transition_rows(decisions, now))
    mails.add(connection, new_mails)
    copies = [MailCopyRow(one.id, one.message_id, one.to, now) for d in decisions for one in d.resent]
    mails.copy(connection, copies)
    asked, shared = _effect_rows(decisions), _item_rows(decisions)
    effects.add(connection, asked)
    effect_items.join(connection, shared)
    announced = announce.announcements(decisions, announce.subscribers(connection), now)
    effects.add(connection, announced)
    adjustments.add(connection, _adjustment_rows(decisions, now))
    inbox.end(connection, [EventEndRow(*event) for d in decisions for event in d.events])
    customers.add_marks(connection, _mark_rows(decisions, now))
    coupons.give_back(connection, _returned_coupon_rows(decisions, now))
    repriced = [(d.facts, d.repricing) for d in decisions if d.repricing is not None]
    repricings.add(connection, _repricing_rows(repriced, now))
    coupons.put(connection, _coupon_rows(repriced, now))
    coupons.use_again(connection, [CouponAgainRow(d.facts.id, key) for d in decisions for key in d.coupons_used_again])
    readdressings.add(connection, readdressing_rows(decisions, now))
    visits.add(connection, visit_rows(decisions, now))
    search.add(connection, term_rows(decisions))
    items.free(connection, [FreedItemRow(d.facts.id, sku) for d in decisions for sku in d.frees_items])
    _take_items(connection, [ItemRow(d.facts.shop, sku, d.facts.id) for d in decisions for sku in d.takes_items])
    work.finish(connection, [place for d in decisions for place in d.facts.places])
    work.end_waits(connection, [ended for d in decisions for ended in d.ended_waits])
    work.end_plans(connection, [ended for d in decisions for ended in d.ended_plans])
    due = _work_rows(decisions)
    work.schedule(connection, due)
    hearing = pass_on(connection, decisions, now)
    if old := [d.facts.id for d in decisions if now - d.facts.accepted_at >= timedelta(days=LEAST_DAYS)]:
        retention.come_again(connection, old)
    return BatchResult(
        decided=len(decisions),
        stages={row.stage for row in due if row.due_at <= now} | hearing,
        effects={row.kind for row in (*asked, *announced)}
        | {row.kind for row in shared}
        | ({mails.SEND} if new_mails or copies else set()),
    )


def _take_items(connection: Connection, rows: Sequence[ItemRow]) -> None:
    if items.take(connection, rows) < len(rows):
        raise StaleFacts("another order took an item while it was decided")


def _write_orders(connection: Connection, decisions: Sequence[Decision]) -> None:
    rows = [
        OrderChangeRow(
            id=d.facts.id,
            version=d.facts.version,
            state=d.state,
            condition=d.condition or d.facts.condition,
            moves=len(d.moves),
        )
        for d in decisions
        if d.moves or d.opened_holds or d.closed_holds
    ]
    written = orders.change(connection, rows)
    if written != len(rows):
        raise StaleFacts(f"{len(rows) - written} orders moved on while they were decided")
    pieces = [
        LinePiecesRow(d.facts.id, line, d.line_shipped.get(line), d.line_cancelled.get(line))
        for d in decisions
        for line in sorted(d.line_shipped.keys() | d.line_cancelled.keys())
    ]
    orders.change_lines(connection, pieces)


def _payment_rows(decisions: Sequence[Decision]) -> list[PaymentChangeRow]:
    return [
        PaymentChangeRow(
            order_id=d.facts.id,
            state=d.payment.state,
            authorized=d.payment.authorized,
            captured=d.payment.captured,
            refunded=d.payment.refunded,
            refunded_by_hand=d.payment.refunded_by_hand,
            reference=d.payment.reference,
            code=d.payment.code,
            expires_at=d.payment.expires_at,
            gateway=d.payment.gateway,
            instructions=d.payment.instructions,
            as_of=d.payment.as_of,
            fee=d.payment.fee,
            liability=d.payment.liability,
            terms_from=d.payment.terms_from,
        )
        for d in decisions
        if d.payment is not None
    ]


def _entry_rows(decisions: Sequence[Decision], now: datetime) -> list[EntryRow]:
    """What changed of each payment's sums."""
    rows = []
    for decision in decisions:
        if decision.payment is not None:
            old = decision.facts.payment
            new = decision.payment.after(old)
            sums = (
                new.authorized - old.authorized,
                new.captured - old.captured,
                new.refunded - old.refunded,
                new.fee - old.fee,
            )
            if any(sums):
                rows.append(EntryRow(decision.facts.id, now, *sums))
    return rows


def _write_shipments(connection: Connection, decisions: Sequence[Decision]) -> None:
    planned = [(d.facts.id, one) for d in decisions for one in d.new_shipments]
    new = [
        NewShipmentRow(
            id=one.id,
            order_id=order_id,
            supplier=one.supplier,
            state=one.state,
            backorder=one.backorder,
            dispatch_on=one.dispatch_on,
            instruct_at=one.instruct_at,
            arrive_on=one.arrive_on,
            because=one.because,
        )
        for order_id, one in planned
    ]
    shipments.add(connection, new)
    shipments.add_lines(
        connection, [NewShipmentLineRow(one.id, line, pieces) for _, one in planned for line, pieces in one.lines]
    )
    changes = [one for d in decisions for one in d.shipments.values()]
    shipments.change(
        connection,
        [
            ShipmentChangeRow(
                id=c.id,
                state=c.state,
                dispatch_on=c.dispatch_on,
                arrive_on=c.arrive_on,
                because=c.because,
                plan_as_of=c.plan_as_of,
                reason=c.reason,
                told_at=c.told_at,
                collects=c.collects,
                supplier=c.supplier,
                instruct_at=c.instruct_at,
                again=c.again,
                call_off=c.call_off,
                call_off_as_of=c.call_off_as_of,
            )
            for c in changes
        ],
    )
    pieces = [
        ShipmentPiecesRow(one.id, line, one.shipped.get(line), one.cancelled.get(line))
        for one in changes
        for line in sorted(one.shipped.keys() | one.cancelled.keys())
    ]
    shipments.change_lines(connection, pieces)
    parcels.put(connection, _parcel_rows(decisions))


def _parcel_rows(decisions: Sequence[Decision]) -> list[ParcelRow]:
    return [
        ParcelRow(
            order_id=d.facts.id,
            shipment_id=one.shipment,
            key=one.key,
            shipped_at=one.shipped_at,
            claim=one.claim,
            lines=one.lines,
            carrier=one.carrier,
            tracking_number=one.tracking_number,
            number_as_of=one.number_as_of,
            tracking_status=one.tracking_status,
            status_as_of=one.status_as_of,
        )
        for d in decisions
        for one in d.parcels.values()
    ]


def _hold_rows(decisions: Sequence[Decision], now: datetime) -> list[NewHoldRow]:
    return [
        NewHoldRow(
            order_id=d.facts.id,
            reason=one.hold.reason,
            shipment_id=one.hold.shipment,
            lines=one.hold.lines,
            amount=one.hold.amount,
            facts=one.hold.facts,
            opened_at=now,
            opened_by=one.cause,
        )
        for d in decisions
        for one in d.opened_holds
    ]


def _transition_rows(decisions: Sequence[Decision], now: datetime) -> list[TransitionRow]:
    return [
        TransitionRow(
            order_id=d.facts.id,
            entity=move.entity,
            entity_id=move.id,
            from_state=move.old,
            to_state=move.new,
            cause=move.cause,
            at=now,
        )
        for d in decisions
        for move in d.moves
    ]


def _effect_rows(decisions: Sequence[Decision]) -> list[NewEffectRow]:
    return [
        NewEffectRow(
            key=one.key,
            kind=one.kind,
            order_id=d.facts.id,
            shipment_id=one.shipment,
            payload=one.payload,
            wakes=one.wakes,
        )
        for d in decisions
        for one in d.effects
        if one.batch is None
    ]


def _item_rows(decisions: Sequence[Decision]) -> list[NewItemRow]:
    """Wishes that share an effect with others of their batch."""
    return [
        NewItemRow(
            batch=one.batch,
            kind=one.kind,
            payload=one.payload,
            key=one.key,
            order_id=d.facts.id,
            shipment_id=one.shipment,
            wakes=one.wakes,
        )
        for d in decisions
        for one in d.effects
        if one.batch is not None
    ]


def _adjustment_rows(decisions: Sequence[Decision], now: datetime) -> list[AdjustmentRow]:
    return [
        AdjustmentRow(
            order_id=d.facts.id,
            sequence=one.sequence,
            key=one.key,
            kind=one.change.kind,
            reason=one.reason,
            amounts=one.change.to_json(),
            money=one.change.money,
            points=one.change.points_returned,
            rank_spend=one.change.rank_spend,
            at=now,
        )
        for d in decisions
        for one in d.adjustments
    ]


def _mark_rows(decisions: Sequence[Decision], now: datetime) -> list[MarkRow]:
    return [
        MarkRow(d.facts.shop, d.facts.customer_id, kind, source, now) for d in decisions for kind, source in d.marks
    ]


def _returned_coupon_rows(decisions: Sequence[Decision], now: datetime) -> list[ReturnedCouponRow]:
    return [
        ReturnedCouponRow(d.facts.id, code_key, because, now)
        for d in decisions
        for code_key, because in d.returned_coupons
    ]


def _repricing_rows(repriced: Sequence[tuple[Facts, Repricing]], now: datetime) -> list[NewRepricingRow]:
    """The sums that hold from now on."""
    return [
        NewRepricingRow(
            order_id=facts.id,
            sequence=facts.known.times + 1,
            key=one.name,
            reason=one.reason,
            by=one.by,
            breakdown=one.after.to_json(),
            grand_total=one.after.grand_total,
            at=now,
        )
        for facts, one in repriced
    ]


def _coupon_rows(repriced: Sequence[tuple[Facts, Repricing]], now: datetime) -> list[CouponUseRow]:
    """The coupons that orders use from now on; a guest's are nobody's."""
    return [
        CouponUseRow(
            shop=facts.shop,
            customer_id=facts.customer_id,
            code_key=use.key,
            order_id=facts.id,
            kind=use.kind,
            once=use.once,
            at=now,
        )
        for facts, one in repriced
        if facts.customer_id
        for use in one.uses
    ]


def _work_rows(decisions: Sequence[Decision]) -> list[WorkRow]:
    rows = []
    for d in decisions:
        for one in d.work:
            subject = one.subject or order_subject(d.facts.id)
            rows.append(
                WorkRow(
                    stage=one.stage,
                    subject_kind=subject.kind,
                    subject_id=subject.id,
                    order_id=d.facts.id,
                    due_at=one.due_at,
                    what=one.what,
                    counterparty=one.from_,
                    consequence=one.then,
                )
            )
    return rows
