"""The poll channel: an instruction is in its supplier's list, and counts as told once it was fetched."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine

from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.channel import Batch, Contact, Sender
from pipelines.suppliers.work import LISTS, listed
from tests.channels.conformance import Bench, ChannelConformance
from tests.rules.build import shop_with
from tests.web.site import Site
from tests.world import SHOPS, World, a_line, document
from workers.channels import CHANNELS
from workers.mail.rendering import Renderer
from workers.settings import read

POLL = '[suppliers.warehouse]\nchannel = "poll"\nacknowledge_within_hours = 2\nreminders = 1\nmail = "soko@example.jp"'


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A salon whose warehouse comes for its work."""
    shop = shop_with("salon", **{"[suppliers.warehouse]": POLL}).connect(SHOPS["salon"]._installation)
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": shop}) as world:
        yield world


@dataclass
class Marking:
    """The channel, with the stage behind it that counts a shipment as instructed once the channel has it."""

    world: World
    channel: Sender

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = await self.channel.send(batch)
        handed = [
            told.shipment for told, one in zip(batch.instructions, outcomes, strict=True) if one.verdict is Verdict.OK
        ]
        self.world.execute("UPDATE shipment SET state = 'instructed' WHERE id = ANY(:ids)", ids=handed)
        return outcomes

    async def aclose(self) -> None:
        await self.channel.aclose()


@dataclass
class Poller:
    """Who asks for his work."""

    world: World
    sender: Sender
    contact: Contact = field(default_factory=Contact)

    def arrived(self) -> dict[str, str]:
        with self.world.engine.connect() as connection:
            work = listed(connection, self.world.shops, "warehouse", LISTS["requested"])
        told = {one.told.shipment: json.dumps(one.to_json(), ensure_ascii=False, default=str) for one in work}
        assert len(told) == len(work)
        return told


class TestPoll(ChannelConformance):
    @pytest.fixture
    def bench(self, world: World) -> Bench:
        planned(world)
        sender = Marking(world, CHANNELS["poll"].open(read(CHANNELS["poll"].settings, {}), world.house))

        @asynccontextmanager
        async def registered() -> AsyncIterator[Poller]:
            world.enrol("supplier", "warehouse", shops=["salon"])
            yield Poller(world, sender)

        @asynccontextmanager
        async def unknown() -> AsyncIterator[tuple[Poller, Callable[[], None]]]:
            yield Poller(world, sender), lambda: void(world.enrol("supplier", "warehouse"))

        return Bench(registered, unknown)


def planned(world: World) -> None:
    """The shipments of which the conformance suite speaks, as they stand before their supplier is told."""
    for n in (1, 2, 3):
        world.take(document(f"S-{n}", a_line("1", 2, sku=f"SKU-{n}")))
    while world.decide("accept", "authorize", "split") or world.perform("payment.authorize"):
        pass
    ids = [row.id for row in world.rows("SELECT id FROM shipment ORDER BY order_id")]
    assert len(ids) == 3
    for n, id_ in enumerate(ids, 1):
        with world.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for table, column in (("shipment", "id"), ("shipment_line", "shipment_id")):
                connection.exec_driver_sql(f"UPDATE {table} SET {column} = %s WHERE {column} = %s", (f"SH-{n}", id_))


def void(_: object) -> None:
    """Nothing comes back."""


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    site = Site(world)
    yield site
    site.close()


def test_an_instruction_counts_as_told_once_it_was_fetched(site: Site) -> None:
    world = site.world
    key = world.enrol("supplier", "depot").key
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.show()["shipments"]
    assert shipment["state"] == "instructed"
    assert world.value("SELECT told_at FROM shipment") is None
    assert site.get("/v1/suppliers/depot/work", key=key).json()["work"] == [], "nobody else's work"
    world.clock.advance(minutes=30)
    key = site.keys["warehouse"]
    fetched = [site.get("/v1/suppliers/warehouse/work", key=key).json()["work"] for _ in range(3)]
    assert [[one["shipment"] for one in work] for work in fetched] == [[shipment["id"]]] * 3
    world.settle()
    assert world.value("SELECT told_at FROM shipment") == world.clock.now()
    assert world.value("SELECT count(*) FROM inbox_event WHERE type = 'shipment.fetched'") == 1
    assert world.broken() == {}


def test_who_never_comes_is_asked_after_like_anybody_else(site: Site) -> None:
    """An answer is expected from the moment at which the instruction was to be there: by mail, then a human has the order."""
    world = site.world
    world.take(document("S-1"))
    world.settle()
    (waiting,) = world.show()["awaits"]
    assert (waiting["what"], waiting["then"]) == ("supplier.acknowledgement", "remind")
    world.at("2026-11-20 11:00:01")
    assert [mail["template"] for mail in world.show()["mails"]].count("supplier_overdue") == 1
    world.at("2026-11-20 13:00:01")
    assert [hold["reason"] for hold in world.show()["hold"]] == ["supplier_silent"]


def test_fetching_starts_the_wait_anew(site: Site) -> None:
    world = site.world
    world.take(document("S-1"))
    world.settle()
    world.at("2026-11-20 10:30:00")
    site.get("/v1/suppliers/warehouse/work", key=site.keys["warehouse"])
    world.settle()
    (waiting,) = world.show()["awaits"]
    assert (waiting["what"], waiting["until"]) == ("supplier.acknowledgement", "2026-11-20T12:30:00+09:00")


def test_who_never_comes_loses_the_shipment_where_the_profile_names_another(
    engine: Engine, database_url: str, renderer: Renderer
) -> None:
    other = f'{POLL}\ninstead = "maker-b"\n[suppliers.maker-b]\nmail = "b@maker.example"'
    shop = shop_with("salon", **{"[suppliers.warehouse]": other}).connect(SHOPS["salon"]._installation)
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": shop}) as world:
        world.enrol("supplier", "warehouse")
        world.take(document("S-1"))
        world.settle()
        world.at("2026-11-20 11:00:01")
        world.at("2026-11-20 13:00:01")
        (shipment,) = world.show()["shipments"]
        assert (shipment["supplier"], shipment["state"]) == ("maker-b", "instructed")
        assert world.show()["hold"] == []
        told = [mail["template"] for mail in world.show()["mails"] if mail["template"].startswith("supplier_")]
        assert told == ["supplier_overdue", "supplier_cancel", "supplier_instruction"]
        assert [one["from"] for one in world.show()["awaits"]] == ["maker-b"]
        assert world.broken() == {}
