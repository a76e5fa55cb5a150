"""The mail channel: an instruction is handed over when its mail is queued, once by its Message-ID."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes, policy

import pytest

from models.mail_packing import unpack
from pipelines.shops import Shop
from pipelines.suppliers.channel import Contact, NoSettings, Sender
from tests.channels.conformance import Bench, ChannelConformance, batch
from tests.rules.build import plain_shop
from tests.world import SHOPS, World, document
from workers.channels.mail import CHANNEL


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


def opened(world: World, **shops: Shop) -> Sender:
    """The channel in a house with these shops."""
    return CHANNEL.open(NoSettings(), replace(world.house, shops={**SHOPS, **shops}))


class TestMail(ChannelConformance):
    @pytest.fixture
    def bench(self, world: World) -> Bench:
        @asynccontextmanager
        async def registered() -> AsyncIterator[Mailbox]:
            yield Mailbox(world, opened(world), Contact(mail="soko@example.jp"))

        @asynccontextmanager
        async def nowhere() -> AsyncIterator[tuple[Mailbox, Callable[[], None]]]:
            box = Mailbox(world, opened(world, salon=plain_shop()), Contact())
            yield box, lambda: setattr(box, "contact", Contact(mail="soko@example.jp"))

        return Bench(registered, nowhere)


@pytest.mark.parametrize(
    ("profile", "registered", "to"),
    [
        (
            'operator_mail = "ops@shop.example"\n[suppliers.warehouse]\nmail = "a@maker.example"',
            "b@maker.example",
            "a@maker.example",
        ),
        ('operator_mail = "ops@shop.example"', "b@maker.example", "b@maker.example"),
        ('operator_mail = "ops@shop.example"', None, "ops@shop.example"),
    ],
    ids=["the profile's address", "the one it registered", "the shop's operators, who pass it on"],
)
def test_whom_the_mail_goes_to(world: World, profile: str, registered: str | None, to: str) -> None:
    box = Mailbox(world, opened(world, salon=plain_shop(profile)), Contact(mail=registered))
    (outcome,) = asyncio.run(box.sender.send(batch(box, 1)))
    assert outcome.says == "instructed by mail"
    assert [row.envelope_to for row in world.rows("SELECT envelope_to FROM mail")] == [to]


def test_an_order_shows_the_mail_that_its_supplier_got(world: World) -> None:
    world.take(document("S-1"))
    world.settle()
    shown = world.show()
    assert shown["shipments"][0]["state"] == "instructed"
    assert [t["cause"] for t in shown["timeline"] if t["to"] == "instructed"] == ["instructed by mail"]
    (mail,) = [m for m in shown["mails"] if m["template"] == "supplier_instruction"]
    assert (mail["state"], mail["shipment"]) == ("sent", shown["shipments"][0]["id"])
