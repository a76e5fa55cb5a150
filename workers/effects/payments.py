"""Payments' effects: what is asked of a gateway, under the effect's key, and what it answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from models.store.effects import OrderEffectRow
from pipelines.gateway import Adapter, Answer, Authorizes, Captures, LooksUp, Payer, Refunds, RegistersSlips, Voids
from pipelines.ports import Outcome, Verdict
from workers.effects.loop import Job, Performer, load_effects

_Act = Callable[[Any, OrderEffectRow, str], Awaitable[Answer]]


def payment_performers(gateways: Mapping[str, Adapter], channels: int = 16) -> list[Performer]:
    """Asks the payments' gateways; an earlier attempt is looked up by its key before it is repeated."""

    async def authorize(gateway: Authorizes, row: OrderEffectRow, order: str) -> Answer:
        return await gateway.authorize(key=row.key, order=order, amount=row.payload["amount"], token=row.token or "")

    async def register(gateway: RegistersSlips, row: OrderEffectRow, order: str) -> Answer:
        assert row.document is not None
        customer, ship_to = row.document["customer"], row.document["ship_to"]
        payer = Payer(customer["name"], customer["email"], ship_to["phone"])
        until = row.payload.get("until")
        return await gateway.register(
            key=row.key,
            order=order,
            method=row.method,
            amount=row.payload["amount"],
            payer=payer,
            until=datetime.fromisoformat(until) if until else None,
        )

    async def capture(gateway: Captures, row: OrderEffectRow, order: str) -> Answer:
        amount = row.payload["amount"]
        return await gateway.capture(key=row.key, order=order, reference=row.reference or "", amount=amount)

    async def void(gateway: Voids, row: OrderEffectRow, order: str) -> Answer:
        return await gateway.void(key=row.key, order=order, reference=row.reference or "")

    async def refund(gateway: Refunds, row: OrderEffectRow, order: str) -> Answer:
        amount = row.payload["amount"]
        return await gateway.refund(key=row.key, order=order, reference=row.reference or "", amount=amount)

    async def lookup(gateway: LooksUp, row: OrderEffectRow, order: str) -> Answer:
        found = await gateway.lookup(order=order, reference=row.reference)
        return found or Answer(Verdict.DECLINED, code="not_found", says="the gateway knows no such payment")

    acts: Mapping[str, _Act] = {
        "authorize": authorize,
        "register": register,
        "capture": capture,
        "void": void,
        "refund": refund,
        "lookup": lookup,
    }
    return [_payment_performer(f"payment.{name}", act, gateways, channels) for name, act in acts.items()]


def _payment_performer(kind: str, act: _Act, gateways: Mapping[str, Adapter], channels: int) -> Performer:
    async def perform(job: Job) -> Outcome:
        row: OrderEffectRow = job.row
        order, gateway = f"{row.shop}/{row.number}", gateways.get(row.gateway or "")
        if gateway is None:
            return Outcome(Verdict.RETRY, code="no_gateway", says=f"no shop names the gateway {row.gateway} any more")
        known = None
        if job.attempts > 1 and isinstance(gateway, LooksUp):
            known = await gateway.lookup(order=order, key=row.key)
        return _outcome(known or await act(gateway, row, order))

    return Performer(kind, load_effects, perform, channels)


def _outcome(answer: Answer) -> Outcome:
    """A gateway's answer as an effect's outcome; the snapshot is what stages read."""
    stands = answer.snapshot
    if stands is None and answer.verdict is Verdict.OK:
        return Outcome(Verdict.UNKNOWN, code="no_snapshot", says="the gateway did not say how the payment stands")
    data = {"snapshot": stands.to_json()} if stands else {}
    reference = stands.reference if stands else None
    return Outcome(answer.verdict, reference, answer.code, answer.says, answer.retry_after, data)
