"""Instructs a supplier that comes for its work (``GET /v1/suppliers/{supplier}/work``): the list is made of the shipments that
stand instructed, so that there is nothing to hand over but the word that it may come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from models.database import glance
from models.store import clients
from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.channel import Batch, Channel, Means, NoSettings

_LISTED = Outcome(Verdict.OK, says="put into its list of work")


class PollSender:
    """``Sender`` to whom an instruction is handed over once its supplier has a key with which to fetch it."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        """OK: it stands in the supplier's list from the moment at which its shipment counts as instructed."""
        outcome = _LISTED if await asyncio.to_thread(self._may_come, batch.supplier) else _no_key(batch.supplier)
        return [outcome] * len(batch.instructions)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _may_come(self, supplier: str) -> bool:
        with glance(self._means.engine) as connection:
            return any(one.name == supplier for one in clients.suppliers(connection))


def _no_key(supplier: str) -> Outcome:
    says = f"{supplier} has no key to fetch its work with; make one: shukka client create supplier {supplier}"
    return Outcome(Verdict.RETRY, code="no_key", says=says)


def _open(settings: NoSettings, means: Means) -> PollSender:
    return PollSender(means)


CHANNEL = Channel("poll", NoSettings, _open, fetched=True)
