"""Instructions to suppliers: a shipment, or all of a supplier's file, handed to the channel that its profile names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Engine

from models.store import clients, effect_items
from models.store.effect_items import OnDeliveryRow
from pipelines.ports import Clock, Outcome, Verdict
from pipelines.shops import Shop
from pipelines.suppliers.channel import Batch, Contact, Sender
from pipelines.suppliers.instructions import (
    INSTRUCT,
    WEBHOOK,
    Instruction,
    instruct_key,
    stored_instruction,
)
from pipelines.suppliers.telling import complete, paid_on_delivery
from workers.effects.effect import Effect, Job, Means, Perform
from workers.http.signing import standing

#: From the best that an item can say to the worst: an effect is as far as the item that is least so.
_FAR = (Verdict.OK, Verdict.DECLINED, Verdict.RETRY, Verdict.UNKNOWN)
_CALLED_OFF = Outcome(Verdict.DECLINED, code="called_off", says="called off, or asked for anew, before it was told")


@dataclass(frozen=True, slots=True)
class Instructed:
    """An effect's instructions, the channel that carries them, and whether each is an item with an outcome of its own."""

    channel: str
    batch: Batch
    are_items: bool
    remarked: Mapping[str, Mapping[str, Any]]
    """The documents of orders with remarks or goods that are called to a store, by the instruction's key."""
    on_delivery: Mapping[int, OnDeliveryRow]
    """What orders are to pay on delivery, by their id."""
    called_off: Sequence[str] = ()
    """Keys of instructions of which nothing is to be sent any more, or for which another one stands by now."""
    old_until: datetime | None = None
    """Until when the supplier's replaced secret signs beside its new one."""

    def told_by(self, shops: Mapping[str, Shop], now: datetime) -> Batch:
        """The batch, signed by the secrets that count ``now``, with what the shops' profiles say of it: what the remarks
        ask of the supplier, and what it is to collect."""
        contact = self.batch.contact
        batch = replace(self.batch, contact=replace(contact, secrets=standing(contact.secrets, self.old_until, now)))
        wished = any(any((one.delivery or {}).values()) for one in batch.instructions)
        if not self.remarked and not self.on_delivery and not wished:
            return batch
        return replace(batch, instructions=[self._told(one, shops) for one in batch.instructions])

    def _told(self, instruction: Instruction, shops: Mapping[str, Shop]) -> Instruction:
        shop = shops.get(instruction.shop)
        if shop is None:
            return instruction
        document, due = self.remarked.get(instruction.key), self.on_delivery.get(instruction.order_id)
        return complete(instruction, shop, document, due)


def performing(senders: Mapping[str, Sender], shops: Mapping[str, Shop], clock: Clock) -> Perform[Instructed]:
    """Hands instructions over; the recipient's address goes from the database straight to the supplier."""

    async def perform(job: Job[Instructed]) -> Outcome:
        work = job.row
        sender = senders.get(work.channel)
        if sender is None:
            says = f"there is no channel {work.channel} in this process"
            return Outcome(Verdict.RETRY, code="no_channel", says=says)
        told = dict.fromkeys(work.called_off, _CALLED_OFF)
        batch = work.told_by(shops, clock.now())
        if batch.instructions:
            told |= zip([one.key for one in batch.instructions], await sender.send(batch), strict=True)
        return gathered(told) if work.are_items else next(iter(told.values()))

    return perform


def gathered(items: Mapping[str, Outcome]) -> Outcome:
    """The outcome of an effect whose items, by key, ended so."""
    least = max(items.values(), key=lambda one: _FAR.index(one.verdict))
    return Outcome(least.verdict, code=least.code, says=least.says, retry_after=least.retry_after, items=items)


def _equip(means: Means) -> Perform[Instructed]:
    return performing(means.channels(), means.shops, means.clock)


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, Instructed]:
    with engine.begin() as connection:
        effect_items.close(connection, ids)
        rows = effect_items.to_instruct(connection, ids)
        paid = paid_on_delivery((row.order_id, row.document) for row in rows)
        registered = clients.suppliers(connection)
        on_delivery = {row.order_id: row for row in effect_items.on_delivery(connection, paid)}
    contacts = {one.name: Contact(one.url, one.webhook_secrets, one.mail) for one in registered}
    old_until = {one.name: one.old_until for one in registered}
    loaded = {}
    for effect_id, found in groupby(rows, key=lambda row: row.effect_id):
        listed = list(found)
        wanted = [row for row in listed if row.lines and row.key == instruct_key(row.shipment_id, row.again)]
        first = next(iter(wanted or listed))
        contact = contacts.get(first.supplier, Contact())
        batch = Batch(
            first.effect_key,
            first.supplier,
            contact,
            [stored_instruction(row, row.supplier, row.key) for row in wanted],
        )
        remarked = {
            row.key: row.document for row in wanted if row.document.get("remarks") or row.document.get("pickup")
        }
        due = {row.order_id: on_delivery[row.order_id] for row in wanted if row.order_id in on_delivery}
        sent = {row.key for row in wanted}
        called_off = [row.key for row in listed if row.key not in sent]
        # Those that were asked for before channels were named went by webhook.
        channel, until = first.payload.get("channel", WEBHOOK), old_until.get(first.supplier)
        loaded[effect_id] = Instructed(channel, batch, first.is_item, remarked, due, called_off, until)
    return loaded


EFFECT: Effect[Any] = Effect(
    name="suppliers",
    kinds=(INSTRUCT,),
    queue="partners",
    target=lambda row: row.batch.supplier,
    orders=lambda row: sorted({one.order_id for one in row.batch.instructions}),
    total=30.0,
    load=_load,
    equip=_equip,
    late=Verdict.RETRY,  # every instruction has its key, by which a supplier knows it again
    gathers=True,
)
