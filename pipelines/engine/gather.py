"""Gather: the facts of a whole batch, a fixed number of SELECTs whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection

from models.states import Condition, HoldReason, OrderState, ReturnState
from models.store import (
    adjustments,
    clients,
    coupons,
    customers,
    effects,
    holds,
    inbox,
    mails,
    orders,
    parcels,
    payments,
    points,
    presence,
    ranks,
    repricings,
    returns,
    shipments,
    visits,
)
from models.store.customers import CustomerKey
from models.store.effects import EffectRow
from models.store.holds import HoldRow
from models.store.inbox import EventRow
from models.store.orders import OrderKey, OrderRow
from models.store.parcels import NumberRow, ParcelRow
from models.store.payments import PaymentRow
from models.store.presence import DocumentRow, PresenceRow
from models.store.shipments import ShipmentRow, SupplierRow
from pipelines.carriers import carrier
from pipelines.carriers.numbers import clean
from pipelines.engine.cancels import add_cancels
from pipelines.engine.facts import (
    EffectFacts,
    EventFacts,
    Facts,
    LineFacts,
    MailFacts,
    Need,
    ParcelFacts,
    PaymentFacts,
    Promotion,
    ShipmentFacts,
    UsedPoints,
)
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger_rows import lot_of
from pipelines.engine.returns_rows import return_of
from pipelines.rules.dates.capacity import Load
from pipelines.rules.holds import Hold
from pipelines.rules.marks import KEPT, Mark
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.coupons import UNPAID, Use
from pipelines.rules.money.repricing import Known
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

#: After how long a carrier may have given a tracking number to another parcel.
_NUMBER_RESTS = timedelta(days=180)
#: How many numbers of orders for the returned goods of one are looked at.
_FOLLOWERS = 50
_STATES, _CONDITIONS = frozenset(OrderState), frozenset(Condition)
_REASONS = frozenset(HoldReason)


class Asking(Protocol):
    """A stage, or several that are decided together: what must be gathered, and which events it answers."""

    @property
    def needs(self) -> Need: ...

    @property
    def consumes(self) -> Sequence[str]: ...


def facts_of(
    connection: Connection,
    asking: Asking,
    orders: Sequence[OrderRow],
    now: datetime,
    *,
    lock: bool = True,
    coming: Sequence[EventFacts] = (),
    limited: Sequence[SupplierRow] = (),
) -> list[Facts]:
    """The facts that ``asking`` needs, of the orders that were claimed, in the same order; without ``lock`` only to look at them,
    as they were if those of the events ``coming`` that may be about it waited for each. ``limited`` are the suppliers that have a
    capacity."""
    if not orders:
        return []
    batch, there = _begun(connection, orders, asking.needs)
    by_id = {facts.id: facts for facts in batch}
    ids = list(by_id)
    if there.told:
        _add_told(connection, batch)
    _add_holds(connection, {facts.id: facts for facts in batch if facts.condition == Condition.HELD})
    if Need.PAYMENT in asking.needs:
        for money in payments.of_orders(connection, ids):
            by_id[money.order_id].payment = _payment(money)
    if Need.SHIPMENTS in asking.needs and there.shipments:
        for shipment in shipments.of_orders(connection, ids):
            by_id[shipment.order_id].shipments.append(_shipment(shipment))
    if Need.PARCELS in asking.needs and there.parcels:
        for parcel in parcels.of_orders(connection, ids):
            by_id[parcel.order_id].parcels.append(_parcel(parcel))
    _add_points(connection, asking.needs, by_id, now, there, lock=lock)
    if Need.EVENTS in asking.needs:
        for event in inbox.pending(connection, ids, asking.consumes) if there.events else ():
            by_id[event.order_id].events.append(_event(event))
        for facts in batch if coming else ():
            facts.events += [event for event in coming if _is_of(event, facts)]
    if Need.NUMBERS in asking.needs:
        _add_taken_numbers(connection, batch, now, lock=lock)
    if Need.EFFECTS in asking.needs:
        for effect in effects.of_orders(connection, ids, alone=there.effects, shared=there.items):
            by_id[effect.order_id].effects[effect.key] = _effect(effect)
    if Need.MAILS in asking.needs and there.mails:
        for mail in mails.known(connection, ids):
            by_id[mail.order_id].mails.append(
                MailFacts(mail.id, mail.message_id, mail.envelope_to, mail.state, mail.is_kept)
            )
    if Need.ADJUSTMENTS in asking.needs and there.adjustments:
        for change in adjustments.of_orders(connection, ids):
            by_id[change.order_id].adjustments.append(Adjustment.from_json(change.amounts))
            by_id[change.order_id].adjusted_at.append(change.at)
    if Need.RETURNS in asking.needs and there.returns:
        for returned in returns.of_orders(connection, ids):
            by_id[returned.order_id].returns.append(return_of(returned))
        _add_followers(connection, batch)
    if Need.RANKS in asking.needs and there.promotions:
        for rise in ranks.promotions(connection, ids):
            by_id[rise.order_id].promotions.append(Promotion(rise.previous, rise.rank, rise.from_on))
    if Need.COUPONS in asking.needs and there.coupons:
        for coupon in coupons.of_orders(connection, ids, UNPAID):
            by_id[coupon.order_id].coupons.append(Use(coupon.code_key, coupon.kind, coupon.unpaid))
    if Need.REPRICING in asking.needs:
        for basis in repricings.bases(connection, ids):
            by_id[basis.order_id].known = Known(basis.times, basis.rank, frozenset(basis.used_coupons))
    if Need.CANCEL in asking.needs:
        cancelled = {facts.id: facts for facts in batch if facts.state == OrderState.CANCELLED}
        add_cancels(connection, cancelled, now, coupons_are_there=there.coupons, lock=lock)
    if Need.RELEASES in asking.needs and there.releases:
        for release in holds.releases(connection, ids):
            by_id[release.order_id].released_at = release.at
    if Need.VISITS in asking.needs and (called := [facts.id for facts in batch if facts.pickup is not None]):
        for visit in visits.former(connection, called):
            by_id[visit.order_id].visits.append(visit.before)
    if Need.LOAD in asking.needs:
        _add_load(connection, batch, limited, now, lock=lock)
    if Need.SUPPLIERS in asking.needs:
        _add_suppliers(connection, batch)
    if Need.MARKS in asking.needs and there.marks:
        _add_marks(connection, batch, now)
    return batch


def _is_of(event: EventFacts, facts: Facts) -> bool:
    """Whether an event that was not received yet is about this order: only one that names a shipment can be told apart."""
    if event.shipment is None or Need.SHIPMENTS not in facts.needs:
        return True
    return any(one.id == event.shipment for one in facts.shipments)


def _begun(connection: Connection, orders: Sequence[OrderRow], needs: Need) -> tuple[list[Facts], PresenceRow]:
    """The facts of orders as far as they are the orders' own, and what else there is of them."""
    there, documents = presence.present(connection, [row.id for row in orders])
    said = {document.order_id: document for document in documents}
    return [_order(row, said[row.id], needs) for row in orders], there


