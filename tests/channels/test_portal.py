"""The portal channel: a mail that says where the page is, and nobody's address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.errors import Misconfigured
from pipelines.suppliers.channel import NoSettings
from tests.channels.conformance import Bench, ChannelConformance, Partner, batch
from tests.channels.mailbox import mail_bench
from tests.world import World
from workers.channels.portal import CHANNEL


class TestPortal(ChannelConformance):
    tells_address = False

    @pytest.fixture
    def bench(self, world: World) -> Bench:
        return mail_bench(CHANNEL, world)

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
