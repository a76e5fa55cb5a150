"""Payments: the four things that a gateway is asked; an earlier attempt is looked up by its key before it is repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from sqlalchemy import Engine

from models.store import effects
from models.store.effects import OrderEffectRow
from pipelines.ports import Outcome, PaymentGateway
from workers.effects.effect import Effect, Job, Means, Perform


async def _authorize(row: OrderEffectRow, gateway: PaymentGateway) -> Outcome:
    return await gateway.authorize(
        key=row.key, order=f"{row.shop}/{row.number}", amount=row.payload["amount"], token=row.token or ""
    )


async def _capture(row: OrderEffectRow, gateway: PaymentGateway) -> Outcome:
    return await gateway.capture(key=row.key, authorization=row.reference or "", amount=row.payload["amount"])


async def _void(row: OrderEffectRow, gateway: PaymentGateway) -> Outcome:
    return await gateway.void(key=row.key, authorization=row.reference or "")


async def _refund(row: OrderEffectRow, gateway: PaymentGateway) -> Outcome:
    return await gateway.refund(key=row.key, authorization=row.reference or "", amount=row.payload["amount"])


_ACTS: Mapping[str, Callable[[OrderEffectRow, PaymentGateway], Awaitable[Outcome]]] = {
    "payment.authorize": _authorize,
    "payment.capture": _capture,
    "payment.void": _void,
    "payment.refund": _refund,
}


def performing(gateways: Mapping[str, PaymentGateway]) -> Perform[OrderEffectRow]:
    """Asks the gateway of the order's payment."""

    async def perform(job: Job[OrderEffectRow]) -> Outcome:
        gateway = gateways[job.row.gateway or ""]
        known = await gateway.lookup(key=job.row.key) if job.attempts > 1 else None
        return known if known is not None else await _ACTS[job.kind](job.row, gateway)

    return perform


def _equip(means: Means) -> Perform[OrderEffectRow]:
    return performing(means.gateways())


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, OrderEffectRow]:
    with engine.connect() as connection:
        return {row.id: row for row in effects.to_perform(connection, ids)}


EFFECT = Effect(
    name="payments",
    kinds=tuple(_ACTS),
    queue="gateway",
    target=lambda row: row.gateway or "",
    total=60.0,
    load=_load,
    equip=_equip,
)