def _order(row: OrderRow, said: DocumentRow, needs: Need) -> Facts:
    facts = Facts(
        id=row.id,
        shop=row.shop,
        number=row.number,
        customer_id=row.customer_id,
        locale=row.locale,
        state=row.state,
        condition=row.condition,
        holds=(),
        method=row.method,
        currency=row.currency,
        grand_total=row.grand_total,
        placed_at=row.placed_at,
        accepted_at=row.accepted_at,
        document_text=said.document,
        priced_text=said.breakdown,
        version=row.version,
        sequence=row.sequence,
        needs=needs,
    )
    if row.state not in _STATES or row.condition not in _CONDITIONS:
        facts.unknown = f"{row.state} {row.condition}"
    return facts


def _add_told(connection: Connection, batch: Sequence[Facts]) -> None:
    """Where mails go whose customer has told another address since the order came in, and who has withdrawn."""
    members = [CustomerKey(facts.shop, facts.customer_id) for facts in batch if facts.customer_id]
    told = {(row.shop, row.customer_id): row for row in customers.told(connection, members)}
    for facts in batch if told else ():
        if (says := told.get((facts.shop, facts.customer_id))) is None:
            continue
        if says.email and says.email_told_at is not None and says.email_told_at > facts.accepted_at:
            facts.told_email = says.email
        facts.has_withdrawn = says.withdrawn_at is not None


def _add_holds(connection: Connection, held: Mapping[int, Facts]) -> None:
    """Why orders wait for a human. Few do, so most batches ask nothing."""
    for row in holds.open_of(connection, list(held)):
        facts = held[row.order_id]
        if row.reason in _REASONS:
            facts.holds = [*facts.holds, hold_of(row)]
        else:
            facts.unknown = row.reason


