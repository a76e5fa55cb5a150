"""Facts for the tests of stages: one plain order in the state that a test needs, and its decision in few words."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import orjson

from models.states import PaymentState
from pipelines.engine.decision import Decision
from pipelines.engine.facts import (
    GROUPS,
    EffectFacts,
    EventFacts,
    Facts,
    LineFacts,
    Need,
    ParcelFacts,
    PaymentFacts,
    ShipmentFacts,
)
from pipelines.engine.run import enforce
from pipelines.engine.stage import Stage
from pipelines.gateway import Snapshot
from pipelines.orders.document import order_to_json
from pipelines.rules.lots import Lot
from pipelines.rules.money.pricing import price
from pipelines.rules.order import Order
from pipelines.shops import Shop
from tests.rules.build import SHOPS, an_order, at

NOW = at("2026-11-20 10:00:00")
ORDER_ID = 7


def json_text(document: dict[str, Any]) -> str:
    """A document as the database keeps it."""
    return orjson.dumps(document).decode()


def payment(state: str = "pending", amount: int = 0, **changes: Any) -> PaymentFacts:
    """A payment over ``amount`` yen; what its state implies is filled in."""
    held = amount if state in ("authorized", "captured", "refunded") else 0
    taken = amount if state in ("captured", "refunded") else 0
    back = amount if state == "refunded" else 0
    reference = "auth_1" if held else None
    gateway = "sandbox" if changes.get("method", "card") == "card" else None
    as_of = NOW if held else None
    made = PaymentFacts("card", gateway, state, amount, held, taken, back, 0, reference, None, as_of=as_of)
    return made._replace(**changes)


def snapshot(
    state: str, authorized: int, captured: int = 0, refunded: int = 0, when: datetime = NOW, **changes: Any
) -> Snapshot:
    """How the gateway says that the payment ``auth_1`` stands."""
    return replace(Snapshot("auth_1", PaymentState(state), authorized, captured, refunded, when), **changes)


def stands(state: str, authorized: int, captured: int = 0, refunded: int = 0, **changes: Any) -> dict[str, Any]:
    """The outcome of an effect that ended with this snapshot."""
    return {"data": {"snapshot": snapshot(state, authorized, captured, refunded, **changes).to_json()}}


def shipment(
    number: int = 1, state: str = "planned", supplier: str = "warehouse", pieces: int = 1, **changes: Any
) -> ShipmentFacts:
    """A shipment ``SH-<number>`` of the line with the same number, due to be instructed now."""
    lines = {str(number): LineFacts(pieces, 0, 0)}
    dated = (NOW.date(), NOW, NOW.date(), (), None)
    return ShipmentFacts(f"SH-{number}", supplier, state, False, *dated, lines)._replace(**changes)


def parcel(shipment_id: str = "SH-1", key: str = "444413758703", **changes: Any) -> ParcelFacts:
    """A parcel with the one piece of its shipment."""
    line = shipment_id.removeprefix("SH-")
    known = ParcelFacts(shipment_id, key, NOW, None, {line: 1}, "yamato", key, NOW, None, None)
    return known._replace(**changes)


def lot(state: str = "pending", amount: int = 100, **changes: Any) -> Lot:
    """Points that the order earned."""
    earned = Lot(
        id=1,
        order_id=ORDER_ID,
        kind="purchase",
        line=None,
        repriced=0,
        limited=False,
        amount=amount,
        remaining=amount,
        held=0,
        owed=0,
        gone=0,
        state=state,
        expires_at=None,
        at=NOW,
    )
    return earned._replace(**changes)


def event(type_: str, number: int = 1, when: datetime = NOW, **body: Any) -> EventFacts:
    """An event that waits for the order."""
    return EventFacts(number, "test", f"evt-{number}", type_, body.pop("shipment", None), body, when)


def effect(kind: str, key: str, state: str, outcome: dict[str, Any] | None = None, **payload: Any) -> EffectFacts:
    """An effect with what became of it."""
    return EffectFacts(key, kind, None, payload, state, outcome)


def facts(order: Order | None = None, *, shop: Shop | None = None, **changes: Any) -> Facts:
    """All there is to know of ``order`` (salon, one line of 1,000 yen), just accepted, with a pending payment."""
    order = order or an_order("salon")
    breakdown = price(order, shop or SHOPS[order.shop])
    base = Facts(
        id=ORDER_ID,
        shop=order.shop,
        number=order.number,
        customer_id=order.customer.id,
        locale=order.locale,
        state="accepted",
        condition="running",
        holds=(),
        method=order.method,
        currency="JPY",
        grand_total=breakdown.grand_total,
        placed_at=order.placed_at,
        accepted_at=order.placed_at,
        document_text=json_text(order_to_json(order)),
        priced_text=json_text(breakdown.to_json()),
        version=1,
        needs=~Need.NOTHING,
    )
    base.payment = payment(amount=breakdown.grand_total, method=order.method)
    return but(base, **changes)


def but(known: Facts, /, **changes: Any) -> Facts:
    """The same facts but for ``changes``."""
    own = {field.name for field in fields(Facts) if field.init}
    copy = replace(known, **{name: value for name, value in changes.items() if name in own})
    for name, value in {**known.__dict__, **changes}.items():
        if name not in own and name in GROUPS and GROUPS[name] in copy.needs:
            setattr(copy, name, list(value) if type(value) is tuple else value)
    return copy


def decide(stage: Stage, known: Facts, *, shop: Shop | None = None, now: datetime = NOW) -> Decision:
    """What the stage decides when it is told what it asked for; every move it wants must be one that the tables allow."""
    decision = stage.decision(but(known, needs=stage.needs), shop or SHOPS[known.shop], now)
    enforce(decision)
    return decision


def mails(decision: Decision) -> list[str]:
    """Templates of the mails it wants, in order."""
    return [mail.template for mail in decision.mails]


def moves(decision: Decision) -> list[str]:
    """Its moves, as ``order: accepted -> authorized``."""
    return [f"{m.entity}: {m.old} -> {m.new}" for m in decision.moves]


def effects(decision: Decision) -> list[tuple[str, str]]:
    """(kind, key) of the effects it wants."""
    return [(e.kind, e.key) for e in decision.effects]


def reasons(decision: Decision) -> list[str]:
    """Why it holds the order."""
    return [hold.reason for hold in decision.holds]


def due(decision: Decision) -> list[tuple[str, datetime]]:
    """(stage, moment) of what it makes due."""
    return [(due.stage, due.due_at) for due in decision.work]


def goes_to(decision: Decision) -> list[str]:
    """The stages it makes the order due at."""
    return [due.stage for due in decision.work]


def endings(decision: Decision) -> dict[int, str]:
    """What became of events."""
    return {number: state for number, state, _ in decision.events}
