"""The portal channel: a mail that says where the page is, and nobody's address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from pipelines.errors import Misconfigured
from pipelines.shops import Shop
from pipelines.suppliers.channel import Contact, NoSettings, Sender
from tests.channels.conformance import Bench, ChannelConformance, Partner, batch
from tests.channels.test_mail import Mailbox
from tests.rules.build import plain_shop
from tests.world import SHOPS, World
from workers.channels.portal import CHANNEL


def opened(world: World, **shops: Shop) -> Sender:
    """The channel in a house with these shops."""
    return CHANNEL.open(NoSettings(), replace(world.house, shops={**SHOPS, **shops}))


class TestPortal(ChannelConformance):
    tells_address = False

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

    def test_the_mail_links_to_the_page(self, bench: Bench, world: World) -> None:
        async def scenario(partner: Partner) -> dict[str, str]:
            await partner.sender.send(batch(partner, 1))
            return partner.arrived()

        assert world.house.links is not None
        told = bench.run(scenario)["SH-1"]
        assert f"{world.house.links.base}/s/" in told
        for private in ("460-0008", "栄1-2-3", "052-000-0000"):
            assert private not in told


def test_where_no_link_can_be_made_nothing_starts(world: World) -> None:
    with pytest.raises(Misconfigured, match="SHUKKA_PUBLIC_URL"):
        CHANNEL.open(
            NoSettings(),
            replace(world.house, settings=world.house.settings.model_copy(update={"shukka_public_url": None})),
        )
