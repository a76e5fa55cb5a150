"""What suppliers (仕入先) owe, how they are asked for it, and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from models.states import HoldReason, ShipmentState
from models.subject import SHIPMENT, Subject
from pipelines.changes.promises import tell_of_day
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Misconfigured
from pipelines.orders.arrivals import arrival
from pipelines.orders.mails import supplier_mail
from pipelines.rules.dates.reports import ANSWER, GOODS, OPERATOR, Step, next_day, steps
from pipelines.rules.explain import because
from pipelines.rules.holds import Hold, lets_others_go
from pipelines.shops import Shop
from pipelines.suppliers.instructions import instruct_key, instruction_of

#: The stage that waits for what suppliers say of what they were told.
WAITS_AT: Final = "dispatch"
_LATE: Final = "dispatch_late"
#: Holds for money that goes to or fro beside goods that are paid for: what is still to leave does not wait for it.
_BESIDE_THE_GOODS: Final = frozenset({HoldReason.UNEXPECTED_DEPOSIT, HoldReason.REFUND_DUE, HoldReason.REFUND_FAILED})


def report_of(shipment: ShipmentDraft) -> Subject:
    """What a supplier owes is about its shipment."""
    return Subject(SHIPMENT, shipment.id)


def watch(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> None:
    """Do what is due of a shipment that its supplier was told of, and wait for the rest; for ``dispatch`` alone."""
    owed = _steps(draft, shop, shipment)
    over = {step.what: step for step in owed if step.at <= now}  # the last of each
    for step in over.values():
        if step.then == OPERATOR:
            _give_up(draft, shop, shipment, step, now)
        else:
            _remind(draft, shop, shipment, step, now)
    if not goes_on(draft, shipment):
        return
    following = next((step for step in (_steps(draft, shop, shipment) if over else owed) if step.at > now), None)
    if following is not None:
        draft.await_for(following.what, shipment.supplier, following.at, following.then, report_of(shipment))


def goes_on(draft: OrderDraft, shipment: ShipmentDraft) -> bool:
    """Whether what was told to a supplier is waited for whatever a person has the order for: another shipment, or money that does
    not pay for these goods. A person who has this very shipment, or the order before its goods may leave, sees to it himself."""
    return all(
        hold.reason in _BESIDE_THE_GOODS or (hold.shipment is not None and hold.shipment != shipment.id)
        for hold in draft.holds
    )


def may_go(draft: OrderDraft, shipment: ShipmentDraft) -> bool:
    """Whether nobody keeps back these goods, of which no supplier was told yet: a person who has the order has it for others of its
    shipments."""
    if not draft.held:
        return True
    return lets_others_go(draft.holds) and all(hold.shipment != shipment.id for hold in draft.holds)


def never_answered(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, now: datetime) -> bool:
    """Whether its supplier was reminded as often as its profile says, and still has not answered."""
    owed = _steps(draft, shop, shipment)
    return any(step.what == ANSWER and step.then == OPERATOR and step.at <= now for step in owed)


def _steps(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> Sequence[Step]:
    return steps(
        shop,
        shipment.supplier,
        told_at=shipment.waited_since or draft.facts.accepted_at,
        answered=shipment.state != ShipmentState.INSTRUCTED,
        dispatch_on=shipment.dispatch_on,
    )


def _remind(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, step: Step, now: datetime) -> None:
    """Ask again, by mail, once for each time."""
    told = instruction_of(draft.facts, shop, shipment)
    about = f"{shipment.id}:{step.what}:{step.at.isoformat()}"
    to, due_on = address(draft, shop, shipment), step.at.date()
    draft.tell(supplier_mail("supplier_overdue", shop, told, to, now, about=about, due_on=due_on))


def _give_up(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, step: Step, now: datetime) -> None:
    """Nothing came: a human has it; where the goods' day has passed, the customer hears of another one."""
    named = {"supplier": shipment.supplier}
    if step.what != GOODS:
        draft.hold(Hold(HoldReason.SUPPLIER_SILENT, shipment.id, facts=named), "supplier silent")
        return
    told_in_time = shipment.told_at is None or shipment.told_at < step.at
    load = draft.facts.load
    load.take(shipment.supplier, day := next_day(shop, shipment.supplier, now, load))
    was = move_promise(draft, shop, shipment, now, day)
    if told_in_time:  # else it was our own doing, and the supplier has had no chance yet
        draft.hold(
            Hold(HoldReason.DISPATCH_LATE, shipment.id, facts={**named, "was": was}), "goods did not leave on their day"
        )