def hold_of(row: HoldRow) -> Hold:
    """The hold that a row keeps."""
    return Hold(HoldReason(row.reason), row.shipment_id, row.lines, row.amount, row.facts, row.id)


def _payment(row: PaymentRow) -> PaymentFacts:
    return PaymentFacts(
        method=row.method,
        gateway=row.gateway,
        state=row.state,
        amount=row.amount,
        authorized=row.authorized,
        captured=row.captured,
        refunded=row.refunded,
        refunded_by_hand=row.refunded_by_hand,
        reference=row.reference,
        code=row.code,
        expires_at=row.expires_at,
        instructions=row.instructions,
        as_of=row.as_of,
        fee=row.fee,
        liability=row.liability,
        terms_from=row.terms_from,
    )


def _shipment(row: ShipmentRow) -> ShipmentFacts:
    pieces = zip(row.lines, row.quantities, row.cancelled, row.shipped, strict=True)
    return ShipmentFacts(
        id=row.id,
        supplier=row.supplier,
        state=row.state,
        backorder=row.backorder,
        dispatch_on=row.dispatch_on,
        instruct_at=row.instruct_at,
        arrive_on=row.arrive_on,
        because=row.because,
        plan_as_of=row.plan_as_of,
        lines={line: LineFacts(quantity, cancelled, shipped) for line, quantity, cancelled, shipped in pieces},
        call_off=row.call_off,
        call_off_as_of=row.call_off_as_of,
        told_at=row.told_at,
        collects=row.collects,
        again=row.again,
    )


def _parcel(row: ParcelRow) -> ParcelFacts:
    return ParcelFacts(
        shipment=row.shipment_id,
        key=row.key,
        shipped_at=row.shipped_at,
        claim=row.claim,
        lines=row.lines,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        number_as_of=row.number_as_of,
        tracking_status=row.tracking_status,
        status_as_of=row.status_as_of,
    )


def _event(row: EventRow) -> EventFacts:
    return EventFacts(row.id, row.source, row.event_id, row.type, row.shipment_id, row.body, row.at)


def _effect(row: EffectRow) -> EffectFacts:
    return EffectFacts(row.key, row.kind, row.shipment_id, row.payload, row.state, row.outcome)


def _add_points(
    connection: Connection, needs: Need, by_id: dict[int, Facts], now: datetime, there: PresenceRow, *, lock: bool
) -> None:
    """Lots and balances; those of the customers are locked first where the stage decides on them."""
    members = [facts for facts in by_id.values() if facts.customer_id] if Need.PURSE in needs else []
    whose = {CustomerKey(facts.shop, facts.customer_id) for facts in members}
    ledger = Ledger(connection, now)
    if lock:
        ledger.lock(whose)
    if Need.LOTS in needs:
        ids = list(by_id)
        for lot in map(lot_of, points.lots_of_orders(connection, ids)) if there.lots else ():
            if lot.order_id is not None:
                by_id[lot.order_id].lots.append(lot)
        for used in points.used_by_orders(connection, ids) if there.transfers else ():
            by_id[used.order_id].used_points.append(UsedPoints(used.lot_id, used.amount, used.expires_at))
        for has in points.balances_of_orders(connection, ids) if there.balances else ():
            by_id[has.order_id].balance = has.valid
    ledger.read(whose, {lot.id for facts in members for lot in facts.lots})
    for facts in members:
        facts.purse = ledger.purse(facts.shop, facts.customer_id)


class _Said(NamedTuple):
    """An event of an order names a number for one of its shipments."""

    event: int
    facts: Facts
    shipment: str


