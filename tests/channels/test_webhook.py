"""The webhook channel, against a receiver that checks signatures and knows a webhook-id again."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from pipelines.suppliers.channel import Batch, Contact
from tests.channels.conformance import Bench, ChannelConformance, instruction
from tests.outside import SetClock
from tests.rules.build import at
from tests.world import World
from workers.channels.webhook import CHANNEL, WebhookSender
from workers.http.poster import Poster
from workers.http.signing import new_secret, verify
from workers.sandbox.http_server import Reply, Request, serving
from workers.settings import read

SECRET = new_secret()


@dataclass
class Receiver:
    """A supplier with a webhook: what it has seen under one id it has once."""

    sender: WebhookSender = field(
        default_factory=lambda: WebhookSender(Poster(allow_private=True), SetClock(at("2026-11-20 15:00:00")))
    )
    contact: Contact = field(default_factory=Contact)
    bodies: dict[str, tuple[str, str]] = field(default_factory=dict)
    busy: bool = False

    async def handle(self, request: Request) -> Reply:
        if self.busy:
            return Reply(503)
        key = verify([SECRET], request.headers, request.body, now=int(time.time()))
        message = request.json()
        assert message["timestamp"] == "2026-11-20T15:00:00+09:00"
        self.bodies.setdefault(key, (message["data"]["shipment"], request.body.decode()))
        return Reply(202)

    def arrived(self) -> dict[str, str]:
        told = dict(self.bodies.values())
        assert len(told) == len(self.bodies)
        return told


@asynccontextmanager
async def listening(busy: bool = False) -> AsyncIterator[Receiver]:
    receiver = Receiver(busy=busy)
    async with serving(receiver.handle) as port:
        receiver.contact = Contact(f"http://127.0.0.1:{port}/", (SECRET,))
        yield receiver


@asynccontextmanager
async def busy() -> AsyncIterator[tuple[Receiver, Callable[[], None]]]:
    async with listening(busy=True) as receiver:
        yield receiver, lambda: setattr(receiver, "busy", False)


class TestWebhook(ChannelConformance):
    @pytest.fixture
    def bench(self) -> Bench:
        return Bench(listening, busy)


class TestWebhookOfASupplierThatRegisteredNone(ChannelConformance):
    """Everything else as above; the supplier that cannot be reached has no URL yet."""

    @pytest.fixture
    def bench(self) -> Bench:
        @asynccontextmanager
        async def unregistered() -> AsyncIterator[tuple[Receiver, Callable[[], None]]]:
            async with listening() as receiver:
                registered, receiver.contact = receiver.contact, Contact()
                yield receiver, lambda: setattr(receiver, "contact", registered)

        return Bench(listening, unregistered)


def test_a_supplier_is_not_posted_to_within_our_own_network(world: World) -> None:
    """Unless a setting allows it, as for storefronts: who registers a URL could else speak to what is only ours."""

    async def sent() -> list[str | None]:
        async with listening() as receiver:
            sender = CHANNEL.open(read(CHANNEL.settings, os.environ), world.house)
            batch = Batch("key", "warehouse", receiver.contact, [instruction(1)])
            codes = [outcome.code for outcome in await sender.send(batch)]
            await sender.aclose()
            return codes if not receiver.bodies else ["arrived"]

    assert asyncio.run(sent()) == ["target_refused"]
