"""A plug-in is one file, found by name: in its package, in the folder of plug-ins, by an entry point of another wheel."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured
from pipelines.plugins import Registry


@dataclass(frozen=True)
class Cart:
    """What the plug-ins of this test declare."""

    name: str


CART = "from tests.house.test_plugins import Cart\n\nCARRIER = Cart({name!r})\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of carts with one file of its own, ``oxcart``, and one that only helps it."""
    room = tmp_path / "carts_of_this_test"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "oxcart.py").write_text(CART.format(name="oxcart"))
    (room / "wheels.py").write_text("SPOKES = 12\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield room.name
    for name in [name for name in sys.modules if name.split(".")[0] == room.name]:
        del sys.modules[name]


@pytest.fixture
def carts(package: str) -> Registry[Cart]:
    return Registry("carriers", Cart, package, "cart")


@pytest.fixture
def folder(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> Path:
    room = tmp_path / "plugins"
    room.mkdir()
    plugins_in(room)
    return room


def distribution(site: Path, entry: str) -> None:
    """Another wheel as pip installs it: a module beside the metadata that names its entry points."""
    (site / "rickshaw_wheel.py").write_text(CART.format(name="rickshaw"))
    metadata = site / "rickshaw-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: rickshaw\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[shukka.carriers]\nrickshaw = {entry}\n")


def test_a_file_in_the_package_is_found(carts: Registry[Cart]) -> None:
    assert dict(carts) == {"oxcart": Cart("oxcart")}


def test_a_file_dropped_into_the_folder_is_found(carts: Registry[Cart], folder: Path) -> None:
    (folder / "sleigh.py").write_text(CART.format(name="sleigh"))
    assert list(carts) == ["oxcart", "sleigh"]
    assert carts.choice() == "'oxcart' or 'sleigh'"


@pytest.mark.parametrize("entry", ["rickshaw_wheel", "rickshaw_wheel:CARRIER"])
def test_an_entry_point_of_another_distribution_is_found(carts: Registry[Cart], tmp_path: Path, entry: str) -> None:
    distribution(tmp_path, entry)
    assert list(carts) == ["oxcart", "rickshaw"]


def test_a_plug_in_of_another_group_is_none_of_this_one(carts: Registry[Cart], folder: Path) -> None:
    (folder / "ledger.py").write_text("METHOD = 'a payment method, for whoever asks for methods'\n")
    assert list(carts) == ["oxcart"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (CART.format(name="oxcart"), "the cart 'oxcart' is declared by {package}.oxcart already"),
        ("CARRIER = 'sleigh'\n", "CARRIER must be a Cart"),
        (
            "CARRIR = 1\n",
            "declares no plug-in; it must have one of METHOD, GATEWAY, CARRIER, CHANNEL, EFFECT, ACTION, STATEMENT, "
            "FILE_FORMAT, MAIL_PROVIDER, INQUIRY",
        ),
        ("import no_such_module\n", "cannot be imported: ModuleNotFoundError(\"No module named 'no_such_module'\")"),
    ],
    ids=["a name that is taken", "another type", "a misspelt declaration", "a missing library"],
)
def test_what_cannot_be_used_is_refused_with_its_place(
    carts: Registry[Cart], package: str, folder: Path, source: str, says: str
) -> None:
    file = folder / "dropped.py"
    file.write_text(source)
    with pytest.raises(Misconfigured) as refused:
        dict(carts)
    assert str(refused.value) == f"{file}: {says.format(package=package)}"


def test_a_folder_that_is_not_there_is_refused(carts: Registry[Cart], plugins_in: Callable[[Path | str], None]) -> None:
    plugins_in("/no/such/folder")
    with pytest.raises(Misconfigured, match="SHUKKA_PLUGINS: /no/such/folder is no folder"):
        dict(carts)
