"""An older copy of the database is put in place, as docs/operations.md says: nothing is doubled, and what is missing is found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from models.database import connect
from tests.conftest import Running
from tests.world import World, document
from workers.mail.rendering import Renderer
from workers.process.embedded import EmbeddedEngines
from workers.process.engines.binaries import installed_binaries

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
NEXT_ID = 1_000_000


def documented(language: str) -> str:
    """What the drill has people type in ``language``."""
    drill = OPERATIONS.read_text("utf-8").partition("## Backup and restore")[2]
    (found,) = re.findall(rf"```{language}\n(.*?)```", drill, re.DOTALL)
    return str(found)


def documented_statement() -> str:
    """The statement of the drill."""
    return documented("sql")


def tool(name: str) -> Path:
    """A program of the PostgreSQL that runs."""
    postgres = installed_binaries(valkey=False).postgres
    assert postgres is not None
    return postgres.with_name(name)


def plain_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class Copies:
    """Copies of a database, and houses on them that meet the same outside world."""

    def __init__(self, running: Running, world: World, url: str, folder: Path, renderer: Renderer) -> None:
        self._running, self._world, self._url, self._renderer = running, world, url, renderer
        self._file = folder / "copy"
        self._opened: list[World] = []

    def take(self) -> Path:
        """pg_dump, while the house goes on."""
        subprocess.run([tool("pg_dump"), "-Fc", "-f", self._file, plain_url(self._url)], check=True)
        return self._file

    def restore(self) -> World:
        """A house on the copy."""
        self._running.execute("CREATE DATABASE shukka_restored")
        url = self._running.database_url("shukka_restored")
        subprocess.run([tool("pg_restore"), "-d", plain_url(url), self._file], check=True)
        after = World(connect(url), url, self._renderer, gateways={"sandbox": self._world.gateway})
        after.clock.set(self._world.clock.now())
        self._opened.append(after)
        return after

    def close(self) -> None:
        for one in self._opened:
            one.__exit__(None, None, None)
            one.engine.dispose()
        self._running.execute("DROP DATABASE IF EXISTS shukka_restored WITH (FORCE)")


@pytest.fixture
def copies(running: Running, world: World, database_url: str, tmp_path: Path, renderer: Renderer) -> Iterator[Copies]:
    made = Copies(running, world, database_url, tmp_path, renderer)
    yield made
    made.close()


def states(world: World) -> dict[str, tuple[str, int | None, int | None]]:
    """Where each order and its money stand, in yen."""
    rows = world.rows(
        "SELECT o.number, o.state, p.authorized, p.captured FROM shop_order o JOIN payment p ON p.order_id = o.id"
    )
    return {row.number: (row.state, row.authorized, row.captured) for row in rows}


def test_an_older_copy_is_brought_up_to_date_and_nothing_is_doubled(world: World, copies: Copies) -> None:
    """Keys are made of the order, not drawn: what the copy knows nothing of is asked for again under the same key."""
    gateway, suppliers = world.gateway, world.suppliers
    world.enrol("supplier", "warehouse", url="https://warehouse.example/")
    world.enrol("storefront", "shop", url="https://shop.example/")
    early = [document(f"S-{n}", customer=f"M-{n}") for n in range(3)]
    world.take(*early[:2])
    world.settle()
    world.ship_all("S-0")
    world.take(early[2])  # accepted, and nothing more
    copies.take()

    world.settle()
    (shipment,) = world.shipments("S-1")
    news = world.shipped(shipment)
    called_off = world.ask("cancel", "S-2")
    world.tell(news, called_off)
    late = document("S-9", customer="M-9")
    world.take(late)
    world.settle()
    before = states(world)
    acted, told, mailed = dict(gateway.done), dict(suppliers.messages), [m["Message-ID"] for m in world.postbox.mails]
    assert before["S-9"][0] == "released"
    assert set(before) == {"S-0", "S-1", "S-2", "S-9"}

    after = copies.restore()
    after.execute(documented_statement())
    after.settle()
    assert "S-9" not in states(after), "acknowledged after the copy: the storefront has it, and the gateway"
    assert gateway.orders.keys() - {f"salon/{number}" for number in states(after)} == {"salon/S-9"}
    other = document("S-8", customer="M-8")
    after.take(other)  # before the storefront has sent again what was lost
    after.tell(news, called_off)  # suppliers and customers are asked for all since the copy
    after.take(late)
    after.settle()

    assert after.broken() == {}
    assert {number: stands for number, stands in states(after).items() if number != "S-8"} == before
    assert {key: done for key, done in gateway.done.items() if "S-8" not in key} == acted, "no other key was used"
    assert len(gateway.cards) == len(states(after)), "one authorization an order"
    assert {key: m.data for key, m in after.suppliers.messages.items() if key in told} == {
        key: told[key].data for key in after.suppliers.messages.keys() & told.keys()
    }
    of_the_other = {f"{shipment}:requested" for shipment in after.shipments("S-8")}
    assert after.suppliers.messages.keys() - told.keys() == of_the_other, "goods leave once"
    again = [m["Message-ID"] for m in after.postbox.mails if m["X-Shukka-Order"] != "salon/S-8"]
    assert set(again) <= set(mailed), "a mail that goes out once more has the same Message-ID"


def test_no_two_orders_announce_themselves_under_one_webhook_id(world: World, copies: Copies) -> None:
    """A storefront that has seen an id takes the event for known: the number of an order that was lost is not given again."""
    world.enrol("storefront", "shop", url="https://shop.example/")
    copies.take()
    world.take(document("S-1"))
    world.settle()
    after = copies.restore()
    after.execute(documented_statement())
    after.take(document("S-2", customer="M-2"))
    after.settle()
    assert world.storefronts.messages
    assert after.storefronts.messages
    assert not world.storefronts.messages.keys() & after.storefronts.messages.keys()
    assert after.value("SELECT min(id) FROM shop_order") > NEXT_ID


@pytest.fixture
def new_directory() -> Iterator[Path]:
    """Of embedded engines: their user can reach it."""
    path = Path(tempfile.mkdtemp(prefix="shukka-test-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_a_copy_takes_the_place_of_the_database_of_embedded_engines(
    world: World, copies: Copies, new_directory: Path
) -> None:
    """They run under `shukka up` alone, which has made an empty database and is connected to it: the commands are typed beside it."""
    world.take(document("S-1"))
    world.settle()
    file = copies.take()
    with EmbeddedEngines(new_directory, valkey=False) as urls:
        house = connect(urls.database_url or "")
        with house.connect() as connection:
            connection.execute(text("SELECT 1"))
        typed = {"PATH": f"{tool('psql').parent}:{os.defpath}", "NEW": str(new_directory), "FILE": str(file)}
        subprocess.run(["/bin/sh", "-euc", documented("sh")], env=typed, check=True)
        with house.connect() as connection:  # it goes on with the copy, without a restart
            assert connection.execute(text("SELECT number FROM shop_order")).scalars().all() == ["S-1"]
            given = connection.execute(text("SELECT nextval(pg_get_serial_sequence('shop_order', 'id'))")).scalar_one()
            assert given > NEXT_ID
        house.dispose()
