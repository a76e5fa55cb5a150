"""Payments: what is asked of a gateway, under the effect's key; an earlier attempt is looked up before it is repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from models.database import glance
from models.states import PaymentState
from models.store import effects
from models.store.effects import OrderEffectRow
from pipelines.gateway import (
    Adapter,
    Answer,
    Authorizes,
    Captures,
    CountsRefunds,
    LooksUp,
    Payer,
    Refunds,
    RegistersSlips,
    Renews,
    ReportsShipments,
    Voids,
)
from pipelines.ports import Outcome, Verdict
from workers.effects.effect import Effect, Job, Means, Perform


async def _authorize(gateway: Authorizes, row: OrderEffectRow, order: str) -> Answer:
    asked = {"amount": row.payload["amount"], "token": row.token or "", "method": row.method}
    return await gateway.authorize(key=row.key, order=order, **asked)


async def _register(gateway: RegistersSlips, row: OrderEffectRow, order: str) -> Answer:
    assert row.document is not None
    customer, ship_to = row.document["customer"], row.document["ship_to"]
    until = row.payload.get("until")
    return await gateway.register(
        key=row.key,
        order=order,
        method=row.method,
        amount=row.payload["amount"],
        payer=Payer(customer["name"], customer["email"], ship_to["phone"]),
        until=datetime.fromisoformat(until) if until else None,
        choice=row.token or "",
    )


async def _capture(gateway: Captures, row: OrderEffectRow, order: str) -> Answer:
    asked = {name: row.payload[name] for name in ("amount", "final") if name in row.payload}
    return await gateway.capture(key=row.key, order=order, reference=row.reference or "", **asked)


async def _void(gateway: Voids, row: OrderEffectRow, order: str) -> Answer:
    return await gateway.void(key=row.key, order=order, reference=row.reference or "")


async def _refund(gateway: Refunds, row: OrderEffectRow, order: str) -> Answer:
    amount, before = row.payload["amount"], row.payload.get("before")
    if isinstance(gateway, CountsRefunds) and before is not None:
        reference = row.reference or ""
        return await gateway.refund_after(key=row.key, order=order, reference=reference, amount=amount, before=before)
    return await gateway.refund(key=row.key, order=order, reference=row.reference or "", amount=amount)


async def _renew(gateway: Renews, row: OrderEffectRow, order: str) -> Answer:
    amount = row.payload["amount"]
    return await gateway.renew(key=row.key, order=order, reference=row.reference or "", amount=amount)


async def _report(gateway: ReportsShipments, row: OrderEffectRow, order: str) -> Answer:
    told = row.payload
    return await gateway.report(
        key=row.key,
        order=order,
        reference=row.reference or "",
        carrier=told["carrier"],
        tracking_number=told["tracking_number"],
        shipped_at=datetime.fromisoformat(told["shipped_at"]),
    )


async def _lookup(gateway: LooksUp, row: OrderEffectRow, order: str) -> Answer:
    found = await gateway.lookup(order=order, reference=row.reference)
    return found or Answer(Verdict.DECLINED, code="not_found", says="the gateway knows no such payment")


_ACTS: Final[Mapping[str, Callable[[Any, OrderEffectRow, str], Awaitable[Answer]]]] = {
    "payment.authorize": _authorize,
    "payment.register": _register,
    "payment.capture": _capture,
    "payment.void": _void,
    "payment.refund": _refund,
    "payment.renew": _renew,
    "payment.report": _report,
    "payment.lookup": _lookup,
}

_CAPTURE: Final = "payment.capture"
_ENDS_A_HOLD: Final = (_CAPTURE, "payment.void")
_NOT_SHOWN: Final = "not_shown"
_WAITS: Final = (PaymentState.AUTHORIZED, PaymentState.PENDING)
_TAKEN: Final = (PaymentState.CAPTURED, PaymentState.PARTLY_REFUNDED, PaymentState.REFUNDED)


def performing(gateways: Mapping[str, Adapter]) -> Perform[OrderEffectRow]:
    """Asks the gateway of the order's payment."""

    async def perform(job: Job[OrderEffectRow]) -> Outcome:
        row = job.row
        order, gateway = f"{row.shop}/{row.number}", gateways.get(row.gateway or "")
        if gateway is None:
            return Outcome(Verdict.RETRY, code="no_gateway", says=f"no shop names the gateway {row.gateway} any more")
        known = None
        if job.attempts > 1 and isinstance(gateway, LooksUp):
            known = await gateway.lookup(order=order, key=row.key, reference=row.reference)
        outcome = _outcome(known or await _ACTS[job.kind](gateway, row, order), job.kind, row.payload)
        if outcome.code == _NOT_SHOWN and job.attempts > 1 and isinstance(gateway, LooksUp):
            # Under its key the gateway repeats what it said then; how the payment stands by now is another question.
            stands = await gateway.lookup(order=order, reference=row.reference)
            if stands is not None and stands.verdict is Verdict.OK:
                return _outcome(stands, job.kind, row.payload)
        return outcome

    return perform


def _outcome(answer: Answer, kind: str, asked: Mapping[str, Any]) -> Outcome:
    """A gateway's answer as an effect's outcome; the snapshot is what stages read. A yes that shows nothing of what was asked for may
    have been done: nobody else would ask again."""
    stands = answer.snapshot
    if stands is None and answer.verdict is Verdict.OK:
        return _unshown("no_snapshot", "the gateway did not say how the payment stands")
    if stands is not None and answer.verdict is Verdict.OK and kind in _ENDS_A_HOLD:
        if stands.state in _WAITS and stands.captured < asked.get("amount", 1):
            return _unshown(_NOT_SHOWN, f"the gateway says yes, and has it {stands.state}")
        if kind == _CAPTURE and stands.state in _TAKEN and stands.captured < asked["amount"]:
            stands = replace(stands, state=PaymentState.NEEDS_REVIEW)
    data = {"snapshot": stands.to_json()} if stands else {}
    reference = stands.reference if stands else None
    return Outcome(answer.verdict, reference, answer.code, answer.says, answer.retry_after, data)


def _unshown(code: str, says: str) -> Outcome:
    """Nobody knows; but the gateway answered, and whatever else it is asked need not wait."""
    return Outcome(Verdict.UNKNOWN, code=code, says=says, answered=True)


def _equip(means: Means) -> Perform[OrderEffectRow]:
    return performing(means.gateways())


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, OrderEffectRow]:
    with glance(engine) as connection:
        return {row.id: row for row in effects.to_perform(connection, ids)}


EFFECT = Effect(
    name="payments",
    kinds=tuple(_ACTS),
    queue="gateway",
    target=lambda row: row.gateway or "",
    orders=lambda row: (row.order_id,),
    total=60.0,
    unknowns=8,  # some two minutes of back-offs: nobody's money is in doubt for longer than it takes to look
    load=_load,
    equip=_equip,
)
