"""What warehouses put into their folders beside the files that they mean: each is taken in, or told to somebody, and none keeps the
others waiting."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine

from pipelines.values.encoded_text import file_name
from tests.channels.test_files import CUTOFF, looked, put, salon
from tests.files.house import as_bytes
from tests.world import SHOPS, World, a_line, document, tracking_number
from workers.clock import AnyClock
from workers.inbound_files import SETTLED, look
from workers.mail.rendering import Renderer

HEADER = ["出荷番号", "運送会社", "送り状番号", "出荷日"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHUKKA_FILES", str(tmp_path))
    (inbound := tmp_path / "warehouse" / "in").mkdir(parents=True)
    return inbound.parent


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer, folder: Path) -> Iterator[World]:
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": salon("b2")}) as world:
        world.take(*(document(f"S-{n}", a_line(), customer=f"M-{n}") for n in (1, 2)))
        world.at(CUTOFF)
        yield world


def numbers(world: World, order: str) -> bytes:
    """A file with the number of one order's parcel."""
    number = tracking_number(44_441_375_000 + int(order[-1]))
    return as_bytes([[world.shipments(order)[0], "ヤマト運輸", number, "2026-11-20"]], HEADER)


def said(folder: Path, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "answers" / f"{name}.json").read_bytes())
    return found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(os.fsdecode("発行済データ.csv".encode("cp932")), id="in the bytes of Windows"),
        pytest.param(os.fsdecode(b"\x81\xff.csv"), id="in no encoding at all"),
        pytest.param("0" + "発" * 82 + ".csv", id="as long as a name may be"),
    ],
)
def test_whatever_a_file_is_called_it_is_read_and_so_are_those_behind_it(world: World, folder: Path, name: str) -> None:
    """A name in CP932, as programs for Windows send it, stopped the files of all suppliers for ever."""
    put(folder, name, numbers(world, "S-1"))
    put(folder, "発行.csv", numbers(world, "S-2"))
    assert looked(world) == ["files.inbound"]
    world.settle()
    assert {state for state, _ in world.states().values()} == {"shipped"}
    assert list((folder / "in").iterdir()) == []
    assert len(list((folder / "answers").glob("*.json"))) == 2


def test_a_name_in_other_bytes_is_shown_as_people_read_it(world: World, folder: Path) -> None:
    raw = os.fsdecode("発行済データ.csv".encode("cp932"))
    put(folder, raw, as_bytes([["SH-AAAAAAAAAAAAA", "ヤマト運輸", tracking_number(1), "2026-11-20"]], HEADER))
    looked(world)
    assert said(folder, raw)["file"] == "発行済データ.csv"
    (event,) = world.rows("SELECT reason FROM inbox_event")
    assert event.reason == "row 2 of 発行済データ.csv: there is no shipment 'SH-AAAAAAAAAAAAA'"


def test_a_link_is_not_followed(world: World, folder: Path, tmp_path: Path) -> None:
    """Whoever may put files here may not read others through us: what stands in rows comes back in answers."""
    (other := tmp_path / "others.csv").write_bytes(numbers(world, "S-1"))
    for name, target in (("file.csv", other), ("folder.csv", tmp_path), ("nothing.csv", tmp_path / "gone")):
        (link := folder / "in" / name).symlink_to(target)
        past = link.lstat().st_mtime - SETTLED - 1
        os.utime(link, (past, past), follow_symlinks=False)
    looked(world)
    world.settle()
    assert {state for state, _ in world.states().values()} == {"released"}
    assert list((folder / "in").iterdir()) == []
    told = [row.reason for row in world.rows("SELECT reason FROM inbox_event WHERE state = 'quarantined' ORDER BY 1")]
    assert told == [
        f"{name}: it is a link, or no file at all; put the file itself here"
        for name in ("file.csv", "folder.csv", "nothing.csv")
    ]
    assert said(folder, "file.csv")["refused"] == "it is a link, or no file at all; put the file itself here"


def test_an_answer_is_written_through_no_link(world: World, folder: Path, tmp_path: Path) -> None:
    (other := tmp_path / "ours").write_text("ours")
    (folder / "answers").mkdir()
    for part in (".hakko.csv.json.part", ".answer.part"):
        (folder / "answers" / part).symlink_to(other)
    put(folder, "hakko.csv", numbers(world, "S-1"))
    looked(world)
    assert said(folder, "hakko.csv")["applied"] == 1
    assert other.read_text() == "ours"


class Hasty:
    """A clock during whose first look something happens."""

    def __init__(self, world: World, happens: Callable[[], object]) -> None:
        self._clock, self._happens = world.clock, [happens]

    def now(self) -> datetime:
        while self._happens:
            self._happens.pop()()
        return self._clock.now()


def test_a_file_that_comes_in_the_place_of_one_that_is_being_read_is_read_too(world: World, folder: Path) -> None:
    """A program that always writes the same name: the second one was taken away unread."""
    put(folder, "hakko.csv", numbers(world, "S-1"))
    house = replace(
        world.house, clock=cast(AnyClock, Hasty(world, lambda: put(folder, "hakko.csv", numbers(world, "S-2"))))
    )
    assert [one["applied"] for one in look(house, folder.parent, "warehouse")] == [1]
    assert (folder / "in" / "hakko.csv").exists()
    looked(world)
    world.settle()
    assert {state for state, _ in world.states().values()} == {"shipped"}
    assert not (folder / "in" / "hakko.csv").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_goes_before_a_person_once(world: World, folder: Path) -> None:
    put(folder, "hakko.csv", numbers(world, "S-1")).chmod(0)
    put(folder, "other.csv", numbers(world, "S-2"))
    looked(world)
    looked(world)
    world.settle()
    assert world.states()["S-2"][0] == "shipped"
    (event,) = world.rows("SELECT reason FROM inbox_event WHERE state = 'quarantined'")
    assert event.reason == "hakko.csv: it may not be read (Permission denied); let Shukka read it"
    (folder / "in" / "hakko.csv").chmod(0o600)
    looked(world)
    world.settle()
    assert world.states()["S-1"][0] == "shipped"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("発行済データ.csv".encode(), "発行済データ.csv"),
        ("発行済データ.csv".encode("cp932"), "発行済データ.csv"),
        (b"hakko.csv", "hakko.csv"),
        (b"\x81\xff.csv", "??.csv"),
    ],
)
def test_a_files_name(raw: bytes, shown: str) -> None:
    assert file_name(os.fsdecode(raw)) == shown
