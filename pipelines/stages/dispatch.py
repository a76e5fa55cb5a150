"""Dispatch (出荷指示): at the planned time the supplier is told, through the channel that its profile names, and watched until
the goods have left."""

from __future__ import annotations

from datetime import datetime

from models.states import HoldReason, OrderState, ShipmentState
from pipelines.changes.authorizations import goods_may_leave, is_ending, watch_authorization
from pipelines.changes.collection import tell_to_collect
from pipelines.changes.money import RENEW, TAKES
from pipelines.changes.sending import give_to, plan_what_has_passed
from pipelines.changes.suppliers import WAITS_AT, address, goes_on, may_go, never_answered, report_of, watch
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, Need
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.engine.stage import Stage
from pipelines.rules.dates.cutoff import closes_at
from pipelines.rules.dates.reports import INSTRUCTION, OPERATOR, told_by
from pipelines.rules.holds import Hold
from pipelines.shops import Shop
from pipelines.shops.fulfilling import AUTO
from pipelines.suppliers.instructions import INSTRUCT, MAIL, WEBHOOK, instruct_key


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Instruct what is due, follow what was instructed, and wake up for what comes next."""
    if draft.state == OrderState.CANCELLED:
        return
    _reached(draft)
    ending = is_ending(draft, shop, now)
    for shipment in draft.shipments:
        goes = may_go(draft, shipment)
        if goes and shipment.is_untold and not ending:
            _tell(draft, shop, shipment, now)
        if _is_watched(draft, shipment) and not (goes and _given_elsewhere(draft, shop, shipment, now)):
            watch(draft, shop, shipment, now)
    if goods_may_leave(draft):  # a person who has the order may take longer than the money is held
        watch_authorization(draft, shop, now)


def _is_watched(draft: OrderDraft, shipment: ShipmentDraft) -> bool:
    """Whether its supplier, who was told of it, owes something, and no person has it instead."""
    return bool(shipment.is_owed and shipment.left and goes_on(draft, shipment))


def _given_elsewhere(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> bool:
    """A supplier that never answered loses the shipment to the one that its profile names; once, or two that name each other
    would hand it to and fro."""
    other = shop.supplier(shipment.supplier).instead
    if other is None or shipment.again or not never_answered(draft, shop, shipment, now):
        return False
    give_to(draft, shop, now, shipment, other, reason="", cause=f"{shipment.supplier} never answered")
    _tell(draft, shop, shipment, now)
    return True


def _reached(draft: OrderDraft) -> None:
    """A supplier that could not be reached has its instruction after all: it was sent again by hand."""
    if not draft.held:
        return
    told = {one.id for one in draft.shipments if one.is_untold and _instruction(draft, one) == "done"}
    draft.lift(
        lambda hold: hold.reason == HoldReason.SUPPLIER_UNREACHABLE and hold.shipment in told, "supplier was reached"
    )


def _instruction(draft: OrderDraft, shipment: ShipmentDraft) -> str | None:
    asked = draft.effects.get(instruct_key(shipment.id, shipment.again))
    return asked.state if asked is not None else None


def _tell(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> None:
    told = draft.effects.get(instruct_key(shipment.id, shipment.again))
    if told is not None:
        _after_instruction(draft, shop, shipment, told, now)
        return
    plan_what_has_passed(draft, shop, now, shipment)
    due_at = _due_at(draft, shop, shipment)
    if due_at > now:
        draft.again(due_at)
    else:
        _instruct(draft, shop, shipment, due_at, now)


def _channel(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> str:
    """The channel that the supplier's profile names; ``auto``: by webhook if it registered a URL, else by mail.

    Raises Misconfigured where neither reaches anybody.
    """
    named = shop.supplier(shipment.supplier).channel
    is_label = shop.batches(named) and draft.facts.is_kept_by(shipment.supplier)
    if named != AUTO and not is_label:  # a label is of no use for what does not travel (STO-01)
        return named
    if draft.facts.supplier_urls.get(shipment.supplier):
        return WEBHOOK
    address(draft, shop, shipment)
    return MAIL


def _due_at(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> datetime:
    """When the supplier is told; where all of a day's instructions go together, at its cutoff."""
    planned = shipment.instruct_at or draft.facts.accepted_at
    if shop.batches(shop.supplier(shipment.supplier).channel):
        return closes_at(shop, shipment.supplier, planned)
    return planned


def _instruct(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, due_at: datetime, now: datetime) -> None:
    """Ask for the instruction; the shipment counts as instructed once its channel has it durably, and is waited for until then."""
    if draft.state == OrderState.AUTHORIZED:  # a later shipment goes out when an earlier one has already left
        draft.move_order(OrderState.RELEASED, f"instructed {shipment.supplier}")
    channel = _channel(draft, shop, shipment)
    tell_to_collect(draft, shop, shipment)
    until = told_by(shop, shipment.supplier, asked_at=now, dispatch_on=shipment.dispatch_on)
    _await_instruction(draft, shipment, until)
    draft.ask(
        EffectIntent(
            INSTRUCT,
            instruct_key(shipment.id, shipment.again),
            wakes="dispatch",
            shipment=shipment.id,
            payload={"channel": channel, "until": until.isoformat()},
            batch=f"{channel}:{shipment.supplier}:{due_at.isoformat()}" if shop.batches(channel) else None,
        )
    )


def _await_instruction(draft: OrderDraft, shipment: ShipmentDraft, until: datetime) -> None:
    draft.await_for(INSTRUCTION, shipment.supplier, until, OPERATOR, report_of(shipment))


def _after_instruction(
    draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, told: EffectFacts, now: datetime
) -> None:
    if told.state == "pending":
        _under_way(draft, shipment, told, now)
        return
    draft.end_wait(WAITS_AT, report_of(shipment))
    if told.state == "done":
        shipment.move(ShipmentState.INSTRUCTED, (told.outcome or {}).get("says") or "supplier has the instruction")
        if not shop.is_fetched(str(told.payload.get("channel"))):
            shipment.tell(now)
    elif told.state in ("declined", "needs_review"):
        _unreachable(draft, shipment, "instruction failed")


def _under_way(draft: OrderDraft, shipment: ShipmentDraft, told: EffectFacts, now: datetime) -> None:
    """It is still tried; a person hears of one that does not arrive in time, and it is tried on all the same."""
    until = told.payload.get("until")
    if until is None:  # it was asked for before such dates were kept
        return
    if (moment := datetime.fromisoformat(until)) > now:
        _await_instruction(draft, shipment, moment)
    else:
        _unreachable(draft, shipment, "instruction not delivered in time")


def _unreachable(draft: OrderDraft, shipment: ShipmentDraft, cause: str) -> None:
    draft.hold(Hold(HoldReason.SUPPLIER_UNREACHABLE, shipment.id, facts={"supplier": shipment.supplier}), cause)


STAGE = Stage(
    "dispatch",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOAD | Need.EFFECTS | Need.SUPPLIERS | Need.ADJUSTMENTS,
    leads_to=("settle",),
    asks=(INSTRUCT, RENEW, *TAKES),
)
