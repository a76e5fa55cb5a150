"""Shipments that are asked for anew (再出荷指示): of their supplier or of another one, on the day that can be kept then."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from models.states import OrderState, ShipmentState
from pipelines.changes.collection import candidates
from pipelines.changes.plans import planned_by
from pipelines.changes.promises import tell_of_day
from pipelines.changes.suppliers import WAITS_AT, address, call_off, may_be_told, move_promise, report_of
from pipelines.changes.wishes import tell_of_wish
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.arrivals import arrival, wished
from pipelines.orders.mails import customer_mail, lines_of, of_the_day, supplier_mail
from pipelines.orders.unsent import has_left
from pipelines.rules.dates.cutoff import DispatchPlan
from pipelines.rules.dates.transit import way_there
from pipelines.rules.explain import because, says
from pipelines.rules.money.collecting import collecting
from pipelines.rules.split import Part
from pipelines.rules.wish import is_ignored, is_missed
from pipelines.shops import Shop
from pipelines.suppliers.instructions import instruction_of
from pipelines.values.calendar import in_japan

#: Reasons for a day that its supplier gave.
_SET_BY_SUPPLIER: Final = frozenset({"supplier_delay", "dispatch_late"})


def reroute(
    draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft, supplier: str, *, reason: str, cause: str
) -> None:
    """``supplier`` sends it, and is told by the stage that tells suppliers."""
    draft.next(WAITS_AT, give_to(draft, shop, now, shipment, supplier, reason=reason, cause=cause))


def give_to(
    draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft, supplier: str, *, reason: str, cause: str
) -> datetime:
    """``supplier`` sends it, told from the moment on that is answered; whoever was told before is told not to, one that refused
    too: it might find the goods after all."""
    if may_be_told(draft, shipment) or not shipment.is_untold:
        pieces = {line: counted.open for line, counted in shipment.lines.items() if counted.open}
        call_off(draft, shop, now, shipment, pieces, about=f"{shipment.id}:rerouted:{shipment.again}", reason=reason)
    plan = _plan(draft, shop, now, shipment, supplier)
    return _ask_anew(draft, shop, now, shipment, supplier, plan, cause=cause)


def ask_again(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft, *, cause: str) -> None:
    """Its supplier gets the instruction once more, now; on the day that was planned, or the first that can still be kept."""
    plan = _plan(draft, shop, now, shipment, shipment.supplier)
    day = shipment.dispatch_on
    keeps = day is not None and plan.dispatch_on is not None and day >= plan.dispatch_on
    if keeps:
        _stay(draft, shipment, plan)
    draft.next(WAITS_AT, _ask_anew(draft, shop, now, shipment, shipment.supplier, None if keeps else plan, cause=cause))


def ask_to_collect_anew(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The order comes to another sum: the supplier that was told to collect it, and has sent nothing yet, is told anew, on the day that
    was planned (PAY-09). Where nobody is left who collects, one that was told not to is."""
    unsent = [one for one in draft.shipments if one.left and may_be_told(draft, one) and not has_left(one)]
    by_nobody = collecting(candidates(draft), shop.payment.cod_collects) is None
    for shipment in unsent[:1] if by_nobody else [one for one in unsent if one.collects]:
        cause = "the amount to collect is another one (PAY-09)"
        draft.next(WAITS_AT, _ask_anew(draft, shop, now, shipment, shipment.supplier, None, cause=cause))