def _add_taken_numbers(connection: Connection, batch: Sequence[Facts], now: datetime, *, lock: bool) -> None:
    """Which of the tracking numbers that events bring are somebody else's: of a parcel that is known, or of an order of the same
    batch whose supplier said so first. Carriers give a number again after some time. With ``lock``, of two batches that bring the
    same number at one moment the second sees what the first made of it."""
    brought: dict[str, list[_Said]] = {}
    for facts in batch:
        for event in facts.events:
            for number in _numbers(event.body):
                brought.setdefault(number, []).append(_Said(event.id, facts, event.shipment or ""))
    if not brought:
        return
    if lock:
        parcels.claim_numbers(connection, list(brought))
    owners: dict[str, list[NumberRow]] = {}
    for row in parcels.with_numbers(connection, list(brought), now - _NUMBER_RESTS):
        owners.setdefault(row.number, []).append(row)
    for number, said in brought.items():
        known = owners.get(number, [])
        for _, facts, shipment in sorted(said, key=lambda one: one.event):
            supplier = next((one.supplier for one in facts.shipments if one.id == shipment), "")
            mine = NumberRow(number, facts.id, shipment, supplier, facts.shop, facts.customer_id)
            taken = next((one for one in known if not _may_share(one, mine)), None)
            if taken is not None:
                facts.taken_numbers[number] = taken.shipment_id
            else:
                known = [*known, mine]


def _numbers(body: Mapping[str, Any]) -> set[str]:
    """A number that an event brings: as any carrier writes it, and as the one it names does."""
    number = body.get("tracking_number")
    if not isinstance(number, str):
        return set()
    return {write(number) for write in (clean, carrier(str(body.get("carrier") or "")).normalise)} - {""}


def _may_share(one: NumberRow, other: NumberRow) -> bool:
    """One parcel may hold what one supplier sends one customer of a shop (TRK-05)."""
    if one.order_id == other.order_id:
        return True
    return bool(one.customer_id) and (one.shop, one.customer_id, one.supplier) == (
        other.shop,
        other.customer_id,
        other.supplier,
    )


def _add_load(
    connection: Connection, batch: Sequence[Facts], limited: Sequence[SupplierRow], now: datetime, *, lock: bool
) -> None:
    """What leaves on which day already. Where no shop of the batch has a supplier with a capacity nothing is asked; with ``lock``
    two batches that plan for the same supplier at one moment follow one another."""
    shops = {facts.shop for facts in batch}
    asked = [one for one in limited if one.shop in shops]
    if not asked:
        return
    if lock:
        shipments.claim_places(connection, asked)
    loads = loads_of(connection, asked, now)
    for facts in batch:
        facts.load = loads[facts.shop]


def with_capacity(shops: Mapping[str, Shop]) -> list[SupplierRow]:
    """The suppliers that send only so many shipments a day."""
    return [
        SupplierRow(key, name) for key, shop in shops.items() for name, one in shop.suppliers.items() if one.capacity
    ]


def loads_of(connection: Connection, limited: Sequence[SupplierRow], now: datetime) -> Mapping[str, Load]:
    """What leaves from today on, by shop, at the suppliers that have a capacity."""
    loads: defaultdict[str, Load] = defaultdict(Load)
    for row in shipments.planned(connection, limited, since=in_japan(now).date()):
        loads[row.shop].planned[row.supplier, row.dispatch_on] = row.shipments
    return loads


def _add_suppliers(connection: Connection, batch: Sequence[Facts]) -> None:
    registered = clients.suppliers(connection)
    urls = {one.name: one.url for one in registered}
    mails = {one.name: one.mail for one in registered}
    for facts in batch:
        facts.supplier_urls, facts.supplier_mails = urls, mails


def _add_marks(connection: Connection, batch: Sequence[Facts], now: datetime) -> None:
    members = [CustomerKey(f.shop, f.customer_id) for f in batch if f.customer_id]
    found: dict[tuple[str, str], list[Mark]] = {}
    for mark in customers.marks(connection, members, since=now - KEPT):
        found.setdefault((mark.shop, mark.customer_id), []).append(Mark(mark.kind, mark.at, mark.source))
    for facts in batch:
        marks = found.get((facts.shop, facts.customer_id))
        if marks:
            facts.marks = marks


def _add_followers(connection: Connection, batch: Sequence[Facts]) -> None:
    """Numbers that orders for returned goods cannot have: those before them, and what a storefront happened to call its own."""
    passed = [facts for facts in batch if any(one.state == ReturnState.INSPECTED for one in facts.returns)]
    keys = [OrderKey(facts.shop, facts.following(place)) for facts in passed for place in range(1, _FOLLOWERS + 1)]
    taken = {(row.shop, row.number) for row in orders.ids_by_number(connection, keys)} if keys else set()
    for facts in passed:
        names = (facts.following(place) for place in range(1, _FOLLOWERS + 1))
        facts.followers = {name for name in names if (facts.shop, name) in taken}
