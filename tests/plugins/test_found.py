"""A carrier, a channel and a kind of effect are found where somebody else put them: in the folder of plug-ins, or in a
distribution of their own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import Any

import pytest

from pipelines.carriers import CARRIERS
from pipelines.carriers.carrier import Carrier
from tests.plugins import csv_channel, label_effect, neko_express
from workers.channels import CHANNELS
from workers.effects import EFFECTS

Install = Callable[[ModuleType, str], None]


@pytest.fixture
def in_the_folder(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> Install:
    """Drops the file of a plug-in into the folder."""

    def install(plug_in: ModuleType, group: str) -> None:
        shutil.copy(str(plug_in.__file__), tmp_path)
        plugins_in(tmp_path)

    return install


@pytest.fixture
def in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins_in: Callable[[Path | str], None]
) -> Iterator[Install]:
    """Installs a plug-in as pip does: a module, beside the metadata that names its entry point."""
    site, nothing = tmp_path / "site", tmp_path / "nothing"
    site.mkdir()
    nothing.mkdir()

    def install(plug_in: ModuleType, group: str) -> None:
        shutil.copy(str(plug_in.__file__), site / "somebody_elses.py")
        metadata = site / "somebody_elses-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody-elses\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[shukka.{group}]\nits = somebody_elses\n")
        monkeypatch.syspath_prepend(str(site))
        plugins_in(nothing)

    yield install
    sys.modules.pop("somebody_elses", None)


@pytest.mark.parametrize("way", ["in_the_folder", "in_a_wheel"])
@pytest.mark.parametrize(
    ("plug_in", "group", "registry", "name"),
    [
        (neko_express, "carriers", CARRIERS, "neko_express"),
        (csv_channel, "channels", CHANNELS, "csv"),
        (label_effect, "effects", EFFECTS, "labels"),
    ],
    ids=["carrier", "channel", "effect"],
)
def test_a_plug_in_is_found(
    request: pytest.FixtureRequest, way: str, plug_in: ModuleType, group: str, registry: Mapping[str, Any], name: str
) -> None:
    before = set(registry)
    request.getfixturevalue(way)(plug_in, group)
    assert set(registry) == before | {name}


def test_threads_that_ask_first_at_one_moment_find_the_same(
    tmp_path: Path, plugins_in: Callable[[Path | str], None]
) -> None:
    """What is made of all there are is kept by the tuple that holds them."""
    plugins_in(tmp_path)
    start = Barrier(8)

    def ask(_: int) -> tuple[Carrier, ...]:
        start.wait()
        return CARRIERS.every()

    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(ask, range(8))]
    assert [one is CARRIERS.every() for one in found] == [True] * 8
