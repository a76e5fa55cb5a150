"""Instructs a supplier by mail: to its profile's address, the one it registered, or the shop's operators, who pass it on. Where
the installation has a public address, the mail links to the page on which the supplier answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from models.database import glance
from models.store import links as link_store
from models.store.links import LinkHolder
from pipelines.engine.run import DueMail, queue_mails
from pipelines.orders.mails import supplier_mail
from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.channel import Batch, Channel, Contact, Means, NoSettings
from pipelines.suppliers.instructions import MAIL, Instruction
from pipelines.suppliers.links import PURPOSE, Pass, holder, link


class MailSender:
    """``Sender`` that queues a mail for each instruction: from then on it is as durable as any other mail of the house,
    sent by its own effect, and once by its Message-ID however often it is queued."""

    def __init__(self, means: Means, *, by: str = MAIL, tells_address: bool = True) -> None:
        """``by``: how the supplier is said to be told; ``tells_address``: whether the mail says where the goods go, or the page
        alone."""
        self._means = means
        self._done = Outcome(Verdict.OK, says=f"instructed by {by}")
        self._tells_address = tells_address

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        """Queue the mails in one transaction; OK: they are stored."""
        return await asyncio.to_thread(self._queue, batch)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _queue(self, batch: Batch) -> Sequence[Outcome]:
        now = self._means.clock.now()
        answers: dict[str, Outcome] = {}
        due: dict[str, DueMail] = {}
        pages = self._pages(batch, now)
        for one in batch.instructions:
            to = self._address(one, batch.contact)
            if to is None:
                says = f"{one.supplier} has no mail and the shop {one.shop} no operator_mail; set one"
                answers[one.key] = Outcome(Verdict.RETRY, code="no_mail", says=says)
            else:
                shop, about = self._means.shops[one.shop], one.key.removesuffix(":requested")
                intent = supplier_mail(
                    "supplier_instruction",
                    shop,
                    one,
                    to,
                    now,
                    about=about,
                    page=pages.get(one.key),
                    tells_address=self._tells_address,
                )
                due[one.key] = DueMail(one.shop, intent, one.number, one.order_id)
        with self._means.engine.begin() as connection:
            faults = queue_mails(connection, self._means.renderer, list(due.values()), now)
        for key, fault in zip(due, faults, strict=True):
            answers[key] = self._done if fault is None else Outcome(Verdict.RETRY, code="unrenderable", says=fault)
        return [answers[one.key] for one in batch.instructions]

    def _pages(self, batch: Batch, now: datetime) -> dict[str, str]:
        """The page of each instruction by its key; none where the installation has no public address."""
        links = self._means.links
        if links is None:
            return {}
        held = {holder(one.shop, batch.supplier) for one in batch.instructions}
        with glance(self._means.engine) as connection:
            found = link_store.generations(connection, [LinkHolder(PURPOSE, one) for one in sorted(held)])
        current = {row.holder: row.generation for row in found}
        opened = {
            one.key: Pass(current.get(holder(one.shop, batch.supplier), 0), one.shop, one.shipment, batch.supplier)
            for one in batch.instructions
        }
        return {key: link(links, opens, now) for key, opens in opened.items()}

    def _address(self, instruction: Instruction, contact: Contact) -> str | None:
        shop = self._means.shops[instruction.shop]
        return shop.supplier(instruction.supplier).mail or contact.mail or shop.operator_mail or None


def _open(settings: NoSettings, means: Means) -> MailSender:
    """Needs no setting: SMTP belongs to the house."""
    return MailSender(means)


CHANNEL = Channel(MAIL, NoSettings, _open)
