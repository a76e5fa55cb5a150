"""A supplier with a mail address, as the channels that write mails reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from typing import Any

from models.mail_packing import unpack
from pipelines.shops import Shop
from pipelines.suppliers.channel import Channel, Contact, NoSettings, Sender
from tests.channels.conformance import Bench
from tests.rules.build import plain_shop
from tests.world import SHOPS, World


@dataclass
class Mailbox:
    """A supplier with a mail address."""

    world: World
    sender: Sender
    contact: Contact

    def arrived(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in self.world.rows("SELECT packed FROM mail ORDER BY id"):
            mail = message_from_bytes(unpack(row.packed), policy=policy.default)
            assert mail["X-Shukka-Template"] == "supplier_instruction"
            shipment = str(mail["X-Shukka-Shipment"])
            assert shipment not in found
            found[shipment] = mail.get_body(("plain",)).get_content()
        return found


def opened(channel: Channel[Any], world: World, **shops: Shop) -> Sender:
    """``channel`` in a house with these shops."""
    return channel.open(NoSettings(), replace(world.house, shops={**SHOPS, **shops}))


def mail_bench(channel: Channel[Any], world: World) -> Bench:
    """A supplier who has an address, and one who gets one later."""

    @asynccontextmanager
    async def registered() -> AsyncIterator[Mailbox]:
        yield Mailbox(world, opened(channel, world), Contact(mail="soko@example.jp"))

    @asynccontextmanager
    async def nowhere() -> AsyncIterator[tuple[Mailbox, Callable[[], None]]]:
        box = Mailbox(world, opened(channel, world, salon=plain_shop()), Contact())
        yield box, lambda: setattr(box, "contact", Contact(mail="soko@example.jp"))

    return Bench(registered, nowhere)
