"""The channel ``files``: a set of files a cutoff in the supplier's folder, each once, and its answers from the folder beside it."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pipelines.errors import Misconfigured
from pipelines.shops import Shop
from pipelines.suppliers.channel import Contact, Sender
from tests.channels.conformance import Bench, ChannelConformance
from tests.files.house import PROFILE, SHIPPED, answered, cells, shop
from tests.files.labels import faults
from tests.rules.build import shop_with
from tests.world import SHOPS, World, a_line, document
from workers.channels.files import CHANNEL, FileSender
from workers.inbound_files import SETTLED, job
from workers.mail.rendering import Renderer
from workers.periodic import Timekeeper
from workers.settings import read

CUTOFF = "2026-11-20 15:00:00"


def salon(form: str) -> Shop:
    return shop(f'format = "{form}"', 'channel = "files"')


@dataclass
class Warehouse:
    """Who empties the folder."""

    sender: Sender
    folder: Path
    contact: Contact = field(default_factory=Contact)

    @property
    def out(self) -> Path:
        return self.folder / "warehouse" / "out"

    def arrived(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for row in (row for path in sorted(self.out.glob("*.csv")) for row in cells(path.read_bytes())[1:]):
            assert row[0] not in found
            found[row[0]] = ",".join(row)
        return found


class TestFiles(ChannelConformance):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        sender = FileSender(tmp_path / "files", {**SHOPS, "salon": salon("csv")})

        @asynccontextmanager
        async def there() -> AsyncIterator[Warehouse]:
            yield Warehouse(sender, tmp_path / "files")

        @asynccontextmanager
        async def gone() -> AsyncIterator[tuple[Warehouse, Callable[[], None]]]:
            (tmp_path / "files").write_text("no folder")
            yield Warehouse(sender, tmp_path / "files"), (tmp_path / "files").unlink

        return Bench(there, gone)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHUKKA_FILES", str(tmp_path))
    return tmp_path / "warehouse"


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer, folder: Path) -> Iterator[World]:
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": salon("b2")}) as world:
        yield world


def written(folder: Path) -> list[Path]:
    return sorted((folder / "out").glob("*"))


def looked(world: World) -> list[str]:
    """The clock comes by a minute later."""
    world.clock.set(world.clock.now() + timedelta(minutes=1))
    inbound = job(world.house)
    assert inbound is not None
    return Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=(inbound,)).look()


def put(folder: Path, name: str, data: bytes, age: float = SETTLED + 1) -> Path:
    path = folder / "in" / name
    path.write_bytes(data)
    past = path.stat().st_mtime - age
    os.utime(path, (past, past))
    return path


def test_a_day_there_and_back(world: World, folder: Path) -> None:
    """Nothing before the cutoff, one file at it, and what it says of the numbers is taken in once."""
    world.take(*(document(f"S-{n}", a_line(quantity=2), customer=f"M-{n}") for n in range(20)))
    world.settle()
    assert not folder.exists()
    world.clock.set(world.clock.now())
    world.at(CUTOFF)
    world.hurry()
    world.settle()
    (path,) = written(folder)
    assert faults("b2", path.read_bytes()) == []
    assert len(cells(path.read_bytes())) == 21
    assert {row.state for row in world.rows("SELECT state FROM shipment")} == {"instructed"}

    back = answered("b2", [path.read_bytes()])
    put(folder, "still-written.csv", back, age=0)
    put(folder, "half.csv.part", back)
    assert looked(world) == ["files.inbound"]
    assert sorted(one.name for one in (folder / "in").iterdir()) == ["half.csv.part", "still-written.csv"]
    (folder / "in" / "still-written.csv").unlink()
    put(folder, "hakko.csv", back)
    looked(world)
    world.settle()
    assert {state for state, _ in world.states().values()} == {"shipped"}
    said = json.loads((folder / "answers" / "hakko.csv.json").read_bytes())
    assert (said["applied"], said["quarantined"]) == (20, [])
    assert not (folder / "in" / "hakko.csv").exists()
    assert world.value("SELECT content FROM supplier_file") == back
    put(folder, "hakko-again.csv", back)
    looked(world)
    assert json.loads((folder / "answers" / "hakko-again.csv.json").read_bytes())["known"] == 20
    assert world.broken() == {}


def test_what_was_taken_away_does_not_come_again(tmp_path: Path) -> None:
    """After a crash the same batch is handed over again under its key."""
    from tests.channels.conformance import batch

    warehouse = Warehouse(FileSender(tmp_path, {**SHOPS, "salon": salon("csv")}), tmp_path)
    import asyncio

    asyncio.run(warehouse.sender.send(batch(warehouse, 1)))
    (path,) = written(tmp_path / "warehouse")
    path.unlink()
    asyncio.run(warehouse.sender.send(batch(warehouse, 1)))
    assert written(tmp_path / "warehouse") == []
    asyncio.run(warehouse.sender.send(batch(warehouse, 2)))
    assert len(written(tmp_path / "warehouse")) == 1


def test_a_label_that_cannot_be_printed_goes_before_a_person(world: World, folder: Path) -> None:
    """B.9.1: its neighbours are told at the cutoff all the same."""
    made = document("S-2", customer="M-2")
    made["ship_to"]["name"] = "サロン 𩸽"
    world.take(document("S-1"), made)
    world.at(CUTOFF)
    world.hurry()
    world.settle()
    (path,) = written(folder)
    assert [row[32] for row in cells(path.read_bytes())[1:]] == ["S-1"]
    (hold,) = world.show("S-2")["holds"]
    assert hold["reason"] == "supplier_unreachable"
    assert [one for one in world.rows("SELECT outcome FROM effect_item") if "U+29E3D" in str(one.outcome)]


def test_a_file_of_which_nothing_can_be_read_is_given_back_and_told(world: World, folder: Path) -> None:
    (folder / "in").mkdir(parents=True)
    put(folder, "photo.csv", b"\x81\x00\xff")
    looked(world)
    looked(world)
    assert (folder / "answers" / "photo.csv").read_bytes() == b"\x81\x00\xff"
    assert "refused" in json.loads((folder / "answers" / "photo.csv.json").read_bytes())
    (event,) = world.rows("SELECT state, reason FROM inbox_event")
    assert event.state == "quarantined"
    assert event.reason.startswith("photo.csv: ")


def test_folders_must_be_named_where_a_shop_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHUKKA_FILES", raising=False)
    with pytest.raises(Misconfigured, match="SHUKKA_FILES"):
        read(CHANNEL.settings, os.environ)
    assert shop_with("salon", **{SHIPPED: PROFILE.format(files="", changes="")}).suppliers
