"""Payments: the four things that a gateway is asked; an earlier attempt is looked up by its key before it is repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from models.store import lease as store
from pipelines.ports import Outcome, PaymentGateway
from workers.effects.effect import Effect, Job, Means, Perform


async def _authorize(row: Any, gateway: PaymentGateway) -> Outcome:
    return await gateway.authorize(
        key=row.key, order=f"{row.shop}/{row.number}", amount=row.payload["amount"], token=row.token or ""
    )


async def _capture(row: Any, gateway: PaymentGateway) -> Outcome:
    return await gateway.capture(key=row.key, authorization=row.reference, amount=row.payload["amount"])


async def _void(row: Any, gateway: PaymentGateway) -> Outcome:
    return await gateway.void(key=row.key, authorization=row.reference)


async def _refund(row: Any, gateway: PaymentGateway) -> Outcome:
    return await gateway.refund(key=row.key, authorization=row.reference, amount=row.payload["amount"])


_ACTS: Mapping[str, Callable[[Any, PaymentGateway], Awaitable[Outcome]]] = {
    "payment.authorize": _authorize,
    "payment.capture": _capture,
    "payment.void": _void,
    "payment.refund": _refund,
}


def performing(gateways: Mapping[str, PaymentGateway]) -> Perform[Any]:
    """Asks the gateway of the order's payment."""

    async def perform(job: Job[Any]) -> Outcome:
        gateway = gateways[job.row.gateway]
        known = await gateway.lookup(key=job.row.key) if job.attempts > 1 else None
        return known if known is not None else await _ACTS[job.kind](job.row, gateway)

    return perform


def _equip(means: Means) -> Perform[Any]:
    return performing(means.gateways())


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Any]:
    with engine.connect() as connection:
        return {row.id: row for row in store.load_effects(connection, ids)}


EFFECT = Effect(
    name="payments",
    kinds=tuple(_ACTS),
    queue="gateway",
    target=lambda row: str(row.gateway),
    total=60.0,
    load=_load,
    equip=_equip,
)
