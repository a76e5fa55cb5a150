"""A supplier channel that is one file in the folder of plug-ins, and sends one file a day."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from models.store import effects
from pipelines.errors import Misconfigured
from pipelines.shops import Shop
from pipelines.shops.installation import Installation
from pipelines.shops.load import ProfileErrors, parse_shop
from pipelines.suppliers.channel import Contact, Sender
from pipelines.suppliers.news import supplier_event
from tests.channels.conformance import Bench, ChannelConformance
from tests.plugins import csv_channel
from tests.rules.build import shop_with
from tests.world import SHOPS, World, document, tracking_number
from workers.channels import CHANNELS
from workers.mail.rendering import Renderer
from workers.payments import GATEWAYS
from workers.settings import read

PLUG_IN = Path(csv_channel.__file__)
PROFILE = 'name = "店"\n[suppliers.warehouse]\nchannel = "csv"\n'
CUTOFF = "2026-11-20 15:00:00"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins_in: Callable[[Path | str], None]) -> Path:
    """The plug-in is dropped in; where its files go."""
    (plugins := tmp_path / "plugins").mkdir()
    (files := tmp_path / "files").mkdir()
    shutil.copy(PLUG_IN, plugins)
    plugins_in(plugins)
    monkeypatch.setenv("CSV_FOLDER", str(files))
    return files


def by_file(name: str = "salon") -> Shop:
    """A packaged shop whose warehouse takes files."""
    return shop_with(name, **{"[suppliers.warehouse]": '[suppliers.warehouse]\nchannel = "csv"'}).connect(
        Installation(GATEWAYS, CHANNELS)
    )


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer, folder: Path) -> Iterator[World]:
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": by_file()}) as world:
        yield world


@dataclass
class Maker:
    """Who empties the folder."""

    sender: Sender
    folder: Path
    contact: Contact = field(default_factory=Contact)

    def arrived(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in rows(self.folder):
            assert row[0] not in found
            found[row[0]] = ",".join(row)
        return found


def rows(folder: Path) -> list[list[str]]:
    """Every row of every file."""
    files = sorted(folder.glob("*.csv"))
    return [row for file in files for row in csv.reader(file.read_bytes().decode("cp932").splitlines())]


class TestCsv(ChannelConformance):
    @pytest.fixture
    def bench(self, folder: Path, world: World) -> Bench:
        def opened() -> Maker:
            return Maker(world.senders()["csv"], folder)

        @asynccontextmanager
        async def there() -> AsyncIterator[Maker]:
            yield opened()

        @asynccontextmanager
        async def unmounted() -> AsyncIterator[tuple[Maker, Callable[[], None]]]:
            maker = opened()
            folder.rmdir()
            yield maker, folder.mkdir

        return Bench(there, unmounted)


def test_a_channel_is_refused_where_it_was_not_dropped_in() -> None:
    with pytest.raises(ProfileErrors) as refused:
        parse_shop("mine", PROFILE, Installation(GATEWAYS, CHANNELS))
    assert refused.value.entries == [
        (
            "mine.toml",
            "suppliers.warehouse.channel",
            "'csv' is no supplier channel; there is auto, files, mail, poll, portal, webhook",
        )
    ]


def test_a_channel_that_was_dropped_in_is_accepted(folder: Path) -> None:
    assert parse_shop("mine", PROFILE, Installation(GATEWAYS, CHANNELS)).batches("csv")


def test_a_setting_that_it_misses_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CSV_FOLDER")
    with pytest.raises(Misconfigured, match="CSV_FOLDER: is missing; name the folder from which makers collect"):
        read(CHANNELS["csv"].settings, {})


def send_what_is_due(world: World) -> None:
    """The pause is over in which what is decided side by side gathers."""
    world.hurry()
    world.settle()


def test_the_shipments_of_a_day_go_out_as_one_file_and_each_has_its_outcome(world: World, folder: Path) -> None:
    """One of them cannot be printed: it goes before a human, its neighbours go through."""
    unprintable = {**document()["ship_to"], "name": "𠮷田"}
    world.take(document("S-1"), document("S-2"), document("S-3", ship_to=unprintable))
    world.settle()
    assert {one["state"] for n in (1, 2, 3) for one in world.show(f"S-{n}")["shipments"]} == {"planned"}
    assert rows(folder) == []

    world.at(CUTOFF)
    assert {state for state, _ in world.states().values()} == {"released"}, "its items wait for the file"
    send_what_is_due(world)

    assert len(list(folder.iterdir())) == 1
    assert {row[0] for row in rows(folder)} == {*world.shipments("S-1"), *world.shipments("S-2")}
    assert [world.show(f"S-{n}")["shipments"][0]["state"] for n in (1, 2, 3)] == ["instructed", "instructed", "planned"]
    assert world.states()["S-3"] == ("released", "held")
    assert [hold["reason"] for hold in world.show("S-3")["hold"]] == ["supplier_unreachable"]
    assert [t["cause"] for t in world.show("S-1")["timeline"] if t["to"] == "instructed"] == ["instructed by file"]
    assert world.value("SELECT count(*) FROM effect WHERE kind = 'supplier.instruct'") == 1
    assert world.broken() == {}


def test_nothing_goes_out_before_the_cutoff_and_a_later_order_waits_for_the_next(world: World, folder: Path) -> None:
    """CUT-01: what came in by the cutoff is in the file of its day, what came later in that of the next open one."""
    world.take(document("S-1"))
    world.at("2026-11-20 14:59:59")
    send_what_is_due(world)
    assert rows(folder) == []
    world.at("2026-11-20 15:00:01")
    world.take(document("S-2", placed_at="2026-11-20T15:00:01+09:00"))
    world.settle()
    send_what_is_due(world)
    assert {row[0] for row in rows(folder)} == set(world.shipments("S-1"))
    world.at("2026-11-24 15:00:00")  # over a week-end and a holiday
    send_what_is_due(world)
    assert {row[0] for row in rows(folder)} == {*world.shipments("S-1"), *world.shipments("S-2")}
    assert len(list(folder.iterdir())) == 2


def test_who_was_in_time_and_comes_after_the_file_has_left_gets_one_of_its_own(world: World, folder: Path) -> None:
    """A file that may have left is sent again as it was: nothing joins it any more."""
    world.take(document("S-1"))
    world.at(CUTOFF)
    send_what_is_due(world)
    world.clock.advance(seconds=10)
    world.take(document("S-2", placed_at="2026-11-20T14:59:59+09:00"))
    world.settle()
    send_what_is_due(world)
    assert len(list(folder.iterdir())) == 2
    assert sorted(row[0] for row in rows(folder)) == sorted([*world.shipments("S-1"), *world.shipments("S-2")])


def test_a_folder_that_is_away_costs_nothing_but_time(world: World, folder: Path) -> None:
    world.take(document("S-1"), document("S-2"))
    world.settle()
    folder.rmdir()
    world.at(CUTOFF)
    send_what_is_due(world)
    assert world.value("SELECT count(*) FROM effect_item WHERE state = 'pending'") == 2
    folder.mkdir()
    send_what_is_due(world)
    assert len(list(folder.iterdir())) == 1
    assert {world.show(n)["shipments"][0]["state"] for n in ("S-1", "S-2")} == {"instructed"}
    assert world.broken() == {}


def test_a_file_that_was_given_up_is_tried_again_by_an_operator(world: World, folder: Path) -> None:
    """Its orders wait for a human; ``shukka retry`` hands the same items over under the same key."""
    world.take(document("S-1"), document("S-2"))
    world.settle()
    folder.rmdir()
    world.at(CUTOFF)
    world.execute("UPDATE effect_lease SET attempts = 400 WHERE kind = 'supplier.instruct'")
    send_what_is_due(world)
    assert {condition for _, condition in world.states().values()} == {"held"}
    folder.mkdir()
    with world.engine.begin() as connection:
        given_up = world.value("SELECT id FROM effect WHERE state = 'needs_review'")
        assert effects.try_again(connection, [given_up]) == ["supplier.instruct"]
    send_what_is_due(world)
    assert len(rows(folder)) == 2
    world.tell(world.ask("order.release", "S-1"), world.ask("order.release", "S-2"))
    world.settle()
    assert {world.show(n)["shipments"][0]["state"] for n in ("S-1", "S-2")} == {"instructed"}
    assert world.broken() == {}


def test_the_maker_s_answer_comes_back_as_a_file_and_is_news_once(world: World, folder: Path) -> None:
    """TRK-05: a row's key is the file's digest and the row's content, so the same file twice is nothing."""
    world.take(document("S-1"), document("S-2"))
    world.settle()
    world.at(CUTOFF)
    send_what_is_due(world)
    answered = "\n".join(f"{row[0]},yamato,{tracking_number(10 + n)}" for n, row in enumerate(rows(folder)))

    def received() -> list[bool]:
        digest = hashlib.sha256(answered.encode()).hexdigest()
        news = []
        for line in answered.splitlines():
            shipment, carrier, number = line.split(",")
            raw = {
                "type": "shipment.shipped",
                "timestamp": world.clock.now().isoformat(),
                "data": {"shipment": shipment, "carrier": carrier, "tracking_number": number},
            }
            key = f"{digest}:{hashlib.sha256(line.encode()).hexdigest()}"
            news.append(
                supplier_event(raw, supplier="warehouse", shops=("salon",), event_id=key, now=world.clock.now())
            )
        return world.tell(*news)

    assert received() == [True, True]
    world.settle()
    assert {state for state, _ in world.states().values()} == {"shipped"}
    assert received() == [False, False]