def plan_after_hold(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Shipments that were planned before a human held the order, and whose day cannot be kept any more, get the day of an order that
    comes as it is released (CUT-01); the customer hears of it. For an order of which nobody was told yet."""
    if draft.state != OrderState.AUTHORIZED or (released := draft.facts.released_by(now)) is None:
        return
    for shipment in draft.shipments:
        promised = shipment.dispatch_on
        if not (shipment.is_untold and shipment.left) or promised is None:
            continue
        placed = draft.facts.placed_at
        _give_place_back(draft, shipment)
        plan = planned_by(
            draft.facts,
            shop,
            _part(shipment, shipment.supplier),
            counts_at=placed,
            not_before=now,
            released_at=released,
        )
        if plan.dispatch_on is not None and plan.dispatch_on > promised:
            shipment.plan_anew(now, plan.dispatch_on, plan.arrive_on, _reasons(plan), plan.instruct_at)
            tell_of_day(
                draft, shop, now, shipment, promised, about=f"{shipment.id}:released:{plan.dispatch_on}", why=""
            )
        else:
            _stay(draft, shipment, plan)


def plan_what_has_passed(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft) -> None:
    """The day of a shipment passed before its supplier was told, since nobody worked or a person had the order: it is told the day of
    goods that are asked for now, and the customer hears of it (CUT-01)."""
    promised = shipment.dispatch_on
    if promised is None or promised >= in_japan(now).date():
        return
    plan = _plan(draft, shop, now, shipment, shipment.supplier)
    if plan.dispatch_on is not None:
        move_promise(draft, shop, shipment, now, plan.dispatch_on, plan.instruct_at)


def ask_for_the_rest(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft) -> None:
    """A part of it has left: its supplier is asked for what has not, and waited for anew."""
    pieces = {line: counted.open for line, counted in shipment.lines.items() if counted.open}
    told, to = instruction_of(draft.facts, shop, shipment, pieces), address(draft, shop, shipment)
    about, due_on = f"{shipment.id}:again:{now.isoformat()}", shipment.dispatch_on or now.date()
    draft.tell(supplier_mail("supplier_overdue", shop, told, to, now, about=about, due_on=due_on))
    shipment.tell(now)
    draft.end_wait(WAITS_AT, report_of(shipment))


def send_elsewhere(draft: OrderDraft, shop: Shop, now: datetime, *, about: str, cause: str) -> None:
    """The order's address is another one: suppliers that were told are told anew, arrivals are planned anew, and the customer
    hears of both."""
    facts, told = draft.facts, []
    region = facts.document["ship_to"]["region"]
    way = way_there(region, shop, facts.locale)
    for shipment in draft.shipments:
        if not shipment.left:
            continue
        _leave_for_the_wish(draft, shop, now, shipment)
        if may_be_told(draft, shipment):
            ask_again(draft, shop, now, shipment, cause=cause)
        day = shipment.dispatch_on
        why = [*(one for one in shipment.because if one["rule"] != way.rule), {"rule": way.rule, "says": way.says}]
        shipment.plan_anew(
            now, day, arrival(facts, shop, shipment, day) if day else None, why if day else shipment.because
        )
        tell_of_wish(draft, shop, now, shipment)
        pieces = lines_of(facts, [(line, counted.open) for line, counted in shipment.lines.items()])
        because_of = of_the_day(shipment.because, day, facts.locale)
        planned = {"dispatch_on": day, "arrive_on": shipment.arrive_on, "because": because_of}
        told.append({"id": shipment.id, "supplier": shipment.supplier, "lines": pieces, **planned})
    draft.tell(customer_mail("address_changed", facts, shop, now, about=about, shipments=told))


def _leave_for_the_wish(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft) -> None:
    """Another way takes other days: what would now miss the day wished for leaves earlier, where it still can (CUT-04), and what missed it
    before may keep it. Not before a supplier has the goods, or said that it has."""
    window, day = wished(draft.facts, shop).window, shipment.dispatch_on
    if window is None or day is None or is_ignored(shop, shipment.supplier, backorder=shipment.backorder):
        return
    arrive_on = arrival(draft.facts, shop, shipment, day)
    if not is_missed(window, arrive_on):
        _reason_with_the_wish(draft, now, shipment, window.says(draft.facts.locale), day, arrive_on)
        return
    if shipment.backorder or has_left(shipment) or any(one["rule"] in _SET_BY_SUPPLIER for one in shipment.because):
        return
    plan = _plan(draft, shop, now, shipment, shipment.supplier)
    if plan.request_met and plan.dispatch_on is not None and plan.arrive_on is not None:
        desired = window.says(draft.facts.locale)
        _reason_with_the_wish(draft, now, shipment, desired, plan.dispatch_on, plan.arrive_on, plan.instruct_at)
        draft.next(WAITS_AT, plan.instruct_at or now)
    else:
        _stay(draft, shipment, plan)


def _reason_with_the_wish(
    draft: OrderDraft,
    now: datetime,
    shipment: ShipmentDraft,
    desired: str,
    day: date,
    arrive_on: date,
    instruct_at: datetime | None = None,
) -> None:
    """It leaves on ``day`` to arrive as was wished for; where its reasons speak of a wish, they say so."""
    met = because("desired_date.met", draft.facts.locale, desired=desired, day=day)
    said = {"rule": met.rule, "says": met.says}
    why = [said if one["rule"] == met.rule else one for one in shipment.because]
    shipment.plan_anew(now, day, arrive_on, why, instruct_at)


def _plan(draft: OrderDraft, shop: Shop, now: datetime, shipment: ShipmentDraft, supplier: str) -> DispatchPlan:
    """The goods are there, or the supplier would not be asked: as of an order that is complete now (CUT-01). The place that it has is
    free for it."""
    _give_place_back(draft, shipment)
    return planned_by(draft.facts, shop, _part(shipment, supplier), counts_at=now, not_before=now)


def _give_place_back(draft: OrderDraft, shipment: ShipmentDraft) -> None:
    """What its supplier refused has none any more."""
    if shipment.state != ShipmentState.REFUSED:
        draft.facts.load.give_back(shipment.supplier, shipment.dispatch_on)


def _stay(draft: OrderDraft, shipment: ShipmentDraft, plan: DispatchPlan) -> None:
    """It keeps its day: the place that ``plan`` took is free again, and its own one is taken."""
    draft.facts.load.give_back(shipment.supplier, plan.dispatch_on)
    draft.facts.load.take(shipment.supplier, shipment.dispatch_on)


def _part(shipment: ShipmentDraft, supplier: str) -> Part:
    """What is left of it, as ``supplier`` would send it."""
    return Part(supplier, tuple((line, counted.open) for line, counted in shipment.lines.items() if counted.open))


def _reasons(plan: DispatchPlan) -> list[dict[str, str]]:
    return [{"rule": one.rule, "says": one.says} for one in plan.because]


def _ask_anew(
    draft: OrderDraft,
    shop: Shop,
    now: datetime,
    shipment: ShipmentDraft,
    supplier: str,
    plan: DispatchPlan | None,
    *,
    cause: str,
) -> datetime:
    """Ask ``supplier`` for it by ``plan``; without one by the day that it has, and at once. From when on it is to be told."""
    promised = shipment.dispatch_on
    at = now if plan is None or supplier == shipment.supplier else plan.instruct_at or now
    draft.end_wait(WAITS_AT, report_of(shipment))
    shipment.ask_anew(supplier, at, cause)
    if plan is not None:
        shipment.plan_anew(now, plan.dispatch_on, plan.arrive_on, _reasons(plan))
        if shipment.dispatch_on != promised:
            about = f"{shipment.id}:again:{shipment.again}:{shipment.dispatch_on}"
            reason = says("supplier_delay.why", draft.facts.locale)
            tell_of_day(draft, shop, now, shipment, promised, about=about, why=reason)
    return at