def move_promise(
    draft: OrderDraft,
    shop: Shop,
    shipment: ShipmentDraft,
    now: datetime,
    day: date,
    instruct_at: datetime | None = None,
) -> str:
    """The day that was promised has passed: ``day`` instead, said to the customer and to the storefront. ``instruct_at``: when the
    supplier is told of it, where it was not told yet. The day that was."""
    promised = shipment.dispatch_on
    assert promised is not None
    locale = draft.facts.locale
    kept = [one for one in shipment.because if one["rule"] != _LATE]
    why = because(_LATE, locale, was=promised, day=day)
    arrive_on = arrival(draft.facts, shop, shipment, day)
    shipment.plan_anew(now, day, arrive_on, [*kept, {"rule": why.rule, "says": why.says}], instruct_at)
    about = f"{shipment.id}:late:{promised}"
    tell_of_day(draft, shop, now, shipment, promised, about=about, why="")
    days = {"was": promised.isoformat(), "dispatch_on": day.isoformat()}
    draft.announce("promise.missed", about, cause=_LATE, shipment=shipment.id, **days)
    return promised.isoformat()


def heard_from(draft: OrderDraft, now: datetime) -> None:
    """After suppliers' news and changes of lines: what is owed no longer is not waited for, what else is owed now is."""
    changed = [one for one in draft.shipments if one.was_owed and (one.is_otherwise_owed or not one.left)]
    heard = [one for one in draft.shipments if one.was_untold and not (one.is_untold and one.left)]
    for shipment in [*changed, *heard]:
        draft.end_wait(WAITS_AT, report_of(shipment))
    answered = {one.id for one in changed if one.state != ShipmentState.INSTRUCTED or not one.left}
    gone = {one.id for one in changed if not one.is_owed or not one.left}
    known = {one.id for one in heard if one.is_owed}
    draft.lift(
        lambda hold: (
            (hold.reason == HoldReason.SUPPLIER_UNREACHABLE and hold.shipment in known)
            or (hold.reason == HoldReason.SUPPLIER_SILENT and hold.shipment in answered)
            or (hold.reason == HoldReason.DISPATCH_LATE and hold.shipment in gone)
        ),
        "the supplier answered",
    )
    if any(one.is_owed and one.left and one.is_otherwise_owed for one in draft.shipments):
        draft.next(WAITS_AT, now)


def may_be_told(draft: OrderDraft, shipment: ShipmentDraft) -> bool:
    """Whether its supplier was told to ship, or may be at this very moment; one that refused was, and ships nothing."""
    if not shipment.is_untold:
        return shipment.state != ShipmentState.REFUSED
    asked = draft.effects.get(instruct_key(shipment.id, shipment.again))
    return asked is not None and asked.state != "declined"


def call_off(
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    shipment: ShipmentDraft,
    pieces: Mapping[str, int],
    *,
    about: str,
    reason: str,
) -> None:
    """Tell a supplier not to ship ``pieces`` by line of what it was told to; it reads ``reason``."""
    told = instruction_of(draft.facts, shop, shipment, pieces)
    to = address(draft, shop, shipment)
    draft.tell(supplier_mail("supplier_cancel", shop, told, to, now, about=about, reason=reason))


def address(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> str:
    """Where mails about a supplier go: its own address, or the shop's operators, who pass them on.

    Raises Misconfigured if the shop names neither; the order is then set aside until it does.
    """
    name = shipment.supplier
    to = shop.supplier(name).mail or draft.facts.supplier_mails.get(name) or shop.operator_mail
    if not to:
        raise Misconfigured(
            f"shops/{shop.key}.toml", f"supplier {name} has no mail and the shop no operator_mail; set one"
        )
    return to
